//! A pipeline on this machine, without a server: the repository it is in, its files as they are now, and the event that it
//! is planned for. What `plan`, `explain`, `lint` and `run` say of it is the same because all of them ask here.

mod event;
mod place;
mod shelf;

pub use event::event;
pub use place::{PipelineFile, Place};
pub use shelf::WorkingTree;

use penstock_cli::{CliError, exit};
use penstock_model::git::GitError;

/// Where a plan's addresses point when there is no server.
pub const NOWHERE: &str = "http://127.0.0.1:7420";

/// A failure of Git, in words.
pub fn git_failed(error: &GitError) -> CliError {
    CliError::other(penstock_delivery::chain(error), "", exit::FAILED)
}
