//! Arguments of the commands that change a release on a cluster, or look at one.

#![allow(clippy::struct_excessive_bools, reason = "flags are what they are")]

use clap::{Args, ValueEnum};

use super::{ChartSource, Cluster, Values};

/// How long an operation waits, and for what.
#[derive(Clone, Debug, Args)]
pub struct Waiting {
    /// Wait until everything is ready.
    #[arg(long)]
    pub wait: bool,
    /// Wait until jobs have ended, too.
    #[arg(long, requires = "wait")]
    pub wait_for_jobs: bool,
    /// How long one step may take: `5m0s`, `90s`.
    #[arg(long, value_name = "TIME", default_value = "5m0s")]
    pub timeout: String,
    /// Run no hooks.
    #[arg(long)]
    pub no_hooks: bool,
}

/// `chart install`.
#[derive(Debug, Args)]
pub struct Install {
    /// The release's name and the chart; the chart alone with `--generate-name`.
    #[arg(value_names = ["NAME", "CHART"], required = true, num_args = 1..=2)]
    pub name_and_chart: Vec<String>,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Where the chart is.
    #[command(flatten)]
    pub source: ChartSource,
    /// Its values.
    #[command(flatten)]
    pub values: Values,
    /// What it waits for.
    #[command(flatten)]
    pub waiting: Waiting,
    /// Remove everything again when the installation fails; waits.
    #[arg(long)]
    pub atomic: bool,
    /// Make up the release's name.
    #[arg(short, long)]
    pub generate_name: bool,
    /// Make the namespace if it is not there.
    #[arg(long)]
    pub create_namespace: bool,
    /// Take over objects that nobody's release has.
    #[arg(long)]
    pub take_ownership: bool,
    /// Leave custom resource definitions alone.
    #[arg(long)]
    pub skip_crds: bool,
    /// Take the name of a release that was uninstalled and kept.
    #[arg(long)]
    pub replace: bool,
    /// Show what would be done: `client` asks no cluster, `server` lets templates look things up.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client", value_name = "WHERE")]
    pub dry_run: Option<DryRun>,
    /// Fetch the chart's dependencies first, if some are missing.
    #[arg(long)]
    pub dependency_update: bool,
    /// Do not check values against the chart's schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// What is written beside the revision.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A label of the release's records: `KEY=VALUE`; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Let templates ask for hosts' addresses.
    #[arg(long)]
    pub enable_dns: bool,
}

/// How a dry run looks at the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Not at all.
    Client,
    /// Templates may look things up.
    Server,
}

/// `chart upgrade`.
#[derive(Debug, Args)]
pub struct Upgrade {
    /// The release.
    pub name: String,
    /// The chart.
    pub chart: String,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Where the chart is.
    #[command(flatten)]
    pub source: ChartSource,
    /// Its values.
    #[command(flatten)]
    pub values: Values,
    /// What it waits for.
    #[command(flatten)]
    pub waiting: Waiting,
    /// Install the release if it is not there.
    #[arg(short, long)]
    pub install: bool,
    /// Take the release back when the upgrade fails; waits.
    #[arg(long)]
    pub atomic: bool,
    /// Remove what the upgrade has made anew when it fails.
    #[arg(long)]
    pub cleanup_on_fail: bool,
    /// Start from the last revision's values instead of the chart's.
    #[arg(long, conflicts_with_all = ["reset_values", "reset_then_reuse_values"])]
    pub reuse_values: bool,
    /// Start from the chart's values, whatever was given before.
    #[arg(long, conflicts_with = "reset_then_reuse_values")]
    pub reset_values: bool,
    /// Start from the new chart's values, then what was given before.
    #[arg(long)]
    pub reset_then_reuse_values: bool,
    /// Make the namespace if it is not there; with `--install`.
    #[arg(long, requires = "install")]
    pub create_namespace: bool,
    /// Replace objects that cannot be patched.
    #[arg(long)]
    pub force: bool,
    /// Take over objects that nobody's release has.
    #[arg(long)]
    pub take_ownership: bool,
    /// Leave custom resource definitions alone; with `--install`.
    #[arg(long)]
    pub skip_crds: bool,
    /// How many revisions are kept; 0 for all.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub history_max: u32,
    /// Show what would be done: `client` asks no cluster, `server` lets templates look things up.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client", value_name = "WHERE")]
    pub dry_run: Option<DryRun>,
    /// Fetch the chart's dependencies first, if some are missing.
    #[arg(long)]
    pub dependency_update: bool,
    /// Do not check values against the chart's schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// What is written beside the revision.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A label of the release's records: `KEY=VALUE`, `KEY=null` to remove one; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Let templates ask for hosts' addresses.
    #[arg(long)]
    pub enable_dns: bool,
}

/// `chart rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The release.
    pub name: String,
    /// The revision; the one before unless given.
    pub revision: Option<u32>,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// What it waits for.
    #[command(flatten)]
    pub waiting: Waiting,
    /// Remove what the rollback has made anew when it fails.
    #[arg(long)]
    pub cleanup_on_fail: bool,
    /// Replace objects that cannot be patched.
    #[arg(long)]
    pub force: bool,
    /// Restart pods.
    #[arg(long)]
    pub recreate_pods: bool,
    /// How many revisions are kept; 0 for all.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub history_max: u32,
    /// Change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `chart history`.
#[derive(Debug, Args)]
pub struct History {
    /// The release.
    pub name: String,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// How many revisions are shown.
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    pub max: usize,
}

/// `chart status`.
#[derive(Debug, Args)]
pub struct StatusOf {
    /// The release.
    pub name: String,
    /// The revision; the newest unless given.
    #[arg(long)]
    pub revision: Option<u32>,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
}

/// `chart list`.
#[derive(Debug, Args)]
pub struct ListReleases {
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Look in all namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Show releases whatever their status.
    #[arg(short, long)]
    pub all: bool,
    /// Show names alone.
    #[arg(short, long)]
    pub short: bool,
}

/// What `chart get` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GetPart {
    /// All of it.
    All,
    /// The values that were given.
    Values,
    /// The documents.
    Manifest,
    /// The hooks.
    Hooks,
    /// The notes.
    Notes,
    /// Name, chart, versions, status.
    Metadata,
}

/// `chart get`.
#[derive(Debug, Args)]
pub struct Get {
    /// Which part.
    #[arg(value_enum)]
    pub part: GetPart,
    /// The release.
    pub name: String,
    /// The revision; the newest unless given.
    #[arg(long)]
    pub revision: Option<u32>,
    /// With `values`: those of the chart, too.
    #[arg(short, long)]
    pub all: bool,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
}

/// `chart uninstall`.
#[derive(Debug, Args)]
pub struct Uninstall {
    /// The releases.
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Keep the records, and mark the release as uninstalled.
    #[arg(long)]
    pub keep_history: bool,
    /// Take a release that is not there for removed.
    #[arg(long)]
    pub ignore_not_found: bool,
    /// How what is removed takes along what belongs to it.
    #[arg(long, value_enum, value_name = "HOW", default_value = "background")]
    pub cascade: Cascade,
    /// Wait until everything is gone.
    #[arg(long)]
    pub wait: bool,
    /// How long one step may take.
    #[arg(long, value_name = "TIME", default_value = "5m0s")]
    pub timeout: String,
    /// Run no hooks.
    #[arg(long)]
    pub no_hooks: bool,
    /// Change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// What is written beside the revision.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// How what is removed takes along what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cascade {
    /// It goes first; the rest after it.
    Background,
    /// The rest goes first.
    Foreground,
    /// The rest stays.
    Orphan,
}

/// `chart test`.
#[derive(Debug, Args)]
pub struct TestRelease {
    /// The release.
    pub name: String,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Run only tests of this name, with `!` all but it: `name=NAME`; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',')]
    pub filter: Vec<String>,
    /// Show the tests' logs.
    #[arg(long)]
    pub logs: bool,
    /// How long one test may take.
    #[arg(long, value_name = "TIME", default_value = "5m0s")]
    pub timeout: String,
}
