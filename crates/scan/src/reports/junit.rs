//! `JUnit` reports: what passed, failed, was skipped.

use quick_xml::events::{BytesStart, Event};
use serde::{Deserialize, Serialize};

use super::{MAX_DEPTH, ReportError, attribute, xml};
use crate::finding::shorten;

const KIND: &str = "JUnit";
/// The most cases that are read.
const MAX_CASES: usize = 200_000;

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// It passed.
    Passed,
    /// An assertion failed.
    Failed,
    /// It broke.
    Errored,
    /// It did not run.
    Skipped,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestCase {
    /// Its class or module, and its name.
    pub name: String,
    /// How it ended.
    pub outcome: CaseOutcome,
    /// Seconds it took, as reported.
    pub seconds: f64,
    /// What a failure said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// All tests of a report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JunitReport {
    /// The tests, in the order of the report.
    pub cases: Vec<TestCase>,
}

impl JunitReport {
    /// How many ended so.
    pub fn count(&self, outcome: CaseOutcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// True if something passed and nothing failed or broke. A report without a test says nothing, so it did not pass.
    pub fn passed(&self) -> bool {
        self.count(CaseOutcome::Passed) > 0 && self.count(CaseOutcome::Failed) == 0 && self.count(CaseOutcome::Errored) == 0
    }

    /// Names of tests that failed or broke.
    pub fn failures(&self) -> impl Iterator<Item = &TestCase> {
        self.cases.iter().filter(|case| matches!(case.outcome, CaseOutcome::Failed | CaseOutcome::Errored))
    }
}

/// Reads a report. The counts that it claims are ignored; the cases are counted.
pub fn read_junit(bytes: &[u8]) -> Result<JunitReport, ReportError> {
    let mut reader = xml(KIND, bytes)?;
    let mut report = JunitReport::default();
    let (mut depth, mut root) = (0_usize, false);
    let mut inside: Option<usize> = None;
    loop {
        let (element, opens) = match reader.read_event().map_err(|error| ReportError::form(KIND, &error))? {
            Event::Start(element) => (element.into_owned(), true),
            Event::Empty(element) => (element.into_owned(), false),
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                if element.local_name().as_ref() == "testcase" {
                    inside = None;
                }
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = element.local_name();
        if depth == 0 {
            root = matches!(name.as_ref(), "testsuites" | "testsuite");
        }
        match (name.as_ref(), inside) {
            ("testcase", None) if root => {
                if report.cases.len() >= MAX_CASES {
                    return Err(ReportError::TooLarge { kind: KIND, what: format!("more than {MAX_CASES} cases") });
                }
                report.cases.push(case(&element)?);
                inside = opens.then_some(report.cases.len() - 1);
            }
            ("failure", Some(at)) => worse(&mut report.cases[at], CaseOutcome::Failed, &element)?,
            ("error", Some(at)) => worse(&mut report.cases[at], CaseOutcome::Errored, &element)?,
            ("skipped", Some(at)) if report.cases[at].outcome == CaseOutcome::Passed => {
                worse(&mut report.cases[at], CaseOutcome::Skipped, &element)?;
            }
            _ => {}
        }
        depth += usize::from(opens);
        if depth > MAX_DEPTH {
            return Err(ReportError::TooLarge { kind: KIND, what: format!("elements nested deeper than {MAX_DEPTH}") });
        }
    }
    if depth > 0 || !root {
        let what = if root { "it ends in the middle" } else { "its root is neither `testsuites` nor `testsuite`" };
        return Err(ReportError::form(KIND, &what));
    }
    Ok(report)
}

fn case(element: &BytesStart<'_>) -> Result<TestCase, ReportError> {
    let name = attribute(KIND, element, "name")?.unwrap_or_default();
    let class = attribute(KIND, element, "classname")?.filter(|class| !class.is_empty());
    let name = class.map_or(name.clone(), |class| format!("{class}::{name}"));
    let seconds =
        attribute(KIND, element, "time")?.and_then(|time| time.parse::<f64>().ok()).filter(|time| time.is_finite() && *time >= 0.0);
    Ok(TestCase { name: shorten(&name, 300), outcome: CaseOutcome::Passed, seconds: seconds.unwrap_or(0.0), message: None })
}

fn worse(case: &mut TestCase, outcome: CaseOutcome, element: &BytesStart<'_>) -> Result<(), ReportError> {
    case.outcome = outcome;
    case.message = attribute(KIND, element, "message")?.map(|message| shorten(&message, 500));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_and_not_what_the_report_claims() {
        let report = read_junit(
            br#"<?xml version="1.0"?><testsuites><testsuite tests="9" failures="0">
            <testcase classname="a.b" name="ok" time="0.5"/>
            <testcase name="bad"><failure message="1 &lt; 2">trace</failure></testcase>
            <testcase name="broke"><error/><system-out><testcase name="no"/></system-out></testcase>
            <testcase name="later"><skipped message="why"/></testcase>
            </testsuite></testsuites>"#,
        )
        .unwrap();
        let outcomes: Vec<_> = report.cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect();
        use CaseOutcome::{Errored, Failed, Passed, Skipped};
        assert_eq!(outcomes, [("a.b::ok", Passed), ("bad", Failed), ("broke", Errored), ("later", Skipped)]);
        assert_eq!(report.cases[1].message.as_deref(), Some("1 < 2"));
        assert!(!report.passed());
    }

    #[test]
    fn a_report_that_says_nothing_did_not_pass() {
        assert!(!read_junit(b"<testsuites/>").unwrap().passed());
        assert!(!read_junit(b"<testsuite><testcase name='a'><skipped/></testcase></testsuite>").unwrap().passed());
        assert!(read_junit(b"<testsuite><testcase name='a'/></testsuite>").unwrap().passed());
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        let deep = "<testsuite>".repeat(1_000);
        for bad in ["", "x", "<html/>", "<testsuite>", "<testsuite></other>", "<testsuite><testcase name='&x;'/></testsuite>", &deep] {
            assert!(read_junit(bad.as_bytes()).is_err(), "{bad}");
        }
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>"#;
        assert!(read_junit(bomb.as_bytes()).is_err(), "entities are not expanded");
    }
}
