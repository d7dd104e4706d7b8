//! How each job stands, given what the events said.

use super::facts::{Ended, Facts, Settled, is_optional};
use super::graph::Graph;
use super::status::Statuses;
use super::{JobState, NeedResult, calls};
use crate::github;
use crate::input::Dialect;
use crate::plan::{Plan, PlannedJob};

use std::collections::BTreeMap;

/// Everything that the states follow from.
pub(super) struct Known<'r> {
    pub(super) plan: &'r Plan,
    pub(super) graph: &'r Graph,
    pub(super) facts: &'r [Facts],
    /// Somebody cancelled the run, and nobody took it up again.
    pub(super) cancelled: bool,
    /// The run as a whole waits for its turn.
    pub(super) waits_for_turn: bool,
}

/// How each job stands, in the plan's order; and all of them together.
pub(super) fn settle(known: &Known<'_>) -> (Vec<JobState>, Statuses) {
    let mut states = vec![JobState::Waiting; known.plan.jobs.len()];
    let mut all = Statuses::default();
    for &at in known.graph.stages.iter().flatten() {
        states[at] = state(known, at, &states);
        let optional = match &states[at] {
            JobState::Failed { allowed, .. } => *allowed,
            _ => is_optional(&known.plan.jobs[at]),
        };
        all.add(states[at].status(known.facts[at].cancelled), optional);
    }
    (states, all)
}

fn state(known: &Known<'_>, at: usize, states: &[JobState]) -> JobState {
    let facts = &known.facts[at];
    let job = &known.plan.jobs[at];
    match (&facts.running, &facts.ended) {
        (Some(attempt), _) => JobState::Running { attempt: *attempt },
        (None, Some(Ended::Succeeded)) => JobState::Succeeded,
        (None, Some(Ended::Failed { allowed, why })) => JobState::Failed { allowed: *allowed, why: why.clone() },
        (None, Some(Ended::Cancelled)) => JobState::Cancelled { why: "it was cancelled".into() },
        (None, None) if known.plan.dialect == Dialect::GitlabCi => of_gitlab(facts, job),
        (None, None) if facts.cancelled => JobState::Cancelled { why: "the run was cancelled before it began".into() },
        (None, None) => {
            let state = if facts.goes_on() && !job.late { JobState::Ready } else { by_condition(known, at, job, states) };
            let waits = known.waits_for_turn || job.concurrency.is_some() && !facts.has_turn;
            match state {
                // it keeps the place of what it is settled into
                JobState::Ready if job.late => JobState::Waiting,
                JobState::Ready if waits => JobState::WaitingForResource,
                state => state,
            }
        }
    }
}

/// A GitLab job that is not at work.
fn of_gitlab(facts: &Facts, job: &PlannedJob) -> JobState {
    match &facts.settled {
        None => JobState::Waiting,
        Some(Settled::Enqueued) if job.turns.resource_group.is_some() && !facts.has_turn => JobState::WaitingForResource,
        Some(Settled::Enqueued) => JobState::Ready,
        Some(Settled::Manual) => JobState::Manual,
        Some(Settled::Scheduled) => JobState::Scheduled { until: facts.until },
        Some(Settled::Skipped { why }) => JobState::Skipped { why: why.clone() },
    }
}

/// A workflow's job that has not begun: by its `needs`, its matrix and its `if`.
pub(super) fn by_condition(known: &Known<'_>, at: usize, job: &PlannedJob, states: &[JobState]) -> JobState {
    if known.graph.needs[at].iter().any(|need| !is_over(&states[*need])) {
        return JobState::Waiting;
    }
    if let Err(state) = calls::gate(known, job.call.as_deref(), states, known.cancelled) {
        return state;
    }
    if let Some(failed) = failed_sibling(known, at) {
        return JobState::Cancelled { why: format!("`{}` of the same matrix failed (fail-fast)", known.plan.jobs[failed].name) };
    }
    match condition_holds(known, at, states, known.cancelled) {
        Ok(true) => JobState::Ready,
        Ok(false) => {
            let why = match &job.condition {
                None => "a job that it needs did not succeed".to_owned(),
                Some(condition) => format!("its `if` on line {} is false", condition.line),
            };
            JobState::Skipped { why }
        }
        Err(why) => JobState::Failed { allowed: is_optional(job), why: format!("its `if` cannot be decided: {why}") },
    }
}

/// Asks a workflow job's `if`.
pub(super) fn condition_holds(known: &Known<'_>, at: usize, states: &[JobState], cancelled: bool) -> Result<bool, String> {
    let functions = calls::status(known, at, states, cancelled);
    match &known.graph.conditions[at] {
        None => Ok(functions.success),
        Some(Err(why)) => Err(why.clone()),
        Some(Ok(expression)) => {
            let call = known.plan.jobs[at].call.as_deref();
            let gate = calls::gate(known, call, states, cancelled).unwrap_or_default();
            let inputs = call.and_then(|call| gate.get(call)).map_or(&known.plan.inputs, |state| &state.inputs);
            github::job_condition(expression, known.plan, inputs, &need_results(known, at, states), functions)
        }
    }
}

/// The job whose failure cancels this one by `fail-fast`.
pub(super) fn failed_sibling(known: &Known<'_>, at: usize) -> Option<usize> {
    let job = &known.plan.jobs[at];
    if let Some(failed) = known.plan.chain(job.call.as_deref()).find_map(|call| calls::failed_sibling(known, call)) {
        return Some(failed);
    }
    job.matrix.as_ref().filter(|matrix| matrix.fail_fast)?;
    let siblings = known.graph.groups.get(&job.group)?;
    siblings.iter().copied().find(|other| *other != at && matches!(known.facts[*other].ended, Some(Ended::Failed { allowed: false, .. })))
}

/// The `needs` context.
pub(super) fn need_results(known: &Known<'_>, at: usize, states: &[JobState]) -> BTreeMap<String, NeedResult> {
    let job = &known.plan.jobs[at];
    calls::results(known, &job.needs, job.call.as_deref(), states)
}

/// True if a job does nothing any more by itself.
pub(super) fn is_over(state: &JobState) -> bool {
    matches!(state, JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::Skipped { .. })
}
