//! What a gate is asked with, and the name of that, so that it is asked again exactly when something changed.

use std::collections::BTreeSet;

use penstock_gate::Environment;
use penstock_model::canonical::canonical_digest;
use penstock_model::evidence::{Evidence, predicate};
use penstock_model::{Digest, Timestamp};
use serde_json::json;

use crate::world::{ReleaseRecord, World};

/// The digest of everything that may change a gate's answer: evidence, approvals, the config repository, and which
/// time-bound things (freeze windows, approvals, imports, broken glass) are in force.
pub fn gate_inputs(world: &World, record: &ReleaseRecord, environment: &Environment, now: Timestamp) -> Digest {
    let state = record.environments.get(&environment.name);
    let statements = world.evidence_for(record.id, &record.release);
    let evidence: BTreeSet<Digest> =
        statements.iter().filter(|evidence| !is_answer(&evidence.predicate_type)).map(|evidence| evidence.envelope).collect();
    let approvals: Vec<_> = state
        .map(|state| state.approvals.iter().filter(|approval| approval.expires > now).map(|approval| approval.envelope).collect())
        .unwrap_or_default();
    let expired: BTreeSet<Digest> = statements.iter().filter(|said| is_over(said, now)).map(|said| said.envelope).collect();
    let frozen: Vec<bool> = environment.freeze.iter().map(|window| window.holds(now)).collect();
    let config = world.projects.get(&record.release.project).and_then(|project| project.config.as_ref()).map(|seen| seen.commit.clone());
    canonical_digest(&json!({ "evidence": evidence, "approvals": approvals, "expired": expired, "frozen": frozen, "config": config }))
        .unwrap_or_else(|_| Digest::of(b""))
}

/// A statement of people that counted for a time.
fn is_over(said: &Evidence, now: Timestamp) -> bool {
    matches!(said.predicate_type.as_str(), predicate::IMPORT | predicate::BREAK_GLASS)
        && said.predicate.get("expires").and_then(serde_json::Value::as_i64).is_some_and(|expires| expires <= now.0)
}

/// What comes of asking must not cause another question.
fn is_answer(predicate_type: &str) -> bool {
    predicate_type == predicate::VSA
}
