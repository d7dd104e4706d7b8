//! The registry as its clients and the rest of the house use it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod clients;
mod fixture;
mod inside;
mod pull;
mod push;
mod remote;
mod rights;
