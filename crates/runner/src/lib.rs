//! Carries out a plan's jobs and runs the tools: workspaces, sandboxes, logs, masks, artifacts, caches, reports.
//!
//! A job is handed a checkout at `/builds/PROJECT`, the machine's programs, and nothing else: a root of its own without
//! the server's data, a PID namespace that ends with it, a user without rights. What it leaves is read only after
//! everything of it is dead, and no link that it left is followed. Nothing is remembered here between attempts but what
//! lies in the runner's directory; what should run, and what a result means, is decided elsewhere.
//!
//! Never here: the plan, the event log, signatures, the network.

mod archive;
mod beneath;
mod commands;
mod files;
mod globs;
mod heard;
mod job;
mod joblog;
mod lines;
mod lock;
mod mask;
mod matchers;
mod orphans;
mod owner;
mod places;
mod runner;
mod sandbox;
mod scratch;
mod tidy;
mod tools;
mod workspace;

pub use runner::{HANDED_ON, Hands, Runner, handed_on};
pub use sandbox::{SANDBOX_ARGUMENT, dispatch};
