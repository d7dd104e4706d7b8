//! How each job stands, given what the events said.

use super::composite::{Composite, Tally};
use super::facts::{Ended, Facts, is_optional};
use super::graph::Graph;
use super::{JobState, NeedResult};
use crate::github::{self, StatusFunctions};
use crate::input::Dialect;
use crate::plan::{Plan, PlannedJob, When};

use std::collections::BTreeMap;

/// Everything that the states follow from.
pub(super) struct Known<'r> {
    pub(super) plan: &'r Plan,
    pub(super) graph: &'r Graph,
    pub(super) facts: &'r [Facts],
    /// Somebody cancelled the run, and nobody took it up again.
    pub(super) cancelled: bool,
}

/// How each job stands, in the plan's order; and all of them counted.
pub(super) fn settle(known: &Known<'_>) -> (Vec<JobState>, Tally) {
    let mut states = vec![JobState::Waiting; known.plan.jobs.len()];
    let mut earlier = Tally::default();
    for stage in &known.graph.stages {
        for &at in stage {
            states[at] = state(known, at, &states, &earlier);
        }
        for &at in stage {
            earlier.add(&states[at], is_optional(&known.plan.jobs[at]));
        }
    }
    (states, earlier)
}

fn state(known: &Known<'_>, at: usize, states: &[JobState], earlier: &Tally) -> JobState {
    let facts = &known.facts[at];
    let job = &known.plan.jobs[at];
    match (&facts.running, &facts.ended) {
        (Some(attempt), _) => JobState::Running { attempt: *attempt },
        (None, Some(Ended::Succeeded)) => JobState::Succeeded,
        (None, Some(Ended::Failed { allowed, why })) => JobState::Failed { allowed: *allowed, why: why.clone() },
        (None, Some(Ended::Cancelled)) => JobState::Cancelled { why: "it was cancelled".into() },
        (None, None) if facts.cancelled => JobState::Cancelled { why: "the run was cancelled before it began".into() },
        (None, None) if facts.goes_on() => JobState::Ready,
        (None, None) => match known.plan.dialect {
            Dialect::GitlabCi => by_when(known, at, states, earlier),
            Dialect::GithubWorkflow => by_condition(known, at, job, states),
        },
    }
}

/// A GitLab job that has not begun: by what it waits for, and its `when`.
fn by_when(known: &Known<'_>, at: usize, states: &[JobState], earlier: &Tally) -> JobState {
    let job = &known.plan.jobs[at];
    let by_stage = known.graph.by_stage[at];
    let before = if by_stage {
        earlier.composite(false)
    } else {
        let mut tally = Tally::default();
        for &need in &known.graph.needs[at] {
            tally.add(&states[need], is_optional(&known.plan.jobs[need]));
        }
        tally.composite(true)
    };
    let runs = match (before, job.when) {
        (Composite::Created | Composite::Pending | Composite::Running | Composite::Manual, _) => return JobState::Waiting,
        (Composite::Success, When::OnSuccess | When::Manual)
        | (Composite::Failed, When::OnFailure)
        | (Composite::Success | Composite::Failed | Composite::Skipped, When::Always) => true,
        (Composite::Skipped, When::OnSuccess | When::Manual) => by_stage,
        _ => false,
    };
    match (runs, job.when) {
        (true, When::Manual) => JobState::Manual,
        (true, _) => JobState::Ready,
        (false, when) => {
            let before = match before {
                Composite::Failed => "failed",
                Composite::Cancelled => "was cancelled",
                Composite::Skipped => "did not run",
                _ => "succeeded",
            };
            let what = if by_stage { "an earlier stage" } else { "a job that it needs" };
            let runs = match when {
                When::OnFailure => "it runs only on failure",
                When::Always => "it does not run after a cancellation",
                When::OnSuccess | When::Manual => "it runs only on success",
            };
            let why = if before == "succeeded" {
                format!("nothing before it failed, and {runs}")
            } else {
                format!("{what} {before}, and {runs}")
            };
            JobState::Skipped { why }
        }
    }
}

/// A workflow's job that has not begun: by its `needs`, its matrix and its `if`.
fn by_condition(known: &Known<'_>, at: usize, job: &PlannedJob, states: &[JobState]) -> JobState {
    if known.graph.needs[at].iter().any(|need| !is_over(&states[*need])) {
        return JobState::Waiting;
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
    let ancestors = &known.graph.ancestors[at];
    let is_success = |state: &JobState| matches!(state, JobState::Succeeded | JobState::Failed { allowed: true, .. });
    let functions = StatusFunctions {
        success: !cancelled && !known.graph.misses_ancestor[at] && ancestors.iter().all(|other| is_success(&states[*other])),
        failure: ancestors.iter().any(|other| matches!(states[*other], JobState::Failed { allowed: false, .. })),
        cancelled,
    };
    match &known.graph.conditions[at] {
        None => Ok(functions.success),
        Some(Err(why)) => Err(why.clone()),
        Some(Ok(expression)) => github::job_condition(expression, known.plan, &need_results(known, at, states), functions),
    }
}

/// The job whose failure cancels this one by `fail-fast`.
pub(super) fn failed_sibling(known: &Known<'_>, at: usize) -> Option<usize> {
    let job = &known.plan.jobs[at];
    job.matrix.as_ref().filter(|matrix| matrix.fail_fast)?;
    let siblings = known.graph.groups.get(&job.group)?;
    siblings.iter().copied().find(|other| *other != at && matches!(known.facts[*other].ended, Some(Ended::Failed { allowed: false, .. })))
}

/// The `needs` context.
pub(super) fn need_results(known: &Known<'_>, at: usize, states: &[JobState]) -> BTreeMap<String, NeedResult> {
    let mut out = BTreeMap::new();
    for key in &known.plan.jobs[at].needs {
        let members = known.graph.groups.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut outputs = BTreeMap::new();
        for member in members {
            if let Some(report) = &known.facts[*member].report {
                outputs.extend(
                    report.outputs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.clone(), value.clone())),
                );
            }
        }
        let any = |wanted: fn(&JobState) -> bool| members.iter().any(|member| wanted(&states[*member]));
        let result = if any(|state| matches!(state, JobState::Failed { allowed: false, .. })) {
            "failure"
        } else if any(|state| matches!(state, JobState::Cancelled { .. })) {
            "cancelled"
        } else if members.is_empty() || any(|state| matches!(state, JobState::Skipped { .. })) {
            "skipped"
        } else {
            "success"
        };
        out.insert(key.clone(), NeedResult { result: result.to_owned(), outputs });
    }
    out
}

/// True if a job does nothing any more by itself.
pub(super) fn is_over(state: &JobState) -> bool {
    matches!(state, JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::Skipped { .. })
}
