//! One job from the inside: what to carry out next, given how the last step ended.

use penstock_model::JobName;
use penstock_model::job::{NextStep, StepOutcome, StepSource};
use std::collections::BTreeMap;

use crate::env::JobContext;
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
    let _ = context;
    plan.job(job).ok_or_else(|| NoSuchJob { path: plan.path.clone(), job: job.clone() })?;
    Ok(Box::new(Nothing))
}

struct Nothing;

impl StepSource for Nothing {
    fn next(&mut self, _: Option<&StepOutcome>, _: bool) -> NextStep {
        NextStep::Done { exit_code: 1, outputs: BTreeMap::new() }
    }
}
