//! The room's promises, with the policies that the example ships.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod approvals;
mod config;
mod engine;
mod first_policy;
mod policies;
mod property;
mod world;
