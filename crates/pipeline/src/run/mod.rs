//! The run: one execution of a plan, as a state machine over its events.

mod composite;
mod decide;
mod effect;
mod event;
mod facts;
mod graph;
mod settle;
mod wanted;

pub use effect::{JobInputs, NeedResult, RunEffect};
pub use event::{RunCommand, RunEvent};

use penstock_model::job::JobReport;
use penstock_model::{JobName, RunId};
use serde::{Deserialize, Serialize};

use self::composite::{Composite, Tally};
use self::facts::{Facts, is_optional};
use self::graph::Graph;
use self::settle::Known;
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
///
/// What the events said is kept for each job; how the jobs stand is derived from that anew after each event, so that
/// every order of events that means the same gives the same, and a job that was skipped comes to life by itself when
/// what it waits for is tried again.
#[derive(Clone, Debug, Default)]
pub struct Run {
    id: Option<RunId>,
    plan: Option<Box<Plan>>,
    graph: Graph,
    facts: Vec<Facts>,
    cancelled: bool,
    finished: Option<RunStatus>,
    states: Vec<JobState>,
    tally: Tally,
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

    /// Takes an event in. One that does not fit changes nothing.
    pub fn evolve(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Planned { run, plan } => {
                self.id = Some(run.clone());
                self.graph = Graph::of(plan);
                self.facts = vec![Facts::default(); plan.jobs.len()];
                self.plan = Some(plan.clone());
            }
            RunEvent::JobStarted { job, attempt } => self.change(job, |facts, _| facts.started(*attempt)),
            RunEvent::JobFinished { job, attempt, report } => self.change(job, |facts, job| facts.finished(job, *attempt, report)),
            RunEvent::JobInterrupted { job, attempt } => self.change(job, |facts, _| facts.interrupted(*attempt)),
            RunEvent::ManualPlayed { job, .. } | RunEvent::JobRetried { job, .. } => {
                self.change(job, |facts, _| facts.force());
                (self.cancelled, self.finished) = (false, None);
            }
            RunEvent::CancelRequested { .. } => self.mark_cancelled(),
            RunEvent::Finished { status } => self.finished = Some(*status),
        }
        if let Some(known) = self.known() {
            let (states, tally) = settle::settle(&known);
            (self.states, self.tally) = (states, tally);
        }
    }

    fn change(&mut self, job: &JobName, change: impl FnOnce(&mut Facts, &PlannedJob)) {
        let (Some(at), Some(plan)) = (self.graph.index.get(job), &self.plan) else { return };
        change(&mut self.facts[*at], &plan.jobs[*at]);
    }

    /// Marks every job that is to be cancelled: of a workflow all but those whose `if` holds for a cancelled run.
    fn mark_cancelled(&mut self) {
        self.cancelled = true;
        let Some(known) = self.known() else { return };
        // nobody waits for a manual job that may fail, and it can still be played
        let idle = |at: usize| self.states[at] == JobState::Manual && is_optional(&known.plan.jobs[at]);
        let open = |at: &usize| !settle::is_over(&self.states[*at]) && !idle(*at);
        let asks = |at: usize| matches!(&known.graph.conditions[at], Some(Ok(expression)) if expression.asks_status());
        let spared = |at: &usize| match &self.states[*at] {
            // it is asked when what it needs is over
            JobState::Waiting | JobState::Ready if known.facts[*at].attempts == 0 => asks(*at),
            _ => asks(*at) && settle::condition_holds(&known, *at, &self.states, true).unwrap_or(false),
        };
        let workflow = known.plan.dialect == Dialect::GithubWorkflow;
        let cancelled: Vec<usize> = (0..self.states.len()).filter(open).filter(|at| !(workflow && spared(at))).collect();
        for at in cancelled {
            self.facts[at].cancelled = true;
        }
    }

    fn known(&self) -> Option<Known<'_>> {
        let plan = self.plan.as_deref()?;
        Some(Known { plan, graph: &self.graph, facts: &self.facts, cancelled: self.cancelled })
    }

    /// How the run stands.
    pub fn status(&self) -> RunStatus {
        if self.plan.is_none() {
            return RunStatus::Created;
        }
        // what somebody cancelled is never a success, even if only what may fail was cut off
        let cut = self.cancelled && self.facts.iter().any(|facts| facts.cancelled);
        match self.tally.composite(false) {
            Composite::Success | Composite::Skipped if cut => RunStatus::Cancelled,
            Composite::Created | Composite::Pending | Composite::Running => RunStatus::Running,
            Composite::Manual => RunStatus::Blocked,
            Composite::Success if self.tally.has_warnings() => RunStatus::SuccessWithWarnings,
            Composite::Success => RunStatus::Success,
            Composite::Failed => RunStatus::Failed,
            Composite::Cancelled => RunStatus::Cancelled,
            Composite::Skipped => RunStatus::Skipped,
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

    /// Whether a manual job may be left alone, and a failed or cancelled one does not count.
    pub fn is_optional(&self, name: &JobName) -> bool {
        self.plan.as_ref().and_then(|plan| plan.job(name)).is_some_and(is_optional)
    }

    /// Attempts that have started and not ended. After a restart each is told as [`RunCommand::JobInterrupted`].
    pub fn running(&self) -> Vec<(JobName, u32)> {
        self.jobs()
            .filter_map(|(job, state)| match state {
                JobState::Running { attempt } => Some((job.name.clone(), *attempt)),
                _ => None,
            })
            .collect()
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
