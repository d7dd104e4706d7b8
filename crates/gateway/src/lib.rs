//! The gateway: an L7 proxy as a process of its own, and the client that starts and tells it.
//!
//! It splits requests between groups of backends by weight (exactly, not by chance), counts what came of them, and
//! takes whole versioned snapshots over a Unix socket; the last one lies on disk, so that it serves again before
//! anybody tells it. Connections of users survive a new snapshot, and requests under way end where they began.
//!
//! What never happens here: a retry of anything that may have reached a backend; a decision about weights (the
//! `rollout` room's) or about what a group means (the target's); a body held in memory.

mod args;
mod body;
mod choose;
mod client;
mod control;
mod core;
mod counters;
mod headers;
mod limits;
mod listener;
mod metrics;
mod process;
mod proxy;
mod state;
mod table;
mod tcp;
mod upgrade;
mod upstream;
mod wire;

pub use client::GatewayClient;
pub use process::main;
