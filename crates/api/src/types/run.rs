//! Runs and their jobs.

use std::collections::BTreeMap;

use penstock_model::release::{ImageName, ReleaseId};
use penstock_model::{CommitId, Digest, JobName, ProjectName, RunId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::{AnnotationView, RunTests};

/// `POST /projects/{project}/runs`: start a pipeline where a branch or a tag is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewRun {
    /// The branch; the one that is delivered unless this or a tag is given.
    pub branch: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// By what it is started: `web` (a person; `workflow_dispatch` of a workflow), `api` (unless given) or `trigger`.
    pub source: RunSource,
    /// Variables, over the project's. They are no secrets: whoever may look sees them.
    pub variables: BTreeMap<String, String>,
    /// What is filled in for `workflow_dispatch` or `spec: inputs`; only with `web`.
    pub inputs: BTreeMap<String, serde_json::Value>,
}

/// By what a pipeline is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSource {
    /// A person.
    Web,
    /// A program.
    #[default]
    Api,
    /// GitLab's trigger.
    Trigger,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BegunRun {
    /// The run.
    pub run: RunId,
}

/// A run in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// Its project.
    pub project: ProjectName,
    /// The ref without `refs/heads/`.
    pub reference: String,
    /// The commit.
    pub commit: CommitId,
    /// What a GitLab file names its pipeline, or the first line of the commit's message.
    pub title: String,
    /// Who pushed or started it, as authenticated; whose push its parent answers.
    pub pusher: UserName,
    /// What began it, in GitLab's words: `push`, `schedule`, `web`, `api`, `trigger`, `pipeline`, `parent_pipeline`.
    #[serde(default)]
    pub source: String,
    /// The name of the time at which it started by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// In GitLab's words: `created`, `running`, `success`, `failed`, `canceled`, `manual`, …; `rejected` without a plan.
    pub status: String,
    /// When the push came.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The release that it made.
    pub release: Option<ReleaseId>,
    /// Errors that its jobs said of the source.
    #[serde(default)]
    pub errors: usize,
    /// Warnings that its jobs said of the source.
    #[serde(default)]
    pub warnings: usize,
    /// The job of another run that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<StartedBy>,
}

impl RunSummary {
    /// What began it, for people.
    pub fn begun(&self) -> String {
        match (&self.started_by, &self.schedule) {
            (Some(by), _) if by.child => format!("child of {}", by.run),
            (Some(by), _) => format!("started by `{}` of {}", by.job, by.run),
            (None, Some(name)) => format!("by schedule {name}"),
            (None, None) if matches!(&*self.source, "" | "push") => format!("pushed by {}", self.pusher),
            (None, None) => format!("started by {}", self.pusher),
        }
    }
}

/// The job that started a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartedBy {
    /// Its run.
    pub run: RunId,
    /// Its name.
    pub job: JobName,
    /// Whether the run that it started is a child pipeline: of the same project and commit.
    pub child: bool,
}

/// A run that a job started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartedRun {
    /// Its id.
    pub run: RunId,
    /// Its project.
    pub project: ProjectName,
    /// As [`RunSummary::status`].
    pub status: String,
}

/// `GET /runs/ID`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunView {
    /// As in a list.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// `gitlab` or `github`; nothing without a plan.
    #[serde(default)]
    pub dialect: Option<String>,
    /// Its stages in order.
    pub stages: Vec<String>,
    /// Its jobs in the order of the file.
    pub jobs: Vec<JobView>,
    /// Jobs of the file that are not in the plan, with the reason.
    pub left_out: Vec<LeftOut>,
    /// Why there is no plan.
    pub rejected: Option<String>,
    /// What is carried out of the pipeline file and hardly meant, a sentence each with its place.
    #[serde(default)]
    pub doubts: Vec<String>,
    /// What its jobs, and tools, say of the source: errors first, up to a limit.
    #[serde(default)]
    pub annotations: Vec<AnnotationView>,
    /// How many more there are.
    #[serde(default)]
    pub annotations_left_out: usize,
    /// Its tests, if it had any.
    #[serde(default)]
    pub tests: Option<RunTests>,
    /// What it built.
    pub images: Vec<ImageView>,
    /// The statements that it made.
    pub statements: Vec<StatementView>,
}

/// A job of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobView {
    /// Its name.
    pub name: JobName,
    /// Its key in the file: several jobs share it after `parallel` or a matrix.
    #[serde(default)]
    pub group: String,
    /// Its stage.
    pub stage: String,
    /// In GitLab's words.
    pub status: String,
    /// The jobs that it waits for.
    pub needs: Vec<JobName>,
    /// Its last attempt; 0 before the first.
    pub attempt: u32,
    /// When the last attempt began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// One line: why it ended so.
    pub message: String,
    /// The pipelines that its attempts started, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<StartedRun>,
    /// Whether it may fail.
    pub allow_failure: bool,
    /// Why it is in the plan.
    pub because: Vec<String>,
    /// Its artifacts, as a tar archive.
    pub artifacts: Option<Digest>,
    /// Names of artifacts that its steps kept by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// What a person is asked before they start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
    /// Its summary, as Markdown.
    #[serde(default)]
    pub summary: Option<Digest>,
    /// The run whose result it has, if it was not run because its inputs did not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<RunId>,
}

/// A job that is not in the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub because: String,
}

/// An image that was built.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImageView {
    /// Its name.
    pub name: ImageName,
    /// Its manifest's digest.
    pub digest: Digest,
    /// By which job.
    pub job: JobName,
    /// Milliseconds.
    pub took_ms: u64,
}

/// A statement as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatementView {
    /// The envelope's digest.
    pub envelope: Digest,
    /// What it is about: a commit, `name@sha256:…`, or a release.
    pub subject: String,
    /// Its predicate's type.
    pub predicate_type: String,
    /// The tool or check.
    pub name: String,
    /// `observed` or `reported`.
    pub witness: String,
    /// One line.
    pub summary: String,
    /// When.
    pub at: Timestamp,
}
