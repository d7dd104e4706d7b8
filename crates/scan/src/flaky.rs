//! Test results of one attempt of a job, counted as they stream, and which tests end now so and now so at one commit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::reports::junit::{CaseOutcome, TestCase};

/// The most names of failing tests that are kept; all are counted.
const MAX_FAILING: usize = 200;
/// The most tests that are kept for having passed only when they were tried again.
const MAX_AGAIN: usize = 50;
/// How many of the slowest tests are kept.
const MAX_SLOWEST: usize = 10;

/// A test and how long it took.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlowTest {
    /// Milliseconds, as reported.
    pub millis: u64,
    /// Its class or module, and its name.
    pub name: String,
}

/// The tests of one attempt, in figures and a few names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestTotals {
    /// How many passed.
    pub passed: u64,
    /// How many failed or broke.
    pub failed: u64,
    /// How many did not run.
    pub skipped: u64,
    /// Milliseconds of all of them, as reported.
    pub millis: u64,
    /// Those that failed or broke, in order, up to a limit.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failing: BTreeSet<String>,
    /// The slowest, the slowest last.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub slowest: BTreeSet<SlowTest>,
}

/// What is known of single tests of one attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Tests that failed or broke, up to a limit.
    pub failed: BTreeSet<String>,
    /// Of the tests that were watched, those that passed whenever they ran.
    pub passed: BTreeSet<String>,
    /// Tests that the tool itself tried again until they passed, up to a limit.
    pub again: BTreeSet<String>,
}

/// Takes in cases, and holds no more of them than its limits.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    watched: BTreeSet<String>,
    totals: TestTotals,
    seen: Seen,
}

impl Tally {
    /// Of tests to watch, it is remembered whether they passed.
    pub fn new(watched: BTreeSet<String>) -> Self {
        Self { watched, ..Self::default() }
    }

    /// The next test.
    pub fn take(&mut self, case: &TestCase) {
        let millis =
            std::time::Duration::try_from_secs_f64(case.seconds).map_or(0, |took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        self.totals.millis = self.totals.millis.saturating_add(millis);
        match case.outcome {
            CaseOutcome::Skipped => self.totals.skipped += 1,
            CaseOutcome::Failed | CaseOutcome::Errored => {
                self.totals.failed += 1;
                insert(&mut self.totals.failing, &case.name, MAX_FAILING);
            }
            CaseOutcome::Passed => {
                self.totals.passed += 1;
                if case.again {
                    insert(&mut self.seen.again, &case.name, MAX_AGAIN);
                }
                if self.watched.contains(&case.name) {
                    self.seen.passed.insert(case.name.clone());
                }
            }
        }
        let slow = SlowTest { millis, name: case.name.clone() };
        if millis > 0 && (self.totals.slowest.len() < MAX_SLOWEST || self.totals.slowest.first().is_some_and(|least| *least < slow)) {
            self.totals.slowest.insert(slow);
            if self.totals.slowest.len() > MAX_SLOWEST {
                self.totals.slowest.pop_first();
            }
        }
    }

    /// Adds what another report of the same attempt said.
    pub fn add(&mut self, other: Self) {
        let (mine, more) = (&mut self.totals, other.totals);
        mine.passed += more.passed;
        mine.failed += more.failed;
        mine.skipped += more.skipped;
        mine.millis = mine.millis.saturating_add(more.millis);
        more.failing.iter().for_each(|name| insert(&mut mine.failing, name, MAX_FAILING));
        mine.slowest.extend(more.slowest);
        while mine.slowest.len() > MAX_SLOWEST {
            mine.slowest.pop_first();
        }
        self.seen.passed.extend(other.seen.passed);
        other.seen.again.iter().for_each(|name| insert(&mut self.seen.again, name, MAX_AGAIN));
    }

    /// The figures, and what is known of single tests. One that passed in one place and failed in another has failed.
    pub fn finish(mut self) -> (TestTotals, Seen) {
        self.seen.failed.clone_from(&self.totals.failing);
        self.seen.passed.retain(|name| !self.totals.failing.contains(name));
        (self.totals, self.seen)
    }
}

fn insert(names: &mut BTreeSet<String>, name: &str, most: usize) {
    if names.len() < most && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

/// Tests that end now so and now so: attempts of one job at one commit saw them pass and fail, or one attempt did.
pub fn flaky(attempts: &[Seen]) -> BTreeSet<String> {
    let failed: BTreeSet<&String> = attempts.iter().flat_map(|seen| &seen.failed).collect();
    let passed = attempts.iter().flat_map(|seen| &seen.passed).filter(|name| failed.contains(name));
    passed.chain(attempts.iter().flat_map(|seen| &seen.again)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, outcome: CaseOutcome, seconds: f64) -> TestCase {
        TestCase { name: name.to_owned(), outcome, seconds, message: None, again: false }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[track_caller]
    fn check(attempts: &[(&[&str], &[&str])], expected: &[&str]) {
        let seen = attempts.iter().map(|(failed, passed)| Seen { failed: names(failed), passed: names(passed), again: BTreeSet::new() });
        assert_eq!(flaky(&seen.collect::<Vec<_>>()), names(expected));
    }

    #[test]
    fn a_test_is_flaky_if_it_passed_and_failed_at_one_commit() {
        check(&[(&["a"], &["b"]), (&["b"], &["a"])], &["a", "b"]);
        check(&[(&["a"], &[]), (&["a"], &[])], &[]);
        check(&[(&["a"], &[]), (&[], &["a"]), (&["a"], &[])], &["a"]);
        // what did not run says nothing
        check(&[(&["a"], &[]), (&[], &[])], &[]);
        check(&[], &[]);
    }

    #[test]
    fn a_test_that_its_tool_tried_again_is_flaky_by_itself() {
        let mut tally = Tally::default();
        tally.take(&TestCase { again: true, ..case("a", CaseOutcome::Passed, 0.0) });
        assert_eq!(flaky(&[tally.finish().1]), names(&["a"]));
    }

    #[test]
    fn a_name_that_fails_once_has_failed() {
        let mut tally = Tally::new(names(&["a", "b"]));
        for (name, outcome) in
            [("a", CaseOutcome::Passed), ("a", CaseOutcome::Failed), ("b", CaseOutcome::Passed), ("c", CaseOutcome::Passed)]
        {
            tally.take(&case(name, outcome, 0.25));
        }
        let mut other = Tally::default();
        other.take(&case("d", CaseOutcome::Errored, 2.0));
        tally.add(other);
        let (totals, seen) = tally.finish();
        assert_eq!((totals.passed, totals.failed, totals.skipped, totals.millis), (3, 2, 0, 3_000));
        assert_eq!((seen.failed, seen.passed), (names(&["a", "d"]), names(&["b"])));
        assert_eq!(totals.slowest.last().unwrap().name, "d");
    }

    #[test]
    fn a_million_tests_are_counted_and_few_are_held() {
        let mut tally = Tally::default();
        for number in 0..1_000_000_u32 {
            let outcome = if number % 2 == 0 { CaseOutcome::Failed } else { CaseOutcome::Passed };
            tally.take(&case(&format!("t{number}"), outcome, f64::from(number % 97) / 10.0));
        }
        let (totals, seen) = tally.finish();
        assert_eq!((totals.passed, totals.failed), (500_000, 500_000));
        assert_eq!((totals.failing.len(), totals.slowest.len(), seen.failed.len()), (MAX_FAILING, MAX_SLOWEST, MAX_FAILING));
        assert!(totals.slowest.iter().all(|slow| slow.millis == 9_600));
    }
}
