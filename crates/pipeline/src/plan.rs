//! The plan: what a pipeline file means for one push, decided once and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_model::job::{ArtifactSpec, CachePolicy, KeepWhen};
use penstock_model::{JobName, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::container::{PlannedContainer, PlannedService};
use crate::diagnostic::Diagnostic;
use crate::input::{Dialect, PushEvent, Source};
use crate::library::{Library, Unplanned};
use crate::project_variables::ProjectVariables;
use crate::reader::Known;
pub use crate::steps::container_action::{ActionImage, ContainerAction};
pub use crate::steps::planned::{Action, ActionInput, ActionOrigin, Asked, Awaited, Lack, NamedAt, PlannedStep};

mod downstream;
mod identity;
mod seconds;
mod tag_release;
mod turns;
mod workflow;

pub use downstream::{Downstream, Elsewhere, Place, PlannedTrigger, Strategy};
pub use identity::{Audience, PlannedSecret, VaultPlace};
pub use tag_release::PlannedTagRelease;
pub use turns::{AutoCancel, OnJobFailure, OnNewCommit, ProcessMode, Turns};
pub use workflow::{Access, CallInput, CallSecrets, Concurrency, InputKind, Permissions, PlannedCall, PlannedSource, TokenUse};

/// The most jobs that a plan may have.
pub const MAX_JOBS: usize = 2_000;
/// The most text (scripts, variables) that a plan may carry, in bytes.
pub(crate) const MAX_TEXT: usize = 4 << 20;

/// The most reasons of a kind that a push hears when it starts nothing.
const MAX_WHYS: usize = 10;

/// What a pipeline file means for one push. Every choice that can be made before anything runs has been made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose language the file speaks.
    pub dialect: Dialect,
    /// The file's path in the repository.
    pub path: String,
    /// A workflow's `name`, that of GitLab's `workflow`, or the file's path.
    pub name: String,
    /// The push, without its lists of files.
    pub event: PushEvent,
    /// Why there is a pipeline, or none: each rule of GitLab's `workflow` that was asked, with its line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// Stages in order (GitLab); one for all jobs of a workflow.
    pub stages: Vec<String>,
    /// Variables of the whole pipeline, not expanded: GitLab's `variables`, a workflow's `env`.
    pub variables: BTreeMap<String, Variable>,
    /// What a workflow calls this run (`run-name`), if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// Runs that it is not at work beside (a workflow's `concurrency`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// The inputs of a workflow that a person started.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub inputs: serde_json::Map<String, serde_json::Value>,
    /// What cancels the run by itself.
    #[serde(default, skip_serializing_if = "AutoCancel::is_usual")]
    pub auto_cancel: AutoCancel,
    /// The jobs, in the order of stages and then of the file.
    pub jobs: Vec<PlannedJob>,
    /// Calls of other workflows, each before those within it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<PlannedCall>,
    /// Files that are read again once more is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<PlannedSource>,
    /// Jobs of the file that are not in the plan, with the reason.
    pub left_out: Vec<LeftOut>,
    /// What is carried out and hardly meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
}

impl Plan {
    /// A job by name.
    pub fn job(&self, name: &JobName) -> Option<&PlannedJob> {
        self.jobs.iter().find(|job| &job.name == name)
    }

    /// A call, and those that it stands in, from the inside out.
    pub fn chain<'p>(&'p self, call: Option<&'p str>) -> impl Iterator<Item = &'p PlannedCall> {
        let mut next = call;
        // each stands before those within it, so that a walk outwards ends
        std::iter::from_fn(move || {
            let call = self.calls.iter().find(|call| Some(call.name.as_str()) == next)?;
            next = call.within.as_deref();
            Some(call)
        })
        .take(self.calls.len())
    }

    /// True if the push starts nothing.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Why the push starts nothing, a sentence each with its line in the file; nothing if it starts something.
    pub fn why_empty(&self) -> Vec<String> {
        if !self.is_empty() {
            return Vec::new();
        }
        let mut whys: Vec<String> = Vec::new();
        for job in &self.left_out {
            let why = job.because.join("; ");
            if !whys.contains(&why) && whys.len() < MAX_WHYS {
                whys.push(why);
            }
        }
        whys.extend(self.because.iter().take(MAX_WHYS).cloned());
        whys
    }

    /// Those of the pipeline's variables that a job inherits.
    pub(crate) fn inherited<'p>(&'p self, job: &'p PlannedJob) -> impl Iterator<Item = (&'p String, &'p Variable)> {
        self.variables.iter().filter(|(name, _)| job.inherited.as_ref().is_none_or(|names| names.contains(name)))
    }

    /// The place of a stage in the order.
    pub fn stage_index(&self, stage: &str) -> usize {
        self.stages.iter().position(|name| name == stage).unwrap_or(self.stages.len())
    }

    /// Every job that this one waits for, in the plan's order: the edges of the job graph.
    pub fn upstream(&self, job: &PlannedJob) -> Vec<&JobName> {
        let named: BTreeSet<&JobName> = job
            .waits_for
            .iter()
            .filter_map(|wait| match wait {
                Wait::Job { job } => Some(job),
                Wait::EarlierStages => None,
            })
            .collect();
        let own_stage = job.waits_for.contains(&Wait::EarlierStages).then(|| self.stage_index(&job.stage));
        self.jobs
            .iter()
            .filter(|other| named.contains(&other.name) || own_stage.is_some_and(|stage| self.stage_index(&other.stage) < stage))
            .map(|other| &other.name)
            .collect()
    }

    /// The branch that Git finds checked out in a job: `actions/checkout` leaves one after the push of a branch, GitLab's runner none.
    pub fn checked_out(&self) -> Option<&str> {
        match self.dialect {
            Dialect::GithubWorkflow => self.event.branch(),
            Dialect::GitlabCi => None,
        }
    }

    /// The commit's repository.
    pub fn repository(&self) -> &RepositoryName {
        &self.event.repository
    }
}

/// A variable of the pipeline file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its text, not expanded.
    pub value: String,
    /// Whether `$OTHER` in it is expanded (GitLab's `expand: false` says no). Expressions of a workflow always are.
    pub expand: bool,
}

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

/// A cache, before its key is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCache {
    /// Its key.
    pub key: CacheKey,
    /// Folders and patterns below the checkout, not expanded.
    pub paths: Vec<String>,
    /// Whether it is read, written or both.
    pub policy: CachePolicy,
    /// A text with variables that says so instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_by: Option<String>,
    /// When it is written, if the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<KeepWhen>,
    /// Whether what the commit does not have is kept too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
    /// Whether runs that get protected secrets share it with those that do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unprotect: bool,
    /// Keys under which it is looked for when there is none of its own, not expanded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback_keys: Vec<String>,
}

/// What names a cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheKey {
    /// Text, not expanded.
    Text(String),
    /// The content of files at the commit.
    Files {
        /// Put before it, not expanded.
        prefix: Option<String>,
        /// Their paths.
        files: Vec<String>,
    },
    /// The commits that last changed files.
    FilesCommits {
        /// Put before it, not expanded.
        prefix: Option<String>,
        /// Their paths.
        files: Vec<String>,
    },
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

/// A job of the file that is not in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its key in the file.
    pub name: String,
    /// Its line in the file.
    pub line: usize,
    /// The file, if it is not the pipeline file but one that this includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why, each reason with its line.
    pub because: Vec<String>,
}

/// Reads a pipeline file for one push. `library` is what was found so far of the files that it names.
///
/// # Errors
/// Files that are still to be looked for; or everything that is wrong, in the order of files and lines: unknown or unsupported
/// keys, wrong values, expressions that do not parse, jobs that wait for each other.
pub fn plan(dialect: Dialect, source: &Source<'_>, event: &PushEvent, library: &Library) -> Result<Plan, Unplanned> {
    Planning::new(dialect, source, event).plan(library)
}

/// [`plan`] for one file and one push, asked again whenever more files were found: those that it read before it does not read
/// again, and its answer is the same as if it had.
#[derive(Debug)]
pub struct Planning<'p> {
    dialect: Dialect,
    source: Source<'p>,
    event: &'p PushEvent,
    known: Known,
}

impl<'p> Planning<'p> {
    /// Nothing was asked yet.
    pub fn new(dialect: Dialect, source: &Source<'p>, event: &'p PushEvent) -> Self {
        Self { dialect, source: *source, event, known: Known::default() }
    }

    /// As [`plan`].
    ///
    /// # Errors
    /// As [`plan`].
    pub fn plan(&mut self, library: &Library) -> Result<Plan, Unplanned> {
        let mut plan = match (crate::skip::plan(self.dialect, &self.source, self.event), self.dialect) {
            (Some(nothing), _) => nothing,
            (None, Dialect::GitlabCi) => crate::gitlab::plan(&self.source, self.event, library, &mut self.known)?,
            (None, Dialect::GithubWorkflow) => crate::github::plan(&self.source, self.event, library, &mut self.known)?,
        };
        // no plan keeps the values of the project's variables
        plan.event.facts.variables = ProjectVariables::default();
        Ok(plan)
    }
}
