//! Runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use penstock_model::job::{AttemptId, JobReport};
use penstock_model::release::{ImageName, ReleaseId};
use penstock_model::{CommitId, Digest, JobName, ProjectName, RunId, Timestamp, UserName};
use penstock_pipeline::Variable;
use serde::Serialize;

use crate::events::PipelineOrder;
use crate::merge_requests::OfMergeRequest;
use crate::world::tested::TestedAttempt;

/// What started a run.
#[derive(Clone, Debug, Serialize)]
pub struct PushSeen {
    /// The full ref.
    pub reference: String,
    /// Where it was.
    pub before: Option<CommitId>,
    /// Where it is.
    pub commit: CommitId,
    /// Who pushed, as authenticated.
    pub pusher: UserName,
    /// When.
    pub at: Timestamp,
}

/// The job that started a run, and what it gave.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The attempt.
    pub by: AttemptId,
    /// Whether the run is of the same commit, and of what the job includes.
    pub child: bool,
    /// Variables over all others.
    pub given: BTreeMap<String, Variable>,
    /// For the inputs of the pipeline file.
    pub inputs: BTreeMap<String, serde_json::Value>,
}

/// An image that a run built.
#[derive(Clone, Debug, Serialize)]
pub struct BuiltImage {
    /// Its manifest's digest.
    pub digest: Digest,
    /// By which job.
    pub job: JobName,
    /// When it was done.
    pub at: Timestamp,
    /// Milliseconds.
    pub took_ms: u64,
    /// Of these Penstock's own.
    pub own_ms: u64,
}

/// When an attempt of a job began and ended.
#[derive(Clone, Debug, Serialize)]
pub struct JobTimes {
    /// The last attempt's number.
    pub attempt: u32,
    /// Of the last attempt.
    pub started: Timestamp,
    /// Of the last attempt.
    pub ended: Option<Timestamp>,
    /// What it left.
    pub report: Option<JobReport>,
}

/// A run.
#[derive(Clone)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Its project.
    pub project: ProjectName,
    /// What started it.
    pub push: PushSeen,
    /// The run of the same push that it is beside; its own images are part of that one's release.
    pub beside: Option<RunId>,
    /// The job of another run that started it.
    pub upstream: Option<Upstream>,
    /// How it was started, if no push started it.
    pub order: Option<Arc<PipelineOrder>>,
    /// What it is of a merge request, if that started it.
    pub merge_request: Option<OfMergeRequest>,
    /// Whether its starter brings the plan, so that nobody else makes one.
    pub brings_plan: bool,
    /// The pipeline's state machine, once there is a plan.
    pub run: Option<penstock_pipeline::Run>,
    /// Why there is none.
    pub rejected: Option<String>,
    /// What it built.
    pub images: BTreeMap<ImageName, BuiltImage>,
    /// Job times.
    pub times: BTreeMap<JobName, JobTimes>,
    /// What attempts said of tests and coverage, the last few of each job.
    pub tests: BTreeMap<JobName, Vec<TestedAttempt>>,
    /// Artifacts and report files that its attempts left, all of them.
    pub left: BTreeSet<Digest>,
    /// Those of them whose time the file gives: until when they are kept, whatever becomes of the run.
    pub left_until: BTreeMap<Digest, Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When somebody last had something of it started or tried again.
    pub taken_up: Option<Timestamp>,
    /// When all that was open in it was told to end, unless something was taken up again since.
    pub cut: Option<Timestamp>,
    /// The release it made.
    pub release: Option<ReleaseId>,
}

impl RunRecord {
    /// Whether it is of `penstock run`, which does nothing beyond this machine.
    pub fn is_local(&self) -> bool {
        self.brings_plan && self.beside.is_none()
    }
}
