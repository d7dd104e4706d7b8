//! `--shell-on-failure`: this process's terminal, lent to jobs whose step failed, one after the other.

use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use async_trait::async_trait;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{pipe2, read, write};
use penstock_cli::{CliError, exit};
use penstock_model::job::AttemptId;
use penstock_model::terminal::{Loan, Terminal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How much is carried at once.
const CHUNK: usize = 8 * 1024;

nix::ioctl_read_bad!(window_size, nix::libc::TIOCGWINSZ, Winsize);
nix::ioctl_write_ptr_bad!(set_window_size, nix::libc::TIOCSWINSZ, Winsize);

/// Refuses what cannot be: a shell without a terminal.
pub fn check(json: bool) -> Result<(), CliError> {
    let refuse = |what: &str, help: &str| Err(CliError::other(what, help, exit::USAGE));
    if json {
        return refuse("`--shell-on-failure` has the terminal that `--output json` is written to", "leave one of the two out");
    }
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    refuse(
        "`--shell-on-failure` needs a terminal, and standard input or output is none",
        "call it from a terminal without redirection, or leave it out: the job's log tells what failed",
    )
}

/// Somebody wants the terminal.
pub struct Request {
    /// For this attempt.
    pub attempt: AttemptId,
    /// Whose step failed.
    pub step: String,
    answer: oneshot::Sender<Loan>,
}

/// Where jobs ask for the terminal.
pub struct Desk {
    requests: mpsc::Sender<Request>,
    asked: Mutex<mpsc::Receiver<Request>>,
    wanted: Arc<watch::Sender<usize>>,
}

/// Held as long as somebody wants or has the terminal.
struct Wanted(Arc<watch::Sender<usize>>);

impl Wanted {
    fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Default for Desk {
    fn default() -> Self {
        let (requests, asked) = mpsc::channel(1);
        Self { requests, asked: Mutex::new(asked), wanted: Arc::new(watch::Sender::new(0)) }
    }
}

impl Desk {
    /// The next who asks.
    pub async fn asked(&self) -> Option<Request> {
        self.asked.lock().await.recv().await
    }

    /// Hands the terminal over.
    pub fn lend(&self, request: Request) -> Result<Open, CliError> {
        let failed = |source: io::Error| CliError::Io { what: "opening a terminal for the shell".to_owned(), source };
        let size = size_of(&io::stdout());
        let OpenptyResult { master, slave } = openpty(size.as_ref(), None).map_err(|error| failed(error.into()))?;
        for end in [&master, &slave] {
            fcntl(end.as_raw_fd(), FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC)).map_err(|error| failed(error.into()))?;
        }
        let (woken, wake) = pipe2(OFlag::O_CLOEXEC).map_err(|error| failed(error.into()))?;
        let follows = master.try_clone().map_err(failed)?;
        let raw = Raw::enter().map_err(failed)?;
        let open = Open {
            _wanted: Wanted::new(&self.wanted),
            over: CancellationToken::new(),
            raw: Some(raw),
            wake: Some(wake),
            relay: Some(tokio::task::spawn_blocking(move || relay(&master, &woken))),
            resize: tokio::spawn(resize(follows)),
        };
        let kind = std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned());
        // whoever asked may be gone: then the loan goes, and the terminal comes back at once
        let _ = request.answer.send(Loan { tty: slave, kind, open: open.over.clone().drop_guard() });
        Ok(open)
    }
}

#[async_trait]
impl Terminal for Desk {
    async fn free(&self) {
        // the sender lives as long as this
        let _ = self.wanted.subscribe().wait_for(|count| *count == 0).await;
    }

    async fn lend(&self, attempt: &AttemptId, step: &str) -> Option<Loan> {
        let _wanted = Wanted::new(&self.wanted);
        let (answer, loan) = oneshot::channel();
        self.requests.send(Request { attempt: attempt.clone(), step: step.to_owned(), answer }).await.ok()?;
        loan.await.ok()
    }
}

/// A shell that is open. When this goes, the terminal is as it was.
pub struct Open {
    _wanted: Wanted,
    over: CancellationToken,
    raw: Option<Raw>,
    wake: Option<OwnedFd>,
    relay: Option<JoinHandle<()>>,
    resize: JoinHandle<()>,
}

impl Open {
    /// Waits until the shell has ended and everything that it wrote is on the screen.
    pub async fn closed(&mut self) {
        self.over.cancelled().await;
        self.wake = None;
        if let Some(relay) = self.relay.take() {
            // a relay that failed has nothing more to say
            let _ = relay.await;
        }
        self.raw = None;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.resize.abort();
    }
}

/// The person's terminal while what is typed goes on letter by letter, Ctrl-C too.
struct Raw(Termios);

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // a terminal that has gone needs nothing
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}

fn size_of(terminal: &impl AsFd) -> Option<Winsize> {
    let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    #[allow(unsafe_code, reason = "the kernel fills the structure that the call is defined for")]
    let asked = unsafe { window_size(terminal.as_fd().as_raw_fd(), &raw mut size) };
    asked.ok().map(|_| size)
}

/// Has the shell's terminal follow the size of the person's.
async fn resize(master: OwnedFd) {
    let Ok(mut changes) = signal(SignalKind::window_change()) else { return };
    while changes.recv().await.is_some() {
        if let Some(size) = size_of(&io::stdout()) {
            #[allow(unsafe_code, reason = "the kernel reads the structure that the call is defined for")]
            // a terminal that has gone has no size
            let _ = unsafe { set_window_size(master.as_raw_fd(), &raw const size) };
        }
    }
}

/// Carries what is typed to the shell and what it writes to the screen, until the other end of `woken` goes or the shell's terminal does.
fn relay(master: &OwnedFd, woken: &OwnedFd) {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let _ = fcntl(master.as_raw_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    let (mut typed, mut listens) = (VecDeque::new(), true);
    loop {
        // a shell that does not read must not keep what it writes from being shown
        let (takes, mut wants) = (listens && typed.is_empty(), PollFlags::POLLIN);
        wants.set(PollFlags::POLLOUT, !typed.is_empty());
        let keys = if takes { PollFlags::POLLIN } else { PollFlags::empty() };
        let mut ready =
            [PollFd::new(master.as_fd(), wants), PollFd::new(woken.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), keys)];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(_) => return,
        }
        let happened = |at: usize| ready[at].any().unwrap_or(true);
        let (over, keys) = (happened(1), takes && happened(2));
        if !show(master, &stdout, over) || over {
            return;
        }
        if keys {
            let mut buffer = [0; CHUNK];
            match read(stdin.as_raw_fd(), &mut buffer) {
                Ok(0) | Err(_) => listens = false,
                Ok(count) => typed.extend(&buffer[..count]),
            }
        }
        if !typed.is_empty() {
            let (first, _) = typed.as_slices();
            if let Ok(count) = write(master, first) {
                typed.drain(..count);
            }
        }
    }
}

/// Shows what the shell has written; all of it, or what can be read at once. False when nothing will come any more.
fn show(master: &OwnedFd, screen: &impl AsFd, all: bool) -> bool {
    let mut buffer = [0; CHUNK];
    loop {
        let count = match read(master.as_raw_fd(), &mut buffer) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(Errno::EINTR) => continue,
            Err(error) => return error == Errno::EAGAIN,
        };
        let mut left = &buffer[..count];
        while !left.is_empty() {
            match write(screen, left) {
                Ok(count) => left = &left[count..],
                Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
        if !all {
            return true;
        }
    }
}
