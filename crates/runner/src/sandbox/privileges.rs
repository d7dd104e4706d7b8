//! Giving up every right, for good.

use std::io;

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal, setrlimit};
use rustix::thread::{CapabilitySet, set_no_new_privs};

/// Processes that one user may have; stops a fork bomb before the machine does.
const MAX_PROCESSES: u64 = 16_384;
/// The machine ends a job before it ends the server. Raising one's own score needs no right.
const OOM_SCORE: &str = "500";

/// Becomes a user without groups and capabilities, that cannot get any back, and that no process of the same user can
/// trace (until it starts another program). Ends with its parent.
pub(super) fn give_up(uid: u32) -> io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", OOM_SCORE)?;
    setrlimit(Resource::Core, limit(0))?;
    setrlimit(Resource::Nproc, limit(MAX_PROCESSES))?;
    set_no_new_privs(true)?;
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // the kernel is older than the capability
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    rustix::thread::clear_ambient_capability_set()?;
    setgroups(&[])?;
    let gid = Gid::from_raw(uid);
    setresgid(gid, gid, gid)?;
    let uid = Uid::from_raw(uid);
    // from root to another user clears the effective, permitted and ambient sets (capabilities(7))
    setresuid(uid, uid, uid)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // after setresuid, which clears it; the parent has one thread, so the thread is the process
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

fn limit(at: u64) -> Rlimit {
    Rlimit { current: Some(at), maximum: Some(at) }
}
