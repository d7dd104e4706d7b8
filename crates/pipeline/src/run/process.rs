//! GitLab's way through a pipeline: what becomes of each job once what it waits for is over.
//!
//! A job is asked once, and what comes of it stays, as in GitLab (`AtomicProcessingService`, `ProcessBuildService`): what is to
//! start still starts when a job before it is tried again. Only what was skipped is asked anew, if it comes after what was
//! started by hand or tried again (`ResetSkippedJobsService`).

use super::facts::{Facts, Settled};
use super::graph::Graph;
use super::status::{Status, Statuses};
use crate::plan::{Plan, PlannedJob, When};

/// Asks every job that was not asked yet, in an order in which each comes after what it waits for.
pub(super) fn process(plan: &Plan, graph: &Graph, facts: &mut [Facts]) {
    let mut earlier = Statuses::default();
    for stage in &graph.stages {
        for &at in stage {
            if facts[at].status(&plan.jobs[at]) == Status::Created {
                let before = if graph.by_stage[at] { earlier.composite(false) } else { of(&graph.needs[at], plan, facts).composite(true) };
                if before.is_complete() {
                    facts[at].settled = Some(settled(&plan.jobs[at], graph.by_stage[at], before, facts[at].by_hand));
                }
            }
        }
        earlier.extend(of(stage, plan, facts));
    }
}

/// How some jobs stand.
pub(super) fn of(jobs: &[usize], plan: &Plan, facts: &[Facts]) -> Statuses {
    let mut statuses = Statuses::default();
    for &at in jobs {
        statuses.add(facts[at].status(&plan.jobs[at]), facts[at].is_optional(&plan.jobs[at]));
    }
    statuses
}

/// Lets those that were skipped be asked anew which come after these: what needs them, near or far, and all of later stages.
pub(super) fn ask_again(started: &[usize], graph: &Graph, facts: &mut [Facts]) {
    let mut after = vec![false; facts.len()];
    let mut later = false;
    for stage in &graph.stages {
        for &at in stage {
            after[at] = started.contains(&at) || graph.needs[at].iter().any(|need| after[*need]);
            if (later || after[at]) && facts[at].ended.is_none() && matches!(facts[at].settled, Some(Settled::Skipped { .. })) {
                facts[at].settled = None;
            }
        }
        later |= stage.iter().any(|at| started.contains(at));
    }
}

/// What becomes of a job after what it waits for came to this.
fn settled(job: &PlannedJob, by_stage: bool, before: Status, immediately: bool) -> Settled {
    let runs = match (before, job.when) {
        (Status::Success, When::OnSuccess | When::Manual | When::Delayed)
        | (Status::Failed, When::OnFailure)
        | (Status::Success | Status::Failed | Status::Skipped, When::Always) => true,
        (Status::Skipped, When::OnSuccess | When::Manual | When::Delayed) => by_stage,
        _ => false,
    };
    match (runs, job.when) {
        (false, when) => Settled::Skipped { why: skipped(when, by_stage, before) },
        (true, When::Manual) if !immediately => Settled::Manual,
        (true, When::Delayed) if !immediately => Settled::Scheduled,
        (true, _) => Settled::Enqueued,
    }
}

/// Why a job does not run, for people.
fn skipped(when: When, by_stage: bool, before: Status) -> String {
    let before = match before {
        Status::Failed => "failed",
        Status::Canceled => "was cancelled",
        Status::Skipped => "did not run",
        _ => "succeeded",
    };
    let what = if by_stage { "an earlier stage" } else { "a job that it needs" };
    let runs = match when {
        When::OnFailure => "it runs only on failure",
        When::Always => "it does not run after a cancellation",
        When::OnSuccess | When::Manual | When::Delayed => "it runs only on success",
    };
    if before == "succeeded" { format!("nothing before it failed, and {runs}") } else { format!("{what} {before}, and {runs}") }
}
