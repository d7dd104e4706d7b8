//! `JUnit` reports: what passed, failed, was skipped.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use serde::{Deserialize, Serialize};

use super::markup::tags;
use super::{MAX_DEPTH, ReportError, attribute};
use crate::finding::shorten;

const KIND: &str = "JUnit";

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
    /// It passed only when it was tried again, as Maven's Surefire says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// Reads a report of any length, and gives its cases one by one: the counts that it claims are ignored. Nothing is held but the case that is being read, with at most
/// 4 MiB of attributes; what cases printed is passed over.
pub fn read_junit(input: impl BufRead, each: &mut dyn FnMut(TestCase)) -> Result<(), ReportError> {
    let mut reader = tags(input);
    let (mut depth, mut root, mut buffer) = (0_usize, false, Vec::new());
    let mut open: Option<TestCase> = None;
    loop {
        buffer.clear();
        let (element, opens) = match reader.read_event_into(&mut buffer).map_err(|error| ReportError::form(KIND, &error))? {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                if element.local_name().as_ref() == "testcase"
                    && let Some(case) = open.take()
                {
                    each(case);
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
        match (name.as_ref(), &mut open) {
            ("testcase", None) if root && opens => open = Some(case(&element)?),
            ("testcase", None) if root => each(case(&element)?),
            ("failure", Some(case)) => worse(case, CaseOutcome::Failed, &element)?,
            ("error", Some(case)) => worse(case, CaseOutcome::Errored, &element)?,
            ("skipped", Some(case)) if case.outcome == CaseOutcome::Passed => worse(case, CaseOutcome::Skipped, &element)?,
            ("flakyFailure" | "flakyError", Some(case)) => case.again = true,
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
    Ok(())
}

fn case(element: &BytesStart<'_>) -> Result<TestCase, ReportError> {
    let name = attribute(KIND, element, "name")?.unwrap_or_default();
    let class = attribute(KIND, element, "classname")?.filter(|class| !class.is_empty());
    let name = class.map_or(name.clone(), |class| format!("{class}::{name}"));
    let seconds =
        attribute(KIND, element, "time")?.and_then(|time| time.parse::<f64>().ok()).filter(|time| time.is_finite() && *time >= 0.0);
    Ok(TestCase { name: shorten(&name, 300), outcome: CaseOutcome::Passed, seconds: seconds.unwrap_or(0.0), message: None, again: false })
}

fn worse(case: &mut TestCase, outcome: CaseOutcome, element: &BytesStart<'_>) -> Result<(), ReportError> {
    case.outcome = outcome;
    case.message = attribute(KIND, element, "message")?.map(|message| shorten(&message, 500));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(text: &str) -> Result<Vec<TestCase>, ReportError> {
        let mut cases = Vec::new();
        read_junit(text.as_bytes(), &mut |case| cases.push(case)).map(|()| cases)
    }

    #[test]
    fn cases_are_counted_and_not_what_the_report_claims() {
        let cases = cases(
            r#"<?xml version="1.0"?><testsuites><testsuite tests="9" failures="0">
            <testcase classname="a.b" name="ok" time="0.5"/>
            <testcase name="bad"><failure message="1 &lt; 2">trace</failure></testcase>
            <testcase name="broke"><error/><system-out><testcase name="no"/></system-out></testcase>
            <testcase name="later"><skipped message="why"/></testcase>
            </testsuite></testsuites>"#,
        )
        .unwrap();
        let outcomes: Vec<_> = cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect();
        use CaseOutcome::{Errored, Failed, Passed, Skipped};
        assert_eq!(outcomes, [("a.b::ok", Passed), ("bad", Failed), ("broke", Errored), ("later", Skipped)]);
        assert_eq!(cases[1].message.as_deref(), Some("1 < 2"));
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        let deep = "<testsuite>".repeat(1_000);
        for bad in ["", "x", "<html/>", "<testsuite>", "<testsuite></other>", "<testsuite><testcase name='&x;'/></testsuite>", &deep] {
            assert!(cases(bad).is_err(), "{bad}");
        }
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>"#;
        assert!(cases(bomb).is_err(), "entities are not expanded");
    }
}
