//! Where workloads live: this machine, behind the target trait.
//!
//! [`LocalTarget`] keeps the objects that are applied, as a cluster's etcd does, and makes them so with containers and
//! the gateway: pods that are wanted run, pods that die come back, traffic goes to ready pods alone and follows the
//! weights that it is ordered. What is to be done is decided by a pure core (`core::reconcile`) from what is kept
//! and what is seen; a loop looks again whenever something changed, so that a crash at any moment costs nothing.
//!
//! [`kubernetes`] is the other half: a cluster behind the model's trait, for Helm's releases.
//!
//! What never happens here: a process started (the container runtime's and the gateway's job); a verdict on a canary
//! (the rollout room's); a field of a manifest skipped in silence: what is not carried out is refused before anything
//! changes; an image run that the door did not let in.

#![allow(clippy::result_large_err, reason = "a refusal names its object; it is rare, and never in a loop")]

mod address;
mod core;
mod effects;
mod engine;
mod keep;
pub mod kubernetes;
mod local;
mod manifest;
mod probe;
mod refuse;
mod settings;
mod state;

pub use local::LocalTarget;
pub use settings::{AddressRange, LocalSettings};
