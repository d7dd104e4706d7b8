//! What keeps jobs and runs from being at work at the same time, and what ends them early.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a job waits for besides other jobs, and what may end it early.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turns {
    /// How long a job with `when: delayed` waits, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_in: Option<u64>,
    /// Of the project's jobs with the same one, one is at work at a time (GitLab's `resource_group`). Expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// Whose turn it is, of those that wait for it. A setting of the project, which whoever plans fills in.
    #[serde(default, skip_serializing_if = "ProcessMode::is_usual")]
    pub process_mode: ProcessMode,
    /// Whether a newer push may cancel it (GitLab's `interruptible`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interruptible: bool,
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

/// Whose turn it is, of the jobs that wait for one `resource_group`, in GitLab's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessMode {
    /// Whoever is ready.
    #[default]
    Unordered,
    /// The oldest run's, also before it is ready.
    OldestFirst,
    /// The newest run's, also before it is ready.
    NewestFirst,
    /// The newest run's of those that are ready.
    NewestReadyFirst,
}

impl ProcessMode {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// What cancels a run by itself (GitLab's `workflow: auto_cancel`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoCancel {
    /// What a newer push to the same ref does to the run.
    #[serde(default)]
    pub on_new_commit: OnNewCommit,
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

/// What a newer push to the same ref does to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNewCommit {
    /// It is cancelled unless a job has begun that is not interruptible.
    #[default]
    Conservative,
    /// Its interruptible jobs are cancelled.
    Interruptible,
    /// Nothing.
    None,
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
