//! Statements as the rooms hand them to each other: what was verified, never what was claimed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::release::{ImageRef, ReleaseId};
use crate::{CommitId, Digest, Timestamp};

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Subject {
    /// A commit of the source.
    Commit(CommitId),
    /// An image by digest.
    Image(ImageRef),
    /// A release.
    Release(ReleaseId),
}

/// Who saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// Penstock ran the pinned tool itself on the materialised commit or image.
    Observed,
    /// A job said so, in an artifact.
    Reported,
}

/// Predicate types that Penstock makes and reads.
pub mod predicate {
    /// SLSA provenance 1.0 of an image.
    pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    /// SLSA verification summary: a gate's decision.
    pub const VSA: &str = "https://slsa.dev/verification_summary/v1";
    /// An SPDX document.
    pub const SPDX: &str = "https://spdx.dev/Document";
    /// A test result (in-toto attestation framework, `test-result`).
    pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
    /// What a scanner or linter found: `{scanner, witness, findings, summary, sarif}`.
    pub const FINDINGS: &str = "https://penstock.dev/attestation/findings/v1";
    /// Coverage of a commit's tests: `{linesCovered, linesValid, percent}`.
    pub const COVERAGE: &str = "https://penstock.dev/attestation/coverage/v1";
    /// An approval: `{environment, revision, policy, expires, approver}`.
    pub const APPROVAL: &str = "https://penstock.dev/attestation/approval/v1";
    /// A check against an environment: integration tests, load.
    pub const ENVIRONMENT_CHECK: &str = "https://penstock.dev/attestation/environment-check/v1";
    /// An image that was not built here was let in.
    pub const IMPORT: &str = "https://penstock.dev/attestation/import/v1";
    /// Two people opened a gate for a time.
    pub const BREAK_GLASS: &str = "https://penstock.dev/attestation/break-glass/v1";
}

/// A statement whose signature and subject have been verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The digest of the envelope (or bundle) that was verified.
    pub envelope: Digest,
    /// What it is about.
    pub subject: Subject,
    /// What it says, by type.
    pub predicate_type: String,
    /// What it says. Large parts (an SBOM, SARIF) are named by digest here and lie in the blob store.
    pub predicate: Value,
    /// Who saw it.
    pub witness: Witness,
    /// What it says it is called: a tool's or check's name, such as `gitleaks`, `pytest`, `integration`.
    pub name: String,
    /// When it was signed.
    pub at: Timestamp,
    /// The key that signed.
    pub key_id: String,
}
