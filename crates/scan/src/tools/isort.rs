//! isort: one finding a file whose imports are not in order.

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};

use super::{ReadError, any_python, call as make, crashed, targets};
use crate::finding::Draft;
use crate::judged::Judged;

pub(super) fn call(judged: &Judged<'_>) -> Option<ToolCall> {
    let args = ["--check-only", "--diff", "--settings-path", "{input}"];
    any_python(judged).then(|| make("isort", &args, targets(judged), judged, ToolResult::Stdout, &[0, 1]))
}

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let drafts =
        super::black::diff(&String::from_utf8_lossy(&output.result), judged, "imports", "isort would order these imports differently");
    // 1 is also what an unusable setting gives
    if output.exit_code == 1 && drafts.is_empty() {
        return Err(crashed("isort", output));
    }
    Ok(drafts)
}
