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
use crate::service::{JobImage, ServiceSpec};
pub use crate::step::{
    ACTIONS, Annotation, AnnotationLevel, BUILDS, Chore, Fetch, JobFiles, KeptArtifact, NextStep, ORIGIN, Shell, StepContainer,
    StepOutcome, StepSource, StepSpec, Work,
};
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

/// Files that outlive the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactSpec {
    /// Glob patterns below the checkout.
    pub paths: Vec<String>,
    /// Whether files that the commit does not have are kept too, but for those in caches.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
    /// Patterns to leave out.
    pub exclude: Vec<String>,
    /// When to keep them.
    pub when: KeepWhen,
    /// JUnit files.
    pub junit: Vec<String>,
    /// A Cobertura file.
    pub cobertura: Option<String>,
    /// A `JaCoCo` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jacoco: Option<String>,
    /// `NAME=value` lines that become variables of later jobs.
    pub dotenv: Vec<String>,
    /// Files of other reports by kind, kept as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reports: BTreeMap<String, Vec<String>>,
    /// A file that is kept if it is there, as [`crate::tag_release::DESCRIPTION_FILE`]: no pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_file: Option<String>,
    /// Who may download the archive. Later jobs get it all the same.
    #[serde(default, skip_serializing_if = "ArtifactAccess::is_usual")]
    pub access: ArtifactAccess,
    /// What people call the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people read where a merge request is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_as: Option<String>,
    /// For how many seconds they are kept; `None` is as long as the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<u64>,
}

/// Who may download artifacts (GitLab's `artifacts: access`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactAccess {
    /// Whoever may see the project.
    #[default]
    All,
    /// Whoever may push.
    Developer,
    /// Whoever administers.
    Maintainer,
    /// Nobody.
    None,
}

impl ArtifactAccess {
    /// Whether nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::All
    }
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

/// Files that are kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSpec {
    /// The key, expanded.
    pub key: String,
    /// Folders below the checkout; of an archive patterns too.
    pub paths: Vec<String>,
    /// Whether it is read, written or both.
    pub policy: CachePolicy,
    /// How it is kept as an archive; `None` is in place.
    pub archive: Option<CacheArchive>,
    /// Whether runs from which secrets are withheld share it with others.
    pub unprotect: bool,
}

/// A cache that is put aside when a job ends and copied to where it was when another one starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheArchive {
    /// Keys under which it is looked for, in order, when there is none of its own.
    pub fallback_keys: Vec<String>,
    /// After which ends it is written.
    pub when: KeepWhen,
    /// Whether what the commit does not have is kept too.
    pub untracked: bool,
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

/// What a job starts in, beside artifacts and caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkout {
    /// The commit's files with their history.
    #[default]
    Commit,
    /// No source at all.
    Empty,
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
    /// Whether it is.
    pub checkout: Checkout,
    /// The branch that Git finds checked out there, where the dialect has one; otherwise `HEAD` is detached.
    pub branch: Option<String>,
    /// Where the job sees its checkout, below [`BUILDS`], if that is not the usual place.
    pub place: Option<String>,
    /// Variables; `PATH`, `HOME` and the dialect's own are added to or set by whoever makes this.
    pub env: BTreeMap<String, EnvValue>,
    /// Texts that the job finds in files of its own, by the names of the variables that have their paths ([`variable_file`]).
    pub files: BTreeMap<String, Secret>,
    /// More text to mask in the log (a job token, for example).
    pub masks: Vec<Secret>,
    /// The image to run in; `None` is the host.
    pub image: Option<JobImage>,
    /// Containers beside it.
    pub services: Vec<ServiceSpec>,
    /// Images that steps run by themselves, by the names that [`StepContainer::image`] has for them.
    pub step_images: BTreeMap<String, ImageRef>,
    /// Trees of other repositories that its steps' actions are of.
    pub actions: Vec<ActionTree>,
    /// Archives of earlier jobs (from [`JobReport::artifacts`]) to unpack first.
    pub inputs: Vec<Digest>,
    /// Artifacts that other jobs of the run kept by themselves.
    pub kept: Vec<KeptArtifact>,
    /// Where caches that steps ask for by key are kept (the first) and looked for: branches.
    pub cache_scopes: Vec<String>,
    /// What to keep.
    pub artifacts: ArtifactSpec,
    /// Caches.
    pub caches: Vec<CacheSpec>,
    /// The job's time limit.
    pub timeout: Duration,
}

/// Where a job finds the file of a variable that is one.
pub fn variable_file(name: &str) -> String {
    format!("/penstock/files/variables/{name}")
}

/// The tree of another repository, which actions are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionTree {
    /// `OWNER/NAME/REF`: where the job sees it below [`ACTIONS`], read-only.
    pub place: String,
    /// On this machine.
    pub tree: PathBuf,
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
    /// `junit`, `cobertura`, `sarif` or `summary`.
    pub kind: String,
    /// Its path below the checkout.
    pub path: String,
    /// Its bytes.
    pub digest: Digest,
}

/// What a job's result depends on: digests by what they are of.
pub type Fingerprint = BTreeMap<String, Digest>;

/// Whether a job whose inputs are named was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reuse {
    /// What its result depends on.
    pub fingerprint: Fingerprint,
    /// The attempt whose result this is; `None` if the job was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<AttemptId>,
    /// Why it was run or not, for people.
    pub because: String,
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
    /// What its output says of its coverage, in hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<u32>,
    /// For how many seconds its artifacts are kept; `None` is as long as the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<u64>,
    /// Artifacts that it kept by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptArtifact>,
    /// What it did to the environment that its file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// Whether it was run, if its inputs are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<Box<Reuse>>,
}

/// What a job did to the environment that its file names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The environment's name.
    pub environment: String,
    /// What it did.
    pub action: DeploymentAction,
    /// What kind of environment it is.
    pub tier: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The key of the job that stops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_stop: Option<String>,
    /// After how many seconds it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops_in: Option<u64>,
}

/// What a job does to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentAction {
    /// Deploys to it.
    Start,
    /// Stops it.
    Stop,
    /// Gets it ready, without a deployment.
    Prepare,
    /// Looks at it.
    Verify,
    /// Uses it.
    Access,
}

impl JobReport {
    /// The attempt whose result this is, if the job was not run.
    pub fn taken_from(&self) -> Option<&AttemptId> {
        self.reuse.as_ref().and_then(|reuse| reuse.taken_from.as_ref())
    }

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
            coverage: None,
            expire_in: None,
            kept: Vec::new(),
            deployment: None,
            reuse: None,
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
