//! Flags of what makes a new revision of a release: what it is made of, and how it comes about.

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
    #[arg(long)]
    pub wait_for_jobs: bool,
    /// How long one step may take: `5m0s`, `90s`.
    #[arg(long, value_name = "TIME", default_value = "5m0s")]
    pub timeout: String,
    /// Run no hooks.
    #[arg(long)]
    pub no_hooks: bool,
}

/// What Helm takes with `template` as with `install`, where it changes nothing: nothing is installed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Changes nothing here, as with Helm: what is only rendered is not installed")]
pub struct OfInstallations {
    /// As with `install`.
    #[arg(long)]
    pub atomic: bool,
    /// As with `install`.
    #[arg(long)]
    pub create_namespace: bool,
    /// As with `install`.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// As with `install`.
    #[arg(long)]
    pub disable_openapi_validation: bool,
    /// As with `install`.
    #[arg(long)]
    pub force: bool,
    /// As with `install`.
    #[arg(long)]
    pub hide_notes: bool,
    /// As with `install`.
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub labels: Vec<String>,
    /// As with `install`.
    #[arg(long)]
    pub replace: bool,
    /// As with `install`: definitions are shown by `--include-crds` alone.
    #[arg(long)]
    pub skip_crds: bool,
    /// As with `install`.
    #[arg(long)]
    pub take_ownership: bool,
    /// As with `install`.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// As with `install`.
    #[arg(long)]
    pub wait: bool,
    /// As with `install`.
    #[arg(long)]
    pub wait_for_jobs: bool,
}

/// How a release's name is made up where none is given.
#[derive(Clone, Debug, Default, Args)]
pub struct Naming {
    /// Make up the release's name from the chart's and the time.
    #[arg(short, long)]
    pub generate_name: bool,
    /// Make up the release's name by a template, with Sprig's functions: `web-{{ lower (randAlphaNum 5) }}`.
    #[arg(long, value_name = "TEMPLATE")]
    pub name_template: Option<String>,
}

/// A program that changes what was rendered before it is shown or applied.
#[derive(Clone, Debug, Default, Args)]
pub struct PostRenderer {
    /// Give what was rendered to this program, hooks apart, and take what it writes instead; found as a shell finds it.
    #[arg(long, value_name = "PROGRAM")]
    pub post_renderer: Option<String>,
    /// An argument of that program; may be given again.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub post_renderer_args: Vec<String>,
}

/// What `chart install` and `chart upgrade` share.
#[derive(Clone, Debug, Args)]
pub struct NewRevision {
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
    /// What changes it once it is rendered.
    #[command(flatten)]
    pub post_renderer: PostRenderer,
    /// Remove what was installed, or take the release back, when it fails; waits.
    #[arg(long)]
    pub atomic: bool,
    /// Make the namespace if it is not there; only where the release is installed.
    #[arg(long)]
    pub create_namespace: bool,
    /// Take over objects that nobody's release has.
    #[arg(long)]
    pub take_ownership: bool,
    /// Replace objects that cannot be patched.
    #[arg(long)]
    pub force: bool,
    /// Leave custom resource definitions alone; they are only made where the release is installed.
    #[arg(long)]
    pub skip_crds: bool,
    /// Show what would be done: with `client` templates look nothing up on the cluster, with `server` they do.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client", value_name = "WHERE")]
    pub dry_run: Option<DryRun>,
    /// Show nothing that Secrets hold; with `--dry-run`.
    #[arg(long)]
    pub hide_secret: bool,
    /// Show the values, the hooks and the documents, too.
    #[arg(long)]
    pub debug: bool,
    /// Do not show the notes; the record has them.
    #[arg(long)]
    pub hide_notes: bool,
    /// Take the notes of the charts inside, too.
    #[arg(long)]
    pub render_subchart_notes: bool,
    /// Fetch the chart's dependencies first, if some are missing.
    #[arg(long)]
    pub dependency_update: bool,
    /// Do not check values against the chart's schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Changes nothing, as with Helm, where the cluster checks fields itself: Kubernetes does since 1.25.
    #[arg(long)]
    pub disable_openapi_validation: bool,
    /// What is written beside the revision.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A label of the release's records: `KEY=VALUE`, in an upgrade `KEY=null` to remove one; may be given again.
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
    #[value(alias = "true")]
    Client,
    /// Templates may look things up.
    Server,
    /// It is no dry run.
    #[value(alias = "false")]
    None,
}

impl NewRevision {
    /// Whether nothing is changed.
    pub fn is_dry_run(&self) -> bool {
        matches!(self.dry_run, Some(DryRun::Client | DryRun::Server))
    }
}
