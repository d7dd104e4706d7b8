//! What every service has around its own work: JSON logs, traces, metrics, health, an orderly end, and a self-test.
//!
//! A service is a `main` of a few lines that hands [`run`] what it serves and how it tests itself. Nothing in here
//! knows what a service does.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod checks;
pub mod drain;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod settings;
pub mod traces;

use std::error::Error;
use std::process::ExitCode;

pub use checks::Checks;
pub use drain::Lifecycle;
pub use metrics::Metrics;

/// Whatever ended a service.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Who is running: the name and version that logs, traces and metrics carry.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The service's name, as its image and its Service are called.
    pub name: &'static str,
    /// The version of its package.
    pub version: &'static str,
}

/// What a service is handed to serve with.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whether the service is ready, draining, or to stop.
    pub lifecycle: Lifecycle,
    /// The figures that `/metrics` shows.
    pub metrics: Metrics,
}

impl Context {
    /// A context that is not told of signals: for tests and self-tests.
    #[must_use]
    pub fn detached(identity: Identity) -> Self {
        Self { lifecycle: Lifecycle::default(), metrics: Metrics::new(identity) }
    }
}

/// Runs a service by its command line: nothing to serve, `self-test`, or `--version`.
pub fn run<Serve, Test>(identity: Identity, serve: Serve, self_test: Test) -> ExitCode
where
    Serve: AsyncFnOnce(Context) -> Result<(), Failure>,
    Test: AsyncFnOnce(&mut Checks),
{
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["serve"] => in_runtime(async || serve_until_told(identity, serve).await),
        ["self-test"] => in_runtime(async || {
            let mut checks = Checks::default();
            self_test(&mut checks).await;
            checks.finish()
        }),
        ["--version"] => {
            println!("{} {}", identity.name, identity.version);
            Ok(())
        }
        _ => Err(format!("usage: {} [serve | self-test | --version]", identity.name).into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", identity.name);
            ExitCode::FAILURE
        }
    }
}

fn in_runtime(work: impl AsyncFnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work())
}

async fn serve_until_told<Serve>(identity: Identity, serve: Serve) -> Result<(), Failure>
where
    Serve: AsyncFnOnce(Context) -> Result<(), Failure>,
{
    let traces = traces::Exporter::from_environment(identity)?;
    logs::start(identity, traces.as_ref());
    let context = Context { lifecycle: Lifecycle::default(), metrics: Metrics::new(identity) };
    let watcher = tokio::spawn(context.lifecycle.clone().follow_signals(settings::shutdown_delay()?));
    tracing::info!(version = identity.version, "starting");

    let outcome = serve(context).await;

    watcher.abort();
    if let Some(traces) = traces {
        traces.flush();
    }
    match &outcome {
        Ok(()) => tracing::info!("stopped"),
        Err(error) => tracing::error!(%error, "stopped by an error"),
    }
    outcome
}
