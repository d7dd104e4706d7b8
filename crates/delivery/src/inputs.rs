//! What a gate is asked with, and the name of that, so that it is asked again exactly when something changed.

use std::collections::BTreeSet;

use penstock_gate::Environment;
use penstock_model::canonical::canonical_digest;
use penstock_model::evidence::predicate;
use penstock_model::{Digest, Timestamp};
use serde_json::json;

use crate::world::{ReleaseRecord, World};

/// The digest of everything that may change a gate's answer: evidence, approvals, the config repository, and which
/// time-bound things (freeze windows, approvals) are in force.
pub fn gate_inputs(world: &World, record: &ReleaseRecord, environment: &Environment, now: Timestamp) -> Digest {
    let state = record.environments.get(&environment.name);
    let evidence: BTreeSet<Digest> = world
        .evidence_for(record.id, &record.release)
        .iter()
        .filter(|evidence| !is_answer(&evidence.predicate_type))
        .map(|evidence| evidence.envelope)
        .collect();
    let approvals: Vec<_> = state
        .map(|state| state.approvals.iter().filter(|approval| approval.expires > now).map(|approval| approval.envelope).collect())
        .unwrap_or_default();
    let frozen: Vec<bool> = environment.freeze.iter().map(|window| window.holds(now)).collect();
    let config = world.projects.get(&record.release.project).and_then(|project| project.config.as_ref()).map(|seen| seen.commit.clone());
    canonical_digest(&json!({ "evidence": evidence, "approvals": approvals, "frozen": frozen, "config": config }))
        .unwrap_or_else(|_| Digest::of(b""))
}

/// What comes of asking must not cause another question.
fn is_answer(predicate_type: &str) -> bool {
    predicate_type == predicate::VSA
}
