//! Test results of attempts, kept in figures, and the tests that end now so and now so.
//!
//! An attempt is compared with those before it of the same job at the same commit. What passed is not kept: where something
//! failed, the reports of the attempts before are read again for these tests alone.

use std::collections::BTreeSet;
use std::io::BufReader;

use penstock_model::ids::Actor;
use penstock_model::{Digest, JobName};
use penstock_scan::{CoverageReport, Seen, Tally, flaky};
use tokio_util::io::SyncIoBridge;

use crate::effects::EffectError;
use crate::events::WorkEvent;
use crate::parts::Parts;
use crate::streams;
use crate::world::{RunRecord, TestedAttempt, World};

/// Attempts before that are looked at.
const MAX_EARLIER: usize = 5;
/// Runs before in which they are looked for.
const MAX_RUNS: usize = 200;
/// The most that is read again of their reports.
const MAX_AGAIN: u64 = 256 << 20;
/// The most tests of one attempt that are recorded as flaky.
const MAX_FLAKY: usize = 100;

/// What the reports of one attempt said.
#[derive(Default)]
pub(crate) struct Results {
    /// The tests, if there was a report of some.
    pub tests: Option<Tally>,
    /// The reports that they were read from.
    pub reports: Vec<Digest>,
    /// Lines that tests reached.
    pub coverage: Option<CoverageReport>,
}

/// Tests that failed before in this job at this commit: whether they pass now matters.
pub(crate) fn watched(world: &World, record: &RunRecord, job: &JobName) -> BTreeSet<String> {
    earlier(world, record, job).iter().flat_map(|attempt| attempt.totals.failing.iter().cloned()).collect()
}

/// Attempts of this job at this commit that are recorded, the newest first.
fn earlier<'w>(world: &'w World, record: &RunRecord, job: &JobName) -> Vec<&'w TestedAttempt> {
    let runs = world.projects.get(&record.project).into_iter().flat_map(|project| project.runs.iter().rev().take(MAX_RUNS));
    let same = runs.filter_map(|run| world.runs.get(run)).filter(|other| other.push.commit == record.push.commit);
    // nor does anybody believe what comes from outside, nor is a test flaky by it
    let same = same.filter(|other| !world.is_outside(record) && !world.is_outside(other));
    same.filter_map(|other| other.tests.get(job)).flat_map(|attempts| attempts.iter().rev()).take(MAX_EARLIER).collect()
}

/// Records what an attempt's reports said, once.
pub(crate) async fn record(parts: &Parts, record: &RunRecord, job: &JobName, attempt: u32, results: Results) -> Result<(), EffectError> {
    let Results { tests, reports, coverage } = results;
    if tests.is_none() && coverage.is_none() {
        return Ok(());
    }
    let (totals, now) = tests.unwrap_or_default().finish();
    let world = parts.journal.world();
    let mut attempts = Vec::new();
    for before in earlier(&world, record, job) {
        let passed = if now.failed.is_empty() { BTreeSet::new() } else { passed_before(parts, before, &now.failed).await };
        attempts.push(Seen { failed: before.totals.failing.clone(), passed, again: BTreeSet::new() });
    }
    let mine = |test: &String| now.failed.contains(test) || now.passed.contains(test) || now.again.contains(test);
    attempts.push(now.clone());
    let outside = world.is_outside(record);
    let flaky = flaky(&attempts).into_iter().filter(|test| !outside && mine(test)).take(MAX_FLAKY).collect();
    let tested = WorkEvent::Tested { job: job.clone(), attempt, totals, reports, coverage, flaky };
    let known = |world: &World| {
        let attempts = world.runs.get(&record.id).and_then(|record| record.tests.get(job));
        attempts.is_some_and(|attempts| attempts.iter().any(|tested| tested.attempt == attempt))
    };
    let stream = streams::run(&record.id);
    parts.journal.change(&stream, Actor::Penstock, |world, _| if known(world) { Vec::new() } else { vec![tested] }).await?;
    Ok(())
}

/// Of some tests, those that passed in an attempt before. A report that is gone says nothing.
async fn passed_before(parts: &Parts, before: &TestedAttempt, tests: &BTreeSet<String>) -> BTreeSet<String> {
    let mut tally = Tally::new(tests.clone());
    let mut left = MAX_AGAIN;
    for report in &before.reports {
        let size = parts.blobs.size(*report).await.ok().flatten().unwrap_or(u64::MAX);
        let Ok(stream) = parts.blobs.get(*report).await else { continue };
        let Some(rest) = left.checked_sub(size) else { break };
        left = rest;
        let mut one = Tally::new(tests.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let read = penstock_scan::read_junit(BufReader::new(SyncIoBridge::new(stream)), &mut |case| one.take(&case));
            read.is_ok().then_some(one)
        });
        if let Ok(Some(one)) = reading.await {
            tally.add(one);
        }
    }
    tally.finish().1.passed
}
