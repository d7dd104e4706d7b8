//! The control socket: for the owner of the process (and root) alone.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::BufReader;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore};

use crate::core::Core;
use crate::limits;
use crate::wire::{self, Answer, Ask};

/// Why the socket cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}: {source}; a socket's path has at most 107 bytes and its directory must be writable", path.display())]
pub struct ControlError {
    path: PathBuf,
    source: io::Error,
}

/// Binds the socket; a file left by a process that died is replaced. The caller holds the lock that makes it the only one.
pub fn bind(path: &Path) -> Result<UnixListener, ControlError> {
    let failed = |source| ControlError { path: path.to_owned(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let socket = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(socket)
}

/// Answers clients until the process is told to end, which `stop` then knows.
pub async fn serve(socket: UnixListener, core: Arc<Core>, stop: Arc<Notify>) {
    let places = Arc::new(Semaphore::new(limits::MAX_CONTROL));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match socket.accept().await {
            Ok((stream, _)) => {
                let (core, stop) = (Arc::clone(&core), Arc::clone(&stop));
                tokio::spawn(async move {
                    if let Err(error) = talk(stream, core, &stop).await {
                        tracing::warn!(%error, "control connection ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "control connection could not be accepted");
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn talk(stream: UnixStream, core: Arc<Core>, stop: &Notify) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let own = rustix::process::geteuid().as_raw();
    if peer != own && peer != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("user {peer} may not tell this gateway")));
    }
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let asked = tokio::time::timeout(limits::MESSAGE_TIMEOUT, wire::read::<_, Ask>(&mut read)).await;
        let ask = match asked {
            Err(_) | Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(ask))) => ask,
            Ok(Err(error)) => {
                let what = format!("the message cannot be read: {error}");
                return wire::write(&mut write, &Answer::Refused { what }).await;
            }
        };
        let ends = ask == Ask::ShutDown;
        // a snapshot is written to disk, which must not hold up requests
        let core = Arc::clone(&core);
        let answer = tokio::task::spawn_blocking(move || answer(ask, &core)).await.map_err(io::Error::other)?;
        wire::write(&mut write, &answer).await?;
        if ends {
            stop.notify_one();
            return Ok(());
        }
    }
}

fn answer(ask: Ask, core: &Core) -> Answer {
    match ask {
        Ask::Ping => Answer::Alive { pid: std::process::id(), started: core.started(), version: core.figures().version },
        Ask::Publish { snapshot } => match core.publish(snapshot) {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Refused { what: error.to_string() },
        },
        Ask::Figures => Answer::Figures { figures: core.figures() },
        Ask::Metrics => Answer::Text { text: core.metrics() },
        Ask::ShutDown => {
            core.stop();
            Answer::Done
        }
    }
}
