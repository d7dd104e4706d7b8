//! The commands of `penstock chart` that look at a cluster or change one.

mod change;
mod look;
mod proposed;
mod reach;
mod resources;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use penstock_chart::{budget::Tells, release::Composed, render::Release};
use penstock_cli::{
    CliError, Form,
    args::chart::{Chart, Cluster as ClusterFlags},
    exit, terminal,
};
use penstock_helm::{HelmError, Progress, Releases, RenderRequest, Waiting};
use penstock_model::{
    clock::SystemClock,
    cluster::{Cluster, ClusterError, Refusal},
};
use penstock_target::kubernetes::{ClusterSettings, KubernetesCluster};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub use proposed::proposed;

/// A cluster that can be spoken to, and the namespace that is meant.
struct Connected {
    cluster: Arc<dyn Cluster>,
    namespace: String,
}

impl Connected {
    fn releases<'a>(&'a self, told: &'a (dyn Fn(Progress) + Send + Sync)) -> Releases<'a> {
        Releases { cluster: self.cluster.as_ref(), namespace: &self.namespace, clock: &SystemClock, told }
    }
}

/// Carries one out.
pub async fn release(command: &Chart, form: Form) -> Result<u8, CliError> {
    match command {
        Chart::Install(args) => change::install(args, form).await,
        Chart::Upgrade(args) => change::upgrade(args, form).await,
        Chart::Rollback(args) => change::rollback(args, form).await,
        Chart::Uninstall(args) => change::uninstall(args, form.plain()?).await,
        Chart::Test(args) => change::test(args, form).await,
        Chart::History(args) => look::history(args, form).await,
        Chart::Status(args) => look::status(args, form).await,
        Chart::List(args) => look::list(args, form).await,
        Chart::Get(args) => look::get(args, form).await,
        _ => Err(CliError::other("this command is not carried out here", "this is a fault of Penstock", exit::FAILED)),
    }
}

/// Renders a chart by what templates find on a cluster, and where that is asked for checks it there.
pub async fn rendered(
    flags: &ClusterFlags,
    render: &RenderRequest,
    name: &str,
    is_upgrade: bool,
    validate: bool,
) -> Result<Composed, CliError> {
    let there = connect(flags).await?;
    let release = Release { name: name.to_owned(), namespace: there.namespace.clone(), revision: 1, is_upgrade };
    let releases = there.releases(&told);
    let composed = if validate { releases.validate(render, release).await } else { releases.render(render, release).await };
    composed.map_err(failed)
}

/// The namespace that templates see where no cluster is asked.
pub fn namespace(flag: Option<&String>) -> String {
    reach::namespace(flag).unwrap_or_else(|| "default".to_owned())
}

async fn connect(flags: &ClusterFlags) -> Result<Connected, CliError> {
    let settings =
        ClusterSettings { warned: Some(|warning| told(Progress::Warning(warning.to_owned()))), ..reach::settings(&flags.reach)? };
    let cluster = KubernetesCluster::open(&settings).await.map_err(|error| failed(error.into()))?;
    let namespace = reach::namespace(flags.namespace.as_ref()).unwrap_or_else(|| cluster.default_namespace().to_owned());
    Ok(Connected { cluster: Arc::new(cluster), namespace })
}

/// What an operation tells: what it does on standard error, so that standard output is the answer alone.
fn told(progress: Progress) {
    match progress {
        Progress::Doing(what) => eprintln!("{}", terminal::dim(&terminal::plain(&what))),
        Progress::Warning(what) => terminal::warn(&what),
        Progress::Log { pod, text } => {
            eprintln!("POD LOGS: {pod}");
            text.lines().for_each(|line| eprintln!("{}", terminal::plain(line)));
        }
    }
}

/// Whether somebody asks this program to stop, so that a release is recorded as failed and not left pending. Who asks once more is
/// obeyed at once.
struct Interruption(CancellationToken);

impl Interruption {
    /// Listens from now on. Beside whatever else this program does: a render leaves no room for others where it runs.
    fn of(release: &str) -> Self {
        let asked_for = CancellationToken::new();
        if let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
            let (tell, release) = (asked_for.clone(), terminal::plain(release));
            let mut asked = async move || {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            };
            tokio::spawn(async move {
                asked().await;
                terminal::warn(&format!("release {release} is being cancelled"));
                tell.cancel();
                asked().await;
                std::process::exit(128 + nix::sys::signal::Signal::SIGINT as i32)
            });
        }
        Self(asked_for)
    }

    /// Ends once somebody asks.
    async fn asked(&self) {
        self.0.cancelled().await;
    }

    /// Tells whether somebody has asked.
    fn tells(&self) -> Tells {
        let asked_for = self.0.clone();
        Arc::new(move || asked_for.is_cancelled())
    }
}

/// What the server refused, at whatever it was asked.
fn refused(error: &HelmError) -> Option<&Refusal> {
    match error {
        HelmError::Cluster(error) => error.refusal(),
        HelmError::During { source, .. } => refused(source),
        HelmError::Several(errors) => errors.iter().find_map(ClusterError::refusal),
        _ => None,
    }
}

/// A failure, told with what to do.
fn failed(error: HelmError) -> CliError {
    let message = error.to_string();
    let (hint, code) = match error.cause() {
        HelmError::NotFound | HelmError::NothingDeployed(_) => {
            ("`penstock chart list --all --all-namespaces` shows the releases; --namespace says where one is looked for", exit::ABSENT)
        }
        HelmError::NoSuchRevision(0) => {
            ("nothing came before its first revision: `penstock chart uninstall` removes the release", exit::ABSENT)
        }
        HelmError::NoSuchRevision(_) => ("`penstock chart history NAME` shows the revisions", exit::ABSENT),
        HelmError::Pending => (
            "if nobody is at it any more, `penstock chart rollback` takes an upgrade back, `penstock chart uninstall` an installation",
            exit::REFUSED,
        ),
        HelmError::RevisionExists => ("somebody else was quicker: `penstock chart status` shows where the release stands", exit::REFUSED),
        HelmError::NameInUse => ("`penstock chart upgrade --install` takes a release as it is", exit::REFUSED),
        HelmError::Foreign { .. } => ("--take-ownership makes them the release's", exit::REFUSED),
        HelmError::Cluster(ClusterError::Unreachable(_)) => ("--kubeconfig and --kube-context say which cluster", exit::UNREACHABLE),
        HelmError::Cluster(ClusterError::Settings(_)) => ("--kubeconfig names a file that says how the cluster is reached", exit::USAGE),
        HelmError::Name(_) | HelmError::SystemLabel(_) => ("", exit::USAGE),
        _ if refused(&error).is_some_and(|refusal| refusal.code == 401) => {
            ("the cluster does not know who asks: --kubeconfig and --kube-context say as whom", exit::REFUSED)
        }
        _ if refused(&error).is_some_and(|refusal| refusal.code == 403) => {
            ("whoever asks has no right to that: `kubectl auth can-i --list` shows which they have", exit::REFUSED)
        }
        _ if refused(&error).is_some_and(|refusal| refusal.code == 404 && refusal.message.starts_with("namespaces ")) => {
            // the record is what is made first, in the release's own namespace
            let own = message.contains("create: failed to create: ");
            (if own { "--create-namespace makes it" } else { "a chart's other namespaces are made first" }, exit::ABSENT)
        }
        _ => ("", exit::NOT_GOOD),
    };
    CliError::other(message, hint, code)
}

fn waiting(flags: &penstock_cli::args::chart::Waiting, atomic: bool) -> Result<Waiting, CliError> {
    if flags.wait_for_jobs && !(flags.wait || atomic) {
        return Err(CliError::other("--wait-for-jobs counts where something is waited for", "add --wait", exit::USAGE));
    }
    Ok(Waiting { ready: flags.wait, jobs: flags.wait_for_jobs, timeout: time(&flags.timeout)?, hooks: !flags.no_hooks })
}

/// A time as Go writes one: `5m0s`, `1h30m`, `90s`, `500ms`.
fn time(text: &str) -> Result<Duration, CliError> {
    let wrong = || CliError::other(format!("{text:?} is no time"), "a time is written 5m0s, 90s or 1h30m", exit::USAGE);
    let nanoseconds = penstock_chart::functions::dates::parse_duration(text.as_bytes()).map_err(|_| wrong())?;
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| wrong())
}
