//! Fakes for every trait of the model, waiting for a condition, and what a bench tells of its rounds.
//!
//! A fake keeps what it was told in plain sight, fails when it is told to, and wakes whoever waits as the real thing
//! does. What never happens here: a file, a process or a connection (an address that is free is told by
//! listening at it); a sleep where there is an event to wait for; anything
//! that the product itself depends on.

mod admission;
mod blob;
mod build;
mod clock;
mod cluster;
mod container;
mod gateway;
mod git;
mod log;
mod median;
mod port;
mod runner;
mod secret;
mod target;
mod tool;
mod wait;

pub use admission::FakeAdmission;
pub use blob::{MemoryBlobs, MemoryLogs};
pub use build::NoBuilds;
pub use clock::FakeClock;
pub use cluster::FakeCluster;
pub use container::FakeRuntime;
pub use gateway::FakeGateway;
pub use git::MemoryGit;
pub use log::{FakeSigner, MemoryEvents, MemoryLeases};
pub use median::median;
pub use port::{free_address, free_port};
pub use runner::{FakeRunner, Ran};
pub use secret::MemorySecrets;
pub use target::FakeTarget;
pub use tool::FakeTools;
pub use wait::{LIMIT, eventually, until};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that a test that failed elsewhere does not poison for the rest.
pub(crate) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
