//! What tools and tests found.

use std::collections::BTreeMap;

use penstock_model::evidence::Witness;
use penstock_model::release::Revision;
use penstock_model::{Digest, EnvironmentName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::statement::Descriptor;

/// How a test or check ended, in the words of the in-toto `test-result` predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// All passed.
    Passed,
    /// Passed with warnings.
    Warned,
    /// At least one failed.
    Failed,
}

/// in-toto `test-result` v0.1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// How it ended.
    pub result: Outcome,
    /// What it ran with.
    #[serde(default)]
    pub configuration: Vec<Descriptor>,
    /// Names of tests that passed; left out when there are too many to name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_tests: Vec<String>,
    /// Names of tests that warned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned_tests: Vec<String>,
    /// Names of tests that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
    /// Figures: how many passed, failed, were skipped; the exit code; where the report lies.
    #[serde(rename = "penstock_figures", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, Value>,
}

/// The tool that looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanner {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of the program that ran; of the advisories' files for the own matching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// How many findings of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingsSummary {
    /// SARIF `error`.
    pub error: usize,
    /// SARIF `warning`.
    pub warning: usize,
    /// SARIF `note`.
    pub note: usize,
    /// SARIF `none`.
    pub none: usize,
    /// Findings that `findings` leaves out (SARIF has all of them).
    pub left_out: usize,
}

/// What a scanner or linter found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The tool.
    pub scanner: Scanner,
    /// Who saw it.
    pub witness: Witness,
    /// The findings, the worst first: `{rule, level, message, location, fingerprint}`.
    pub findings: Vec<Value>,
    /// How many.
    pub summary: FindingsSummary,
    /// The digest of the SARIF document with all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sarif: Option<Digest>,
}

/// Coverage of a commit's tests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Lines that tests reached.
    pub lines_covered: u64,
    /// Lines there are.
    pub lines_valid: u64,
    /// Their ratio in percent, rounded down to hundredths, so that 79.999 is not 80.
    pub percent: f64,
}

impl Coverage {
    /// Coverage from two counts. No lines at all are no coverage.
    pub fn new(lines_covered: u64, lines_valid: u64) -> Self {
        let covered = lines_covered.min(lines_valid);
        let hundredths = u128::from(covered) * 10_000 / u128::from(lines_valid.max(1));
        let percent = f64::from(u32::try_from(hundredths).unwrap_or(0)) / 100.0;
        Self { lines_covered: covered, lines_valid, percent }
    }
}

/// An SPDX document: whole when small, by digest otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Spdx(Value);

/// Documents up to this size are in the statement itself.
pub const MAX_INLINE_SPDX: usize = 1 << 20;

impl Spdx {
    /// From a document's bytes; `None` if they are not JSON with an `spdxVersion`.
    pub fn new(document: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(document).ok()?;
        let version = value.get("spdxVersion")?.as_str()?;
        if document.len() <= MAX_INLINE_SPDX {
            return Some(Self(value));
        }
        let packages = value.get("packages").and_then(Value::as_array).map_or(0, Vec::len);
        let digest = Descriptor::bytes("document", "", &Digest::of(document));
        Some(Self(serde_json::json!({
            "spdxVersion": version,
            "SPDXID": value.get("SPDXID"),
            "name": value.get("name"),
            "penstock_document": digest,
            "penstock_packages": packages,
        })))
    }
}

/// A check against an environment after a release was synced there. Its subject is the release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentCheck {
    /// The environment.
    pub environment: EnvironmentName,
    /// What ran there.
    pub revision: Revision,
    /// The check's name in `penstock.yaml`.
    pub check: String,
    /// How it ended.
    pub result: Outcome,
    /// What it measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, Value>,
    /// What failed, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_never_rounded_up_to_a_threshold() {
        assert!(Coverage::new(79_999, 100_000).percent < 80.0);
        assert!((Coverage::new(4, 5).percent - 80.0).abs() < f64::EPSILON);
        assert!(Coverage::new(0, 0).percent.abs() < f64::EPSILON);
        assert!((Coverage::new(u64::MAX, 1).percent - 100.0).abs() < f64::EPSILON, "more than all is all");
    }

    #[test]
    fn a_large_document_is_named_by_digest() {
        let small = br#"{"spdxVersion": "SPDX-2.3", "packages": []}"#;
        assert!(Spdx::new(small).unwrap().0.get("packages").is_some());
        let large = format!(r#"{{"spdxVersion": "SPDX-2.3", "packages": ["{}"]}}"#, "x".repeat(MAX_INLINE_SPDX));
        let Spdx(value) = Spdx::new(large.as_bytes()).unwrap();
        assert_eq!(value["penstock_document"]["digest"]["sha256"], Digest::of(&large).hex());
        assert_eq!(value["penstock_packages"], 1);
        assert!(Spdx::new(b"{}").is_none());
    }
}
