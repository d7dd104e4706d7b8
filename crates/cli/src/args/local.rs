//! Arguments of the commands that look at a pipeline without a server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What a pipeline is planned for.
#[derive(Clone, Debug, Default, Args)]
pub struct EventArgs {
    /// What starts it, as either dialect calls it: `push`, `merge_request_event`, `pull_request`, `schedule`, `web`, `workflow_dispatch`, `api`, `release` …; `NAME:TYPE` for one of several types.
    #[arg(long, value_name = "NAME", default_value = "push")]
    pub event: String,
    /// The branch; the one that is checked out unless given. Of a merge request its source.
    #[arg(long)]
    pub branch: Option<String>,
    /// The tag.
    #[arg(long, conflicts_with = "branch")]
    pub tag: Option<String>,
    /// The branch that a merge request goes into; the default branch unless given.
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<String>,
    /// A variable of the project; may be given again.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    pub variables: Vec<(String, String)>,
    /// An input; may be given again.
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = assignment)]
    pub inputs: Vec<(String, String)>,
    /// The paths that have changed, instead of what Git says.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub changed: Option<Vec<String>>,
    /// The commit that the working tree is compared with; what was pushed last unless given.
    #[arg(long, value_name = "COMMIT", conflicts_with = "changed")]
    pub since: Option<String>,
}

/// `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The jobs, by name; all of them unless given.
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// The repository.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub repository: PathBuf,
    /// The pipeline file; the one that `penstock.yaml` names unless given.
    #[arg(long)]
    pub pipeline: Option<String>,
    /// What it is planned for.
    #[command(flatten)]
    pub event: EventArgs,
    /// Run the named jobs alone, without those that they need.
    #[arg(long, requires = "jobs")]
    pub no_needs: bool,
    /// Start a manual job as soon as it can; may be given again.
    #[arg(long, value_name = "JOB")]
    pub manual: Vec<String>,
    /// Resume the last run at this job, or at all that failed (`failed`), with what that run had.
    #[arg(long, value_name = "FAILED", conflicts_with_all = ["jobs", "manual", "watch", "pipeline"])]
    pub from: Option<String>,
    /// Run again whatever a change touches, until interrupted.
    #[arg(long)]
    pub watch: bool,
    /// Open a shell where a step failed, before the job's files and containers go.
    #[arg(long, conflicts_with = "watch")]
    pub shell_on_failure: bool,
    /// The server's configuration, for tools and toolchains.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// A pipeline file, or a repository.
    #[arg(default_value = ".")]
    pub file: PathBuf,
    /// The pipeline file of the repository; the one that `penstock.yaml` names unless given.
    #[arg(long)]
    pub pipeline: Option<String>,
    /// Whose language the file speaks; told by its place and content unless given.
    #[arg(long, value_enum)]
    pub dialect: Option<DialectArg>,
    /// What it is planned for.
    #[command(flatten)]
    pub event: EventArgs,
    /// Draw what waits for what.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "text", value_name = "FORM")]
    pub graph: Option<GraphForm>,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A job of the working tree's pipeline; or, of a server, a run's id, `RUN/JOB`, or a release.
    #[arg(default_value = "latest")]
    pub what: String,
    /// The repository, for a job of its working tree.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub repository: PathBuf,
    /// The pipeline file; the one that `penstock.yaml` names unless given.
    #[arg(long)]
    pub pipeline: Option<String>,
    /// What the working tree's pipeline is planned for.
    #[command(flatten)]
    pub event: EventArgs,
}

/// `lint`.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Pipeline files, or repositories, of which every pipeline file is looked at.
    #[arg(value_name = "FILE", default_value = ".")]
    pub files: Vec<PathBuf>,
    /// Whose language the files speak; told by their place and content unless given.
    #[arg(long, value_enum)]
    pub dialect: Option<DialectArg>,
    /// Let warnings count as errors.
    #[arg(long)]
    pub strict: bool,
}

/// Whose language a pipeline file speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DialectArg {
    /// GitLab CI.
    Gitlab,
    /// A GitHub workflow.
    Github,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphForm {
    /// Boxes and arrows.
    Text,
    /// Mermaid.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// `NAME=VALUE`.
pub(super) fn assignment(given: &str) -> Result<(String, String), String> {
    match given.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}
