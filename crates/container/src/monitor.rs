//! The process beside a container: starts it, keeps its output, records its end.
//!
//! It is the program started again, with one thread, since the runtime forks and goes on in the child. It holds the
//! container's mounts in a namespace of its own, so that they go when both are gone, and it is the container's
//! parent: if it is killed the kernel ends the container too, and the server sees both.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, dup2, pipe2, setsid};
use penstock_model::Clock;
use penstock_model::clock::SystemClock;
use penstock_model::container::Network;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;

use crate::executor::Program;
use crate::launch::{Answer, Launch};
use crate::logfile::LogFile;
use crate::rootfs::{leave_mount_namespace, mount_overlay};
use crate::state::{Ended, Home, ProcessId, Started};
use crate::{bundle, network, user};

/// The lock of a one-shot container's monitor, in the container's directory.
pub(crate) const ALIVE: &str = "monitor";

/// The whole life of a monitor.
pub fn main(home: &Home) -> ExitCode {
    // fails only if it already leads a session
    let _ = setsid();
    let launch = match home.read::<Launch>("launch.json") {
        Ok(Some(launch)) => launch,
        Ok(None) => return fail(home, None, "launch.json is missing"),
        Err(error) => return fail(home, None, &format!("launch.json: {error}")),
    };
    let alive = if launch.attached { hold(home) } else { Ok(None) };
    let _alive = match alive {
        Ok(alive) => alive,
        Err(why) => return fail(home, Some(&launch), &why),
    };
    match begin(home, &launch) {
        Ok(running) => {
            if !launch.attached {
                answer(&Answer::Runs);
                let_go();
            }
            running.watch(home, &launch);
            ExitCode::SUCCESS
        }
        Err(why) => fail(home, Some(&launch), &why),
    }
}

/// Held while the monitor of a one-shot container lives: its server's successor waits for it before it clears away.
fn hold(home: &Home) -> Result<Option<File>, String> {
    let lock = File::create(home.path(ALIVE)).map_err(|error| format!("its lock: {error}"))?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| format!("its lock: {error}"))?;
    let stdin = io::stdin();
    let mut held = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let answer = poll(&mut held, PollTimeout::ZERO).map_err(|error| format!("its server: {error}"))?;
    // nobody writes to it: whatever there is to see is its end
    if answer > 0 { Err("its server died before it began".to_owned()) } else { Ok(Some(lock)) }
}

fn fail(home: &Home, launch: Option<&Launch>, why: &str) -> ExitCode {
    if launch.is_some_and(|launch| launch.attached) {
        // written for the server; if even this fails, the exit code still tells
        let _ = home.write("failed.json", &why);
    } else {
        answer(&Answer::Failed(why.to_owned()));
    }
    ExitCode::from(125)
}

fn answer(answer: &Answer) {
    let line = serde_json::to_string(answer).unwrap_or_default();
    // a server that has died meanwhile does not listen
    let _ = writeln!(io::stdout(), "{line}");
    let _ = io::stdout().flush();
}

/// Lets go of the lock on standard input and of the server's pipe on standard output.
fn let_go() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        use std::os::fd::AsRawFd;
        for fd in [0, 1] {
            let _ = dup2(null.as_raw_fd(), fd);
        }
    }
}

struct Running {
    container: Container,
    pid: Pid,
    handle: OwnedFd,
    output: Option<(File, File)>,
}

/// Everything up to the moment when the program runs. Whatever was made is taken back on an error.
fn begin(home: &Home, launch: &Launch) -> Result<Running, String> {
    leave_mount_namespace().map_err(|error| format!("a mount namespace: {error}: root is needed"))?;
    let root = mount_overlay(home, launch).map_err(|error| format!("the root file system: {error}"))?;
    let who = user::resolve(&root, &launch.user).map_err(|error| error.to_string())?;
    let missing = bundle::write(home, launch, &root, &who).map_err(|error| format!("its description: {error}"))?;
    let (builder, output) = plumb(home, launch)?;
    for line in missing {
        note(home, launch, &line);
    }
    let mut container = builder.as_init(&home.0).with_systemd(false).with_detach(true).build().map_err(|error| chain(&error))?;
    match go(home, launch, &mut container) {
        Ok((pid, handle)) => Ok(Running { container, pid, handle, output }),
        Err(why) => {
            take_back(&mut container, launch);
            Err(why)
        }
    }
}

/// Connects it, writes down who it is, and lets the program begin.
fn go(home: &Home, launch: &Launch, container: &mut Container) -> Result<(Pid, OwnedFd), String> {
    let pid = container.pid().ok_or("the runtime gave no process")?;
    let end = match &launch.network {
        Network::Host => None,
        Network::None => Some(None),
        Network::Bridge(address) => Some(Some((launch.instance.clone(), *address))),
        Network::Own { network, address } => Some(Some((network::own_bridge(&launch.instance, network), *address))),
    };
    if let Some(end) = end {
        let end = end.as_ref().map(|(bridge, address)| (&**bridge, *address));
        network::connect(pid.as_raw(), &launch.instance, &launch.id, end).map_err(|error| format!("its network: {error}"))?;
    }
    let io = |error: io::Error| format!("its state: {error}");
    let own = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
    let init = ProcessId::of(pid.as_raw()).map_err(io)?;
    let handle = init.open().ok_or("its process has ended before its program began")?;
    let started = Started { init, monitor: ProcessId::of(own).map_err(io)?, since: SystemClock.now() };
    container.start().map_err(|error| chain(&error))?;
    home.write("state.json", &started).map_err(io)?;
    Ok((pid, handle))
}

/// Standard streams: pipes that the monitor reads, or those that the server handed over.
fn plumb(home: &Home, launch: &Launch) -> Result<(ContainerBuilder, Option<(File, File)>), String> {
    let trouble = |error: &dyn std::fmt::Display| format!("its standard streams: {error}");
    let state = home.path("oci");
    std::fs::create_dir_all(&state).map_err(|error| trouble(&error))?;
    let null = File::open("/dev/null").map_err(|error| trouble(&error))?;
    let copy = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().map_err(|error| trouble(&error));
    let stdin = if launch.terminal { copy(io::stdout().as_fd())? } else { null.into() };
    let builder = ContainerBuilder::new(launch.id.clone(), SyscallType::default())
        .with_executor(Program)
        .with_root_path(&state)
        .map_err(|error| chain(&error))?
        .with_stdin(stdin);
    if launch.attached {
        return Ok((builder.with_stdout(copy(io::stdout().as_fd())?).with_stderr(copy(io::stderr().as_fd())?), None));
    }
    let pair = || pipe2(OFlag::O_CLOEXEC).map_err(|error| trouble(&error));
    let ((out, out_inside), (err, err_inside)) = (pair()?, pair()?);
    Ok((builder.with_stdout(out_inside).with_stderr(err_inside), Some((File::from(out), File::from(err)))))
}

/// A line of our own in the container's log.
fn note(home: &Home, launch: &Launch, line: &str) {
    if launch.attached {
        eprintln!("penstock: {line}");
    } else if let Ok(mut log) = LogFile::open(home.path("log")) {
        log.write(format!("penstock: {line}\n").as_bytes());
    }
}

impl Running {
    /// Until the program has ended and its output is kept.
    fn watch(mut self, home: &Home, launch: &Launch) {
        match self.output.take() {
            Some((out, err)) => keep_output(home, &self.handle, out, err),
            None => wait_or_abandoned(&self.handle),
        }
        let ended = Ended { code: self.reap(), at: SystemClock.now() };
        take_back(&mut self.container, launch);
        if let Err(error) = home.write("exit.json", &ended) {
            eprintln!("exit.json: {error}");
        }
    }

    fn reap(&self) -> i32 {
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Exited(_, code)) => return code,
                Ok(WaitStatus::Signaled(_, signal, _)) => return 128 + signal as i32,
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => {
                    eprintln!("waiting for the container: {error}");
                    return 255;
                }
            }
        }
    }
}

fn keep_output(home: &Home, process: &OwnedFd, mut out: File, mut err: File) {
    let Ok(mut log) = LogFile::open(home.path("log")) else { return wait(process) };
    for stream in [&out, &err] {
        use std::os::fd::AsRawFd;
        let _ = fcntl(stream.as_raw_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    }
    let mut open = [true, true];
    loop {
        let mut waited = vec![PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        waited.extend(
            [&out, &err].into_iter().zip(open).filter(|(_, open)| *open).map(|(file, _)| PollFd::new(file.as_fd(), PollFlags::POLLIN)),
        );
        if poll(&mut waited, PollTimeout::NONE).is_err_and(|error| error != nix::errno::Errno::EINTR) {
            return wait(process);
        }
        // every process of the namespace has ended with the first one, so what is in the pipes now is all
        let ended = waited[0].revents().is_some_and(|events| !events.is_empty());
        for (stream, open) in [&mut out, &mut err].into_iter().zip(&mut open) {
            *open = *open && pump(stream, &mut log, ended);
        }
        if ended {
            return;
        }
    }
}

/// Moves what is there; `false` at the end of the stream.
fn pump(stream: &mut File, log: &mut LogFile, all: bool) -> bool {
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => log.write(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
        if !all {
            return true;
        }
    }
}

fn wait(process: &OwnedFd) {
    while let Err(nix::errno::Errno::EINTR) = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) {}
}

/// Waits for the program, or for the server to let go of standard input: then it is ended.
fn wait_or_abandoned(process: &OwnedFd) {
    let stdin = io::stdin();
    loop {
        let mut waited = [PollFd::new(process.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waited, PollTimeout::NONE).is_err_and(|error| error == nix::errno::Errno::EINTR) {
            continue;
        }
        if waited[0].revents().is_some_and(|events| !events.is_empty()) {
            return;
        }
        let _ = rustix::process::pidfd_send_signal(process, Signal::KILL);
        return wait(process);
    }
}

/// Ends what runs, takes its cgroup and its network away.
fn take_back(container: &mut Container, launch: &Launch) {
    if let Err(error) = container.delete(true) {
        eprintln!("taking the container back: {}", chain(&error));
    }
    if matches!(launch.network, Network::Bridge(_) | Network::Own { .. })
        && let Err(error) = network::disconnect(&launch.instance, &launch.id)
    {
        eprintln!("taking its network back: {error}");
    }
}

/// An error with its causes, since the runtime's own texts say little.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text += ": ";
            text += &more;
        }
        cause = error.source();
    }
    text
}
