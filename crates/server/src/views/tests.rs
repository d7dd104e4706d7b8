//! Tests over runs.

use penstock_api::{FailingTest, FlakyTest, RunTests, SlowestTest, TestPoint, TestsView};
use penstock_delivery::{ProjectRecord, RunRecord, World};

/// The most failing tests that are shown.
const MAX_FAILING: usize = 200;
/// The most slow tests that are shown.
const MAX_SLOWEST: usize = 20;
/// How far back runs of a branch are looked for.
const MAX_LOOKED: usize = 2_000;

/// The last runs of a ref that had tests or coverage, and what is known of single tests.
pub fn tests(world: &World, project: &ProjectRecord, reference: &str, limit: usize) -> TestsView {
    let records = project.runs.iter().rev().take(MAX_LOOKED).filter_map(|run| world.runs.get(run));
    let of_ref = records.filter(|record| super::runs::short_ref(&record.push.reference) == reference);
    let mut runs: Vec<_> = of_ref.filter_map(|record| Some((record, point(record)?))).take(limit).collect();
    runs.reverse();
    let last = runs.last().map(|(record, _)| record);
    let mut flaky: Vec<_> = project.flaky.iter().collect();
    flaky.sort_by_key(|(test, seen)| (std::cmp::Reverse(seen.last), *test));
    let mut slowest: Vec<_> = last.into_iter().flat_map(|record| slow(record)).collect();
    slowest.sort_by(|one, other| other.millis.cmp(&one.millis).then_with(|| one.test.cmp(&other.test)));
    slowest.truncate(MAX_SLOWEST);
    TestsView {
        project: project.name.clone(),
        reference: reference.to_owned(),
        failing: last.map(|record| failing(project, record)).unwrap_or_default(),
        slowest,
        flaky: flaky
            .into_iter()
            .map(|(test, seen)| FlakyTest {
                test: test.clone(),
                job: seen.job.clone(),
                run: seen.run.clone(),
                times: seen.times,
                first: seen.first,
                last: seen.last,
            })
            .collect(),
        runs: runs.into_iter().map(|(_, point)| point).collect(),
    }
}

/// Refs whose runs had tests, the last pushed first.
pub fn tested_refs(world: &World, project: &ProjectRecord, most: usize) -> Vec<String> {
    let mut refs: Vec<String> = Vec::new();
    let records = project.runs.iter().rev().take(MAX_LOOKED).filter_map(|run| world.runs.get(run));
    for record in records.filter(|record| !record.tests.is_empty()) {
        let name = super::runs::short_ref(&record.push.reference);
        if refs.len() < most && refs.iter().all(|known| known != name) {
            refs.push(name.to_owned());
        }
    }
    refs
}

/// The tests of one run; `None` if it had none.
pub(super) fn run_tests(project: &ProjectRecord, record: &RunRecord) -> Option<RunTests> {
    Some(RunTests { point: point(record)?, failing: failing(project, record) })
}

/// A run in figures: of each job its last attempt.
fn point(record: &RunRecord) -> Option<TestPoint> {
    let attempts = || record.tests.values().filter_map(|attempts| attempts.last());
    let totals = || attempts().map(|tested| &tested.totals);
    let (covered, valid) = attempts()
        .filter_map(|tested| tested.coverage)
        .fold((0, 0), |(covered, valid), lines| (covered + lines.lines_covered, valid + lines.lines_valid));
    let said: Vec<u32> = record.times.values().filter_map(|times| times.report.as_ref()?.coverage).collect();
    let coverage = match (valid, said.len()) {
        (0, 0) => None,
        // what jobs print of their coverage is averaged, as GitLab does
        (0, count) => Some(f64::from(said.iter().sum::<u32>() / u32::try_from(count).unwrap_or(u32::MAX)) / 100.0),
        (valid, _) => Some(f64::from(u32::try_from(u128::from(covered) * 10_000 / u128::from(valid)).unwrap_or(0)) / 100.0),
    };
    (attempts().next().is_some() || coverage.is_some()).then(|| TestPoint {
        run: record.id.clone(),
        commit: record.push.commit.clone(),
        at: record.push.at,
        passed: totals().map(|totals| totals.passed).sum(),
        failed: totals().map(|totals| totals.failed).sum(),
        skipped: totals().map(|totals| totals.skipped).sum(),
        millis: totals().map(|totals| totals.millis).sum(),
        coverage,
    })
}

fn failing(project: &ProjectRecord, record: &RunRecord) -> Vec<FailingTest> {
    let all = record.tests.iter().flat_map(|(job, attempts)| {
        let names = attempts.last().into_iter().flat_map(|tested| &tested.totals.failing);
        names.map(move |test| FailingTest { test: test.clone(), job: job.clone(), flaky: project.flaky.contains_key(test) })
    });
    all.take(MAX_FAILING).collect()
}

fn slow(record: &RunRecord) -> impl Iterator<Item = SlowestTest> {
    record.tests.iter().flat_map(|(job, attempts)| {
        let slowest = attempts.last().into_iter().flat_map(|tested| &tested.totals.slowest);
        slowest.map(|slow| SlowestTest { test: slow.name.clone(), job: job.clone(), millis: slow.millis })
    })
}
