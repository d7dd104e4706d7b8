//! Test results, as a world keeps them.

use std::collections::BTreeSet;
use std::sync::Arc;

use penstock_model::event::Recorded;
use penstock_model::{Digest, JobName, RunId, Timestamp};
use penstock_scan::{CoverageReport, TestTotals};
use serde::Serialize;

use super::World;

/// Attempts of one job of one run that are kept.
const MAX_ATTEMPTS: usize = 5;
/// Flaky tests of one project that are kept: those that were seen last.
const MAX_FLAKY: usize = 500;

/// What one attempt said of tests and coverage.
#[derive(Clone, Debug, Serialize)]
pub struct TestedAttempt {
    /// The attempt's number.
    pub attempt: u32,
    /// The tests.
    pub totals: TestTotals,
    /// The reports that they were read from.
    pub reports: Vec<Digest>,
    /// Lines that tests reached.
    pub coverage: Option<CoverageReport>,
}

/// A test that passed and failed at one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlakyRecord {
    /// The job, where it was seen last.
    pub job: JobName,
    /// In which run.
    pub run: RunId,
    /// At how many attempts.
    pub times: u32,
    /// When it was seen first.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
}

impl World {
    /// An attempt's tests, and those of them that end now so and now so.
    pub(super) fn tested(&mut self, job: JobName, tested: TestedAttempt, flaky: BTreeSet<String>, event: &Recorded) -> Option<()> {
        let run: RunId = event.stream.name().parse().ok()?;
        let record = Arc::make_mut(self.runs.get_mut(&run)?);
        let attempts = record.tests.entry(job.clone()).or_default();
        attempts.push(tested);
        attempts.drain(..attempts.len().saturating_sub(MAX_ATTEMPTS));
        if flaky.is_empty() {
            return Some(());
        }
        let project = Arc::make_mut(self.projects.get_mut(&record.project)?);
        for test in flaky {
            let fresh = || FlakyRecord { job: job.clone(), run: run.clone(), times: 0, first: event.at, last: event.at };
            let seen = project.flaky.entry(test).or_insert_with(fresh);
            (seen.job, seen.run, seen.times, seen.last) = (job.clone(), run.clone(), seen.times.saturating_add(1), event.at);
        }
        while project.flaky.len() > MAX_FLAKY {
            let oldest = project.flaky.iter().min_by_key(|(_, seen)| seen.last).map(|(test, _)| test.clone())?;
            project.flaky.remove(&oldest);
        }
        Some(())
    }
}
