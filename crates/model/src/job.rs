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

mod kept;
mod report;

pub use kept::{ArtifactAccess, ArtifactSpec, CacheArchive, CachePolicy, CacheSpec, KeepWhen};
pub use report::{Deployment, DeploymentAction, Fingerprint, JobEnd, JobReport, ReportFile, Reuse};

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
