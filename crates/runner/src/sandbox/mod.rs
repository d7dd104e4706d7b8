//! The sandbox: namespaces of its own, a root of its own, a user of its own.
//!
//! A helper process (the same program started again, while it has one thread) unshares a PID namespace and forks. The
//! child is the namespace's first process: it builds the part of a new root that all jobs see, waits for the plan, shows
//! what else the job may see and nothing more, gives up every right, and starts what it is told over a socket. When it
//! ends, the kernel ends everything that was started in it; and it ends when the socket closes, so that a job never
//! outlives its server.

mod client;
mod inside;
mod plan;
mod privileges;
mod root;
mod spare;

pub(crate) use client::{Sandbox, SandboxError, StepExit};
pub(crate) use plan::{Bind, Overlay, SandboxPlan};
pub(crate) use spare::Sandboxes;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

/// The hidden argument that makes the program the sandbox's helper.
pub const SANDBOX_ARGUMENT: &str = "job-sandbox";

/// Where the job finds what Penstock hands it.
pub(crate) const HANDED: &str = "/penstock";
/// The job's home directory.
pub(crate) const HOME: &str = "/home/job";

/// Does the helper's work if this process was started as one; gives its exit code. `None`: go on as usual.
///
/// The roof calls this first of all in `main`: the helper forks, so no thread may exist yet.
pub fn dispatch() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(SANDBOX_ARGUMENT)) {
        return None;
    }
    // PROGRAM job-sandbox INSTANCE MOUNT_POINT
    Some(inside::helper(Path::new(&arguments.nth(1).unwrap_or_default())))
}
