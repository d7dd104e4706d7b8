//! Result files of tests and load, as the predicates of statements.

use std::collections::BTreeMap;
use std::io::Read;

use penstock_model::Digest;
use penstock_scan::{CaseOutcome, TestCase, read_cobertura, read_junit, read_k6};
use penstock_trust::predicate::{Coverage, Outcome, TestResult};
use serde_json::{Value, json};

/// The most names of tests in a statement.
const MAX_NAMES: usize = 500;

/// A `JUnit` file.
pub(crate) fn junit(bytes: &[u8], digest: Digest) -> Result<TestResult, String> {
    let report = read_junit(bytes).map_err(|error| error.to_string())?;
    let named = |cases: Vec<&TestCase>| cases.into_iter().take(MAX_NAMES).map(|case| case.name.clone()).collect();
    let passed: Vec<_> = report.cases.iter().filter(|case| case.outcome == CaseOutcome::Passed).collect();
    let failed: Vec<_> = report.failures().collect();
    let figures = BTreeMap::from([
        ("passed".to_owned(), json!(passed.len())),
        ("failed".to_owned(), json!(failed.len())),
        ("skipped".to_owned(), json!(report.count(CaseOutcome::Skipped))),
        ("report".to_owned(), json!(digest)),
    ]);
    Ok(TestResult {
        result: if report.passed() { Outcome::Passed } else { Outcome::Failed },
        configuration: Vec::new(),
        passed_tests: named(passed),
        warned_tests: Vec::new(),
        failed_tests: named(failed),
        figures,
    })
}

/// A test result in one line.
pub(crate) fn tests_in_words(tests: &TestResult) -> String {
    let number = |name: &str| tests.figures.get(name).and_then(Value::as_u64).unwrap_or(0);
    format!("{} passed, {} failed, {} skipped", number("passed"), number("failed"), number("skipped"))
}

/// A Cobertura file.
pub(crate) fn coverage(bytes: &[u8]) -> Result<Coverage, String> {
    let report = read_cobertura(bytes).map_err(|error| error.to_string())?;
    Ok(Coverage::new(report.lines_covered, report.lines_valid))
}

/// A load test's outcome.
pub(crate) struct Load {
    pub passed: bool,
    pub words: String,
    pub figures: BTreeMap<String, Value>,
    pub failures: Vec<String>,
}

/// k6's summary.
pub(crate) fn k6(bytes: &[u8]) -> Result<Load, String> {
    let summary = read_k6(bytes).map_err(|error| error.to_string())?;
    let failures = summary
        .thresholds
        .iter()
        .filter(|threshold| !threshold.held)
        .map(|threshold| format!("{} {}", threshold.metric, threshold.expression))
        .collect();
    let figures = BTreeMap::from([
        ("requests".to_owned(), json!(summary.requests)),
        ("failedRate".to_owned(), json!(summary.failed_rate)),
        ("p95Ms".to_owned(), json!(summary.p95_ms)),
        ("dropped".to_owned(), json!(summary.dropped)),
    ]);
    let words = format!(
        "{} requests, {:.2} % failed, p95 {:.1} ms",
        summary.requests,
        summary.failed_rate.unwrap_or(0.0) * 100.0,
        summary.p95_ms.unwrap_or(0.0)
    );
    Ok(Load { passed: summary.passed(), words, figures, failures })
}

/// One file of a tar archive.
pub(crate) fn file_of(archive: &[u8], path: &str) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let is = entry.path().ok()?.to_string_lossy().trim_start_matches("./") == path;
        if is {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).ok()?;
            return Some(bytes);
        }
    }
    None
}
