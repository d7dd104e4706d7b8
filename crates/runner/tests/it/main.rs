//! The runner against the real kernel: sandboxes, processes, files. Needs root.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is how a test speaks")]

mod end;
mod image;
mod isolation;
mod leaves;
mod log;
mod steps;
mod support;
mod tidy;
mod tools;
