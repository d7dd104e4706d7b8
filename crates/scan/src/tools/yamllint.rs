//! yamllint, its `parsable` lines: `PATH:LINE:COLUMN: [LEVEL] MESSAGE (RULE)`.

use std::sync::LazyLock;

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use regex::Regex;

use super::{MAX_LINES, ReadError, call as make, crashed, form, place, targets};
use crate::finding::{Draft, Level};
use crate::judged::Judged;

pub(super) fn call(judged: &Judged<'_>) -> Option<ToolCall> {
    let yaml = |file: &str| file.ends_with(".yaml") || file.ends_with(".yml") || file.ends_with(".yamllint");
    let config = judged.tree.first_of(&[".yamllint", ".yamllint.yaml", ".yamllint.yml"]).map(|name| format!("{{input}}/{name}"));
    let mut args = vec!["--format", "parsable"];
    if let Some(config) = &config {
        args.extend(["--config-file", config]);
    }
    judged.files().any(yaml).then(|| make("yamllint", &args, targets(judged), judged, ToolResult::Stdout, &[0, 1]))
}

static LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.+?):(\d+):(\d+): \[(error|warning)\] (.*?)(?: \(([a-z-]+)\))?$").ok());

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let text = String::from_utf8_lossy(&output.result);
    let mut drafts = Vec::new();
    for line in text.lines().take(MAX_LINES).filter(|line| !line.trim().is_empty()) {
        let found = LINE.as_ref().and_then(|regex| regex.captures(line.trim_end()));
        let found = found.ok_or_else(|| form("yamllint")(&format!("`{line}` is not a line of its `parsable` format")))?;
        let number = |n: usize| found[n].parse().unwrap_or(0);
        let level = if &found[4] == "error" { Level::Error } else { Level::Warning };
        let rule = found.get(6).map_or("yaml", |rule| rule.as_str());
        drafts.push(Draft::new(rule, level, &found[5], place(judged, &found[1], number(2), number(3))));
    }
    // 1 is also what a broken configuration gives
    if output.exit_code == 1 && drafts.is_empty() {
        return Err(crashed("yamllint", output));
    }
    Ok(drafts)
}
