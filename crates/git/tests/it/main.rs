//! The Git host against the real git.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod change;
mod checkout;
mod fixture;
mod host;
mod http;
mod offers;
mod shadow;
mod tag;
mod work_tree;
