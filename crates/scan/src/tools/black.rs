//! black: one finding a file that is not formatted. `--diff` on standard output names files and lines for machines.

use std::sync::LazyLock;

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use regex::Regex;

use super::{MAX_LINES, ReadError, any_python, call as make, crashed, place, targets};
use crate::finding::{Draft, Level};
use crate::judged::Judged;

pub(super) fn call(judged: &Judged<'_>) -> Option<ToolCall> {
    // 123: at least one file cannot be parsed, which is a finding; a crash has the same code and no such line
    any_python(judged)
        .then(|| make("black", &["--check", "--diff", "--no-color", "--quiet"], targets(judged), judged, ToolResult::Stdout, &[0, 1, 123]))
}

/// Both forms that its versions print: `error: cannot parse: PATH:1:11` and `error: cannot format PATH: Cannot parse …: 1:11: …`.
static BROKEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^error: cannot (?:parse: (.+?):(\d+):(\d+)|format (.+?): (.*?(\d+):(\d+).*|.*))$").ok());

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let mut drafts = diff(&String::from_utf8_lossy(&output.result), judged, "format", "black would format this file differently");
    let formatted = drafts.len();
    for line in output.stderr.lines().take(MAX_LINES) {
        let Some(found) = BROKEN.as_ref().and_then(|broken| broken.captures(line.trim_end())) else { continue };
        let text = |n| found.get(n).map_or("", |m| m.as_str());
        let path = if text(1).is_empty() { text(4) } else { text(1) };
        let number = |a, b| text(a).parse().or_else(|_| text(b).parse()).unwrap_or(0);
        let location = place(judged, path, number(2, 6), number(3, 7));
        drafts.push(Draft::new("parse", Level::Error, "this is not Python that black can parse", location));
    }
    if (output.exit_code == 123 && drafts.len() == formatted) || (output.exit_code == 1 && formatted == 0) {
        return Err(crashed("black", output));
    }
    Ok(drafts)
}

/// One finding a file of a unified diff, at its first changed line.
pub(super) fn diff(text: &str, judged: &Judged<'_>, rule: &str, message: &str) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut file: Option<&str> = None;
    let mut lines = text.lines().take(MAX_LINES).peekable();
    while let Some(line) = lines.next() {
        if let Some(header) = line.strip_prefix("--- ")
            && lines.peek().is_some_and(|next| next.starts_with("+++ "))
        {
            let name = header.split('\t').next().unwrap_or(header);
            file = Some(name.strip_suffix(":before").unwrap_or(name));
            continue;
        }
        let Some(hunk) = line.strip_prefix("@@ -") else { continue };
        let Some(name) = file.take() else { continue };
        let start: u64 = hunk.split([',', ' ']).next().and_then(|n| n.parse().ok()).unwrap_or(0);
        // unchanged lines before the first change
        let mut unchanged = 0;
        while lines.next_if(|line| line.starts_with(' ')).is_some() {
            unchanged += 1;
        }
        let mut draft = Draft::new(rule, Level::Warning, message, place(judged, name, start + unchanged, 0));
        // the file as a whole: which line comes first says nothing
        draft.context = Some(String::new());
        draft.fix = Some(format!("run {} on it", if rule == "format" { "black" } else { "isort" }));
        drafts.push(draft);
    }
    drafts
}
