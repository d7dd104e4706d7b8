//! The server's end of a sandbox.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::SANDBOX_ARGUMENT;
use super::plan::{News, Order, SandboxPlan};

/// How long the root may take to stand.
const READY: Duration = Duration::from_secs(30);
/// How long the end may take before the helper is killed, and everything inside with it.
const END: Duration = Duration::from_secs(10);

/// Why a sandbox failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// The helper could not be started.
    #[error("the sandbox's helper {program} could not be started")]
    Helper {
        /// Its path.
        program: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// What was to be run cannot be started: no such program or directory.
    #[error("{0}")]
    Start(String),
    /// The helper or the first process says why.
    #[error("the sandbox failed: {0}")]
    Said(String),
    /// It is gone: killed by somebody, or by the kernel for want of memory.
    #[error("the sandbox ended unexpectedly (killed, or the machine is out of memory)")]
    Gone,
    /// Pipes and sockets.
    #[error("talking to the sandbox")]
    Io(#[from] io::Error),
}

/// How what was started ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepExit {
    /// Its exit code, if no signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that did.
    pub(crate) signal: Option<i32>,
}

/// A running sandbox. Dropping it ends everything inside.
pub(crate) struct Sandbox {
    child: Child,
    orders: OwnedWriteHalf,
    news: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    alone: bool,
}

/// A sandbox whose base stands, and that waits to be told what else it shows.
pub(super) struct Waiting {
    sandbox: Sandbox,
    out: pipe::Receiver,
    err: pipe::Receiver,
}

/// A sandbox with its standard output and error, which everything inside shares.
pub(crate) type Started = (Sandbox, pipe::Receiver, pipe::Receiver);

impl Waiting {
    /// Starts the helper, which makes a base of its own accord.
    pub(super) fn start(program: &Path, instance: &str, mount_point: &Path) -> Result<Self, SandboxError> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (out, out_end) = output()?;
        let (err, err_end) = output()?;
        let child = Command::new(program)
            .args([OsStr::new(SANDBOX_ARGUMENT), OsStr::new(instance), mount_point.as_os_str()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(out_end))
            .stderr(Stdio::from(err_end))
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| SandboxError::Helper { program: program.to_path_buf(), source })?;
        let (read, orders) = UnixStream::from_std(ours)?.into_split();
        Ok(Self { sandbox: Sandbox { child, orders, news: BufReader::new(read).lines(), alone: true }, out, err })
    }

    /// Has the sandbox show what the plan says, and give up its rights.
    pub(super) async fn enter(mut self, plan: &SandboxPlan) -> Result<Started, SandboxError> {
        self.sandbox.send(plan, None).await?;
        match tokio::time::timeout(READY, self.sandbox.hear()).await {
            Ok(Ok(News::Ready)) => Ok((self.sandbox, self.out, self.err)),
            Ok(Ok(News::Failed { why })) => Err(SandboxError::Said(why)),
            Ok(Ok(News::Exited { .. } | News::Ended) | Err(SandboxError::Gone)) => Err(SandboxError::Gone),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SandboxError::Said(format!("it did not stand after {} s", READY.as_secs()))),
        }
    }
}

impl Sandbox {
    /// Starts a program. One at a time.
    pub(crate) async fn run(&mut self, argv: Vec<String>, env: BTreeMap<String, String>, directory: PathBuf) -> Result<(), SandboxError> {
        self.send(&Order::Run { argv, env, directory, terminal: false }, None).await
    }

    /// Starts a program at a terminal, which is handed over.
    pub(crate) async fn run_at(
        &mut self,
        tty: &OwnedFd,
        argv: Vec<String>,
        env: BTreeMap<String, String>,
        directory: PathBuf,
    ) -> Result<(), SandboxError> {
        self.send(&Order::Run { argv, env, directory, terminal: true }, Some(tty)).await
    }

    /// Waits for the program's end. Nothing is lost when this future is dropped and asked for again.
    pub(crate) async fn exited(&mut self) -> Result<StepExit, SandboxError> {
        match self.hear().await? {
            News::Exited { code, signal, alone } => {
                self.alone = alone;
                Ok(StepExit { code, signal })
            }
            News::Ended => Err(SandboxError::Gone),
            News::Failed { why } => Err(SandboxError::Start(why)),
            News::Ready => Err(SandboxError::Said("it was ready twice".to_owned())),
        }
    }

    /// Whether the last program that ended left nothing alive.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// SIGTERM to everything inside, and SIGKILL after a grace. `exited` then comes.
    pub(crate) async fn stop(&mut self, grace: Duration) -> Result<(), SandboxError> {
        self.send(&Order::Stop { grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX) }, None).await
    }

    /// Ends everything inside and waits until it is gone. What is given back ends with the sandbox itself, for whoever must not
    /// meet its mounts.
    pub(crate) async fn end(mut self) -> Result<JoinHandle<()>, SandboxError> {
        // an error means that it is gone already
        let _ = self.send(&Order::End, None).await;
        let ended = async {
            while !matches!(self.hear().await?, News::Ended) {}
            Ok::<(), SandboxError>(())
        };
        match tokio::time::timeout(END, ended).await {
            // the kernel takes some milliseconds to take the mounts down
            Ok(Ok(())) => {}
            Ok(Err(_)) if tokio::time::timeout(END, self.child.wait()).await.is_ok() => {}
            _ => self.child.kill().await?,
        }
        Ok(tokio::spawn(async move {
            if let Err(error) = self.child.wait().await {
                tracing::warn!(%error, "how a sandbox ended is not known");
            }
        }))
    }

    /// A descriptor comes with the first byte of the line.
    async fn send(&mut self, value: &impl serde::Serialize, with: Option<&OwnedFd>) -> Result<(), SandboxError> {
        let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
        line.push(b'\n');
        if line.len() > super::plan::MAX_LINE {
            return Err(SandboxError::Said("variables and arguments are longer than 16 MiB".to_owned()));
        }
        let mut sent = 0;
        if let Some(descriptor) = with {
            let socket = self.orders.as_ref();
            sent = socket.async_io(Interest::WRITABLE, || send_with(socket, &line[..1], descriptor)).await.map_err(gone)?;
        }
        self.orders.write_all(&line[sent..]).await.map_err(gone)
    }

    async fn hear(&mut self) -> Result<News, SandboxError> {
        let line = self.news.next_line().await.map_err(gone)?.ok_or(SandboxError::Gone)?;
        serde_json::from_str(&line).map_err(|error| SandboxError::Said(format!("it spoke nonsense: {error}")))
    }
}

/// Sends bytes with a descriptor beside them.
fn send_with(socket: &UnixStream, bytes: &[u8], descriptor: &OwnedFd) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    if !beside.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut beside, SendFlags::NOSIGNAL)?)
}

/// What the kernel says of a socket whose other end has died.
fn gone(error: io::Error) -> SandboxError {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => SandboxError::Gone,
        _ => error.into(),
    }
}

fn output() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (sender, receiver) = pipe::pipe()?;
    Ok((receiver, sender.into_blocking_fd()?))
}
