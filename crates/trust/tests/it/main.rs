//! The room's promises, seen from outside.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod outside;
mod tampering;
