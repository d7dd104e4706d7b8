//! What happens to a run.

use penstock_model::event::{DomainEvent, EventType};
use penstock_model::ids::Actor;
use penstock_model::job::JobReport;
use penstock_model::{JobName, RunId};
use serde::{Deserialize, Serialize};

use super::RunStatus;
use crate::plan::Plan;

/// Something that happened to a run. Its stream is `run/<id>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum RunEvent {
    /// The run got its plan.
    Planned {
        /// The run.
        run: RunId,
        /// What it will do.
        plan: Box<Plan>,
    },
    /// An attempt is about to start.
    JobStarted {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
    },
    /// An attempt ended.
    JobFinished {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
        /// How, and what it left.
        report: JobReport,
    },
    /// An attempt was lost because the server or the runner died. It is tried again, which is not counted as a retry.
    JobInterrupted {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
    },
    /// A person started a manual job.
    ManualPlayed {
        /// The job.
        job: JobName,
        /// Who.
        by: Actor,
    },
    /// A person had a job tried again.
    JobRetried {
        /// The job.
        job: JobName,
        /// Who.
        by: Actor,
    },
    /// Somebody cancelled the run.
    CancelRequested {
        /// Who.
        by: Actor,
    },
    /// Nothing is left to do. Playing or retrying a job takes the run up again.
    Finished {
        /// How it ended.
        status: RunStatus,
    },
}

impl DomainEvent for RunEvent {
    fn event_type(&self) -> EventType {
        let name = match self {
            Self::Planned { .. } => "run.planned",
            Self::JobStarted { .. } => "run.job_started",
            Self::JobFinished { .. } => "run.job_finished",
            Self::JobInterrupted { .. } => "run.job_interrupted",
            Self::ManualPlayed { .. } => "run.manual_played",
            Self::JobRetried { .. } => "run.job_retried",
            Self::CancelRequested { .. } => "run.cancel_requested",
            Self::Finished { .. } => "run.finished",
        };
        EventType { name: name.to_owned(), version: 1 }
    }
}

/// Something that is asked of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunCommand {
    /// Give the run its plan.
    Plan {
        /// The run.
        run: RunId,
        /// What it will do.
        plan: Box<Plan>,
    },
    /// An attempt that [`super::RunEffect::StartJob`] asked for is about to start.
    StartJob {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
    },
    /// An attempt ended. Told twice, the second time leads to nothing.
    FinishJob {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
        /// How, and what it left.
        report: JobReport,
    },
    /// An attempt was lost because the server or the runner died.
    JobInterrupted {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
    },
    /// Start a manual job.
    PlayJob {
        /// The job.
        job: JobName,
        /// Who asks.
        by: Actor,
    },
    /// Try a job again.
    RetryJob {
        /// The job.
        job: JobName,
        /// Who asks.
        by: Actor,
    },
    /// Cancel the run. Told twice, the second time leads to nothing.
    Cancel {
        /// Who asks.
        by: Actor,
    },
    /// [`super::RunEffect::Finish`] was seen.
    Finish,
}
