//! The registry as its clients and the rest of the house use it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod chart_helm;
mod chart_registries;
mod chart_repositories;
mod chart_tls;
mod clients;
mod fake;
mod fixture;
mod inside;
mod pull;
mod push;
mod remote;
mod rights;
