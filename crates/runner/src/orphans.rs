//! What a dead server's attempts left behind: ended and removed before the next attempt begins.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use penstock_model::job::RunnerError;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::job::CONTAINER_LABEL;
use crate::runner::{Runner, blocking, io as failed, other};
use crate::sandbox::SANDBOX_ARGUMENT;
use crate::scratch::ASIDE;

/// How long a killed process may take to be gone.
const GONE: Duration = Duration::from_secs(30);

/// Ends the sandboxes and containers of this instance, removes their directories; gives how many there were.
pub(crate) async fn end(runner: &Runner) -> Result<u32, RunnerError> {
    let instance = runner.settings.instance.clone();
    let mut ended =
        blocking("ending orphans", move || end_sandboxes(&instance).map_err(failed("ending what a dead server's jobs left"))).await?;
    if let Some(runtime) = &runner.hands.containers {
        for container in runtime.list().await.map_err(|error| other("looking for a dead server's containers", error))? {
            if container.spec.labels.contains_key(CONTAINER_LABEL) {
                let id = &container.spec.id;
                runtime.stop(id, Duration::ZERO).await.map_err(|error| other("ending a dead server's container", error))?;
                runtime.remove(id).await.map_err(|error| other("removing a dead server's container", error))?;
                ended += 1;
            }
        }
        for network in runtime.networks().await.map_err(|error| other("looking for a dead server's networks", error))? {
            runtime.remove_network(&network).await.map_err(|error| other("removing a dead server's network", error))?;
        }
    }
    let dir = runner.settings.dir.clone();
    blocking("removing directories", move || {
        for name in ["scratch", ASIDE] {
            let place = dir.join(name);
            let emptied = std::fs::remove_dir_all(&place).and_then(|()| std::fs::create_dir_all(&place));
            emptied.map_err(failed("removing what a dead server's jobs left"))?;
        }
        Ok(())
    })
    .await?;
    Ok(ended)
}

/// Kills every helper and first process of an instance and waits until they are gone, and so all that they started.
fn end_sandboxes(instance: &str) -> io::Result<u32> {
    let mut waiting = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else { continue };
        // opened first: what is looked at afterwards is this process and no later one of the same number
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        if is_sandbox(pid, instance) {
            match pidfd_send_signal(&process, Signal::KILL) {
                Ok(()) => waiting.push((pid, process)),
                Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    for (pid, process) in &waiting {
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        let until = Instant::now() + GONE;
        let gone = loop {
            let timeout = PollTimeout::try_from(until.saturating_duration_since(Instant::now())).unwrap_or(PollTimeout::MAX);
            match poll(&mut fds, timeout) {
                // another child of this process has ended
                Err(nix::errno::Errno::EINTR) => {}
                ready => break ready?,
            }
        };
        if gone == 0 {
            return Err(io::Error::other(format!("process {} is still there after SIGKILL", pid.as_raw_nonzero())));
        }
    }
    // a sandbox is two of them: the helper and the first process
    u32::try_from(waiting.len().div_ceil(2)).map_err(io::Error::other)
}

/// The helper is `PROGRAM job-sandbox INSTANCE`, and its child, a fork, says the same.
fn is_sandbox(pid: Pid, instance: &str) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let mut parts = line.split(|byte| *byte == 0).skip(1);
    parts.next() == Some(SANDBOX_ARGUMENT.as_bytes()) && parts.next() == Some(instance.as_bytes())
}
