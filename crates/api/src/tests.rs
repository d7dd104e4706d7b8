//! Test results over runs.

use penstock_model::{CommitId, JobName, ProjectName, RunId, Timestamp};
use serde::{Deserialize, Serialize};

/// `GET /projects/PROJECT/tests`: the last runs of a branch that had tests or coverage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestsView {
    /// The project.
    pub project: ProjectName,
    /// The branch or tag, without `refs/heads/`.
    pub reference: String,
    /// The runs, oldest first.
    pub runs: Vec<TestPoint>,
    /// Tests of any branch that passed and failed at one commit, the last seen first.
    pub flaky: Vec<FlakyTest>,
    /// Tests that failed in the last of the runs.
    pub failing: Vec<FailingTest>,
    /// The slowest tests of the last of the runs, the slowest first.
    pub slowest: Vec<SlowestTest>,
}

/// Tests and coverage of one run: of each job its last attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestPoint {
    /// The run.
    pub run: RunId,
    /// Its commit.
    pub commit: CommitId,
    /// When its push came.
    pub at: Timestamp,
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed or broke.
    pub failed: u64,
    /// Tests that did not run.
    pub skipped: u64,
    /// Milliseconds of all tests, as reported.
    pub millis: u64,
    /// Percent of lines that tests reached.
    pub coverage: Option<f64>,
}

impl TestPoint {
    /// How many tests there are.
    pub fn count(&self) -> u64 {
        self.passed + self.failed + self.skipped
    }
}

/// A test that passed and failed at one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlakyTest {
    /// Its class or module, and its name.
    pub test: String,
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

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingTest {
    /// Its class or module, and its name.
    pub test: String,
    /// The job.
    pub job: JobName,
    /// Whether it is known to pass and fail at one commit.
    pub flaky: bool,
}

/// A slow test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowestTest {
    /// Its class or module, and its name.
    pub test: String,
    /// The job.
    pub job: JobName,
    /// Milliseconds, as reported.
    pub millis: u64,
}

/// The tests of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunTests {
    /// In figures.
    #[serde(flatten)]
    pub point: TestPoint,
    /// Those that failed, up to a limit.
    pub failing: Vec<FailingTest>,
}
