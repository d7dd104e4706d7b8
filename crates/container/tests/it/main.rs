//! The container room against the real kernel. Needs root and the Debian package `busybox-static`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod build;
mod jobs;
mod layers;
mod life;
mod machine;
mod safety;
