//! Arguments of the commands that are about runs.

use clap::Args;
use penstock_model::{JobName, ProjectName, RunId};

use super::local;

/// `runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// Only of this project.
    #[arg(long)]
    pub project: Option<ProjectName>,
    /// How many.
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
}

/// `logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// Wait for what comes.
    #[arg(long, short)]
    pub follow: bool,
    /// Which attempt; the last unless given.
    #[arg(long)]
    pub attempt: Option<u32>,
}

/// `play`.
#[derive(Debug, Args)]
pub struct Play {
    /// Which.
    #[command(flatten)]
    pub job: JobArg,
    /// Do not ask, though the pipeline file wants a person to confirm (`manual_confirmation`).
    #[arg(long)]
    pub yes: bool,
}

/// A run.
#[derive(Debug, Args)]
pub struct RunArg {
    /// The run.
    pub run: RunId,
}

/// `start`.
#[derive(Debug, Args)]
pub struct Start {
    /// The project.
    #[arg(long)]
    pub project: ProjectName,
    /// The branch; the one that is delivered unless given.
    #[arg(long)]
    pub branch: Option<String>,
    /// The tag.
    #[arg(long, conflicts_with = "branch")]
    pub tag: Option<String>,
    /// A variable, over the project's; may be given again.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = local::assignment)]
    pub variables: Vec<(String, String)>,
    /// What is filled in for an input; may be given again.
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = local::assignment)]
    pub inputs: Vec<(String, String)>,
}

/// A job of a run.
#[derive(Debug, Args)]
pub struct JobArg {
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobName,
}

/// `retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The run.
    pub run: RunId,
    /// The job; all that failed or were cancelled unless given.
    pub job: Option<JobName>,
}
