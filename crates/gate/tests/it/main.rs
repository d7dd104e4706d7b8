//! The room's promises, with the policies that the example ships.

mod approvals;
mod config;
mod engine;
mod first_policy;
mod policies;
mod property;
mod world;
