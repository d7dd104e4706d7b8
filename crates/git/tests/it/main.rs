//! The Git host against the real git.
#![allow(clippy::unwrap_used, reason = "tests")]

mod change;
mod checkout;
mod fixture;
mod host;
mod http;
