//! What keeps jobs and runs from being at work at the same time, and what ends them early.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a job waits for besides other jobs, and what may end it early.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turns {
    /// How long a job with `when: delayed` waits, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_in: Option<u64>,
}

impl Turns {
    /// True if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// How long a delayed job waits.
    pub fn delay(&self) -> Duration {
        Duration::from_secs(self.start_in.unwrap_or_default())
    }
}

/// What cancels a run by itself (GitLab's `workflow: auto_cancel`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoCancel {
    /// Whether a job that fails, and may not, has the rest of the run cancelled.
    #[serde(default)]
    pub on_job_failure: OnJobFailure,
}

impl AutoCancel {
    /// True if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// What a job that fails, and may not, does to the rest of its run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnJobFailure {
    /// Nothing.
    #[default]
    None,
    /// It is cancelled.
    All,
}
