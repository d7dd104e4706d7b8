//! Journeys through the built binary, with real pushes, real containers and the real gateway. They need root, Git,
//! `busybox-static` and the pinned tools (`PENSTOCK_TOOLS`, or `.penstock/tools` in the checkout).

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod administration;
mod bad_input;
mod chance;
mod charts;
mod container_actions;
mod crash;
mod downstream;
mod elsewhere;
mod expressions;
mod full_disk;
mod hostile;
mod house;
mod kernel;
mod local_actions;
mod local_plan;
mod local_run;
mod local_shell;
mod merge_requests;
mod shop;
mod side_by_side;
mod simulate;
mod storm;
mod tag_releases;
mod traffic;
mod turns;
mod vault;
