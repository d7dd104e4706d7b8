//! The disk as the rest of the house uses it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod blobs;
mod chains;
mod crash;
mod fixture;
mod leases;
mod log;
mod logs;
mod secrets;
mod tampering;
