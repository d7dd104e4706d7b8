//! The process from its first line to its last.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use penstock_model::clock::{Clock as _, SystemClock};
use rustix::fs::{FlockOperation, Mode};
use rustix::process::{Resource, Rlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::args::Args;
use crate::core::Core;
use crate::{control, limits, state};

/// Runs the gateway; for the binary to call before anything else when its first argument is `gateway`.
/// `args` are those after that one: `--socket FILE --state FILE`. Returns when it was told to end and has drained.
///
/// Exit codes: 0 drained, 1 it could not start or run, 2 wrong arguments, 3 another one runs.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::parse(args) {
        Ok(args) => args,
        Err(error) => return fail(&error, 2),
    };
    log();
    // a session of its own: what ends the server's terminal or group does not end this process
    let _ = rustix::process::setsid();
    rustix::process::umask(Mode::from_raw_mode(0o077));
    raise_file_limit();
    let lock = match lock(&args.state) {
        Ok(lock) => lock,
        Err(error @ StartError::Taken(_)) => return fail(&error, 3),
        Err(error) => return fail(&error, 1),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    let ended = runtime.block_on(run(&args));
    runtime.shutdown_background();
    drop(lock);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    tracing::error!(%error, "gateway ends");
    eprintln!("{error}");
    ExitCode::from(code)
}

fn log() {
    // a second subscriber in one process is refused: the first one serves
    let _ = tracing_subscriber::fmt().json().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).try_init();
}

fn raise_file_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("another gateway holds {}", .0.display())]
    Taken(PathBuf),
    #[error("cannot lock {}: {source}; its directory must exist and be writable", path.display())]
    Lock { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Control(#[from] control::ControlError),
    #[error("signals cannot be caught: {0}")]
    Signal(std::io::Error),
}

fn lock(state: &Path) -> Result<File, StartError> {
    let path = state.with_extension("lock");
    let failed = |source| StartError::Lock { path: path.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StartError::Taken(path)),
        Err(error) => Err(failed(error.into())),
    }
}

async fn run(args: &Args) -> Result<(), StartError> {
    let started = u64::try_from(SystemClock.now().0).unwrap_or(0);
    let core = Arc::new(Core::new(started, args.state.clone()));
    match state::load(&args.state) {
        Ok(Some(snapshot)) => core.resume(snapshot),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%error, "the last snapshot is lost; waiting to be told");
            let _ = std::fs::rename(&args.state, args.state.with_extension("broken"));
        }
    }
    // users are served before the socket answers, so that whoever sees it answer sees all of it
    let socket = control::bind(&args.socket)?;
    let stop = Arc::new(Notify::new());
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signal)?;
    tracing::info!(pid = std::process::id(), socket = %args.socket.display(), "gateway runs");
    let control = tokio::spawn(control::serve(socket, Arc::clone(&core), Arc::clone(&stop)));
    let chores = tokio::spawn(chores(Arc::clone(&core)));
    tokio::select! {
        () = stop.notified() => {}
        _ = terminate.recv() => core.stop(),
    }
    chores.abort();
    if tokio::time::timeout(limits::DRAIN_TIMEOUT, core.tasks.wait()).await.is_err() {
        tracing::warn!(left = core.tasks.len(), "drain took too long; what is left is cut off");
    }
    control.abort();
    let _ = std::fs::remove_file(&args.socket);
    tracing::info!("gateway drained");
    Ok(())
}

async fn chores(core: Arc<Core>) {
    let mut rebind = tokio::time::interval(limits::REBIND_EVERY);
    let mut sweep = tokio::time::interval(limits::SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = rebind.tick() => core.rebind(),
            _ = sweep.tick() => core.sweep(),
        }
    }
}
