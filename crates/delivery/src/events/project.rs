//! What happens to a project.

use std::collections::BTreeMap;

use penstock_gate::DeliveryConfig;
use penstock_model::event::{DomainEvent, EventType};
use penstock_model::job::AttemptId;
use penstock_model::tag_release::TagRelease;
use penstock_model::{CommitId, JobName, ProjectName, RepositoryName, RunId, UserName};
use penstock_pipeline::{Trigger, Variable};
use serde::{Deserialize, Serialize};

use crate::merge_requests::event::{Ask, MergeRequestChange};

/// What happens to a project, on `project/NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum ProjectEvent {
    /// Somebody created it.
    Created {
        /// Its name, also its repository's.
        project: ProjectName,
        /// Where its environments are written.
        config: RepositoryName,
        /// The branch that is delivered.
        branch: String,
    },
    /// A ref of its repository moved, and a run answers it.
    Pushed {
        /// The full ref.
        reference: String,
        /// Where it was.
        before: Option<CommitId>,
        /// Where it is.
        commit: CommitId,
        /// Who pushed, as authenticated.
        pusher: UserName,
        /// The run.
        run: RunId,
    },
    /// Somebody started a run and brings its plan, as `penstock run` does for a working tree. No ref moved.
    Started {
        /// The full ref that it is taken to be of.
        reference: String,
        /// What the commit is compared with.
        before: Option<CommitId>,
        /// The commit.
        commit: CommitId,
        /// Who, as authenticated.
        pusher: UserName,
        /// The run.
        run: RunId,
        /// The run of the same push whose images make one release with this one's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<RunId>,
    },
    /// A job of another run started a run. Its id follows from the attempt.
    Triggered {
        /// The full ref that it is of.
        reference: String,
        /// What the commit is compared with.
        before: Option<CommitId>,
        /// The commit.
        commit: CommitId,
        /// Who started the other run: this one is started in their name.
        pusher: UserName,
        /// The run.
        run: RunId,
        /// The attempt of the job.
        by: AttemptId,
        /// Whether it is of the same commit, and of what the job includes.
        child: bool,
        /// Its variables, over all others.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        given: BTreeMap<String, Variable>,
        /// What its pipeline file gets for its inputs.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, serde_json::Value>,
    },
    /// A branch or tag was deleted.
    Deleted {
        /// The full ref.
        reference: String,
    },
    /// The job that stops an environment that jobs name was started.
    EnvironmentStopping {
        /// The environment.
        environment: String,
        /// The run.
        run: RunId,
        /// The job.
        job: JobName,
    },
    /// An environment that jobs name is stopped, and no job has anything to do for it.
    EnvironmentStopped {
        /// The environment.
        environment: String,
    },
    /// A job published something about a tag: a tag release. What is delivered is another thing.
    TagReleased {
        /// What it published.
        release: Box<TagRelease>,
        /// The commit that the tag names.
        commit: CommitId,
        /// Which attempt of a job.
        by: AttemptId,
        /// In whose name: who started the pipeline.
        who: UserName,
    },
    /// Somebody had a pipeline start where a ref is. No ref moved.
    Ordered {
        /// The full ref.
        reference: String,
        /// Where it is.
        commit: CommitId,
        /// Who, as authenticated.
        pusher: UserName,
        /// The run.
        run: RunId,
        /// How it was started, and with what.
        order: PipelineOrder,
    },
    /// A push is about to come that asks for a merge request by its options. Without the push it means nothing.
    MergeRequestAsked {
        /// The full ref.
        reference: String,
        /// Where the push takes it.
        commit: CommitId,
        /// What it asks for.
        ask: Ask,
    },
    /// Something happened to a merge request.
    MergeRequest {
        /// Its number within the project.
        number: u64,
        /// What.
        change: MergeRequestChange,
    },
    /// The delivered branch moved, and says at which times pipelines start by themselves.
    TimetableRead {
        /// The commit.
        commit: CommitId,
        /// The times by name.
        times: BTreeMap<String, ScheduledTime>,
    },
    /// The config repository's branch moved and was read.
    ConfigRead {
        /// The commit.
        commit: CommitId,
        /// What it says, unless it cannot be read.
        config: Option<DeliveryConfig>,
        /// Why it cannot be read.
        error: Option<String>,
    },
}

/// How a pipeline was started that no push started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineOrder {
    /// What started it.
    pub trigger: Trigger,
    /// Its variables, over the project's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The name of the time at which it started by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// A time at which a pipeline starts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledTime {
    /// As `crontab` writes it, in UTC.
    pub cron: String,
    /// The full ref where it starts.
    pub reference: String,
    /// Its variables, over the project's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

domain!(ProjectEvent, "project", { Self::Created { .. } => "created", Self::Pushed { .. } => "pushed", Self::Deleted { .. } => "deleted", Self::Started { .. } => "started", Self::Triggered { .. } => "triggered", Self::Ordered { .. } => "ordered", Self::TimetableRead { .. } => "timetable_read",
    Self::MergeRequestAsked { .. } => "merge_request_asked", Self::MergeRequest { .. } => "merge_request",
    Self::EnvironmentStopping { .. } => "environment_stopping", Self::EnvironmentStopped { .. } => "environment_stopped", Self::TagReleased { .. } => "tag_released", Self::ConfigRead { .. } => "config_read" });
