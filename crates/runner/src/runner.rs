//! The runner, put together from what the roof hands it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use penstock_model::blob::{BlobStore, LogSink};
use penstock_model::container::ContainerRuntime;
use penstock_model::git::GitHost;
use penstock_model::job::{BUILDS, JobReport, JobRunner, JobSpec, RunnerError, RunnerSettings, StepSource};
use penstock_model::release::ImageRef;
use penstock_model::terminal::Terminal;
use penstock_model::tool::{ToolCall, ToolOutput, ToolRunner};
use penstock_model::{Clock, JobName, ProjectName, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::lock::Verified;
use crate::sandbox::Sandboxes;
use crate::scratch::ASIDE;
use crate::workspace::Workspaces;
use crate::{job, orphans, tidy, tools};

/// Variables of the server that jobs see as well: how programs reach package registries from this machine.
pub const HANDED_ON: &[&str] = &[
    "ALL_PROXY",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CARGO_HTTP_PROXY",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GOFLAGS",
    "GONOSUMDB",
    "GOPROXY",
    "GOSUMDB",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "NPM_CONFIG_REGISTRY",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "npm_config_registry",
];

/// Those of [`HANDED_ON`] that this process has; for the roof, which reads the environment.
pub fn handed_on() -> BTreeMap<String, String> {
    HANDED_ON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

/// The other hands, as the model's traits.
#[derive(Clone)]
pub struct Hands {
    /// Checks out.
    pub git: Arc<dyn GitHost>,
    /// Keeps artifacts and reports.
    pub blobs: Arc<dyn BlobStore>,
    /// Runs jobs with an `image`; without it they are refused.
    pub containers: Option<Arc<dyn ContainerRuntime>>,
    /// Stamps the log.
    pub clock: Arc<dyn Clock>,
}

/// Carries out jobs and runs tools on this machine.
pub struct Runner {
    pub(crate) settings: RunnerSettings,
    pub(crate) hands: Hands,
    pub(crate) tools: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) workspaces: Workspaces,
    pub(crate) sandboxes: Sandboxes,
    pub(crate) verified: Arc<Mutex<HashMap<PathBuf, Verified>>>,
    pub(crate) terminal: Option<Arc<dyn Terminal>>,
}

impl Runner {
    /// A runner below `settings.dir`. `tools` is the directory with `tools.lock` and `bin/`; `environment` is what every
    /// job sees besides its own variables ([`handed_on`]).
    pub fn new(
        mut settings: RunnerSettings,
        hands: Hands,
        tools: PathBuf,
        environment: BTreeMap<String, String>,
    ) -> Result<Self, RunnerError> {
        if !rustix::process::geteuid().is_root() {
            return Err(RunnerError::Missing {
                what: "the right to make sandboxes".to_owned(),
                hint: "start Penstock as root; jobs run as users of their own without any right".to_owned(),
            });
        }
        let made = |what: String| move |source| RunnerError::Io { what, source };
        for name in ["root", "work", "scratch", ASIDE] {
            let path = settings.dir.join(name);
            std::fs::create_dir_all(&path).map_err(made(format!("making {}", path.display())))?;
        }
        settings.dir = settings.dir.canonicalize().map_err(made(format!("finding {}", settings.dir.display())))?;
        let workspaces = Workspaces::new(settings.dir.clone(), settings.first_uid);
        let sandboxes = Sandboxes::new(&settings);
        Ok(Self { settings, hands, tools, environment, workspaces, sandboxes, verified: Arc::default(), terminal: None })
    }

    /// Has a shell open wherever a step fails, at somebody's terminal.
    #[must_use]
    pub fn with_terminal(mut self, terminal: Option<Arc<dyn Terminal>>) -> Self {
        self.terminal = terminal;
        self
    }
}

#[async_trait]
impl JobRunner for Runner {
    async fn end_orphans(&self) -> Result<u32, RunnerError> {
        let ended = orphans::end(self).await;
        // the first job will not have to wait for it
        self.sandboxes.prepare();
        ended
    }

    fn workspace(&self, project: &ProjectName, _job: &JobName, _image: Option<&ImageRef>) -> String {
        format!("{BUILDS}/{project}")
    }

    async fn run(
        &self,
        spec: JobSpec,
        steps: Box<dyn StepSource>,
        log: Arc<dyn LogSink>,
        cancel: CancellationToken,
    ) -> Result<JobReport, RunnerError> {
        job::run(self, spec, steps, log, cancel).await
    }

    async fn tidy(&self, unused_since: Timestamp, dry_run: bool) -> Result<Vec<(String, u64)>, RunnerError> {
        tidy::tidy(self, unused_since, dry_run).await
    }
}

#[async_trait]
impl ToolRunner for Runner {
    async fn run_tool(&self, call: &ToolCall) -> Result<ToolOutput, RunnerError> {
        tools::run(self, call).await
    }
}

/// A failure of another hand, or a refusal.
pub(crate) fn other(what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> RunnerError {
    RunnerError::Other { what: what.into(), source: source.into() }
}

/// An error with everything that caused it, on one line.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Files are handled on threads that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T, RunnerError> + Send + 'static,
) -> Result<T, RunnerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(other(what, error)),
    }
}

/// [`RunnerError::Io`] in words.
pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> RunnerError {
    let what = what.into();
    move |source| RunnerError::Io { what, source }
}
