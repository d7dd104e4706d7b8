//! What should be happening now.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::{Digest, JobName, Timestamp};
use serde::{Deserialize, Serialize};

use super::RunStatus;

/// Something that should be happening now. Whoever has it done reports back with a [`super::RunCommand`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEffect {
    /// Start this attempt. Tell [`super::RunCommand::StartJob`] first and start once that is recorded.
    StartJob {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
        /// What jobs before it left.
        inputs: JobInputs,
    },
    /// Cancel this attempt, which runs.
    CancelJob {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
    },
    /// Let a delayed job wait for so long from now: tell [`super::RunCommand::ScheduleJob`] with the instant.
    ScheduleJob {
        /// The job.
        job: JobName,
        /// How long.
        delay: Duration,
    },
    /// A delayed job's instant: tell [`super::RunCommand::EnqueueJob`] then, not before.
    EnqueueJob {
        /// The job.
        job: JobName,
        /// When.
        at: Timestamp,
    },
    /// Everything is done: tell [`super::RunCommand::Finish`].
    Finish {
        /// How it ended.
        status: RunStatus,
    },
}

/// What jobs before it left for a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInputs {
    /// Archives of artifacts to unpack, in order.
    pub artifacts: Vec<Digest>,
    /// Variables from dotenv reports.
    pub dotenv: BTreeMap<String, String>,
    /// The `needs` context of a workflow: by the job's key in the file.
    pub needs: BTreeMap<String, NeedResult>,
    /// The calls by which a workflow's job is called, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<String, CallState>,
}

/// What a call of a workflow has come to once it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallState {
    /// The inputs that the called workflow gets.
    pub inputs: serde_json::Map<String, serde_json::Value>,
    /// The `needs` context of the call.
    pub needs: BTreeMap<String, NeedResult>,
}

/// How a needed job of a workflow ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedResult {
    /// `success`, `failure`, `cancelled` or `skipped`.
    pub result: String,
    /// Its outputs; of a matrix, those of all its jobs.
    pub outputs: BTreeMap<String, String>,
}
