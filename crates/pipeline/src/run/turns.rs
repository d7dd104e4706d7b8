//! Whose turn it is among jobs and runs of one project that may not be at work at the same time.
//!
//! GitLab: jobs with the same `resource_group`, one at a time, by the group's process mode. GitHub: runs and jobs with the same
//! `concurrency` group, one at work and one waiting; whoever comes next takes the place of the one that waits, and with
//! `cancel-in-progress` ends the one at work too. Which came first is told by the run's id, and within a run by the plan.

use std::collections::BTreeMap;

use penstock_model::ids::Actor;
use penstock_model::{JobName, RunId};

use super::settle::{self, need_results};
use super::status::Status;
use super::{JobState, Run, RunCommand, calls};
use crate::github;
use crate::input::Dialect;
use crate::plan::{Concurrency, OnNewCommit, ProcessMode};

/// Something that only one has at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The group. Those of the two dialects have nothing to do with each other.
    pub group: (Dialect, String),
    /// Whose turn it is, of those that wait. Of a `resource_group`.
    pub mode: ProcessMode,
    /// Whether whoever comes cancels the one at work. Of a `concurrency`.
    pub cancels: bool,
    /// Whether all wait for their turn, and not only the newest. Of a `concurrency`.
    pub all_wait: bool,
}

/// How somebody stands to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// Will want it, perhaps.
    Upcoming,
    /// Wants it.
    Waits,
    /// Has it.
    Has,
}

/// A job, or a run as a whole, and the turn that it wants or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnEntry {
    /// The run.
    pub run: RunId,
    /// The job; the run as a whole without one.
    pub job: Option<JobName>,
    /// Which turn.
    pub turn: Turn,
    /// How it stands to it.
    pub state: TurnState,
    /// Whether it was told to end already.
    pub ends: bool,
}

/// What should be done about turns now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TurnStep {
    /// Give it its turn.
    Give {
        /// The run.
        run: RunId,
        /// The job; the run as a whole without one.
        job: Option<JobName>,
    },
    /// Cancel it, since another one takes its place.
    Cancel {
        /// The run.
        run: RunId,
        /// The job; the run as a whole without one.
        job: Option<JobName>,
    },
}

impl TurnStep {
    /// The run that it is about.
    pub fn run(&self) -> &RunId {
        match self {
            Self::Give { run, .. } | Self::Cancel { run, .. } => run,
        }
    }

    /// What its run is told.
    pub fn command(&self) -> RunCommand {
        let by = Actor::Penstock;
        match self.clone() {
            Self::Give { job, .. } => RunCommand::GiveTurn { job },
            Self::Cancel { job: Some(job), .. } => RunCommand::CancelJob { job, by },
            Self::Cancel { job: None, .. } => RunCommand::Cancel { by },
        }
    }
}

impl Run {
    /// Whether the run as a whole waits for its turn, so that none of its jobs may start.
    pub fn waits_for_turn(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.concurrency.is_some()) && !self.has_turn && self.finished.is_none()
    }

    /// The turns that the run and its jobs want or have.
    pub fn turns(&self) -> Vec<TurnEntry> {
        let mut entries = Vec::new();
        let (Some(plan), Some(run)) = (self.plan(), self.id()) else { return entries };
        if let Some(of) = &plan.concurrency
            && !self.status().is_finished()
        {
            let state = if self.has_turn { TurnState::Has } else { TurnState::Waits };
            let turn = turn_of(of, github::concurrency(plan, of, (run, &plan.inputs), None));
            entries.push(TurnEntry { run: run.clone(), job: None, turn, state, ends: self.cancelled });
        }
        for (at, (job, state)) in self.jobs().enumerate() {
            let facts = &self.facts[at];
            let state = match state {
                JobState::Waiting | JobState::Scheduled { .. } => TurnState::Upcoming,
                JobState::WaitingForResource if !self.waits_for_turn() => TurnState::Waits,
                JobState::Ready | JobState::Running { .. } if facts.has_turn => TurnState::Has,
                _ => continue,
            };
            let turn = match (&job.turns.resource_group, &job.concurrency) {
                (Some(name), _) => {
                    Turn { group: (Dialect::GitlabCi, name.clone()), mode: job.turns.process_mode, cancels: false, all_wait: true }
                }
                // what it needs may still say which group it is
                (None, Some(_)) if state == TurnState::Upcoming => continue,
                (None, Some(of)) => {
                    let Some(known) = self.known() else { continue };
                    let needs = need_results(&known, at, &self.states);
                    let calls = calls::gate(&known, job.call.as_deref(), &self.states, known.cancelled).unwrap_or_default();
                    let inputs = job.call.as_ref().and_then(|call| calls.get(call)).map_or(&plan.inputs, |state| &state.inputs);
                    turn_of(of, github::concurrency(plan, of, (run, inputs), Some((job, &needs))))
                }
                (None, None) => continue,
            };
            entries.push(TurnEntry { run: run.clone(), job: Some(job.name.clone()), turn, state, ends: facts.cancelled });
        }
        entries
    }
}

impl Run {
    /// What a newer push to the same ref has this run told, as its file's `auto_cancel: on_new_commit` says. For GitLab files.
    pub fn cancelled_by_newer(&self) -> Vec<RunCommand> {
        let Some(plan) = self.plan().filter(|plan| plan.dialect == Dialect::GitlabCi && !self.cancelled) else { return Vec::new() };
        // what waits for a person alone is left to them
        let open = !self.pipeline.is_complete() && !matches!(self.pipeline, Status::Manual | Status::Canceling);
        let begun = |state: &JobState| matches!(state, JobState::Running { .. } | JobState::Succeeded | JobState::Failed { .. });
        let by = Actor::Penstock;
        match plan.auto_cancel.on_new_commit {
            OnNewCommit::Conservative if open && !self.jobs().any(|(job, state)| !job.turns.interruptible && begun(state)) => {
                vec![RunCommand::Cancel { by }]
            }
            OnNewCommit::Interruptible if open => {
                let jobs = self.jobs().zip(&self.facts).filter(|((job, state), facts)| {
                    job.turns.interruptible && !settle::is_over(state) && **state != JobState::Manual && !facts.cancelled
                });
                jobs.map(|((job, _), _)| RunCommand::CancelJob { job: job.name.clone(), by: by.clone() }).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A group that cannot be evaluated is as it is written: then those of the same file keep away from each other all the same.
fn turn_of(of: &Concurrency, evaluated: Result<(String, bool), String>) -> Turn {
    let (name, cancels) = evaluated.unwrap_or_else(|_| (of.group.clone(), false));
    Turn { group: (Dialect::GithubWorkflow, name.to_lowercase()), mode: ProcessMode::OldestFirst, cancels, all_wait: of.all_wait }
}

/// What should be done about the turns of these runs, which are those of one project, oldest first.
pub fn next_turns(runs: &[&Run]) -> Vec<TurnStep> {
    let mut groups: BTreeMap<(bool, String), Vec<TurnEntry>> = BTreeMap::new();
    for entry in runs.iter().flat_map(|run| run.turns()) {
        let (dialect, name) = entry.turn.group.clone();
        groups.entry((dialect == Dialect::GitlabCi, name)).or_default().push(entry);
    }
    groups.into_iter().flat_map(|((gitlab, _), entries)| if gitlab { by_mode(&entries) } else { newest_waits(&entries) }).collect()
}

fn give(entry: &TurnEntry) -> TurnStep {
    TurnStep::Give { run: entry.run.clone(), job: entry.job.clone() }
}

/// Of a `resource_group`: the mode is the newest run's, for it is a setting of the project.
fn by_mode(entries: &[TurnEntry]) -> Vec<TurnStep> {
    if entries.iter().any(|entry| entry.state == TurnState::Has) {
        return Vec::new();
    }
    let mode = entries.last().map(|entry| entry.turn.mode).unwrap_or_default();
    let waits = |entry: &&TurnEntry| entry.state == TurnState::Waits;
    let of_run = |run: &RunId| entries.iter().filter(move |entry| entry.run == *run).find(waits);
    let next = match mode {
        ProcessMode::Unordered => entries.iter().find(waits),
        // a run that will want it keeps the others waiting
        ProcessMode::OldestFirst => entries.first().and_then(|entry| of_run(&entry.run)),
        ProcessMode::NewestFirst => entries.last().and_then(|entry| of_run(&entry.run)),
        ProcessMode::NewestReadyFirst => entries.iter().rev().find(waits).and_then(|entry| of_run(&entry.run)),
    };
    next.map(give).into_iter().collect()
}

/// Of a `concurrency`: one is at work, and the newest waits.
fn newest_waits(entries: &[TurnEntry]) -> Vec<TurnStep> {
    let cancel = |entry: &TurnEntry| TurnStep::Cancel { run: entry.run.clone(), job: entry.job.clone() };
    let waiting: Vec<&TurnEntry> = entries.iter().filter(|entry| entry.state == TurnState::Waits).collect();
    let Some((newest, older)) = waiting.split_last() else { return Vec::new() };
    let mut steps: Vec<TurnStep> = if newest.turn.all_wait { Vec::new() } else { older.iter().map(|entry| cancel(entry)).collect() };
    let at_work = entries.iter().find(|entry| entry.state == TurnState::Has);
    match at_work {
        Some(entry) if newest.turn.cancels && !entry.ends => steps.push(cancel(entry)),
        Some(_) => {}
        None if newest.turn.all_wait => steps.extend(waiting.first().map(|entry| give(entry))),
        None => steps.push(give(newest)),
    }
    steps
}
