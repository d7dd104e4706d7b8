//! The arguments. Each help text says what the command does, in the imperative, in one line.

mod access;
mod actions;
mod artifacts;
pub mod chart;
mod eval;
mod exceptions;
mod job;
mod local;
mod merge_request;
mod output;
mod runs;
mod simulate;
mod tag_release;
mod tests;
mod variable;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use penstock_model::{EnvironmentName, ProjectName};
use url::Url;

pub use self::tests::{Tests, TestsOf};
pub use access::{Environment, Project, Secret, User};
pub use actions::{Actions, LockArgs};
pub use artifacts::Artifacts;
pub use eval::{Eval, Language};
pub use exceptions::{BreakGlass, Import};
pub use job::{Build, Check, TestImage};
pub use local::{DialectArg, EventArgs, ExplainArgs, GraphForm, LintArgs, PlanArgs, Run};
pub use merge_request::{MergeRequest, Numbered};
pub use output::{Form, Output};
pub use runs::{JobArg, Logs, Play, RetryArgs, RunArg, Runs, Start};
pub use simulate::SimulateArgs;
pub use tag_release::TagRelease;
pub use variable::{Variable, VariableKind};

/// From a git push to production, through gates that are proven to be passed.
#[derive(Debug, Parser)]
#[command(name = "penstock", version, propagate_version = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The form of the output.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Form,
    /// The server; the one that was logged in to last unless given.
    #[arg(long, global = true, env = "PENSTOCK_URL")]
    pub server: Option<Url>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a `penstock.yaml` for this repository, and a config repository beside it.
    Init(Init),
    /// Look whether this machine has what is needed, and say what to do where it has not.
    Doctor(Doctor),
    /// Run the server.
    Server(Server),
    /// Run the working tree's pipeline here, without a server.
    Run(Box<Run>),
    /// Show what a pipeline file means, without running it.
    Plan(Box<PlanArgs>),
    /// Say what an expression of a pipeline file comes to, as JSON.
    Eval(Eval),
    /// Show how a pipeline goes on when a script says how its jobs end, without running it.
    Simulate(Box<SimulateArgs>),
    /// Say what is wrong with pipeline files, and where.
    Lint(LintArgs),
    /// Render, look at, package and install Helm charts, without Helm.
    // as with Helm, of a flag that is written twice the last counts
    #[command(subcommand, args_override_self = true)]
    Chart(chart::Chart),
    /// Manage the actions of other repositories that workflows name.
    #[command(subcommand)]
    Actions(Actions),
    /// Say why a job, a run or a release is as it is, and what to do.
    Explain(Box<ExplainArgs>),
    /// Approve a release for an environment.
    Approve(Approve),
    /// Let in an image that was not built here, by a signed statement about its digest.
    Import(Import),
    /// Open a gate that refuses, for a time: the first approver asks, a second one confirms.
    BreakGlass(BreakGlass),
    /// Show a rollout, or pause, promote or abort it.
    Rollout(Rollout),
    /// Take an environment back to the release before.
    Rollback(Place),
    /// Follow something from what runs to the commit, its author, approver and statements, and back.
    Trace(What),
    /// Verify the event log and every statement again.
    Verify,
    /// Store a token for a server.
    Login(LoginArgs),
    /// Show projects, environments and what fails.
    Status,
    /// List runs, newest first.
    Runs(Runs),
    /// Show the log of a job.
    Logs(Logs),
    /// Download what a job left.
    #[command(subcommand)]
    Artifacts(Artifacts),
    /// Show tests over the last runs: how many, how long, failing, flaky, slowest.
    Tests(Tests),
    /// Start a pipeline on the server where a branch or a tag is.
    Start(Start),
    /// Cancel a run.
    Cancel(RunArg),
    /// Try a job again, or every job of a run that failed or was cancelled.
    Retry(RetryArgs),
    /// Start a manual job.
    Play(Play),
    /// Open, look at, allow, merge and close merge requests.
    #[command(subcommand)]
    MergeRequest(MergeRequest),
    /// Manage secrets.
    #[command(subcommand)]
    Secret(Secret),
    /// See and stop environments that jobs of GitLab files name.
    #[command(subcommand)]
    Environment(Environment),
    /// See what jobs of GitLab files published about tags (`release`).
    #[command(subcommand)]
    TagRelease(TagRelease),
    /// Manage variables, of which secrets are some.
    #[command(subcommand)]
    Variable(Variable),
    /// Manage projects.
    #[command(subcommand)]
    Project(Project),
    /// Manage users.
    #[command(subcommand)]
    User(User),
    /// Fetch an existing repository and deliver what it has.
    Mirror(Mirror),
    /// Remove bytes that nothing needs; never what an environment or a way back needs.
    Gc(Gc),
    /// Stop everything that a server left running: containers, gateway, network.
    Down(Down),
    /// In a job: build an image on the server and print its digest.
    Build(Build),
    /// In a job: have the server run a pinned tool on the commit or an image; its findings become a statement.
    Check(Check),
    /// In a job: have the server run an image that this run built; its exit code becomes a statement.
    TestImage(TestImage),
    /// Print the JSON schema of a configuration file, for editors.
    Schema {
        /// Which file.
        file: SchemaOf,
    },
    /// Print the completion script of a shell.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// The files that are called `penstock.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A server's.
    Server,
    /// A source repository's.
    Project,
    /// A config repository's.
    Delivery,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The project's name; the folder's unless given.
    #[arg(long)]
    pub name: Option<ProjectName>,
    /// The pipeline file that counts; may be given again if several do.
    #[arg(long)]
    pub pipeline: Vec<String>,
    /// Where to write the config repository's first files.
    #[arg(long)]
    pub config_dir: Option<PathBuf>,
    /// Overwrite what is there.
    #[arg(long)]
    pub force: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The server's configuration.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// `server`.
#[derive(Debug, Args)]
pub struct Server {
    /// The server's configuration.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Where everything is kept, over the configuration.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Where to listen, over the configuration.
    #[arg(long)]
    pub listen: Option<std::net::SocketAddr>,
}

/// Something by name or the beginning of its digest.
#[derive(Debug, Args)]
pub struct What {
    /// A run's id, `RUN/JOB`, a release, an image's digest, a commit or a container; the newest release unless given.
    #[arg(default_value = "latest")]
    pub what: String,
}

/// `approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// The release, or the beginning of its digest.
    pub release: String,
    /// The environment.
    #[arg(long, default_value = "production")]
    pub environment: EnvironmentName,
}

/// One environment of one project.
#[derive(Debug, Args)]
pub struct Place {
    /// The project.
    #[arg(long)]
    pub project: ProjectName,
    /// The environment.
    #[arg(long, default_value = "production")]
    pub environment: EnvironmentName,
}

/// `rollout`.
#[derive(Debug, Args)]
pub struct Rollout {
    /// Which environment.
    #[command(flatten)]
    pub place: Place,
    /// What to do; show it unless given.
    #[arg(value_enum, default_value_t)]
    pub order: RolloutVerb,
    /// Show it until it ends.
    #[arg(long, short)]
    pub follow: bool,
}

/// What to do with a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RolloutVerb {
    /// Show it.
    #[default]
    Show,
    /// Hold it at its step.
    Pause,
    /// Let it go on.
    Resume,
    /// Skip what is left of its steps.
    Promote,
    /// Take it back.
    Abort,
}

/// `login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The server's address.
    pub url: Url,
    /// A file that holds the token; asked for on the terminal unless given.
    #[arg(long)]
    pub token_file: Option<PathBuf>,
}

/// `mirror`.
#[derive(Debug, Args)]
pub struct Mirror {
    /// The project.
    #[arg(long)]
    pub project: ProjectName,
    /// Where the repository is.
    pub url: Url,
    /// Look again every so many seconds instead of once.
    #[arg(long)]
    pub every: Option<u64>,
}

/// `gc`.
#[derive(Debug, Args)]
pub struct Gc {
    /// Only list what would go, with counts and bytes.
    #[arg(long)]
    pub dry_run: bool,
    /// Keep what runs left, what was pushed and what builds used in so many days; never less than an hour.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub days: u32,
}

/// `down`.
#[derive(Debug, Args)]
pub struct Down {
    /// The server's configuration.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Where everything is kept, over the configuration.
    #[arg(long)]
    pub data: Option<PathBuf>,
}

#[cfg(test)]
mod consistency {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
