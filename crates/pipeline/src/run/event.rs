//! What happens to a run.

use penstock_model::event::{DomainEvent, EventType};
use penstock_model::ids::Actor;
use penstock_model::job::{JobEnd, JobReport};
use penstock_model::{JobName, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{RunStatus, Status};
use crate::plan::{Plan, PlannedCall, PlannedJob};

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
    /// An instant was set at which a delayed job starts.
    JobScheduled {
        /// The job.
        job: JobName,
        /// When; `None` if nobody keeps the time, as in a simulation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A job that waited is to start: a delayed job's instant came.
    JobEnqueued {
        /// The job.
        job: JobName,
    },
    /// Nobody else is at work that may not be at the same time: a job, or the whole run, has its turn until it ends.
    TurnGiven {
        /// The job; the run as a whole without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<JobName>,
    },
    /// A person took a delayed job's instant away: now it waits for a person.
    JobUnscheduled {
        /// The job.
        job: JobName,
        /// Who.
        by: Actor,
    },
    /// A job ended without an attempt of its own: something else ended, and the job with it.
    JobConcluded {
        /// The job.
        job: JobName,
        /// How.
        end: JobEnd,
    },
    /// A job took over how the pipeline stands that it started: it runs again, waits for a person, or did not run.
    JobFollowed {
        /// The job.
        job: JobName,
        /// The attempt that started the pipeline.
        attempt: u32,
        /// How it stands now: `running`, `manual` or `skipped`.
        status: Status,
    },
    /// A job of which more is known now became these, once what it needs was done.
    JobSettled {
        /// The job.
        job: JobName,
        /// What stands in its place.
        jobs: Vec<PlannedJob>,
        /// The calls in which these stand.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<PlannedCall>,
    },
    /// A person cancelled one job.
    JobCancelRequested {
        /// The job.
        job: JobName,
        /// Who.
        by: Actor,
    },
    /// A person had all jobs tried again that failed or were cancelled.
    Retried {
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
            Self::JobScheduled { .. } => "run.job_scheduled",
            Self::JobEnqueued { .. } => "run.job_enqueued",
            Self::TurnGiven { .. } => "run.turn_given",
            Self::JobUnscheduled { .. } => "run.job_unscheduled",
            Self::JobConcluded { .. } => "run.job_concluded",
            Self::JobFollowed { .. } => "run.job_followed",
            Self::JobSettled { .. } => "run.job_settled",
            Self::JobCancelRequested { .. } => "run.job_cancel_requested",
            Self::Retried { .. } => "run.retried",
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
    /// A delayed job's instant, counted from the moment when [`super::RunEffect::ScheduleJob`] was seen.
    ScheduleJob {
        /// The job.
        job: JobName,
        /// When; `None` if nobody keeps the time.
        until: Option<Timestamp>,
    },
    /// A delayed job's instant has come. As GitLab's event of that name, it lets any job start that has not begun.
    EnqueueJob {
        /// The job.
        job: JobName,
    },
    /// Give a job, or the run as a whole, the turn that it waits for ([`super::next_turns`]).
    GiveTurn {
        /// The job.
        job: Option<JobName>,
    },
    /// Let a delayed job wait for a person instead of its instant.
    UnscheduleJob {
        /// The job.
        job: JobName,
        /// Who asks.
        by: Actor,
    },
    /// The pipeline that a job's attempt started goes on again, waits for a person, or had nothing to run. That it ended otherwise
    /// is told by [`Self::FinishJob`].
    FollowJob {
        /// The job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
        /// `running`, `manual` or `skipped`.
        status: Status,
    },
    /// A job ended without an attempt of its own.
    ConcludeJob {
        /// The job.
        job: JobName,
        /// How.
        end: JobEnd,
    },
    /// Start a manual or a delayed job.
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
    /// Try all jobs again that failed or were cancelled, while the others go on.
    Retry {
        /// Who asks.
        by: Actor,
    },
    /// Cancel one job.
    CancelJob {
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
