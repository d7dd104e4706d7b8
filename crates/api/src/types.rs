//! The wire types.

use serde::{Deserialize, Serialize};

mod account;
mod run;
mod status;
mod work;

pub use account::{EventView, Explanation, Reason, Trace, TraceLink, Verification};
pub use run::{BegunRun, ImageView, JobView, LeftOut, NewRun, RunSource, RunSummary, RunView, StartedBy, StartedRun, StatementView};
pub use status::{EnvironmentSummary, NewProject, ProjectSummary, Status, Trouble};
pub use work::{BuildQuery, CheckRequest, TestImageRequest, WorkDone, WorkLine};

/// An answer that is not a success.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// What happened.
    pub error: String,
    /// What to do.
    pub hint: String,
}
