//! Pipeline files become plans, and plans become runs.
//!
//! Three pure parts. [`plan()`] reads a `.gitlab-ci.yml` or a workflow file for one push and makes every choice that can be
//! made before anything runs: which jobs there are, why, and what each waits for. [`Run`] is the state machine of one
//! execution: commands in, events out, and what should be happening now derived from the events. [`steps()`] is one job
//! from the inside: what to carry out next, given how the last step ended.
//!
//! What never happens here: no clock, no file, no process, no network, no async. A key of a user's file that is not
//! carried out is never skipped: it is a [`Diagnostic`] with file, line and column. No input panics; every size and depth
//! has a bound.

mod caches;
mod calls;
mod container;
mod coverage;
mod cron;
mod deployment;
mod diagnostic;
mod downstream;
mod duration;
mod env;
mod eval;
mod event_facts;
mod expand;
mod explain;
mod github;
mod gitlab;
mod hash_files;
mod identity;
mod input;
mod library;
mod mentions;
mod pattern;
mod plan;
mod project_variables;
mod reader;
mod run;
mod select;
mod served;
mod simulation;
mod skip;
mod steps;
mod tag_release;
#[cfg(test)]
mod testing;
mod timetable;
mod trigger;
mod unchanged;
mod variable_scope;
mod vault;
mod view;
mod warnings;
mod yaml;

pub use caches::{KeyFiles, artifact_spec, cache_specs};
pub use calls::{Allowed, Beyond, beyond};
pub use container::{PlannedContainer, PlannedCredentials, PlannedService, WantedContainer, WantedService, job_container, job_services};
pub use coverage::coverage;
pub use cron::Cron;
pub use deployment::deployment;
pub use diagnostic::{Diagnostic, Severity};
pub use downstream::{Triggered, TriggeredOf};
pub use env::{JobContext, environment_name, job_env};
pub use eval::{EvalError, EvalErrorKind, Evaluated, WorkflowContexts, eval_gitlab};
pub use event_facts::{CommitFacts, EventFacts, PushFacts, PushedCommit};
pub use explain::Explained;
pub use github::{ActionsLock, BuiltIn, Locked, Named, named};
pub use gitlab::{asks_for_lfs, checkout, clone_path};
pub use hash_files::{FilesToHash, hash_files};
pub use identity::{Claims, Issuing, id_tokens, workflow_id_token, workflow_identity};
pub use input::{Dialect, PushEvent, Source};
pub use library::{FileRef, Found, Library, MAX_FILES, Unplanned};
pub use mentions::mentions;
pub use plan::{
    Access, Action, ActionImage, ActionInput, ActionOrigin, AllowFailure, Asked, Audience, AutoCancel, CacheKey, CallInput, CallSecrets,
    Concurrency, Condition, ContainerAction, Downstream, Elsewhere, InputKind, JobEnvironment, Lack, LeftOut, Matrix, NamedAt,
    OnJobFailure, OnNewCommit, Permissions, Place, Plan, PlannedCache, PlannedCall, PlannedJob, PlannedSecret, PlannedSource, PlannedStep,
    PlannedTagRelease, PlannedTrigger, Planning, ProcessMode, Retry, RetryOn, Strategy, TokenUse, Turns, Variable, VaultPlace, Wait, When,
    plan,
};
pub use project_variables::{ProjectVariable, ProjectVariables};
pub use run::{
    CallState, JobInputs, JobState, NeedResult, Refusal, Run, RunCommand, RunEffect, RunEvent, RunStatus, Standing, Status, Turn,
    TurnEntry, TurnState, TurnStep, next_turns,
};
pub use select::{NotChosen, Selection};
pub use served::unserved;
pub use simulation::Simulation;
pub use steps::{NoSuchJob, steps};
pub use tag_release::{WantedTagRelease, tag_release};
pub use timetable::{WorkflowTime, workflow_answers, workflow_times};
pub use trigger::{MergeRequest, Trigger};
pub use unchanged::{Dependence, among_inputs, check_input, differing, fingerprint, runs_anyway};
pub use variable_scope::{is_scope, scope_fits};
pub use vault::{VaultEngine, VaultRead, vault_reads};
pub use warnings::warnings;
