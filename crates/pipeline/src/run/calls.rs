//! Called workflows of a run: whether their jobs may begin, what they get and what they give.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Ended;
use super::graph::Graph;
use super::settle::{Known, is_over};
use super::{CallState, JobState, NeedResult};
use crate::github::{self, Expression, Inputs, StatusFunctions};
use crate::plan::{Plan, PlannedCall, PlannedJob};

/// What each call got, by its name.
pub(super) type Calls = BTreeMap<String, CallState>;

/// A call in the graph of a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct CallNode {
    /// The jobs that it waits for.
    needs: Vec<usize>,
    /// The groups that it comes after within the workflow that it stands in.
    behind: Vec<String>,
    /// Its `if`, read.
    condition: Option<Result<Expression, String>>,
}

impl Graph {
    /// Follows the needs of calls, and those of jobs beside them, to the end.
    pub(super) fn add_calls(&mut self, plan: &Plan) {
        if plan.calls.is_empty() {
            return;
        }
        let of_jobs = plan.jobs.iter().map(|job| (job.group.as_str(), job.needs.as_slice()));
        let of_calls = plan.calls.iter().map(|call| (call.group.as_str(), call.needs.as_slice()));
        let needs: BTreeMap<&str, &[String]> = of_jobs.chain(of_calls).collect();
        self.behind = plan.jobs.iter().map(|job| behind(&needs, &job.needs)).collect();
        for call in &plan.calls {
            let jobs = call.needs.iter().filter_map(|group| self.groups.get(group)).flatten().copied().collect();
            let condition =
                call.condition.as_ref().map(|condition| Expression::read(&condition.expression).map_err(|invalid| invalid.message));
            self.calls.insert(call.name.clone(), CallNode { needs: jobs, behind: behind(&needs, &call.needs), condition });
        }
    }
}

/// All groups that come before what needs these.
fn behind(needs: &BTreeMap<&str, &[String]>, groups: &[String]) -> Vec<String> {
    let mut seen: BTreeSet<&String> = BTreeSet::new();
    let mut open: Vec<&String> = groups.iter().collect();
    while let Some(group) = open.pop() {
        if seen.insert(group) {
            open.extend(needs.get(group.as_str()).copied().unwrap_or_default());
        }
    }
    seen.into_iter().cloned().collect()
}

/// What the calls got by which a job's workflow is called; or how the job stands because one of them does not begin.
pub(super) fn gate(known: &Known<'_>, call: Option<&str>, states: &[JobState], cancelled: bool) -> Result<Calls, JobState> {
    let mut calls = Calls::new();
    let mut chain: Vec<&PlannedCall> = known.plan.chain(call).collect();
    chain.reverse();
    for call in chain {
        let state = opened(known, call, &calls, states, cancelled)?;
        calls.insert(call.name.clone(), state);
    }
    Ok(calls)
}

fn opened(known: &Known<'_>, call: &PlannedCall, calls: &Calls, states: &[JobState], cancelled: bool) -> Result<CallState, JobState> {
    let Some(node) = known.graph.calls.get(&call.name) else { return Err(JobState::Waiting) };
    if node.needs.iter().any(|need| !is_over(&states[*need])) {
        return Err(JobState::Waiting);
    }
    if let Some(failed) = failed_sibling(known, call) {
        return Err(JobState::Cancelled { why: format!("`{}` of the same matrix failed (fail-fast)", known.plan.jobs[failed].name) });
    }
    let name = &call.name;
    let fails = |why: String| JobState::Failed { allowed: false, why };
    let needs = results(known, &call.needs, call.within.as_deref(), states);
    let status = of_groups(known, &node.behind, states, cancelled);
    let holds = match &node.condition {
        None => Ok(status.success),
        Some(Err(why)) => Err(why.clone()),
        Some(Ok(expression)) => {
            let inputs = call.within.as_ref().and_then(|outer| calls.get(outer)).map_or(&known.plan.inputs, |state| &state.inputs);
            github::job_condition(expression, known.plan, inputs, &needs, status)
        }
    };
    match (holds, &call.condition) {
        (Ok(true), _) => {}
        (Ok(false), Some(condition)) => {
            return Err(JobState::Skipped { why: format!("the `if` on line {} of the call `{name}` is false", condition.line) });
        }
        (Ok(false), None) => return Err(JobState::Skipped { why: format!("a job that the call `{name}` needs did not succeed") }),
        (Err(why), _) => return Err(fails(format!("the `if` of the call `{name}` cannot be decided: {why}"))),
    }
    let inputs =
        github::call_inputs(known.plan, call, calls, &needs).map_err(|why| fails(format!("the call `{name}` cannot be made: {why}")))?;
    Ok(CallState { inputs, needs })
}

/// What the status functions of a job say.
pub(super) fn status(known: &Known<'_>, at: usize, states: &[JobState], cancelled: bool) -> StatusFunctions {
    if let Some(groups) = known.graph.behind.get(at) {
        return of_groups(known, groups, states, cancelled);
    }
    let ancestors = &known.graph.ancestors[at];
    let is_success = |state: &JobState| matches!(state, JobState::Succeeded | JobState::Failed { allowed: true, .. });
    StatusFunctions {
        success: !cancelled && !known.graph.misses_ancestor[at] && ancestors.iter().all(|other| is_success(&states[*other])),
        failure: ancestors.iter().any(|other| matches!(states[*other], JobState::Failed { allowed: false, .. })),
        cancelled,
    }
}

/// What the status functions of what comes after these groups say: a call counts as a whole.
fn of_groups(known: &Known<'_>, groups: &[String], states: &[JobState], cancelled: bool) -> StatusFunctions {
    let outcomes: Vec<&str> = groups.iter().map(|group| outcome(known, group, states)).collect();
    let success = !cancelled && outcomes.iter().all(|outcome| *outcome == "success");
    StatusFunctions { success, failure: outcomes.contains(&"failure"), cancelled }
}

/// What a group of jobs or calls came to, in GitHub's words.
fn outcome(known: &Known<'_>, group: &str, states: &[JobState]) -> &'static str {
    let members = known.graph.groups.get(group).map(Vec::as_slice).unwrap_or_default();
    let any = |wanted: fn(&JobState) -> bool| members.iter().any(|member| wanted(&states[*member]));
    let is_skipped = |state: &JobState| matches!(state, JobState::Skipped { .. });
    let is_call = || known.plan.calls.iter().any(|call| call.group == group);
    if any(|state| matches!(state, JobState::Failed { allowed: false, .. })) {
        "failure"
    } else if any(|state| matches!(state, JobState::Cancelled { .. })) {
        "cancelled"
    } else if members.iter().all(|member| is_skipped(&states[*member])) || any(is_skipped) && !is_call() {
        "skipped"
    } else {
        "success"
    }
}

/// The job of another call of the same matrix whose failure cancels this one.
pub(super) fn failed_sibling(known: &Known<'_>, call: &PlannedCall) -> Option<usize> {
    call.matrix.as_ref().filter(|matrix| matrix.fail_fast)?;
    let others = known.graph.groups.get(&call.group)?.iter().copied();
    let own = |at: usize| known.plan.chain(known.plan.jobs[at].call.as_deref()).any(|other| other.name == call.name);
    others.filter(|at| matches!(known.facts[*at].ended, Some(Ended::Failed { allowed: false, .. }))).find(|at| !own(*at))
}

/// The `needs` context: what groups of jobs and calls came to, by their keys in the file that the call is of.
pub(super) fn results(known: &Known<'_>, groups: &[String], scope: Option<&str>, states: &[JobState]) -> BTreeMap<String, NeedResult> {
    let mut out = BTreeMap::new();
    for group in groups {
        let members = known.graph.groups.get(group).map(Vec::as_slice).unwrap_or_default();
        let calls: Vec<&PlannedCall> = known.plan.calls.iter().filter(|call| call.group == *group).collect();
        let mut outputs = BTreeMap::new();
        let mut add = |more: BTreeMap<String, String>| outputs.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
        for call in &calls {
            add(given(known, call, states));
        }
        for report in members.iter().filter(|_| calls.is_empty()).filter_map(|member| known.facts[*member].report.as_ref()) {
            add(report.outputs.clone());
        }
        let result = outcome(known, group, states);
        out.insert(local(group, scope).to_owned(), NeedResult { result: result.to_owned(), outputs });
    }
    out
}

/// A group's key in the file that a call is of.
fn local<'g>(group: &'g str, scope: Option<&str>) -> &'g str {
    let rest = scope.and_then(|scope| group.strip_prefix(scope)).and_then(|rest| rest.strip_prefix(" / "));
    rest.unwrap_or(group)
}

/// What a call's workflow gave.
fn given(known: &Known<'_>, call: &PlannedCall, states: &[JobState]) -> BTreeMap<String, String> {
    if call.outputs.is_empty() {
        return BTreeMap::new();
    }
    let own = known.plan.jobs.iter().filter(|job| job.call.as_ref() == Some(&call.name)).map(|job| &job.group);
    let inner = known.plan.calls.iter().filter(|other| other.within.as_ref() == Some(&call.name)).map(|other| &other.group);
    let groups: BTreeSet<&String> = own.chain(inner).collect();
    let groups: Vec<String> = groups.into_iter().cloned().collect();
    let jobs = results(known, &groups, Some(&call.name), states);
    let none = Inputs::new();
    let state = gate(known, Some(&call.name), states, known.cancelled).ok();
    let inputs = state.as_ref().and_then(|calls| calls.get(&call.name)).map_or(&none, |state| &state.inputs);
    github::call_outputs(known.plan, call, inputs, &jobs)
}

/// The calls of matrices that let so many be at work at once: those of each group that are.
#[derive(Default)]
pub(super) struct Places(BTreeMap<String, BTreeSet<String>>);

impl Places {
    /// A call is at work if some job in it has begun, and not all are over.
    pub(super) fn of(known: Known<'_>, states: &[JobState]) -> Self {
        let mut out = BTreeMap::new();
        for call in known.plan.calls.iter().filter(|call| most(call).is_some()) {
            let members = known.graph.groups.get(&call.group).map(Vec::as_slice).unwrap_or_default().iter().copied();
            let within = |at: &usize| known.plan.chain(known.plan.jobs[*at].call.as_deref()).any(|other| other.name == call.name);
            let own: Vec<usize> = members.filter(within).collect();
            if own.iter().any(|at| known.facts[*at].attempts > 0) && own.iter().any(|at| !is_over(&states[*at])) {
                out.entry(call.group.clone()).or_insert_with(BTreeSet::new).insert(call.name.clone());
            }
        }
        Self(out)
    }

    /// Whether a job may begin; then its calls are at work.
    pub(super) fn take(&mut self, plan: &Plan, job: &PlannedJob) -> bool {
        let bounded: Vec<(&PlannedCall, usize)> = plan.chain(job.call.as_deref()).filter_map(|call| Some((call, most(call)?))).collect();
        let free = |(call, most): &(&PlannedCall, usize)| {
            self.0.get(&call.group).is_none_or(|at_work| at_work.contains(&call.name) || at_work.len() < *most)
        };
        let free = bounded.iter().all(free);
        if free {
            for (call, _) in bounded {
                self.0.entry(call.group.clone()).or_default().insert(call.name.clone());
            }
        }
        free
    }
}

fn most(call: &PlannedCall) -> Option<usize> {
    call.matrix.as_ref().and_then(|matrix| matrix.max_parallel)
}
