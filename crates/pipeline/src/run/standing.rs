//! How a run stands, in the words of its file's dialect.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{JobState, Run, RunStatus};
use crate::input::Dialect;

/// How a pipeline, its stages and its jobs stand, in the dialect's own words.
///
/// GitLab's are those of [`super::Status`]. For a workflow they are `waiting`, `queued` and `in_progress`, then GitHub's conclusions
/// `success`, `failure`, `cancelled` and `skipped`; it has no stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The whole.
    pub pipeline: &'static str,
    /// Each stage that has a job, in order.
    #[serde(serialize_with = "in_order")]
    pub stages: Vec<(String, &'static str)>,
    /// Each job, in the plan's order.
    #[serde(serialize_with = "in_order")]
    pub jobs: Vec<(String, &'static str)>,
}

/// A mapping that keeps its order.
fn in_order<S: Serializer>(entries: &[(String, &'static str)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(entries.len()))?;
    for (name, word) in entries {
        map.serialize_entry(name, word)?;
    }
    map.end()
}

impl Run {
    /// How everything stands.
    pub fn standing(&self) -> Standing {
        match self.plan().map(|plan| plan.dialect) {
            Some(Dialect::GithubWorkflow) => self.of_workflow(),
            _ => self.of_pipeline(),
        }
    }

    fn of_pipeline(&self) -> Standing {
        let stage = |jobs: &[usize]| Some(self.plan()?.jobs[*jobs.first()?].stage.clone());
        let stages = self.graph.stages.iter().zip(&self.stages);
        let jobs = self.jobs().zip(&self.facts);
        Standing {
            pipeline: self.pipeline.word(),
            stages: stages.filter_map(|(jobs, status)| Some((stage(jobs)?, status.word()))).collect(),
            jobs: jobs.map(|((job, state), facts)| (job.name.to_string(), state.status(facts.cancelled).word())).collect(),
        }
    }

    fn of_workflow(&self) -> Standing {
        let word = |state: &JobState| match state {
            JobState::Ready => "queued",
            JobState::Running { .. } => "in_progress",
            JobState::Succeeded => "success",
            JobState::Failed { .. } => "failure",
            JobState::Cancelled { .. } => "cancelled",
            JobState::Skipped { .. } => "skipped",
            JobState::Waiting | JobState::WaitingForResource | JobState::Manual | JobState::Scheduled { .. } => "waiting",
        };
        let begun = self
            .states
            .iter()
            .any(|state| !matches!(state, JobState::Ready | JobState::Waiting | JobState::WaitingForResource | JobState::Skipped { .. }));
        Standing {
            pipeline: match self.status() {
                RunStatus::Success | RunStatus::SuccessWithWarnings => "success",
                RunStatus::Failed => "failure",
                RunStatus::Cancelled => "cancelled",
                RunStatus::Skipped => "skipped",
                RunStatus::Created | RunStatus::Running | RunStatus::Blocked if self.waits_for_turn() => "waiting",
                RunStatus::Created | RunStatus::Running | RunStatus::Blocked if begun => "in_progress",
                RunStatus::Created | RunStatus::Running | RunStatus::Blocked => "queued",
            },
            stages: Vec::new(),
            jobs: self.jobs().map(|(job, state)| (job.name.to_string(), word(state))).collect(),
        }
    }
}
