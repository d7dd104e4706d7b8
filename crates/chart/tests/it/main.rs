//! The room's integration tests: ours beside Helm.

#![allow(clippy::disallowed_methods, reason = "the oracle is a process, and the charts are files")]
#![allow(dead_code, reason = "what both sides are asked is shared with the examples")]

mod beside_helm;
#[path = "../differential/mod.rs"]
mod differential;
mod documented;
mod hidden;
mod paths;
mod recorded;
mod unused;
