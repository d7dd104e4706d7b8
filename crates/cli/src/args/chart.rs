//! Arguments of `penstock chart`: Helm's own words, and a few that Helm lacks.

#![allow(clippy::struct_excessive_bools, reason = "flags are what they are")]

mod flags;
mod release;
mod repo;
mod revision;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub use flags::{Access, ChartSource, Cluster, Credentials, OldValues, Reach, RenderFlags, Values};
pub use release::{Cascade, Get, GetPart, History, Install, ListReleases, Rollback, StatusOf, TestRelease, Uninstall, Upgrade};
pub use repo::{Repo, RepoAdd, RepoRemove, RepoUpdate};
pub use revision::{DryRun, Naming, NewRevision, OfInstallations, PostRenderer, Waiting};

/// `chart`.
#[derive(Debug, Subcommand)]
pub enum Chart {
    /// Render a chart's templates.
    #[command(disable_version_flag = true)]
    Template(Box<Template>),
    /// Install a chart on a cluster.
    #[command(disable_version_flag = true)]
    Install(Box<Install>),
    /// Bring a release to another version of its chart, or to other values.
    #[command(disable_version_flag = true)]
    Upgrade(Box<Upgrade>),
    /// Take a release back to a revision before.
    Rollback(Rollback),
    /// Show a release's revisions.
    #[command(visible_alias = "hist")]
    History(History),
    /// Show where a release stands.
    Status(StatusOf),
    /// List the releases of a namespace, or of all.
    #[command(visible_alias = "ls")]
    List(ListReleases),
    /// Show what a release is made of.
    Get(Get),
    /// Remove a release.
    #[command(visible_aliases = ["un", "del", "delete"])]
    Uninstall(Uninstall),
    /// Run a release's tests.
    Test(TestRelease),
    /// Say what is wrong with a chart, and which values no template uses.
    Lint(LintChart),
    /// Show what a chart holds.
    #[command(disable_version_flag = true, visible_alias = "inspect")]
    Show(Show),
    /// Pack a chart into an archive.
    #[command(disable_version_flag = true)]
    Package(Package),
    /// Fetch a chart.
    #[command(disable_version_flag = true, visible_alias = "fetch")]
    Pull(Pull),
    /// Put a packed chart into an OCI registry.
    Push(Push),
    /// Look at a chart's dependencies, or fetch them.
    #[command(subcommand, visible_aliases = ["dep", "dependencies"])]
    Dependency(Dependency),
    /// Give repositories names, which `helm repo` sees too.
    #[command(subcommand)]
    Repo(Repo),
    /// Check a packed chart against its provenance file.
    Verify(Verify),
    /// Compare two versions of a chart, two sets of values, or a release and what an upgrade would make of it, object by object.
    #[command(disable_version_flag = true)]
    Diff(Box<Diff>),
    /// Say which file or flag sets a value, and where templates use it.
    #[command(disable_version_flag = true)]
    Explain(ExplainValue),
}

/// `chart template`.
#[derive(Debug, Args)]
pub struct Template {
    /// The release's name and the chart, or the chart alone.
    #[arg(value_names = ["NAME", "CHART"], required = true, num_args = 1..=2)]
    pub name_and_chart: Vec<String>,
    /// How it is rendered.
    #[command(flatten)]
    pub render: RenderFlags,
    /// Where the chart is.
    #[command(flatten)]
    pub source: ChartSource,
    /// Its values.
    #[command(flatten)]
    pub values: Values,
    /// Show only what comes from this template (a pattern); may be given again.
    #[arg(short, long, value_name = "TEMPLATE")]
    pub show_only: Vec<String>,
    /// Write files below this folder instead of standard output.
    #[arg(long, value_name = "FOLDER", conflicts_with = "post_renderer")]
    pub output_dir: Option<PathBuf>,
    /// Put the files into a folder of the release's name.
    #[arg(long, requires = "output_dir")]
    pub release_name: bool,
    /// Show custom resource definitions too.
    #[arg(long)]
    pub include_crds: bool,
    /// Leave tests out.
    #[arg(long)]
    pub skip_tests: bool,
    /// Leave hooks out.
    #[arg(long)]
    pub no_hooks: bool,
    /// How the release's name is made up.
    #[command(flatten)]
    pub naming: Naming,
    /// What changes it once it is rendered.
    #[command(flatten)]
    pub post_renderer: PostRenderer,
    /// Take the notes of the charts inside, too; they are in the JSON form alone.
    #[arg(long)]
    pub render_subchart_notes: bool,
    /// Ask the cluster what it is and serves, and check that it knows each object's kind and that none is somebody else's.
    #[arg(long)]
    pub validate: bool,
    /// With `server` templates look things up on the cluster; with `client` nothing changes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client", value_name = "WHERE")]
    pub dry_run: Option<DryRun>,
    /// How the cluster is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// Let templates see an upgrade instead of an installation.
    #[arg(long)]
    pub is_upgrade: bool,
    /// Show what was rendered even where it is no YAML.
    #[arg(long)]
    pub debug: bool,
    /// What changes nothing.
    #[command(flatten)]
    pub of_installations: OfInstallations,
}

/// `chart lint`.
#[derive(Debug, Args)]
pub struct LintChart {
    /// Charts: folders or archives.
    #[arg(value_name = "CHART", default_value = ".")]
    pub charts: Vec<PathBuf>,
    /// Their values.
    #[command(flatten)]
    pub values: Values,
    /// The namespace that templates see.
    #[arg(short, long, default_value = "default")]
    pub namespace: String,
    /// The version of Kubernetes that deprecated APIs are told for.
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,
    /// Let warnings count as errors.
    #[arg(long)]
    pub strict: bool,
    /// Lint the charts inside, too.
    #[arg(long)]
    pub with_subcharts: bool,
    /// Say nothing of charts that are fine.
    #[arg(long)]
    pub quiet: bool,
    /// Do not check values against the chart's schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
}

/// What `chart show` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShowPart {
    /// All of it.
    All,
    /// `Chart.yaml`.
    Chart,
    /// `values.yaml`.
    Values,
    /// The README.
    Readme,
    /// Custom resource definitions.
    Crds,
}

/// `chart show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Which part.
    #[arg(value_enum)]
    pub part: ShowPart,
    /// The chart.
    pub chart: String,
    /// With `values`: what this path finds in them, in Kubernetes' dialect: `{.image.tag}`.
    #[arg(long, value_name = "PATH")]
    pub jsonpath: Option<String>,
    /// Where it is.
    #[command(flatten)]
    pub source: ChartSource,
}

/// `chart package`.
#[derive(Debug, Args)]
pub struct Package {
    /// The charts' folders.
    #[arg(value_name = "CHART", required = true)]
    pub charts: Vec<PathBuf>,
    /// The folder that the archives are written to.
    #[arg(short, long, default_value = ".")]
    pub destination: PathBuf,
    /// The chart's version, instead of its own.
    #[arg(long)]
    pub version: Option<String>,
    /// The version of what it installs, instead of its own.
    #[arg(long)]
    pub app_version: Option<String>,
    /// Find its dependencies anew and fetch them first.
    #[arg(short = 'u', long)]
    pub dependency_update: bool,
    /// Who fetches them.
    #[command(flatten)]
    pub credentials: Credentials,
    /// Sign the archive: write a provenance file beside it.
    #[arg(long, requires = "key")]
    pub sign: bool,
    /// Whose key signs: a name, or a part that only one name has.
    #[arg(long, value_name = "NAME", requires = "sign")]
    pub key: Option<String>,
    /// The file of private keys; `~/.gnupg/pubring.gpg` unless given.
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub keyring: Option<PathBuf>,
    /// The file whose first line opens the key, `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub passphrase_file: Option<PathBuf>,
}

/// `chart pull`.
#[derive(Debug, Args)]
pub struct Pull {
    /// The charts: `oci://…`, the address of an archive, `REPOSITORY/CHART` by a repository's name, or a name in `--repo`.
    #[arg(value_name = "CHART", required = true)]
    pub charts: Vec<String>,
    /// Where they are.
    #[command(flatten)]
    pub source: ChartSource,
    /// The folder that they are written to.
    #[arg(short, long, default_value = ".")]
    pub destination: PathBuf,
    /// Unpack them.
    #[arg(long)]
    pub untar: bool,
    /// The folder that they are unpacked in.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub untardir: PathBuf,
    /// Fetch the provenance file, too, without checking it.
    #[arg(long)]
    pub prov: bool,
}

/// `chart push`.
#[derive(Debug, Args)]
pub struct Push {
    /// A packed chart.
    pub archive: PathBuf,
    /// Where it goes: `oci://HOST/PATH`; the chart's name is added.
    pub registry: String,
    /// Who pushes.
    #[command(flatten)]
    pub credentials: Credentials,
}

/// `chart dependency`.
#[derive(Debug, Subcommand)]
pub enum Dependency {
    /// Fetch what `Chart.lock` names into `charts/`; without a lock, find what `Chart.yaml` asks for.
    Build(DependencyFetched),
    /// Find what `Chart.yaml` asks for anew, write `Chart.lock`, and fetch it into `charts/`.
    #[command(visible_alias = "up")]
    Update(DependencyFetched),
    /// List what `Chart.yaml` asks for, and whether it is there.
    #[command(visible_alias = "ls")]
    List(DependencyOf),
}

/// What the commands of `chart dependency` that fetch take.
#[derive(Debug, Args)]
pub struct DependencyFetched {
    /// Which.
    #[command(flatten)]
    pub of: DependencyOf,
    /// Take the indexes of repositories that have names as `penstock chart repo update` has laid them, and ask for none anew.
    #[arg(long)]
    pub skip_refresh: bool,
}

/// What the commands of `chart dependency` take.
#[derive(Debug, Args)]
pub struct DependencyOf {
    /// The chart's folder.
    #[arg(value_name = "CHART", default_value = ".")]
    pub chart: PathBuf,
    /// Who fetches.
    #[command(flatten)]
    pub credentials: Credentials,
    /// Check what is fetched against its provenance file.
    #[arg(long)]
    pub verify: bool,
    /// The keys that may have signed.
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub keyring: Option<PathBuf>,
}

/// `chart verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A packed chart; its provenance file is beside it.
    pub archive: PathBuf,
    /// The keys that may have signed; `~/.gnupg/pubring.gpg` unless given.
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
}

/// `chart diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The chart, or its older and its newer form.
    #[arg(value_name = "CHART", required = true, num_args = 1..=2)]
    pub charts: Vec<String>,
    /// The release's name, where none is looked at.
    #[arg(long, default_value = "release-name")]
    pub name: String,
    /// A release on the cluster: it is compared with what an upgrade to the chart would make of it, and nothing is changed.
    #[arg(
        long,
        value_name = "RELEASE",
        conflicts_with_all = ["name", "from_version", "from_values", "from_set", "kube_version", "api_versions"]
    )]
    pub release: Option<String>,
    /// With `--release`: as an upgrade would take them.
    #[command(flatten)]
    pub old_values: OldValues,
    /// With `--release`: how its cluster is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// How both are rendered.
    #[command(flatten)]
    pub render: RenderFlags,
    /// Where the charts are; `--version` is the newer one's.
    #[command(flatten)]
    pub source: ChartSource,
    /// The older chart's version.
    #[arg(long, value_name = "VERSION")]
    pub from_version: Option<String>,
    /// The values of both, and of the newer one.
    #[command(flatten)]
    pub values: Values,
    /// A values file of the older one, instead of those of `--values`; may be given again.
    #[arg(long, value_name = "FILE")]
    pub from_values: Vec<PathBuf>,
    /// A value of the older one, instead of those of `--set`; may be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub from_set: Vec<String>,
    /// How many lines around a difference are shown.
    #[arg(long, default_value_t = 3)]
    pub context: usize,
    /// Show what Secrets hold.
    #[arg(long)]
    pub show_secrets: bool,
}

/// `chart explain`.
#[derive(Debug, Args)]
pub struct ExplainValue {
    /// The value: `image.tag`, `sub.replicas`.
    pub value: String,
    /// The chart.
    #[arg(value_name = "CHART", default_value = ".")]
    pub chart: String,
    /// Where it is.
    #[command(flatten)]
    pub source: ChartSource,
    /// Its values.
    #[command(flatten)]
    pub values: Values,
}
