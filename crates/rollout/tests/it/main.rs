//! Whole canaries against a small world: tables for what is promised, and random worlds for what must never happen.

#![allow(clippy::unwrap_used, reason = "tests")]

mod journeys;
mod laws;
mod samples;
mod world;
