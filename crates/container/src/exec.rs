//! One more program in a running container: a probe.
//!
//! Joins the namespaces through a handle on the container's first process, so that a number given to another process
//! meanwhile cannot be meant, and gives up everything that the container's own program does not have either.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libcontainer::capabilities::drop_privileges;
use libcontainer::oci_spec::runtime::{LinuxCapabilities, LinuxSeccomp, Spec};
use libcontainer::seccomp::initialize_seccomp;
use libcontainer::syscall::syscall::create_syscall;
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, chdir, fork, setgroups, setresgid, setresuid};

use crate::executor::{DEFAULT_PATH, start};
use crate::monitor::chain;
use crate::state::Home;

/// The exit code that says that the program could not be started.
const NOT_STARTED: u8 = 126;

/// Joins, runs, gives the exit code on.
pub fn main(home: &Home, command: Vec<OsString>) -> ExitCode {
    let run = || -> Result<u8, String> {
        let command = command.into_iter().map(OsString::into_string).collect::<Result<Vec<_>, _>>();
        let command = command.map_err(|word| format!("{} is not UTF-8", word.display()))?;
        if command.is_empty() {
            return Err("no program was given".to_owned());
        }
        let place = Place::read(home)?;
        place.join()?;
        #[allow(unsafe_code, reason = "the helper has one thread, so its child may do anything")]
        match unsafe { fork() }.map_err(|error| format!("fork: {error}"))? {
            ForkResult::Child => {
                let why = place.become_program(&command);
                let _ = writeln!(io::stderr(), "penstock: {why}");
                std::process::exit(i32::from(NOT_STARTED));
            }
            ForkResult::Parent { child } => loop {
                match waitpid(child, None) {
                    Ok(WaitStatus::Exited(_, code)) => return Ok(u8::try_from(code & 0xff).unwrap_or(255)),
                    Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + u8::try_from(signal as i32).unwrap_or(0)),
                    Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                    Err(error) => return Err(format!("waiting: {error}")),
                }
            },
        }
    };
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            let _ = writeln!(io::stderr(), "penstock: {why}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// A running container as one more program sees it. Everything is read before the container's files are the only ones.
struct Place {
    handle: OwnedFd,
    cgroups: Vec<PathBuf>,
    spec: Spec,
}

impl Place {
    fn read(home: &Home) -> Result<Self, String> {
        let started = home.started().map_err(|error| error.to_string())?.ok_or("the container has not started")?;
        let handle = started.init.open().ok_or("the container has ended")?;
        let spec = Spec::load(home.path("config.json")).map_err(|error| chain(&error))?;
        Ok(Self { cgroups: cgroups(started.init.pid), handle, spec })
    }

    fn join(&self) -> Result<(), String> {
        for directory in &self.cgroups {
            let file = directory.join("cgroup.procs");
            std::fs::write(&file, std::process::id().to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        // inside, this process must not be a door for whoever may look at others' memory
        prctl::set_dumpable(false).map_err(|error| format!("undumpable: {error}"))?;
        let all = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS;
        setns(&self.handle, all).map_err(|error| format!("joining the container: {error}"))
    }

    fn become_program(&self, command: &[String]) -> String {
        match self.give_up() {
            Ok(path) => start(command, &path),
            Err(why) => why,
        }
    }

    /// Takes the container's environment, user and limits; gives its PATH.
    fn give_up(&self) -> Result<String, String> {
        let process = self.spec.process().as_ref().ok_or("no process is described")?;
        let trouble = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        for (name, _) in std::env::vars_os() {
            #[allow(unsafe_code, reason = "one thread")]
            unsafe {
                std::env::remove_var(name);
            }
        }
        let mut path = DEFAULT_PATH.to_owned();
        for (name, value) in process.env().iter().flatten().filter_map(|pair| pair.split_once('=')) {
            if name == "PATH" {
                value.clone_into(&mut path);
            }
            #[allow(unsafe_code, reason = "one thread")]
            unsafe {
                std::env::set_var(name, value);
            }
        }
        chdir(process.cwd()).map_err(|error| trouble("its working directory", &error))?;
        let user = process.user();
        let groups: Vec<Gid> = user.additional_gids().iter().flatten().map(|gid| Gid::from_raw(*gid)).collect();
        let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.gid()));
        let kept = process.capabilities().clone().unwrap_or_default();
        drop_bounding(&kept).map_err(|error| trouble("capabilities", &error))?;
        setgroups(&groups).map_err(|error| trouble("groups", &error))?;
        setresgid(gid, gid, gid).map_err(|error| trouble("group", &error))?;
        setresuid(uid, uid, uid).map_err(|error| trouble("user", &error))?;
        if uid.is_root() {
            drop_privileges(&kept, create_syscall().as_ref()).map_err(|error| trouble("capabilities", &error))?;
        }
        prctl::set_no_new_privs().map_err(|error| trouble("no new privileges", &error))?;
        let filter: Option<&LinuxSeccomp> = self.spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref());
        if let Some(filter) = filter {
            initialize_seccomp(filter).map_err(|error| chain(&error))?;
        }
        Ok(path)
    }
}

/// What may never be had again, whoever the process becomes.
fn drop_bounding(kept: &LinuxCapabilities) -> Result<(), String> {
    let mut only = LinuxCapabilities::default();
    only.set_bounding(kept.bounding().clone());
    only.set_effective(None);
    only.set_permitted(None);
    only.set_inheritable(None);
    only.set_ambient(None);
    drop_privileges(&only, create_syscall().as_ref()).map_err(|error| chain(&error))
}

/// Where a process is in each hierarchy (`/proc/PID/cgroup`).
fn cgroups(pid: i32) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let places = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let controllers = controllers.strip_prefix("name=").unwrap_or(controllers);
        Some(Path::new("/sys/fs/cgroup").join(controllers).join(path.trim_start_matches('/')))
    });
    places.filter(|directory| directory.join("cgroup.procs").exists()).collect()
}
