//! Containers that the server waits for: tests of an image, steps of a build.
//!
//! The server holds the other end of the helper's standard input. When it lets go, by choice, by a dropped future or
//! by dying, the helper ends the container; nobody has to remember it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::Clock;
use penstock_model::blob::{Channel, LogLine, LogSink};
use penstock_model::clock::SystemClock;
use penstock_model::container::ContainerError;
use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::OwnedRwLockReadGuard;
use tokio_util::sync::CancellationToken;

use crate::helper::MONITOR;
use crate::launch::Launch;
use crate::lines::Lines;
use crate::state::{Ended, Home};
use crate::sweep;

/// The exit code of a container that took too long, as `timeout` has it.
pub const TIMED_OUT: i32 = 124;

/// Where a one-shot container's program reads and writes.
pub enum Streams {
    /// It reads nothing, and what it writes is kept.
    Kept(Arc<dyn LogSink>),
    /// At a terminal.
    Terminal(OwnedFd),
}

/// What a one-shot container needs of the runtime.
pub struct OneShot {
    /// The program that is started again.
    pub program: PathBuf,
    /// A directory of its own, absent yet.
    pub home: Home,
    /// Its layers stay until they are written down as used, which they are from then on.
    pub using_layers: OwnedRwLockReadGuard<()>,
}

impl OneShot {
    /// Runs it to its end; what is left of it is removed, also when the returned future is dropped.
    pub async fn run(self, launch: Launch, timeout: Duration, streams: Streams) -> Result<i32, ContainerError> {
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let id = launch.id.clone();
        let outcome = tokio::spawn(self.watched(launch, timeout, streams, stop)).await;
        drop(guard);
        outcome.map_err(|error| ContainerError::Runtime { id, why: format!("its watcher failed: {error}") })?
    }

    async fn watched(self, launch: Launch, timeout: Duration, streams: Streams, stop: CancellationToken) -> Result<i32, ContainerError> {
        let io = |what: &str| {
            let what = format!("container {}: {what}", launch.id);
            move |source| ContainerError::Io { what, source }
        };
        fs::create_dir(&self.home.0).map_err(io("making its directory; is another of this id running?"))?;
        // held while the server lives, so that its successor knows what is left behind
        let lock = fs::File::create(self.home.path("lock")).map_err(io("its lock"))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| io("its lock")(error.into()))?;
        let described = self.home.write("launch.json", &launch).map_err(io("launch.json"));
        drop(self.using_layers);
        let outcome = match described {
            Ok(()) => attend(&self.program, &self.home, &launch, timeout, streams, stop).await,
            Err(error) => Err(error),
        };
        let (directory, instance, id) = (self.home.0.clone(), launch.instance.clone(), launch.id.clone());
        let removed = tokio::task::spawn_blocking(move || {
            sweep::end_cgroup(&instance, &id);
            sweep::remove_tree(&directory)
        });
        match removed.await {
            Ok(removed) => removed.map_err(io("removing its directory"))?,
            Err(error) => return Err(ContainerError::Runtime { id: launch.id, why: error.to_string() }),
        }
        outcome
    }
}

/// From the helper's start to its end.
async fn attend(
    program: &Path,
    home: &Home,
    launch: &Launch,
    timeout: Duration,
    streams: Streams,
    stop: CancellationToken,
) -> Result<i32, ContainerError> {
    let failed = |why: String| ContainerError::Runtime { id: launch.id.clone(), why };
    let trouble = |error: io::Error| failed(format!("its terminal: {error}"));
    let (out, err) = match &streams {
        Streams::Kept(_) => (Stdio::piped(), Stdio::piped()),
        Streams::Terminal(tty) => (tty.try_clone().map_err(trouble)?.into(), tty.try_clone().map_err(trouble)?.into()),
    };
    let mut child: Child = Command::new(program)
        .arg(MONITOR)
        .arg(&home.0)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|error| failed(format!("starting {}: {error}", program.display())))?;
    let hold = child.stdin.take();
    let mut readers = Vec::new();
    if let Streams::Kept(log) = streams {
        readers.extend(child.stdout.take().map(|stream| tokio::spawn(keep(stream, Channel::Out, Arc::clone(&log)))));
        readers.extend(child.stderr.take().map(|stream| tokio::spawn(keep(stream, Channel::Err, log))));
    }
    let timed_out = tokio::select! {
        _ = child.wait() => false,
        () = tokio::time::sleep(timeout) => true,
        () = stop.cancelled() => false,
    };
    drop(hold);
    let status = child.wait().await.map_err(|error| failed(format!("waiting for its monitor: {error}")))?;
    for reader in readers {
        // the pipes end with the container; their readers cannot hang
        let _ = reader.await;
    }
    if timed_out {
        return Ok(TIMED_OUT);
    }
    match home.read::<Ended>("exit.json") {
        Ok(Some(ended)) => Ok(ended.code),
        Ok(None) => {
            let why = home.read::<String>("failed.json").ok().flatten();
            Err(failed(why.unwrap_or_else(|| format!("its monitor ended without a word ({status})"))))
        }
        Err(error) => Err(failed(format!("exit.json: {error}"))),
    }
}

/// Gives a stream to a log, line by line.
async fn keep(mut stream: impl AsyncRead + Unpin, channel: Channel, log: Arc<dyn LogSink>) {
    let mut lines = Lines::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        let pieces = if length == 0 { lines.finish() } else { lines.feed(&buffer[..length]) };
        if !pieces.is_empty() {
            let at = SystemClock.now();
            let pieces = pieces.into_iter().map(|(text, ends)| LogLine { at, channel, text, ends }).collect();
            if let Err(error) = log.write(pieces).await {
                tracing::warn!(%error, "a container's output could not be kept");
            }
        }
        if length == 0 {
            return;
        }
    }
}
