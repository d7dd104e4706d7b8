//! Code quality reports: the part of Code Climate's issues that GitLab reads, one JSON list.

use std::io::BufRead;

use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};

use super::ReportError;
use crate::finding::{Draft, Drafts, Level, Location, Report};

const KIND: &str = "code quality";

#[derive(Deserialize)]
struct Issue {
    // GitLab takes no issue without these
    description: String,
    #[serde(rename = "fingerprint")]
    _fingerprint: String,
    severity: String,
    location: Place,
    check_name: Option<String>,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Place {
    path: Option<String>,
    lines: Option<Lines>,
    positions: Option<Positions>,
}

#[derive(Deserialize)]
struct Lines {
    begin: Option<u32>,
}

#[derive(Deserialize)]
struct Positions {
    begin: Option<Position>,
}

#[derive(Deserialize)]
struct Position {
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Deserialize)]
struct Content {
    body: Option<String>,
}

/// Reads a report, issue by issue.
pub fn read_codequality(input: impl BufRead) -> Result<Report, ReportError> {
    let mut json = serde_json::Deserializer::from_reader(input);
    let drafts = json.deserialize_seq(Issues).and_then(|drafts| json.end().map(|()| drafts));
    Ok(drafts.map_err(|error| ReportError::form(KIND, &error))?.report("codequality"))
}

struct Issues;

impl<'de> Visitor<'de> for Issues {
    type Value = Drafts;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of issues")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Drafts, A::Error> {
        let mut drafts = Drafts::default();
        while let Some(issue) = list.next_element::<Issue>()? {
            drafts.push(draft(issue));
        }
        Ok(drafts)
    }
}

fn draft(issue: Issue) -> Draft {
    // what GitLab does not know it puts last; here what nobody has weighed is an error until somebody has
    let level = match issue.severity.to_ascii_lowercase().as_str() {
        "info" | "minor" => Level::Note,
        "major" => Level::Warning,
        _ => Level::Error,
    };
    let position = issue.location.positions.and_then(|positions| positions.begin);
    let (line, column) = position.map_or((None, None), |begin| (begin.line, begin.column));
    let line = issue.location.lines.and_then(|lines| lines.begin).or(line).filter(|line| *line > 0);
    let path = issue.location.path.filter(|path| !path.is_empty());
    let location = path.map(|path| Location { path: super::below(&path), line, column: column.filter(|column| *column > 0) });
    let mut draft = Draft::new(issue.check_name.as_deref().unwrap_or("unnamed"), level, &issue.description, location);
    draft.fix = issue.content.and_then(|content| content.body).filter(|body| !body.is_empty());
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &[(&str, Level, Option<(&str, Option<u32>, Option<u32>)>)]) {
        let report = read_codequality(json.as_bytes()).unwrap();
        let place = |finding: &'_ crate::Finding| finding.location.clone();
        let seen: Vec<_> = report.findings.iter().map(|finding| (finding.rule.clone(), finding.level, place(finding))).collect();
        let expected = expected.iter().map(|(rule, level, place)| {
            let location = place.map(|(path, line, column)| Location { path: path.to_owned(), line, column });
            ((*rule).to_owned(), *level, location)
        });
        let expected: Vec<_> = expected.collect();
        assert_eq!(seen, expected);
    }

    fn issue(severity: &str, location: &str) -> String {
        format!(
            r#"{{"type": "issue", "check_name": "r", "description": "d", "fingerprint": "f", "severity": "{severity}", "location": {location}}}"#
        )
    }

    #[test]
    fn places_are_read_in_both_forms_and_severities_become_levels() {
        let lines = r#"{"path": "./src/a.js", "lines": {"begin": 7, "end": 9}}"#;
        let positions = r#"{"path": "src/b.js", "positions": {"begin": {"line": 3, "column": 4}, "end": {"line": 3, "column": 9}}}"#;
        let json = format!("[{}, {}, {}]", issue("minor", lines), issue("blocker", positions), issue("Major", "{}"));
        check(
            &json,
            &[
                ("r", Level::Error, Some(("src/b.js", Some(3), Some(4)))),
                ("r", Level::Warning, None),
                ("r", Level::Note, Some(("src/a.js", Some(7), None))),
            ],
        );
        check("[]", &[]);
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        let no_fingerprint = r#"[{"description": "d", "severity": "info", "location": {"path": "a"}}]"#;
        for bad in ["", "{}", "[", "[1]", no_fingerprint, "[] []"] {
            assert!(read_codequality(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
