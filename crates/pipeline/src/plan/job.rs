//! A job of the plan.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::JobName;
use penstock_model::job::ArtifactSpec;
use serde::{Deserialize, Serialize};

use super::{
    Audience, Concurrency, Elsewhere, Permissions, PlannedCache, PlannedSecret, PlannedStep, PlannedTagRelease, PlannedTrigger, Turns,
    Variable, seconds,
};
use crate::container::{PlannedContainer, PlannedService};

/// A job of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// Its name, unique in the plan: `test`, `test 1/3` (parallel), `test (3.11, linux)` (a workflow's
    /// matrix), `test: [3.11, linux]` (GitLab's).
    pub name: JobName,
    /// What people read: a workflow job's `name`; otherwise as `name`.
    pub title: String,
    /// The key in the file. Several jobs of the plan share it after `parallel` or a matrix.
    pub group: String,
    /// The call by which its workflow is called; `None` is the one that the event starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Whether it only keeps the place of what it becomes once what it needs is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The line of the key in the file.
    pub line: usize,
    /// The file, if it is not the pipeline file but one that this includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its stage.
    pub stage: String,
    /// What it waits for. Empty: it starts at once.
    pub waits_for: Vec<Wait>,
    /// The keys of a workflow job's `needs`, for the context of that name. Not all need be in the plan.
    pub needs: Vec<String>,
    /// When it runs, once what it waits for is done.
    pub when: When,
    /// What a person is asked before they start it (GitLab's `manual_confirmation`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
    /// What it waits for besides.
    #[serde(default, skip_serializing_if = "Turns::is_usual")]
    pub turns: Turns,
    /// A workflow job's `if`, asked once what it waits for is done. `None` is `success()`.
    pub condition: Option<Condition>,
    /// Whether the run may succeed without it.
    pub allow_failure: AllowFailure,
    /// How often it is tried again.
    pub retry: Retry,
    /// Its time limit.
    #[serde(with = "seconds")]
    pub timeout: Duration,
    /// The image to run in; `None` is the host.
    #[serde(default, with = "crate::container::written")]
    pub image: Option<PlannedContainer>,
    /// Containers beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<PlannedService>,
    /// The environment that it names.
    pub environment: Option<JobEnvironment>,
    /// What its token may do; `None` is what every token may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Jobs of other runs that it is not at work beside (a workflow's `concurrency`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// What it asks of its runner: a workflow job's `runs-on`, evaluated; a GitLab job's `tags`.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub runs_on: serde_json::Value,
    /// Its own variables, not expanded.
    pub variables: BTreeMap<String, Variable>,
    /// An expression that is asked for a mapping of more of them when the job starts: a workflow's `env: ${{ … }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables_by: Option<String>,
    /// Names of the pipeline's variables that it gets (GitLab's `inherit: variables`); `None` is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Vec<String>>,
    /// The identity tokens that it gets (GitLab's `id_tokens`), by the names of their variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id_tokens: BTreeMap<String, Audience>,
    /// What it gets from a vault (GitLab's `secrets`), by the names of its variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, PlannedSecret>,
    /// What it publishes about a tag once it has succeeded (GitLab's `release`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_release: Option<Box<PlannedTagRelease>>,
    /// Files that outlive it.
    pub artifacts: ArtifactSpec,
    /// What finds its coverage in its output: a regex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
    /// Folders that are kept between runs.
    pub caches: Vec<PlannedCache>,
    /// Jobs whose artifacts and dotenv variables it gets.
    pub artifacts_from: Vec<JobName>,
    /// A workflow job's outputs: expressions.
    pub outputs: BTreeMap<String, String>,
    /// What it does.
    pub steps: Vec<PlannedStep>,
    /// The pipeline that it starts instead of running something (GitLab's `trigger`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Box<PlannedTrigger>>,
    /// Jobs of other pipelines whose artifacts and dotenv variables it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// Its place among the jobs of its group, if the group is `parallel` or a matrix.
    pub matrix: Option<Matrix>,
    /// Paths and patterns of the files that its result depends on, if the project's file says so: then it is not run where an
    /// attempt before had the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Why it is in the plan, each reason with its line.
    pub because: Vec<String>,
}

impl PlannedJob {
    /// Its key in the file that it stands in.
    pub fn key(&self) -> &str {
        let prefix = self.call.as_deref().and_then(|call| self.group.strip_prefix(call));
        prefix.and_then(|rest| rest.strip_prefix(" / ")).unwrap_or(&self.group)
    }
}

/// Something that a job waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum Wait {
    /// One job (`needs`).
    Job {
        /// Its name.
        job: JobName,
    },
    /// All jobs of earlier stages (a GitLab job without `needs`).
    EarlierStages,
}

/// When a job runs, once what it waits for is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// If nothing before it failed.
    #[default]
    OnSuccess,
    /// If something before it failed.
    OnFailure,
    /// In any case.
    Always,
    /// If nothing before it failed and a person starts it.
    Manual,
    /// If nothing before it failed, some time later, or when a person starts it.
    Delayed,
}

/// An expression of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The expression without `${{ }}`.
    pub expression: String,
    /// Its line in the file.
    pub line: usize,
}

/// Whether a failure counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowFailure {
    /// It counts.
    #[default]
    No,
    /// It does not.
    Yes,
    /// It does not if the exit code is one of these.
    ExitCodes(Vec<i32>),
}

/// How often a failed job is tried again by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// At most so many times.
    pub max: u32,
    /// After these ends only; empty is after any.
    pub on: Vec<RetryOn>,
    /// After these exit codes too.
    pub exit_codes: Vec<i32>,
}

/// An end after which a job is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// Any.
    Always,
    /// The script said so.
    ScriptFailure,
    /// The time limit.
    Timeout,
    /// Not the job's fault.
    SystemFailure,
    /// One of GitLab's reasons that does not come about here.
    Never,
}

/// The environment that a job names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnvironment {
    /// Its name, not expanded.
    pub name: String,
    /// Its address, not expanded.
    pub url: Option<String>,
    /// What kind of environment it is, if the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What the job does to it, if the file says: `start`, `stop`, `prepare`, `verify`, `access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The key of the job that stops it, in the same file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_stop: Option<String>,
    /// After what time it is stopped, not expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_stop_in: Option<String>,
}

/// A job's place among the jobs of its group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// From 1 upwards.
    pub index: usize,
    /// How many there are.
    pub total: usize,
    /// The `matrix` context of a workflow, the variables of GitLab's `parallel: matrix`; empty for a number.
    pub values: serde_json::Map<String, serde_json::Value>,
    /// Whether one failure cancels the others.
    pub fail_fast: bool,
    /// How many may run at once.
    pub max_parallel: Option<usize>,
}
