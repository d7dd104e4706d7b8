//! The helper and the namespace's first process. Both have one thread and no runtime.

use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, sethostname, setsid};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::plan::{MAX_LINE, News, Order, SandboxPlan};
use super::{privileges, root};

/// The name of the machine as a job sees it.
const HOST_NAME: &str = "penstock-job";

/// The helper: makes the PID namespace, starts its first process, and ends when that one has ended (which the kernel
/// lets it do only when everything inside is gone).
pub(super) fn helper(mount_point: &Path) -> ExitCode {
    let Ok(mut socket) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else { return ExitCode::FAILURE };
    match first_process() {
        Ok(Some(child)) => loop {
            match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, 0)) => return ExitCode::SUCCESS,
                Err(nix::errno::Errno::EINTR) => {}
                _ => return ExitCode::FAILURE,
            }
        },
        Ok(None) => inside(socket, mount_point),
        Err(why) => {
            tell(&mut socket, &News::Failed { why });
            ExitCode::FAILURE
        }
    }
}

/// `Some` in the helper, `None` in the namespace's first process.
fn first_process() -> Result<Option<Pid>, String> {
    let _ = setsid();
    unshare(CloneFlags::CLONE_NEWPID).map_err(|e| format!("making a PID namespace: {e} (root is needed)"))?;
    // SAFETY: this process has one thread (`dispatch` is called first of all in `main`), so the child may do anything.
    #[allow(unsafe_code, reason = "there is no safe fork, and a second exec would cost each job several milliseconds")]
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(Some(child)),
        Ok(ForkResult::Child) => Ok(None),
        Err(e) => Err(format!("starting the first process: {e}")),
    }
}

/// What the server's parent had it ignore (`nohup`, a shell's `&`) ends a job's programs all the same. Rust resets SIGPIPE itself.
fn default_signals() -> Result<(), String> {
    for number in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP | Signal::SIGPIPE)) {
        #[allow(unsafe_code, reason = "only resets handlers to their defaults")]
        unsafe { signal(number, SigHandler::SigDfl) }.map_err(|e| format!("resetting {number}: {e}"))?;
    }
    Ok(())
}

fn inside(mut socket: UnixStream, mount_point: &Path) -> ExitCode {
    let mut lines = Lines::default();
    // the base is made before there is a plan: this may be a sandbox that waits for its job
    let made = default_signals().and_then(|()| base(mount_point)).and_then(|limited| {
        let line = lines.wait(&mut socket).map_err(|e| format!("reading the plan: {e}"))?;
        let plan = serde_json::from_slice::<SandboxPlan>(&line).map_err(|e| format!("reading the plan: {e}"))?;
        enter(mount_point, &plan, &limited)
    });
    match made {
        Ok(signals) => {
            tell(&mut socket, &News::Ready);
            serve(socket, lines, &signals).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(why) => {
            tell(&mut socket, &News::Failed { why });
            ExitCode::FAILURE
        }
    }
}

/// What all sandboxes have: namespaces and the system's part of the root.
fn base(mount_point: &Path) -> Result<root::Limited, String> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS)
        .map_err(|e| format!("making namespaces: {e}"))?;
    sethostname(HOST_NAME).map_err(|e| format!("naming the sandbox: {e}"))?;
    root::base(mount_point)
}

/// The plan's part, after which there is no way back to any right.
fn enter(mount_point: &Path, plan: &SandboxPlan, limited: &root::Limited) -> Result<SignalFd, String> {
    if !plan.network {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|e| format!("making a network namespace: {e}"))?;
    }
    root::enter(mount_point, plan, limited)?;
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    children.thread_block().map_err(|e| format!("blocking SIGCHLD: {e}"))?;
    let signals =
        SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(|e| format!("watching SIGCHLD: {e}"))?;
    privileges::give_up(plan.uid).map_err(|e| format!("giving up rights: {e}"))?;
    Ok(signals)
}

/// Carries out orders until the socket closes or says so.
fn serve(mut socket: UnixStream, mut lines: Lines, signals: &SignalFd) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let mut running: Option<Pid> = None;
    let mut kill_at: Option<Instant> = None;
    loop {
        while let Some(line) = lines.next() {
            match serde_json::from_slice(&line).map_err(io::Error::other)? {
                Order::Run { argv, env, directory, terminal } => {
                    match start(&argv, &env, &directory, terminal.then(|| lines.beside.take())) {
                        Ok(pid) => running = Some(pid),
                        Err(e) => {
                            let why = format!("starting `{}`: {e}", argv.first().map_or("", String::as_str));
                            tell(&mut socket, &News::Failed { why });
                        }
                    }
                }
                // what was to be stopped has ended meanwhile: what it left behind goes at once, before the next order
                Order::Stop { .. } if running.is_none() => kill_all(),
                Order::Stop { grace_ms } => {
                    let _ = kill(Pid::from_raw(-1), Signal::SIGTERM);
                    kill_at = Some(Instant::now() + Duration::from_millis(grace_ms));
                }
                Order::End => {
                    end_all();
                    tell(&mut socket, &News::Ended);
                    return Ok(());
                }
            }
        }
        let timeout = kill_at.map_or(PollTimeout::NONE, |at| {
            let left = at.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut ready = [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        let (orders, children) = (ready[0].any().unwrap_or(true), ready[1].any().unwrap_or(true));
        if children {
            while let Ok(Some(_)) = signals.read_signal() {}
            reap(&mut socket, &mut running, &mut kill_at);
        }
        if kill_at.is_some_and(|at| Instant::now() >= at) {
            kill_at = None;
            kill_all();
        }
        if orders && !lines.read(&mut socket)? {
            return Ok(());
        }
    }
}

/// Every process of the namespace but its first, which this is.
fn kill_all() {
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
}

/// Ends everything and waits until it is gone: whatever loses its parent here becomes this process's child.
fn end_all() {
    loop {
        kill_all();
        match waitpid(Pid::from_raw(-1), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            // nothing is left to wait for
            Err(_) => return,
        }
    }
}

/// Starts a program; at a terminal if there is to be one, as the leader of a session whose terminal it is.
fn start(
    argv: &[String],
    env: &std::collections::BTreeMap<String, String>,
    directory: &Path,
    terminal: Option<Option<OwnedFd>>,
) -> io::Result<Pid> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::metadata(directory).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", directory.display())))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(env).current_dir(directory).stdin(Stdio::null());
    if let Some(tty) = terminal {
        let tty = tty.ok_or_else(|| io::Error::other("no terminal came with the order"))?;
        command.stdin(tty.try_clone()?).stdout(tty.try_clone()?).stderr(tty);
        #[allow(unsafe_code, reason = "between fork and exec two system calls are made and nothing else")]
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                Ok(rustix::process::ioctl_tiocsctty(io::stdin())?)
            });
        }
    }
    // the child is waited for by `reap`, with everything else that ends here
    let child = command.spawn()?;
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}

/// Waits for everything that has ended: a namespace's first process inherits its orphans.
fn reap(socket: &mut UnixStream, running: &mut Option<Pid>, kill_at: &mut Option<Instant>) {
    let mut ended = None;
    let alone = loop {
        let (pid, code, signal) = match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, Some(code), None),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, None, Some(signal as i32)),
            Err(nix::errno::Errno::EINTR) => continue,
            Err(nix::errno::Errno::ECHILD) => break true,
            _ => break false,
        };
        if *running == Some(pid) {
            *running = None;
            if kill_at.take().is_some() {
                kill_all();
            }
            ended = Some((code, signal));
        }
    };
    if let Some((code, signal)) = ended {
        tell(socket, &News::Exited { code, signal, alone });
    }
}

/// A failure to tell means that the server is gone, which the next read sees.
fn tell(socket: &mut UnixStream, news: &News) {
    let mut line = serde_json::to_vec(news).unwrap_or_default();
    line.push(b'\n');
    let _ = socket.write_all(&line);
}

/// Lines as they come in, and the last descriptor that came beside one.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    beside: Option<OwnedFd>,
}

impl Lines {
    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let rest = self.bytes.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.bytes, rest);
        line.pop();
        Some(line)
    }

    /// Reads what there is; false at the end.
    fn read(&mut self, socket: &mut UnixStream) -> io::Result<bool> {
        let mut buffer = [0; 8 * 1024];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let read = recvmsg(&*socket, &mut [IoSliceMut::new(&mut buffer)], &mut beside, RecvFlags::CMSG_CLOEXEC);
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.beside = descriptors.last().or(self.beside.take());
            }
        }
        match read.map(|came| came.bytes).map_err(io::Error::from) {
            Ok(0) => Ok(false),
            Ok(count) if self.bytes.len() + count <= MAX_LINE => {
                self.bytes.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(true),
            Err(e) => Err(e),
        }
    }

    fn wait(&mut self, socket: &mut UnixStream) -> io::Result<Vec<u8>> {
        loop {
            if let Some(line) = self.next() {
                return Ok(line);
            }
            if !self.read(socket)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
