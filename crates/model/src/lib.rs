//! The ground floor: Penstock's words as types, the event's envelope, and the traits that hands implement.
//!
//! Everything here is plain data that is valid by construction, or a trait over plain data. What one room
//! needs of another is written here, so that rooms know this crate and not each other. Nothing here opens a
//! file or a connection, starts a process or reads the clock (the one exception, [`clock::SystemClock`],
//! exists so that it can be handed in).

pub mod admission;
pub mod blob;
pub mod canonical;
pub mod clock;
pub mod cluster;
pub mod container;
pub mod counted;
pub mod digest;
pub mod event;
pub mod evidence;
pub mod gateway;
pub mod git;
pub mod ids;
pub mod image;
pub mod job;
pub mod log;
pub mod registry;
pub mod release;
pub mod remote;
pub mod secret;
pub mod service;
mod step;
pub mod tag_release;
pub mod target;
pub mod terminal;
pub mod tool;

pub use clock::{Clock, LocalTime, Timestamp};
pub use counted::counted;
pub use digest::Digest;
pub use ids::{CommitId, EnvironmentName, JobName, ProjectName, RepositoryName, RunId, UserName};
pub use secret::Secret;
