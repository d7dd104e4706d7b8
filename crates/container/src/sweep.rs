//! Ending and removing what is left, by what the kernel knows rather than by what was remembered.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::bundle::cgroup;

/// How long a killed process may take to be gone: it may be writing to a slow disk.
const KILL_WAIT_MS: u16 = 10_000;
/// How often processes that were forked meanwhile are looked for.
const ROUNDS: usize = 10;

/// The directories of one cgroup in every hierarchy.
fn directories(name: &str) -> Vec<PathBuf> {
    let name = name.trim_start_matches('/');
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    hierarchies.chain([root.to_owned()]).map(|hierarchy| hierarchy.join(name)).filter(|directory| directory.is_dir()).collect()
}

/// Ends every process of a container's cgroup and removes the cgroup. Blocks.
pub fn end_cgroup(instance: &str, container: &str) {
    let directories = directories(&cgroup(instance, container));
    for _ in 0..ROUNDS {
        let processes: Vec<OwnedFd> = directories.iter().flat_map(|directory| processes(directory)).collect();
        if processes.is_empty() {
            break;
        }
        for process in &processes {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
        for process in &processes {
            let _ = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PollTimeout::from(KILL_WAIT_MS));
        }
    }
    for directory in directories {
        if let Err(error) = fs::remove_dir(&directory) {
            tracing::warn!(directory = %directory.display(), %error, "a cgroup could not be removed");
        }
    }
}

fn processes(directory: &Path) -> Vec<OwnedFd> {
    let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    let pids = text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?));
    pids.filter_map(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()).collect()
}

/// Ends and removes every cgroup of an instance. Blocks.
pub fn end_instance(instance: &str) {
    let parent = cgroup(instance, "");
    let mut containers: Vec<String> = directories(&parent)
        .iter()
        .flat_map(|directory| fs::read_dir(directory).into_iter().flatten().flatten())
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    containers.sort();
    containers.dedup();
    for container in containers {
        end_cgroup(instance, &container);
    }
    for directory in directories(&parent) {
        let _ = fs::remove_dir(directory);
    }
}

/// Removes a directory with everything below; one that is absent is fine.
pub fn remove_tree(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The bytes of every file below a directory; what cannot be read counts nothing.
pub fn size(directory: &Path) -> u64 {
    let below = fs::read_dir(directory).into_iter().flatten().flatten();
    below
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
