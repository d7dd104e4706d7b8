//! Applications from files to steps and events, against a small target.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod laws;
mod samples;
mod sync;
mod world;
