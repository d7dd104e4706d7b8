//! gitleaks on the tree, its JSON report. The secret itself is neither asked for (`--redact`) nor read.

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use serde::Deserialize;

use super::{ReadError, call as make, place, read_json};
use crate::finding::{Draft, Level, Severity};
use crate::judged::Judged;

/// What one does about a secret that was pushed.
pub(super) const FIX: &str = "revoke it, since Git remembers it; then take it out of the file and push again";

pub(super) fn call(judged: &Judged<'_>) -> ToolCall {
    let args = [
        "dir",
        "--no-banner",
        "--no-color",
        "--log-level=error",
        "--exit-code=0",
        "--redact=100",
        // a comment in the judged commit does not excuse it
        "--ignore-gitleaks-allow",
        "--report-format=json",
        "--report-path={output}",
    ];
    // it takes one directory: what was asked for is sorted out of its report
    make("gitleaks", &args, vec!["{input}".to_owned()], judged, ToolResult::File, &[0])
}

// `Match`, `Secret` and the like are left out on purpose
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Leak {
    #[serde(rename = "RuleID")]
    rule_id: String,
    description: String,
    file: String,
    start_line: u64,
    end_line: u64,
    start_column: u64,
    end_column: u64,
}

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    // nothing found is `[]`; older versions wrote `null`
    let leaks: Option<Vec<Leak>> = read_json("gitleaks", &output.result)?;
    let draft = |leak: Leak| {
        let mut draft =
            Draft::new(&leak.rule_id, Level::Error, &leak.description, place(judged, &leak.file, leak.start_line, leak.start_column))
                .severity(Severity::Critical);
        draft.secret = Some(secret_columns(leak.start_line == leak.end_line, leak.start_column, leak.end_column));
        draft.fix = Some(FIX.to_owned());
        draft
    };
    let asked = |draft: &Draft| {
        let path = draft.location.as_ref().map_or("", |location| location.path.as_str());
        judged.paths.is_empty() || judged.files().any(|file| file == path)
    };
    Ok(leaks.unwrap_or_default().into_iter().map(draft).filter(asked).collect())
}

/// The columns of a secret on its first line; one that goes on takes the rest of the line. gitleaks counts columns of
/// later lines from the newline before, one too many, so that one more on either side is left out.
pub(super) fn secret_columns(one_line: bool, from: u64, to: u64) -> (u32, u32) {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let from = number(from.saturating_sub(1)).max(1);
    (from, if one_line { number(to).saturating_add(1).max(from) } else { u32::MAX })
}
