//! The spine over fakes: what people order, and what comes of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod actions;
mod approvals;
mod artifacts;
mod beside;
mod calls;
mod charts;
mod collecting;
mod downstream;
mod environments;
mod example;
mod glass;
mod house;
mod imports;
mod library;
mod merge_requests;
mod needed;
mod old_events;
mod pushes;
mod reports;
mod reuse;
mod story;
mod tag_releases;
mod timetable;
mod turns;
