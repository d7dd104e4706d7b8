//! The run: one execution of a plan, as a state machine over its events.

mod effect;
mod event;

pub use effect::{JobInputs, NeedResult, RunEffect};
pub use event::{RunCommand, RunEvent};

use penstock_model::{JobName, RunId};
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Not planned yet.
    #[default]
    Created,
    /// Something runs or is about to.
    Running,
    /// A manual job that may not fail waits for a person, and nothing else can go on.
    Blocked,
    /// Everything that had to succeed did.
    Success,
    /// Likewise, and something that may fail failed.
    SuccessWithWarnings,
    /// Something that had to succeed failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Nothing ran.
    Skipped,
}

impl RunStatus {
    /// True if nothing goes on by itself, and nobody is waited for.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Created | Self::Running | Self::Blocked)
    }

    /// True if what comes after the run may come.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Success | Self::SuccessWithWarnings)
    }
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum JobState {
    /// It waits for other jobs.
    Waiting,
    /// It should start now (or as soon as its group's `max-parallel` lets it).
    Ready,
    /// It waits for a person to start it.
    Manual,
    /// It runs.
    Running {
        /// Which attempt.
        attempt: u32,
    },
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed {
        /// Whether the run may succeed all the same.
        allowed: bool,
        /// Why, for people.
        why: String,
    },
    /// It was cancelled.
    Cancelled {
        /// Why, for people.
        why: String,
    },
    /// It did not run, because of what it waits for or because of its condition.
    Skipped {
        /// Why, for people.
        why: String,
    },
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run was planned before.
    #[error("the run has a plan already")]
    AlreadyPlanned,
    /// There is no plan yet.
    #[error("the run has no plan yet")]
    NotPlanned,
    /// The plan has no such job.
    #[error("the run has no job `{0}`")]
    NoSuchJob(JobName),
    /// Another attempt than the one that is expected.
    #[error("attempt {given} of job `{job}` is stale or unknown; {expected}")]
    WrongAttempt {
        /// The job.
        job: JobName,
        /// The attempt that was named.
        given: u32,
        /// What is expected instead.
        expected: String,
    },
    /// The job's state does not allow it.
    #[error("job `{job}` {state}, so it cannot be {what}")]
    WrongState {
        /// The job.
        job: JobName,
        /// How it stands.
        state: String,
        /// What was asked for.
        what: &'static str,
    },
    /// The run is over.
    #[error("the run is over")]
    Over,
    /// The run is not over.
    #[error("the run is not over")]
    NotOver,
}

/// One execution of a plan.
#[derive(Clone, Debug, Default)]
pub struct Run {
    id: Option<RunId>,
    plan: Option<Box<Plan>>,
}

impl Run {
    /// A run of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// A run as its events tell it.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Self {
        let mut run = Self::new();
        for event in events {
            run.evolve(event);
        }
        run
    }

    /// What a command leads to.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: RunCommand) -> Result<Vec<RunEvent>, Refusal> {
        let _ = command;
        Err(Refusal::NotPlanned)
    }

    /// Takes an event in.
    pub fn evolve(&mut self, event: &RunEvent) {
        if let RunEvent::Planned { run, plan } = event {
            self.id = Some(run.clone());
            self.plan = Some(plan.clone());
        }
    }

    /// What should be happening now. Asking twice changes nothing.
    pub fn wanted(&self) -> Vec<RunEffect> {
        Vec::new()
    }

    /// How the run stands.
    pub fn status(&self) -> RunStatus {
        RunStatus::Created
    }

    /// How a job stands.
    pub fn job(&self, name: &JobName) -> Option<&JobState> {
        let _ = name;
        None
    }

    /// All jobs with how they stand, in the plan's order.
    pub fn jobs(&self) -> impl Iterator<Item = (&JobName, &JobState)> {
        std::iter::empty()
    }

    /// Attempts that have started and not ended. After a restart each is told as [`RunCommand::JobInterrupted`].
    pub fn running(&self) -> Vec<(JobName, u32)> {
        Vec::new()
    }

    /// The run's id, once planned.
    pub fn id(&self) -> Option<&RunId> {
        self.id.as_ref()
    }

    /// The plan, once planned.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_deref()
    }
}
