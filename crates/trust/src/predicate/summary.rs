//! SLSA verification summary 1: a gate's decision.

use std::collections::BTreeMap;

use penstock_model::release::{ImageName, ReleaseId, Revision};
use penstock_model::{Digest, EnvironmentName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::statement::Descriptor;

/// The predicate. Fields that begin with `penstock_` are ours, as SLSA asks of extensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who decided.
    pub verifier: Verifier,
    /// When, RFC 3339.
    pub time_verified: String,
    /// What was asked: `penstock:environment/NAME?release=DIGEST`.
    pub resource_uri: String,
    /// The policy that decided.
    pub policy: PolicyRef,
    /// The evidence it saw.
    pub input_attestations: Vec<Descriptor>,
    /// The decision.
    pub verification_result: VerificationResult,
    /// Which levels hold.
    pub verified_levels: Vec<String>,
    /// SLSA's version.
    pub slsa_version: String,
    /// The environment.
    #[serde(rename = "penstock_environment")]
    pub environment: EnvironmentName,
    /// The revision it is for.
    #[serde(rename = "penstock_revision")]
    pub revision: Revision,
    /// The images it lets in.
    #[serde(rename = "penstock_images")]
    pub images: BTreeMap<ImageName, Digest>,
    /// Why not, and warnings: `{denials, warnings, overridden}` as the gate gives them.
    #[serde(rename = "penstock_decision", default, skip_serializing_if = "Value::is_null")]
    pub decision: Value,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// A URI that names this Penstock.
    pub id: String,
    /// Versions by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// The policy that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRef {
    /// Where it lies: the config repository and its commit.
    pub uri: String,
    /// Its digests by algorithm.
    pub digest: BTreeMap<String, String>,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationResult {
    /// The release may go there.
    Passed,
    /// It may not.
    Failed,
}

/// What the gate knows.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryInput {
    /// A URI that names this Penstock.
    pub verifier_id: String,
    /// Its version.
    pub verifier_version: String,
    /// When it decided.
    pub at: Timestamp,
    /// The environment.
    pub environment: EnvironmentName,
    /// The release.
    pub release: ReleaseId,
    /// The revision.
    pub revision: Revision,
    /// The release's images.
    pub images: BTreeMap<ImageName, Digest>,
    /// Where the policy lies.
    pub policy_uri: String,
    /// The policy set's digest.
    pub policy: Digest,
    /// The evidence it saw.
    pub evidence: Vec<Digest>,
    /// Whether the release may go there.
    pub allow: bool,
    /// Whether people broke the glass for it.
    pub broken_glass: bool,
    /// Denials and warnings, as the gate gives them.
    pub decision: Value,
}

impl From<SummaryInput> for Summary {
    fn from(input: SummaryInput) -> Self {
        let level = match (input.allow, input.broken_glass) {
            (true, false) => vec!["SLSA_BUILD_LEVEL_2".to_owned(), "PENSTOCK_GATE_PASSED".to_owned()],
            (true, true) => vec!["PENSTOCK_BREAK_GLASS".to_owned()],
            (false, _) => vec!["FAILED".to_owned()],
        };
        Self {
            verifier: Verifier { id: input.verifier_id, version: BTreeMap::from([("penstock".to_owned(), input.verifier_version)]) },
            time_verified: input.at.rfc3339(),
            resource_uri: format!("penstock:environment/{}?release={}", input.environment, input.release),
            policy: PolicyRef { uri: input.policy_uri, digest: BTreeMap::from([("sha256".to_owned(), input.policy.hex())]) },
            input_attestations: input.evidence.iter().map(|digest| Descriptor::bytes("", "", digest)).collect(),
            verification_result: if input.allow { VerificationResult::Passed } else { VerificationResult::Failed },
            verified_levels: level,
            slsa_version: "1.0".to_owned(),
            environment: input.environment,
            revision: input.revision,
            images: input.images,
            decision: input.decision,
        }
    }
}

impl Summary {
    /// Reads the predicate of a verified statement.
    pub fn read(predicate: &Value) -> Option<Self> {
        Self::deserialize(predicate).ok()
    }

    /// True if this is a decision that lets exactly this image into this environment.
    pub fn admits(&self, environment: &EnvironmentName, image: &ImageName, digest: &Digest) -> bool {
        self.verification_result == VerificationResult::Passed && self.environment == *environment && self.images.get(image) == Some(digest)
    }
}
