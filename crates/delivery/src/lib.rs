//! The way of the data as code. Whoever reads this room knows how a commit travels: [`wanted`] says what should be
//! happening, [`drive()`] has it done by the hands, [`keeper`] keeps environments in step, and everything that happened
//! is an event in the log, folded into a [`World`].
//!
//! Nothing is remembered outside the log: after a crash the drivers look again. This room reaches hands only through
//! the traits of `model`; it opens no connection and knows no database, no Git program and no container.

pub mod admission;
pub mod artifacts;
mod calls;
pub mod collect;
pub mod config_repository;
pub mod downstream;
mod drive;
pub mod effects;
pub mod environments;
pub mod events;
pub mod evidence;
pub mod glass;
pub mod identity;
pub mod imports;
mod inputs;
mod journal;
pub mod keeper;
pub mod library;
pub mod merge_requests;
mod notices;
pub mod orders;
mod parts;
pub mod project;
mod results;
pub mod reuse;
mod secrets;
mod start;
pub mod streams;
pub mod tag_releases;
mod tested;
mod turns;
mod users;
pub mod wanted;
pub mod world;

pub use calls::{BuildCall, CallDone, CheckCall, JobCalls, Received, TestImageCall};
pub use drive::{Trouble, Troubles, drive};
pub use effects::{chain, log_id};
pub use journal::{Journal, JournalError};
pub use parts::{JobTokens, Messenger, Parts, Random, Settings, Vaults};
pub use start::{compare_refs, end_lost, recover};
pub use world::{
    EnvironmentState, FlakyRecord, GateAnswer, ProjectRecord, ReleaseRecord, ReleaseStep, RolloutId, RolloutRecord, RunRecord,
    SecretRecord, TestedAttempt, UserRecord, WayBack, World,
};
