//! The runner against the real kernel: sandboxes, processes, files. Needs root and the Debian package `busybox-static`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod caches;
mod chores;
mod commands;
mod containers;
mod end;
mod history;
mod image;
mod isolation;
mod leaves;
mod log;
mod looking;
mod own_containers;
mod services;
mod steps;
mod support;
mod tidy;
mod tools;
