//! Helm charts, fetched from registries and repositories and pushed to registries.
//!
//! What crosses is bytes: which version is meant, what a chart is, and whether its provenance holds is for others to say. All that
//! comes is bounded in size and time; what has a digest is verified as it comes. A login is shown to the host that it is for and to
//! no other, wherever redirects and indexes lead. Behaviour is Helm 3.18's; where it is not, it is stricter:
//!
//! - a registry is asked without TLS when that is said, or when it is on this machine and has none (Helm tries anywhere);
//! - nothing is followed from TLS to plain HTTP;
//! - credential helpers are not started: a login is given, or lies in a file.

mod authorities;
mod error;
mod logins;
mod manifest;
mod pull;
mod push;
mod reference;
mod repository;
mod session;
mod tags;
mod transport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use self::error::FetchError;
pub use self::logins::Logins;
pub use self::manifest::annotations;
pub use self::pull::PulledChart;
pub use self::push::ChartToPush;
pub use self::reference::ChartReference;
pub use self::repository::{FetchedFile, Repository};
use self::session::Grants;
use self::transport::Transport;

/// How charts are fetched.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Registries are asked without TLS (`--plain-http`).
    pub plain_http: bool,
    /// Whatever certificate a server shows is taken (`--insecure-skip-tls-verify`).
    pub insecure_skip_tls_verify: bool,
    /// The certificates (PEM) that vouch for servers, instead of the system's (`--ca-file`).
    pub ca_file: Option<PathBuf>,
    /// Certificate and key (PEM) that are shown to servers (`--cert-file`, `--key-file`).
    pub identity_files: Option<(PathBuf, PathBuf)>,
    /// By whom registries are asked.
    pub logins: Logins,
    /// How long one call may take in all.
    pub time: Duration,
    /// The largest archive.
    pub max_archive: u64,
    /// The largest index of a repository.
    pub max_index: u64,
    /// The largest file of values.
    pub max_file: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plain_http: false,
            insecure_skip_tls_verify: false,
            ca_file: None,
            identity_files: None,
            logins: Logins::none(),
            time: Duration::from_secs(300),
            max_archive: 100 << 20,
            max_index: 64 << 20,
            max_file: 64 << 20,
        }
    }
}

/// Fetches and pushes charts. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct ChartFetcher {
    transport: Transport,
    settings: Arc<Settings>,
    grants: Arc<Grants>,
}

impl ChartFetcher {
    /// One that goes by these settings.
    ///
    /// # Errors
    /// When a file that they name cannot be read, or TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, FetchError> {
        Ok(Self { transport: Transport::new(&settings)?, settings: Arc::new(settings), grants: Arc::default() })
    }

    /// Ends what takes longer than a call may.
    async fn in_time<T>(&self, what: &str, work: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
        let too_slow = |_| FetchError::TooSlow { what: what.to_owned(), seconds: self.settings.time.as_secs() };
        tokio::time::timeout(self.settings.time, work).await.map_err(too_slow)?
    }
}
