//! Whole canaries against a small world: tables for what is promised, and random worlds for what must never happen.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod journeys;
mod laws;
mod samples;
mod world;
