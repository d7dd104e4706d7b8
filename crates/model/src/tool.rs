//! Tools that others make, run by us at a pinned version.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::job::RunnerError;

/// A call of a tool; made by the scan room, carried out by the runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The program's name as the tools' directory has it, such as `gitleaks`.
    pub program: String,
    /// Its arguments. `{input}` stands for the directory or file that is judged, `{output}` for a file to write.
    pub args: Vec<String>,
    /// What is judged; seen read-only.
    pub input: PathBuf,
    /// Whether the result is in `{output}` or on standard output.
    pub result: ToolResult,
    /// Exit codes that mean that the tool ran (whatever it found).
    pub ran: Vec<i32>,
    /// The time limit.
    pub timeout: Duration,
}

/// Where a tool leaves its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolResult {
    /// On standard output.
    Stdout,
    /// In the file `{output}`.
    File,
}

/// What a tool left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOutput {
    /// Its exit code.
    pub exit_code: i32,
    /// True if the exit code is one of `ran`.
    pub ran: bool,
    /// The result, at most 64 MiB.
    pub result: Bytes,
    /// Standard error, its last 64 KiB.
    pub stderr: String,
    /// The version it gave, or the lock file's.
    pub version: String,
    /// The digest of the program that ran.
    pub digest: Digest,
    /// How long it took.
    pub took: Duration,
}

/// Runs pinned tools, sandboxed as jobs are, without network.
#[async_trait]
pub trait ToolRunner: Send + Sync {
    /// Runs one call.
    async fn run_tool(&self, call: &ToolCall) -> Result<ToolOutput, RunnerError>;
}
