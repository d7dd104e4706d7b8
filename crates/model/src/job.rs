//! What a runner is handed, and what it hands back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::blob::LogSink;
use crate::release::ImageRef;
use crate::service::{JobImage, ServiceSpec, ServiceUp};
use crate::{CommitId, Digest, JobName, ProjectName, RepositoryName, RunId, Secret, Timestamp};

/// One try of one job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// From 1 upwards.
    pub attempt: u32,
}

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// Plain text.
    Plain(String),
    /// Masked in logs.
    Secret(Secret),
}

/// Which program reads a step's script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// `bash`, stopping at the first failure (`--noprofile --norc -e -o pipefail`, as both dialects do where it is named).
    #[default]
    Bash,
    /// `bash -e`, or `sh -e` where there is no bash: what a workflow has that names no shell.
    BashOrSh,
    /// `sh -e`.
    Sh,
    /// `python3`, the script as a file.
    Python,
    /// PowerShell, stopping at the first failure.
    Pwsh,
    /// A command with its arguments, of which `{0}` is the script's file.
    Custom(String),
}

/// What a step is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A script that a shell reads.
    Script {
        /// Its text.
        text: String,
        /// What reads it.
        shell: Shell,
    },
    /// A program with its arguments.
    Program(Vec<String>),
    /// Something that the runner does itself.
    Chore(Chore),
}

/// Something that the runner does itself, without a process of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Nothing: what the step has to say is all of it.
    Nothing,
}

/// A step to carry out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepSpec {
    /// Shown in the log.
    pub name: String,
    /// A step's `id` in a workflow.
    pub id: Option<String>,
    /// What it is.
    pub work: Work,
    /// Variables for this step alone, over the job's.
    pub env: BTreeMap<String, EnvValue>,
    /// Below the checkout, or absolute.
    pub working_directory: Option<String>,
    /// Its own time limit.
    pub timeout: Option<Duration>,
    /// What the log says before it.
    pub notes: Vec<String>,
    /// Whether it goes on with the step before: the log has no heading and no end for it.
    pub goes_on: bool,
}

impl StepSpec {
    /// A script and nothing else.
    pub fn script(name: impl Into<String>, text: impl Into<String>, shell: Shell) -> Self {
        Self::of(name, Work::Script { text: text.into(), shell })
    }

    /// Work and nothing else.
    pub fn of(name: impl Into<String>, work: Work) -> Self {
        Self {
            name: name.into(),
            id: None,
            work,
            env: BTreeMap::new(),
            working_directory: None,
            timeout: None,
            notes: Vec::new(),
            goes_on: false,
        }
    }

    /// Its script; nothing if it has none.
    pub fn text(&self) -> &str {
        match &self.work {
            Work::Script { text, .. } => text,
            Work::Program(_) | Work::Chore(_) => "",
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// Exit code; `None` if it was ended by a signal, a time limit or a cancellation.
    pub exit_code: Option<i32>,
    /// `GITHUB_OUTPUT`: what the step wrote there.
    pub outputs: BTreeMap<String, String>,
    /// `GITHUB_ENV`: variables for the steps after it.
    pub env: BTreeMap<String, String>,
    /// `GITHUB_PATH`: directories put before `PATH`.
    pub path: Vec<String>,
    /// `GITHUB_STATE`: what an action keeps for its last step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, String>,
    /// Whether the job's time limit ended it.
    #[serde(default)]
    pub timed_out: bool,
}

impl StepOutcome {
    /// Of a step that ended by itself and left nothing.
    pub fn exited(code: i32) -> Self {
        Self { exit_code: Some(code), ..Self::default() }
    }
}

/// What a job does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Carry this out. After a cancellation only steps marked for it come.
    Run(StepSpec),
    /// The job is over.
    Done {
        /// The exit code that counts (0 for success).
        exit_code: i32,
        /// The job's outputs.
        outputs: BTreeMap<String, String>,
    },
}

/// The job's steps as a pure state machine of the pipeline room, driven by the runner.
pub trait StepSource: Send {
    /// The next step, given how the last ended (`None` at the start) and whether the job was cancelled or timed out.
    fn next(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep;

    /// The event, as the file that `GITHUB_EVENT_PATH` names has it, if the steps are a workflow's: then lines of their
    /// output that begin with `::` may be commands.
    fn event(&self) -> Option<String> {
        None
    }
    /// The job's services are up; told once, before the first step, if it has any.
    fn services(&mut self, up: &[ServiceUp]) {
        let _ = up;
    }
}

/// What a job wants said about its source, at a place of it or as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// How bad it is.
    pub level: AnnotationLevel,
    /// What is said.
    pub message: String,
    /// A heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Below the checkout, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last line, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The last column, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// The step's name.
    pub step: String,
}

/// How bad an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationLevel {
    /// A fault.
    Error,
    /// Something to look at.
    Warning,
    /// Good to know.
    Notice,
}

/// Files that outlive the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactSpec {
    /// Glob patterns below the checkout.
    pub paths: Vec<String>,
    /// Patterns to leave out.
    pub exclude: Vec<String>,
    /// When to keep them.
    pub when: KeepWhen,
    /// JUnit files.
    pub junit: Vec<String>,
    /// A Cobertura file.
    pub cobertura: Option<String>,
    /// `NAME=value` lines that become variables of later jobs.
    pub dotenv: Vec<String>,
}

/// When artifacts are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepWhen {
    /// After success.
    #[default]
    OnSuccess,
    /// After failure.
    OnFailure,
    /// Always.
    Always,
}

/// Folders that are kept between runs, in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSpec {
    /// The key, expanded.
    pub key: String,
    /// Folders below the checkout.
    pub paths: Vec<String>,
    /// Whether it is read, written or both.
    pub policy: CachePolicy,
}

/// Which way a cache goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CachePolicy {
    /// Read, then written.
    #[default]
    PullPush,
    /// Only read.
    Pull,
    /// Only written.
    Push,
}

/// Everything a runner needs for one attempt.
pub struct JobSpec {
    /// Which attempt.
    pub id: AttemptId,
    /// The project.
    pub project: ProjectName,
    /// Where the source is.
    pub repository: RepositoryName,
    /// The commit to check out.
    pub commit: CommitId,
    /// The branch that Git finds checked out there, where the dialect has one; otherwise `HEAD` is detached.
    pub branch: Option<String>,
    /// Variables; `PATH`, `HOME` and the dialect's own are added to or set by whoever makes this.
    pub env: BTreeMap<String, EnvValue>,
    /// More text to mask in the log (a job token, for example).
    pub masks: Vec<Secret>,
    /// The image to run in; `None` is the host.
    pub image: Option<JobImage>,
    /// Containers beside it.
    pub services: Vec<ServiceSpec>,
    /// Archives of earlier jobs (from [`JobReport::artifacts`]) to unpack first.
    pub inputs: Vec<Digest>,
    /// What to keep.
    pub artifacts: ArtifactSpec,
    /// Caches.
    pub caches: Vec<CacheSpec>,
    /// The job's time limit.
    pub timeout: Duration,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum JobEnd {
    /// The steps said so.
    Exited {
        /// 0 is success.
        code: i32,
    },
    /// The time limit.
    TimedOut,
    /// Somebody cancelled it.
    Cancelled,
    /// Not the job's fault: no disk, a missing tool, the sandbox.
    SystemFailure {
        /// What happened and what to do.
        why: String,
    },
}

/// A report file that a job left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// `junit`, `cobertura` or `summary`.
    pub kind: String,
    /// Its path below the checkout.
    pub path: String,
    /// Its bytes.
    pub digest: Digest,
}

/// What an attempt left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// How it ended.
    pub end: JobEnd,
    /// A tar archive of the artifacts, if any.
    pub artifacts: Option<Digest>,
    /// Its size in bytes.
    pub artifacts_size: u64,
    /// Report files.
    pub reports: Vec<ReportFile>,
    /// Variables from dotenv reports.
    pub dotenv: BTreeMap<String, String>,
    /// Outputs of a workflow's job.
    pub outputs: BTreeMap<String, String>,
    /// Milliseconds in the job's own processes, for telling Penstock's share.
    pub busy_ms: u64,
    /// What it wants said about the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

impl JobReport {
    /// Of a job that leaves nothing but its end.
    pub fn bare(end: JobEnd) -> Self {
        Self {
            end,
            artifacts: None,
            artifacts_size: 0,
            reports: Vec::new(),
            dotenv: BTreeMap::new(),
            outputs: BTreeMap::new(),
            busy_ms: 0,
            annotations: Vec::new(),
        }
    }
}

/// Carries out jobs.
#[async_trait]
pub trait JobRunner: Send + Sync {
    /// Ends whatever a dead server's attempts left behind. Called once at start, before any `run`.
    async fn end_orphans(&self) -> Result<u32, RunnerError>;
    /// The checkout's path as the job will see it (`CI_PROJECT_DIR`, `GITHUB_WORKSPACE`); the same for every attempt of a job.
    fn workspace(&self, project: &ProjectName, job: &JobName, image: Option<&ImageRef>) -> String;
    /// Carries one attempt out. Nothing that it started is alive when this returns.
    async fn run(
        &self,
        spec: JobSpec,
        steps: Box<dyn StepSource>,
        log: Arc<dyn LogSink>,
        cancel: CancellationToken,
    ) -> Result<JobReport, RunnerError>;
    /// Removes checkouts with their caches that no job used at this moment or later, and what dead attempts left. Gives what
    /// went, or in a dry run would go, with its bytes. What an attempt uses stays.
    ///
    /// A runner that keeps nothing has nothing to remove.
    async fn tidy(&self, unused_since: Timestamp, dry_run: bool) -> Result<Vec<(String, u64)>, RunnerError> {
        let _ = (unused_since, dry_run);
        Ok(Vec::new())
    }
}

/// Why a runner could not even try.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Something that it needs is missing.
    #[error("{what} is missing: {hint}")]
    Missing {
        /// What.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Files or processes.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Git, the blob store or the container runtime.
    #[error("{what}")]
    Other {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where a runner keeps its things and what jobs may see.
#[derive(Clone, Debug)]
pub struct RunnerSettings {
    /// Its own directory: workspaces, caches.
    pub dir: PathBuf,
    /// Directories that jobs must not see (the server's data).
    pub hidden: Vec<PathBuf>,
    /// Directories bound read-only at the same path (toolchains).
    pub toolchains: Vec<PathBuf>,
    /// Put before the job's `PATH`, in order.
    pub path: Vec<PathBuf>,
    /// The penstock program, which starts itself again as the sandbox's helper.
    pub program: PathBuf,
    /// The first of 64 user ids for jobs.
    pub first_uid: u32,
    /// A name that is unique on this machine.
    pub instance: String,
}
