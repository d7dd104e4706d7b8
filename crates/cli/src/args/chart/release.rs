//! Arguments of the commands that change a release on a cluster, or look at one.

#![allow(clippy::struct_excessive_bools, reason = "flags are what they are")]

use clap::{Args, ValueEnum};

use super::{Cluster, Naming, NewRevision, OldValues, Waiting};

/// `chart install`.
#[derive(Debug, Args)]
pub struct Install {
    /// The release's name and the chart; the chart alone where the name is made up.
    #[arg(value_names = ["NAME", "CHART"], required = true, num_args = 1..=2)]
    pub name_and_chart: Vec<String>,
    /// How the name is made up.
    #[command(flatten)]
    pub naming: Naming,
    /// What is installed, and how.
    #[command(flatten)]
    pub revision: NewRevision,
    /// Take the name of a release that was uninstalled and kept.
    #[arg(long)]
    pub replace: bool,
}

/// `chart upgrade`.
#[derive(Debug, Args)]
pub struct Upgrade {
    /// The release.
    pub name: String,
    /// The chart.
    pub chart: String,
    /// What it is upgraded to, and how.
    #[command(flatten)]
    pub revision: NewRevision,
    /// Install the release if it is not there.
    #[arg(short, long)]
    pub install: bool,
    /// Remove what the upgrade has made anew when it fails.
    #[arg(long)]
    pub cleanup_on_fail: bool,
    /// What becomes of the values that were given before.
    #[command(flatten)]
    pub old_values: OldValues,
    /// How many revisions are kept, 0 for all; `$HELM_MAX_HISTORY` or 10 unless given.
    #[arg(long, value_name = "COUNT")]
    pub history_max: Option<u32>,
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
    /// How many revisions are kept, 0 for all; `$HELM_MAX_HISTORY` or 10 unless given.
    #[arg(long, value_name = "COUNT")]
    pub history_max: Option<u32>,
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
    /// Show what is written beside the revision, too.
    #[arg(long)]
    pub show_desc: bool,
    /// Show what the cluster has of it, and its pods, too.
    #[arg(long)]
    pub show_resources: bool,
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
    /// Show those whose name this expression is found in (Go's dialect).
    #[arg(short, long, value_name = "EXPRESSION", default_value = "", hide_default_value = true)]
    pub filter: String,
    /// Show those whose records have these labels: `KEY=VALUE`, `KEY!=VALUE`, several with commas.
    #[arg(short = 'l', long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    pub selector: String,
    /// Show those that are deployed.
    #[arg(long)]
    pub deployed: bool,
    /// Show those that have failed.
    #[arg(long)]
    pub failed: bool,
    /// Show those that somebody is at, or was when it died.
    #[arg(long)]
    pub pending: bool,
    /// Show revisions that others came after; each of them, where nothing else is asked for.
    #[arg(long)]
    pub superseded: bool,
    /// Show those that were uninstalled and kept.
    #[arg(long)]
    pub uninstalled: bool,
    /// Show those that are being uninstalled.
    #[arg(long)]
    pub uninstalling: bool,
    /// Sort by date, the oldest first.
    #[arg(short, long)]
    pub date: bool,
    /// Sort the other way round.
    #[arg(short, long)]
    pub reverse: bool,
    /// How many are shown; 0 for all.
    #[arg(short, long, value_name = "COUNT", default_value_t = 256)]
    pub max: usize,
    /// How many are left out before the first.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub offset: usize,
    /// Show no headings.
    #[arg(long)]
    pub no_headers: bool,
    /// Show times by this layout (Go's): `2006-01-02 15:04:05Z0700`.
    #[arg(long, value_name = "LAYOUT", default_value = "", hide_default_value = true)]
    pub time_format: String,
    /// Look in all namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Show releases whatever their status.
    #[arg(short, long)]
    pub all: bool,
    /// Show names alone.
    #[arg(short = 'q', long, visible_short_alias = 's')]
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
    /// With `all`: what this template makes of it (Go's language; `{{.Release.Name}}`).
    #[arg(long, value_name = "TEMPLATE")]
    pub template: Option<String>,
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
    /// Do not show the notes.
    #[arg(long)]
    pub hide_notes: bool,
    /// How long one test may take.
    #[arg(long, value_name = "TIME", default_value = "5m0s")]
    pub timeout: String,
}
