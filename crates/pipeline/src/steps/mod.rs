//! One job from the inside: what to carry out next, given how the last step ended.

pub(crate) mod container_action;
mod gitlab;
pub(crate) mod planned;

use penstock_model::JobName;
use penstock_model::job::StepSource;

use crate::env::JobContext;
use crate::input::Dialect;
use crate::plan::Plan;

/// The plan has no such job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan of `{path}` has no job `{job}`")]
pub struct NoSuchJob {
    /// The pipeline file.
    pub path: String,
    /// The job that was asked for.
    pub job: JobName,
}

/// The steps of a job, for a runner to drive.
///
/// # Errors
/// When the plan has no such job.
pub fn steps(plan: &Plan, job: &JobName, context: &JobContext) -> Result<Box<dyn StepSource>, NoSuchJob> {
    let planned = plan.job(job).ok_or_else(|| NoSuchJob { path: plan.path.clone(), job: job.clone() })?;
    Ok(match plan.dialect {
        Dialect::GitlabCi => Box::new(gitlab::GitlabSteps::new(plan, planned)),
        Dialect::GithubWorkflow => Box::new(crate::github::WorkflowSteps::new(plan, planned, context)),
    })
}
