//! What jobs ask of the server.

use penstock_model::blob::LogLine;
use serde::{Deserialize, Serialize};

/// What a streaming job call says, one JSON value a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum WorkLine {
    /// A line of progress.
    Log(LogLine),
    /// The end.
    Done(WorkDone),
}

/// How a streaming job call ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkDone {
    /// What the job's command exits with.
    pub exit_code: i32,
    /// Printed as the last line: an image by digest, or a summary.
    pub output: String,
    /// Why it failed, and what to do.
    pub error: Option<String>,
}

/// Query of `POST /job/build`; the body is the context as a tar stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BuildQuery {
    /// The image's name within the project.
    pub image: String,
    /// The Dockerfile's path below the context.
    pub file: String,
    /// `NAME=value`, as a JSON object.
    #[serde(default)]
    pub args: String,
}

/// Body of `POST /job/check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRequest {
    /// The tool.
    pub tool: String,
    /// The image that this run built, for checks of images.
    pub image: Option<String>,
    /// Paths below the checkout; all if empty.
    pub paths: Vec<String>,
}

/// Body of `POST /job/test-image`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestImageRequest {
    /// The image that this run built.
    pub image: String,
    /// The container's arguments.
    pub args: Vec<String>,
    /// The time limit in seconds.
    pub timeout_seconds: u64,
}
