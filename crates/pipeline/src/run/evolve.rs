//! Events become state.

use std::sync::Arc;

use penstock_model::JobName;
use penstock_model::job::JobEnd;

use super::facts::{Ended, Facts, Settled, is_optional};
use super::graph::Graph;
use super::settle::{self, Known};
use super::status::{Status, of_pipeline, of_stage};
use super::{JobState, Run, RunEvent, process};
use crate::input::Dialect;
use crate::plan::{OnJobFailure, PlannedJob};

impl Run {
    /// Takes an event in. One that does not fit changes nothing.
    pub fn evolve(&mut self, event: &RunEvent) {
        self.take_in(event);
        self.look();
    }

    /// Takes an event in, without what follows from it.
    pub(crate) fn take_in(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Planned { run, plan } => {
                self.id = Some(run.clone());
                self.graph = Arc::new(Graph::of(plan));
                self.facts = vec![Facts::default(); plan.jobs.len()];
                (self.pipeline, self.stages) = (Status::Created, vec![Status::Created; self.graph.stages.len()]);
                self.plan = Some(Arc::new((**plan).clone()));
            }
            RunEvent::JobStarted { job, attempt } => self.change(job, |facts, _| facts.started(*attempt)),
            RunEvent::JobFinished { job, attempt, report } => {
                let gives_in = self.is_gitlab();
                self.change(job, |facts, job| facts.finished(job, *attempt, report, gives_in));
                self.after_failure(job);
            }
            RunEvent::JobInterrupted { job, attempt } => self.change(job, |facts, _| facts.interrupted(*attempt)),
            RunEvent::JobScheduled { job, until } => self.change(job, |facts, _| {
                (facts.settled, facts.until) = (Some(Settled::Scheduled), *until);
            }),
            RunEvent::JobEnqueued { job } => self.change(job, |facts, _| facts.settled = Some(Settled::Enqueued)),
            RunEvent::TurnGiven { job: Some(job) } => self.change(job, |facts, _| facts.has_turn = true),
            RunEvent::TurnGiven { job: None } => self.has_turn = true,
            RunEvent::JobUnscheduled { job, .. } => self.change(job, |facts, _| facts.settled = Some(Settled::Manual)),
            RunEvent::JobConcluded { job, end } => {
                self.change(job, |facts, job| {
                    let end = if facts.cancelled { &JobEnd::Cancelled } else { end };
                    facts.running = None;
                    facts.conclude(job, end);
                });
                self.after_failure(job);
            }
            RunEvent::JobFollowed { job, attempt, status } => self.follow(job, *attempt, *status),
            RunEvent::JobSettled { job, jobs, calls } => self.replace(job, jobs, calls),
            RunEvent::ManualPlayed { job, .. } => self.play(job),
            RunEvent::JobRetried { job, .. } => self.retry(job),
            RunEvent::Retried { .. } => self.retry_all(),
            RunEvent::JobCancelRequested { job, .. } => self.change(job, cancel),
            RunEvent::CancelRequested { .. } => self.cancel_all(),
            RunEvent::Finished { status } => {
                self.finished = Some(*status);
                self.has_turn = false;
            }
        }
    }

    fn change(&mut self, job: &JobName, change: impl FnOnce(&mut Facts, &PlannedJob)) {
        let (Some(at), Some(plan)) = (self.graph.index.get(job), &self.plan) else { return };
        change(&mut self.facts[*at], &plan.jobs[*at]);
    }

    /// Derives how everything stands from what the events said.
    pub(crate) fn look(&mut self) {
        self.process();
        if let Some(known) = self.known() {
            let (states, all) = settle::settle(&known);
            (self.states, self.all) = (states, all);
        }
    }

    /// Lets jobs of a GitLab file go on, and takes down how its stages and the whole stand.
    fn process(&mut self) {
        let Some(plan) = self.plan.as_deref().filter(|plan| plan.dialect == Dialect::GitlabCi) else { return };
        process::process(plan, &self.graph, &mut self.facts);
        let mut all = super::Statuses::default();
        for (jobs, stage) in self.graph.stages.iter().zip(&mut self.stages) {
            let of = process::of(jobs, plan, &self.facts);
            *stage = of_stage(*stage, of.composite(false));
            all.extend(of);
        }
        self.pipeline = of_pipeline(self.pipeline, all.composite(false));
    }

    /// Somebody started a job by hand.
    fn play(&mut self, job: &JobName) {
        self.taken_up();
        let Some(&at) = self.graph.index.get(job) else { return };
        let gitlab = self.is_gitlab();
        let facts = &mut self.facts[at];
        *facts = facts.anew();
        if gitlab {
            facts.settled = Some(Settled::Enqueued);
            process::ask_again(&[at], &self.graph, &mut self.facts);
        } else {
            facts.by_hand = true;
        }
    }

    /// Somebody had a job tried again.
    fn retry(&mut self, job: &JobName) {
        self.taken_up();
        let Some(&at) = self.graph.index.get(job) else { return };
        let gitlab = self.is_gitlab();
        let facts = &mut self.facts[at];
        *facts = facts.anew();
        if gitlab {
            facts.by_hand = true;
            // GitLab asks the new job before it looks at those that come after
            self.process();
            process::ask_again(&[at], &self.graph, &mut self.facts);
        } else {
            facts.by_hand = true;
        }
    }

    /// The pipeline that a job started goes on again, waits for a person, or had nothing to run.
    fn follow(&mut self, job: &JobName, attempt: u32, status: Status) {
        let Some(&at) = self.graph.index.get(job) else { return };
        let facts = &mut self.facts[at];
        facts.running = None;
        match status {
            Status::Manual => facts.settled = Some(Settled::Manual),
            Status::Skipped => facts.settled = Some(Settled::Skipped { why: "nothing ran in the pipeline that it started".to_owned() }),
            _ => {
                self.taken_up();
                let facts = &mut self.facts[at];
                (facts.running, facts.ended, facts.cancelled, facts.settled) = (Some(attempt), None, false, Some(Settled::Enqueued));
                process::ask_again(&[at], &self.graph, &mut self.facts);
            }
        }
    }

    /// Something of the run goes on that was over.
    fn taken_up(&mut self) {
        (self.cancelled, self.cut, self.finished) = (false, false, None);
    }

    /// Somebody had everything tried again that failed or was cancelled.
    fn retry_all(&mut self) {
        self.taken_up();
        let gitlab = self.is_gitlab();
        let lost = |state: &JobState| matches!(state, JobState::Failed { .. } | JobState::Cancelled { .. });
        let retried: Vec<bool> = self.states.iter().map(lost).collect();
        for (at, facts) in self.facts.iter_mut().enumerate() {
            // GitHub tries those again, too, that come after one that is
            let after = !gitlab && self.graph.ancestors[at].iter().any(|other| retried[*other]);
            if retried[at] || after && settle::is_over(&self.states[at]) {
                *facts = facts.anew();
            } else if matches!(self.states[at], JobState::Skipped { .. }) {
                facts.settled = None;
            }
        }
    }

    /// Has the rest of the run cancelled after a failure, if the file says so.
    fn after_failure(&mut self, job: &JobName) {
        let Some(plan) = &self.plan else { return };
        let failed =
            self.graph.index.get(job).is_some_and(|at| matches!(self.facts[*at].ended, Some(Ended::Failed { allowed: false, .. })));
        if failed && plan.auto_cancel.on_job_failure == OnJobFailure::All {
            self.cancel_open();
        }
    }

    /// Cancels every job of a GitLab file that is not over and does not wait for a person.
    fn cancel_open(&mut self) {
        let Some(plan) = &self.plan else { return };
        self.cut = true;
        for (facts, job) in self.facts.iter_mut().zip(&plan.jobs) {
            let status = facts.status(job);
            if !status.is_complete() && status != Status::Manual {
                cancel(facts, job);
            }
        }
    }

    /// Somebody cancelled the run.
    fn cancel_all(&mut self) {
        self.cancelled = true;
        if self.is_gitlab() {
            self.cancel_open();
        } else {
            self.mark_cancelled();
        }
    }

    /// Marks every job of a workflow that is to be cancelled: all but those whose `if` holds for a cancelled run.
    fn mark_cancelled(&mut self) {
        let Some(known) = self.known() else { return };
        // nobody waits for a manual job that may fail, and it can still be played
        let idle = |at: usize| self.states[at] == JobState::Manual && is_optional(&known.plan.jobs[at]);
        let open = |at: &usize| !settle::is_over(&self.states[*at]) && !idle(*at);
        // what was never let in has nothing to clean up
        let out = self.waits_for_turn();
        let asks = |at: usize| matches!(&known.graph.conditions[at], Some(Ok(expression)) if expression.asks_status());
        let spared = |at: &usize| match &self.states[*at] {
            // it is asked when what it needs is over
            JobState::Waiting | JobState::Ready if known.facts[*at].attempts == 0 => asks(*at),
            _ => asks(*at) && settle::condition_holds(&known, *at, &self.states, true).unwrap_or(false),
        };
        let cancelled: Vec<usize> = (0..self.states.len()).filter(open).filter(|at| out || !spared(at)).collect();
        for at in cancelled {
            self.facts[at].cancelled = true;
        }
    }

    pub(super) fn known(&self) -> Option<Known<'_>> {
        let plan = self.plan.as_deref()?;
        Some(Known { plan, graph: &self.graph, facts: &self.facts, cancelled: self.cancelled, waits_for_turn: self.waits_for_turn() })
    }
}

/// Tells a job to end, or keeps it from beginning. One that only follows another pipeline ends at once, as in GitLab.
fn cancel(facts: &mut Facts, job: &PlannedJob) {
    facts.cancelled = true;
    if job.trigger.is_some() {
        facts.running = None;
    }
    if facts.running.is_none() {
        facts.ended = Some(Ended::Cancelled);
    }
}
