//! The run: one execution of a plan, as a state machine over its events.

mod calls;
mod decide;
mod effect;
mod event;
mod evolve;
mod facts;
mod graph;
mod later;
mod process;
mod settle;
mod standing;
mod status;
mod turns;
mod wanted;

pub use effect::{CallState, JobInputs, NeedResult, RunEffect};
pub use event::{RunCommand, RunEvent};
pub use standing::Standing;
pub use status::Status;
pub use turns::{Turn, TurnEntry, TurnState, TurnStep, next_turns};

use std::sync::Arc;

use penstock_model::job::JobReport;
use penstock_model::{JobName, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use self::facts::{Facts, is_optional};
use self::graph::Graph;
use self::status::Statuses;
use crate::input::Dialect;
use crate::plan::{Plan, PlannedJob};

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
    /// It should start, and somebody else is at work who may not be at the same time.
    WaitingForResource,
    /// It waits for a person to start it.
    Manual,
    /// It waits for an instant, or for a person to start it before.
    Scheduled {
        /// When, once that is settled.
        until: Option<Timestamp>,
    },
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

impl JobState {
    /// GitLab's word. `cancelled` is whether a job that runs was told to end.
    fn status(&self, cancelled: bool) -> Status {
        match self {
            Self::Waiting => Status::Created,
            Self::Ready => Status::Pending,
            Self::WaitingForResource => Status::WaitingForResource,
            Self::Manual => Status::Manual,
            Self::Scheduled { .. } => Status::Scheduled,
            Self::Running { .. } if cancelled => Status::Canceling,
            Self::Running { .. } => Status::Running,
            Self::Succeeded => Status::Success,
            Self::Failed { .. } => Status::Failed,
            Self::Cancelled { .. } => Status::Canceled,
            Self::Skipped { .. } => Status::Skipped,
        }
    }
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
    /// No job failed or was cancelled.
    #[error("no job of the run has failed or was cancelled, so there is nothing to try again")]
    NothingToRetry,
    /// The run is over.
    #[error("the run is over")]
    Over,
    /// The run is not over.
    #[error("the run is not over")]
    NotOver,
}

/// One execution of a plan.
///
/// What the events said is kept for each job, and how the jobs stand is derived from that after each event. A job of a workflow
/// is asked anew each time whether it is its turn; one of a GitLab file once, as GitLab does (see `process`).
#[derive(Clone, Debug, Default)]
pub struct Run {
    id: Option<RunId>,
    plan: Option<Arc<Plan>>,
    graph: Arc<Graph>,
    facts: Vec<Facts>,
    cancelled: bool,
    /// All that was open of a GitLab file's jobs was told to end, and nothing was taken up again since.
    cut: bool,
    /// A workflow's run as a whole was given its turn.
    has_turn: bool,
    finished: Option<RunStatus>,
    states: Vec<JobState>,
    all: Statuses,
    /// How the pipeline and its stages stand, in GitLab's words.
    pipeline: Status,
    stages: Vec<Status>,
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

    /// How the run stands.
    pub fn status(&self) -> RunStatus {
        if self.plan.is_none() {
            return RunStatus::Created;
        }
        // what somebody cancelled is never a success, even if only what may fail was cut off
        let cut = self.cancelled && self.facts.iter().any(|facts| facts.cancelled);
        match self.all.composite(false) {
            Status::Success | Status::Skipped if cut => RunStatus::Cancelled,
            // nobody starts by hand what is left of a run that somebody cancelled, unless they change their mind
            Status::Manual if self.cancelled && self.all.has(Status::Failed) => RunStatus::Failed,
            Status::Manual if self.cancelled => RunStatus::Cancelled,
            Status::Manual => RunStatus::Blocked,
            Status::Success if self.all.has_warnings() => RunStatus::SuccessWithWarnings,
            Status::Success => RunStatus::Success,
            Status::Failed => RunStatus::Failed,
            Status::Canceled => RunStatus::Cancelled,
            Status::Skipped => RunStatus::Skipped,
            Status::Created
            | Status::WaitingForResource
            | Status::Preparing
            | Status::WaitingForCallback
            | Status::Pending
            | Status::Running
            | Status::Canceling
            | Status::Scheduled => RunStatus::Running,
        }
    }

    /// The status that was recorded at the end, if nothing was taken up again since.
    pub fn finished(&self) -> Option<RunStatus> {
        self.finished
    }

    /// How a job stands.
    pub fn job(&self, name: &JobName) -> Option<&JobState> {
        self.states.get(*self.graph.index.get(name)?)
    }

    /// All jobs with how they stand, in the plan's order.
    pub fn jobs(&self) -> impl Iterator<Item = (&PlannedJob, &JobState)> {
        self.plan.iter().flat_map(|plan| &plan.jobs).zip(&self.states)
    }

    /// What the last attempt of a job that ended left.
    pub fn report(&self, name: &JobName) -> Option<&JobReport> {
        self.facts.get(*self.graph.index.get(name)?)?.report.as_ref()
    }

    /// How many attempts of a job have started.
    pub fn attempts(&self, name: &JobName) -> u32 {
        self.graph.index.get(name).and_then(|at| self.facts.get(*at)).map_or(0, |facts| facts.attempts)
    }

    /// A job's last attempt, if one has started since it was last begun anew.
    pub fn begun(&self, name: &JobName) -> Option<u32> {
        let facts = self.facts.get(*self.graph.index.get(name)?)?;
        facts.has_begun().then_some(facts.attempts)
    }

    /// Whether a manual job may be left alone, and a failed or cancelled one does not count.
    pub fn is_optional(&self, name: &JobName) -> bool {
        self.plan.as_ref().and_then(|plan| plan.job(name)).is_some_and(is_optional)
    }

    /// Attempts that have started and not ended, of jobs that run something. After a restart each is told as
    /// [`RunCommand::JobInterrupted`].
    pub fn running(&self) -> Vec<(JobName, u32)> {
        self.jobs()
            .filter_map(|(job, state)| match state {
                JobState::Running { attempt } if job.trigger.is_none() => Some((job.name.clone(), *attempt)),
                _ => None,
            })
            .collect()
    }

    /// Whether all that was open was told to end, as by a cancellation, and nothing was taken up again since.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether it is a GitLab pipeline.
    fn is_gitlab(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.dialect == Dialect::GitlabCi)
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
