//! The plan: what a pipeline file means for one push, decided once and kept.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::{JobName, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::input::{Dialect, PushEvent};
pub use crate::steps::container_action::{ActionImage, ContainerAction};
pub use crate::steps::planned::{Action, ActionInput, ActionOrigin, Asked, Awaited, Lack, NamedAt, PlannedStep};

mod cache;
mod downstream;
mod identity;
mod job;
mod planning;
mod seconds;
mod tag_release;
mod turns;
mod workflow;

pub use cache::{CacheKey, PlannedCache};
pub use downstream::{Downstream, Elsewhere, Place, PlannedTrigger, Strategy};
pub use identity::{Audience, PlannedSecret, VaultPlace};
pub use job::{AllowFailure, Condition, JobEnvironment, Matrix, PlannedJob, Retry, RetryOn, Wait, When};
pub use planning::{Planning, plan};
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
