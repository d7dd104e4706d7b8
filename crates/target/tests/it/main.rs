//! The local target against fakes, and against the real runtime and gateway.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod chance;
mod cluster;
mod fakes;
mod kubernetes;
mod machine;
mod patch;
mod real;
mod scripted;
