//! What a policy sees.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::evidence::{Evidence, Subject};
use penstock_model::release::{ImageRef, Release, Revision};
use penstock_model::{Digest, EnvironmentName, Timestamp, UserName};
use serde_json::{Value, json};

use crate::approval::{Authors, Tally};
use crate::config::{DeliveryConfig, Environment};

/// The most statements that one decision looks at.
pub const MAX_EVIDENCE: usize = 10_000;

/// Everything that a decision depends on, beside the policy.
#[derive(Clone, Debug)]
pub struct GateInput {
    /// Which environment.
    pub environment: EnvironmentName,
    /// `penstock.yaml` of the config repository's protected branch.
    pub config: DeliveryConfig,
    /// The release.
    pub release: Release,
    /// What would run.
    pub revision: Revision,
    /// The moment it is.
    pub now: Timestamp,
    /// Verified statements on the release, its images and its commit; others are left aside.
    pub evidence: Vec<Evidence>,
    /// Who pushed commits since the last release, as authenticated.
    pub pushers: BTreeSet<UserName>,
    /// Who wrote them, as they claim.
    pub authors: Authors,
}

/// The statements that are about this release, its images or its commit: each once, the oldest first.
pub fn relevant(release: &Release, evidence: &[Evidence]) -> Vec<Evidence> {
    let id = release.id();
    let about = |e: &&Evidence| match &e.subject {
        Subject::Commit(commit) => *commit == release.commit,
        Subject::Image(ImageRef { name, digest }) => release.images.get(name) == Some(digest),
        Subject::Release(other) => *other == id,
    };
    let sorted: BTreeMap<(Timestamp, Digest), &Evidence> = evidence.iter().filter(about).map(|e| ((e.at, e.envelope), e)).collect();
    sorted.into_values().cloned().collect()
}

/// The document that the policy sees as `input`.
pub(crate) fn document(input: &GateInput, environment: &Environment, evidence: &[Evidence], tally: &Tally) -> Value {
    let release = &input.release;
    let now = input.now.rfc3339();
    let valid: Vec<_> = tally.valid.iter().map(|(approver, until)| json!({"approver": approver, "expires": until})).collect();
    json!({
        "environment": input.environment,
        "config": environment,
        "now": input.now,
        "now_rfc3339": now,
        "today": now.get(..10),
        "release": {
            "id": release.id(),
            "project": release.project,
            "commit": release.commit,
            "images": release.images,
            "config": release.config,
        },
        "revision": input.revision,
        "evidence": evidence,
        "approvals": {
            "required": environment.approvals.as_ref().map_or(0, |rule| rule.required),
            "valid": valid,
        },
        "pushers": input.pushers,
    })
}
