//! The runner against the real kernel: sandboxes, processes, files. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod end;
mod history;
mod image;
mod isolation;
mod leaves;
mod log;
mod steps;
mod support;
mod tidy;
mod tools;
