//! pylint, its `json2` report.

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use serde::Deserialize;

use super::{ReadError, any_python, call as make, place, read_json, targets};
use crate::finding::{Draft, Level};
use crate::judged::Judged;

pub(super) fn call(judged: &Judged<'_>) -> Option<ToolCall> {
    let config = judged.tree.first_of(&["pylintrc", ".pylintrc", "pyproject.toml", "setup.cfg"]);
    let config = config.map(|name| format!("--rcfile={{input}}/{name}"));
    // it runs apart from the project's own environment, so that an import it cannot resolve says nothing
    let mut args = vec!["--output-format=json2", "--recursive=y", "--score=n", "--persistent=n", "--jobs=1", "--disable=import-error"];
    args.extend(config.as_deref());
    // a bit mask of the kinds of messages; 32 is wrong usage
    any_python(judged).then(|| make("pylint", &args, targets(judged), judged, ToolResult::Stdout, &(0..32).collect::<Vec<_>>()))
}

#[derive(Deserialize)]
struct Output {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    symbol: String,
    message: String,
    line: Option<u64>,
    column: Option<u64>,
    absolute_path: Option<String>,
    path: String,
}

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let report: Output = read_json("pylint", &output.result)?;
    let draft = |m: Message| {
        let level = match m.kind.as_str() {
            "fatal" | "error" => Level::Error,
            "warning" => Level::Warning,
            _ => Level::Note,
        };
        let location = place(judged, m.absolute_path.as_deref().unwrap_or(&m.path), m.line.unwrap_or(0), m.column.map_or(0, |c| c + 1));
        Draft::new(&m.symbol, level, &m.message, location)
    };
    Ok(report.messages.into_iter().map(draft).collect())
}
