//! What a container's directory says, and whether its processes still live.
//!
//! The files are the only memory: the server forgets everything when it dies and reads it back from here.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use penstock_model::Timestamp;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A process that cannot be confused with a later one of the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// In the machine's PID namespace.
    pub pid: i32,
    /// When it began, in clock ticks since this boot (`/proc/PID/stat`, field 22).
    pub start: u64,
    /// Which boot.
    pub boot: String,
}

impl ProcessId {
    /// The process that has this number now.
    pub fn of(pid: i32) -> io::Result<Self> {
        Ok(Self { pid, start: start_time(pid)?, boot: boot_id()? })
    }

    /// A handle on it, or `None` if it has ended (or is a zombie's number given to another).
    pub fn open(&self) -> Option<OwnedFd> {
        if boot_id().ok()? != self.boot {
            return None;
        }
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::NONBLOCK).ok()?;
        // looked at only now: the handle holds whatever has this number, and the time tells who that is
        (start_time(self.pid).ok()? == self.start).then_some(handle)
    }

    /// Sends a signal; `false` if it has ended.
    pub fn signal(&self, signal: Signal) -> bool {
        self.open().is_some_and(|handle| pidfd_send_signal(&handle, signal).is_ok())
    }
}

/// The start time of a process that is there and no zombie.
fn start_time(pid: i32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // the name in parentheses may hold anything, so what counts begins after the last one
    let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    if matches!(fields.next(), Some("Z" | "X") | None) {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    fields.nth(18).and_then(|ticks| ticks.parse().ok()).ok_or_else(|| io::Error::other("an unknown form of /proc/PID/stat"))
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// `state.json`: written once, when the process runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The container's first process.
    pub init: ProcessId,
    /// Its monitor.
    pub monitor: ProcessId,
    /// Since when.
    pub since: Timestamp,
}

/// `exit.json`: written once, when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code, 128 + signal.
    pub code: i32,
    /// When.
    pub at: Timestamp,
}

/// The directory of one container.
#[derive(Clone, Debug)]
pub struct Home(pub PathBuf);

impl Home {
    /// A file or directory of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a JSON file so that it is whole or absent.
    pub fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let partial = self.path(&format!("{name}.partial"));
        // a launch holds variables that may be secrets
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&partial)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        fs::rename(partial, self.path(name))
    }

    /// Reads a JSON file; `None` if it is absent.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What its monitor wrote when it began.
    pub fn started(&self) -> io::Result<Option<Started>> {
        self.read("state.json")
    }

    /// How it ended, if it did. A monitor that was killed takes its container along and writes nothing.
    pub fn ended(&self, started: &Started) -> io::Result<Option<Ended>> {
        if let Some(ended) = self.read("exit.json")? {
            return Ok(Some(ended));
        }
        if started.monitor.open().is_some() {
            return Ok(None);
        }
        // it may have written between the two looks
        if let Some(ended) = self.read("exit.json")? {
            return Ok(Some(ended));
        }
        if started.init.open().is_some() {
            // its death signal is under way
            started.init.signal(Signal::KILL);
        }
        Ok(Some(Ended { code: 137, at: modified(&self.path("state.json")) }))
    }
}

fn modified(path: &Path) -> Timestamp {
    let since = fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let since = since.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_another_time_is_not_the_same() {
        let own = ProcessId::of(std::process::id().cast_signed()).unwrap();
        assert!(own.open().is_some());
        assert!(ProcessId { start: own.start + 1, ..own.clone() }.open().is_none());
        assert!(ProcessId { boot: "another".to_owned(), ..own }.open().is_none());
    }
}
