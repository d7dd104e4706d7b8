//! Result files of tests and load, as the predicates of statements.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};

use penstock_model::Digest;
use penstock_scan::{CaseOutcome, CoverageReport, ReportError, Tally, read_junit, read_k6};
use penstock_trust::predicate::{Coverage, Outcome, TestResult};
use serde_json::{Value, json};

/// The most names of tests in a statement.
const MAX_NAMES: usize = 500;

/// A `JUnit` file, read test by test: of any number of tests names are kept up to a limit, and all are counted.
pub(crate) fn junit(input: impl BufRead, digest: Digest, watched: BTreeSet<String>) -> Result<(TestResult, Tally), String> {
    let mut tally = Tally::new(watched);
    let (mut passed_tests, mut failed_tests) = (Vec::new(), Vec::new());
    let (mut passed, mut failed, mut skipped) = (0_u64, 0_u64, 0_u64);
    read_junit(input, &mut |case| {
        tally.take(&case);
        let (count, names) = match case.outcome {
            CaseOutcome::Passed => (&mut passed, &mut passed_tests),
            CaseOutcome::Failed | CaseOutcome::Errored => (&mut failed, &mut failed_tests),
            CaseOutcome::Skipped => {
                skipped += 1;
                return;
            }
        };
        *count += 1;
        if names.len() < MAX_NAMES {
            names.push(case.name);
        }
    })
    .map_err(|error| error.to_string())?;
    let figures = BTreeMap::from([
        ("passed".to_owned(), json!(passed)),
        ("failed".to_owned(), json!(failed)),
        ("skipped".to_owned(), json!(skipped)),
        ("report".to_owned(), json!(digest)),
    ]);
    // a report without a test says nothing, so it did not pass
    let result = if passed > 0 && failed == 0 { Outcome::Passed } else { Outcome::Failed };
    Ok((TestResult { result, configuration: Vec::new(), passed_tests, warned_tests: Vec::new(), failed_tests, figures }, tally))
}

/// A test result in one line.
pub(crate) fn tests_in_words(tests: &TestResult) -> String {
    let number = |name: &str| tests.figures.get(name).and_then(Value::as_u64).unwrap_or(0);
    format!("{} passed, {} failed, {} skipped", number("passed"), number("failed"), number("skipped"))
}

/// A report of coverage, as it was read.
pub(crate) fn coverage(read: Result<CoverageReport, ReportError>) -> Result<Coverage, String> {
    let report = read.map_err(|error| error.to_string())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_says_nothing_did_not_pass() {
        let result = |text: &str| junit(text.as_bytes(), Digest::of(""), BTreeSet::new()).unwrap().0.result;
        assert_eq!(result("<testsuites/>"), Outcome::Failed);
        assert_eq!(result("<testsuite><testcase name='a'><skipped/></testcase></testsuite>"), Outcome::Failed);
        assert_eq!(result("<testsuite><testcase name='a'/></testsuite>"), Outcome::Passed);
    }
}
