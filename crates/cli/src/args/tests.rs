//! `tests`.

use clap::{Args, ValueEnum};
use penstock_model::ProjectName;

/// `tests`.
#[derive(Debug, Args)]
pub struct Tests {
    /// What to show; all of it unless given.
    #[arg(value_enum)]
    pub what: Option<TestsOf>,
    /// The project; the only one unless given.
    #[arg(long)]
    pub project: Option<ProjectName>,
    /// The branch or tag; the delivered branch unless given.
    #[arg(long)]
    pub branch: Option<String>,
    /// How many runs.
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
}

/// Which tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestsOf {
    /// Number, failures, time and coverage of the last runs.
    Trend,
    /// Those that failed in the last run.
    Failing,
    /// Those that passed and failed at one commit.
    Flaky,
    /// The slowest of the last run.
    Slowest,
}
