//! bandit, its JSON.

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use serde::Deserialize;

use super::{ReadError, any_python, call as make, place, read_json, targets};
use crate::finding::{Draft, Level, Severity};
use crate::judged::Judged;

pub(super) fn call(judged: &Judged<'_>) -> Option<ToolCall> {
    // a comment in the judged commit does not excuse it
    let args = ["--recursive", "--format=json", "--quiet", "--exit-zero", "--ignore-nosec"];
    any_python(judged).then(|| make("bandit", &args, targets(judged), judged, ToolResult::Stdout, &[0]))
}

#[derive(Deserialize)]
struct Output {
    errors: Vec<Unread>,
    results: Vec<Issue>,
}

#[derive(Deserialize)]
struct Unread {
    filename: String,
    reason: String,
}

#[derive(Deserialize)]
struct Issue {
    test_id: String,
    test_name: String,
    issue_text: String,
    issue_severity: String,
    filename: String,
    line_number: u64,
    #[serde(default)]
    col_offset: i64,
    #[serde(default)]
    more_info: String,
}

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let report: Output = read_json("bandit", &output.result)?;
    let unread = report.errors.into_iter().map(|unread| {
        let message = format!("bandit could not judge this file: {}", unread.reason);
        Draft::new("unread", Level::Error, &message, place(judged, &unread.filename, 0, 0))
    });
    let issues = report.results.into_iter().map(|issue| {
        let severity = Severity::read(&issue.issue_severity);
        let column = u64::try_from(issue.col_offset.saturating_add(1)).unwrap_or(0);
        let rule = format!("{}:{}", issue.test_id, issue.test_name);
        let location = place(judged, &issue.filename, issue.line_number, column);
        let mut draft = Draft::new(&rule, severity.level(), &issue.issue_text, location).severity(severity);
        draft.fix = Some(issue.more_info).filter(|text| !text.is_empty());
        draft
    });
    Ok(unread.chain(issues).collect())
}
