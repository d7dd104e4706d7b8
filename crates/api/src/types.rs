//! The wire types.

use std::collections::BTreeMap;

use penstock_model::blob::LogLine;
use penstock_model::release::{ImageName, ReleaseId};
use penstock_model::{CommitId, Digest, EnvironmentName, JobName, ProjectName, RunId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::{AnnotationView, RunTests};

/// `GET /status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Since when it runs.
    pub since: Timestamp,
    /// Who asks, if they said so.
    pub user: Option<UserName>,
    /// Projects.
    pub projects: Vec<ProjectSummary>,
    /// What fails now and will be tried again.
    pub troubles: Vec<Trouble>,
    /// The event log's last position.
    pub position: u64,
}

/// An effect that fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// What is tried.
    pub effect: String,
    /// What comes back.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub again: Timestamp,
}

/// `POST /projects`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewProject {
    /// Its name, also its repository's.
    pub name: ProjectName,
    /// Its config repository; `NAME-config` unless given.
    pub config: Option<String>,
    /// The branch that is delivered; `main` unless given.
    pub branch: Option<String>,
}

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

/// A project in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectSummary {
    /// Its name.
    pub name: ProjectName,
    /// Its config repository.
    pub config: String,
    /// The branch that is delivered.
    pub branch: String,
    /// `https://…/git/NAME.git`.
    pub clone_url: String,
    /// Of the config repository.
    pub config_clone_url: String,
    /// Its last run.
    pub last_run: Option<RunSummary>,
    /// Its environments in order.
    pub environments: Vec<EnvironmentSummary>,
    /// Why its config repository cannot be read.
    pub config_error: Option<String>,
}

/// An environment in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentSummary {
    /// Its name.
    pub name: EnvironmentName,
    /// The environment before it.
    pub after: Option<EnvironmentName>,
    /// The release that it runs or is being given.
    pub release: Option<ReleaseId>,
    /// That release's commit.
    pub commit: Option<CommitId>,
    /// `healthy`, `progressing`, `degraded`, `missing`, `unknown`.
    pub health: String,
    /// `in step`, `behind`, `failed`, `nothing yet`.
    pub sync: String,
    /// Where it is reached.
    pub url: Option<String>,
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

/// `GET /explain/WHAT`: why something is as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// What it is about, in one line.
    pub subject: String,
    /// The answer in one line.
    pub verdict: String,
    /// The reasons, in order.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// Where: a job, a rule, an environment.
    pub topic: String,
    /// Why.
    pub text: String,
    /// Which file and line, if any.
    pub place: String,
    /// What to do, if anything.
    pub fix: String,
}

/// `GET /trace/WHAT`: from a running container to the commit and everyone and everything in between, and back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// What was asked for.
    pub subject: String,
    /// The links, from what runs to what it came from.
    pub links: Vec<TraceLink>,
}

/// One link of a trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceLink {
    /// `container`, `image`, `release`, `approval`, `gate`, `run`, `commit`, `author`, `statement`.
    pub kind: String,
    /// Its name.
    pub id: String,
    /// One line.
    pub text: String,
}

/// `GET /verify`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verification {
    /// The last position that was verified.
    pub position: u64,
    /// The checkpoint's root.
    pub root: Digest,
    /// Statements whose signature was verified again.
    pub statements: usize,
    /// What does not fit.
    pub problems: Vec<String>,
}

/// An event, for the audit trail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventView {
    /// Its place in the log.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Its type.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Its content.
    pub data: serde_json::Value,
    /// Its hash.
    pub hash: Digest,
}

/// What a streaming job call says, one JSON value a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum WorkLine {
    /// A line of progress.
    Log(LogLine),
    /// The end.
    Done(WorkDone),
}

/// How a streaming job call ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkDone {
    /// What the job's command exits with.
    pub exit_code: i32,
    /// Printed as the last line: an image by digest, or a summary.
    pub output: String,
    /// Why it failed, and what to do.
    pub error: Option<String>,
}

/// Query of `POST /job/build`; the body is the context as a tar stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BuildQuery {
    /// The image's name within the project.
    pub image: String,
    /// The Dockerfile's path below the context.
    pub file: String,
    /// `NAME=value`, as a JSON object.
    #[serde(default)]
    pub args: String,
}

/// Body of `POST /job/check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRequest {
    /// The tool.
    pub tool: String,
    /// The image that this run built, for checks of images.
    pub image: Option<String>,
    /// Paths below the checkout; all if empty.
    pub paths: Vec<String>,
}

/// Body of `POST /job/test-image`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestImageRequest {
    /// The image that this run built.
    pub image: String,
    /// The container's arguments.
    pub args: Vec<String>,
    /// The time limit in seconds.
    pub timeout_seconds: u64,
}

/// An answer that is not a success.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// What happened.
    pub error: String,
    /// What to do.
    pub hint: String,
}
