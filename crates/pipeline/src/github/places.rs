//! The places of a workflow file where expressions may stand, and what each may see there.
//!
//! As GitHub's own schema of workflow files has it.

/// Which of `success()`, `failure()`, `cancelled()` and `always()` a place knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// None.
    Unknown,
    /// All, of the job.
    OfJob,
    /// All, of the jobs before; `success` and `failure` also of those that are named.
    OfNeeds,
}

/// What is known of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfRun {
    /// Nothing: it is not there yet, or nobody hands it in.
    Nothing,
    /// Its id.
    Id,
    /// All that a job at work knows.
    All,
}

/// A place of a workflow file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// In words, after «in»: `a job's` `if`.
    pub(super) words: &'static str,
    /// The contexts that may be asked.
    pub(super) contexts: &'static [&'static str],
    /// The status functions that may be asked.
    pub(super) status: Status,
    /// Whether `hashFiles` may be asked.
    pub(super) files: bool,
    /// Whether it is settled before any job runs.
    pub(super) early: bool,
    /// What is known of the run.
    pub(super) run: OfRun,
}

const fn place(words: &'static str, contexts: &'static [&'static str]) -> Place {
    Place { words, contexts, status: Status::Unknown, files: false, early: false, run: OfRun::All }
}

const fn early(words: &'static str, contexts: &'static [&'static str]) -> Place {
    Place { early: true, run: OfRun::Nothing, ..place(words, contexts) }
}

const fn between(words: &'static str, contexts: &'static [&'static str]) -> Place {
    Place { run: OfRun::Nothing, ..place(words, contexts) }
}

/// What is known of the event alone.
const EVENT: &[&str] = &["github", "inputs", "vars"];
/// What a job sees before it starts.
const JOB: &[&str] = &["github", "inputs", "vars", "needs", "strategy", "matrix"];
/// What a step sees.
const STEPS: &[&str] = &["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps", "job", "runner", "env"];
/// Likewise, where a secret could leak.
const OPEN: &[&str] = &["github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner", "env"];

pub(super) const RUN_NAME: Place = early("`run-name`", EVENT);
pub(super) const CALL_DEFAULT: Place = early("the default of an input", EVENT);
pub(super) const CALL_OUTPUT: Place = between("an output of a workflow", &["github", "inputs", "vars", "jobs"]);
pub(super) const WORKFLOW_ENV: Place = place("the workflow's `env`", &["github", "inputs", "vars", "secrets"]);
pub(super) const WORKFLOW_CONCURRENCY: Place = Place { run: OfRun::Id, ..early("the workflow's `concurrency`", EVENT) };
pub(super) const JOB_IF: Place = Place { status: Status::OfNeeds, ..between("a job's `if`", &["github", "inputs", "vars", "needs"]) };
pub(super) const JOB_ENV: Place = place("a job's `env`", &["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets"]);
pub(super) const STRATEGY: Place = early("`strategy`", &["github", "inputs", "vars", "needs"]);
pub(super) const SETTLED: Place = early("a job's keys", JOB);
pub(super) const JOB_CONCURRENCY: Place = Place { run: OfRun::Id, ..between("a job's `concurrency`", JOB) };
pub(super) const ENVIRONMENT: Place = place("the environment's name", JOB);
pub(super) const ENVIRONMENT_URL: Place = place("the environment's address", OPEN);
pub(super) const CONTAINER: Place = place("a container", JOB);
pub(super) const CONTAINER_ENV: Place =
    place("a container's `env`", &["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "job", "runner", "env"]);
pub(super) const CREDENTIALS: Place =
    place("`credentials`", &["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "env"]);
pub(super) const CALL_WITH: Place = between("`with` of a call", JOB);
pub(super) const CALL_SECRETS: Place =
    between("`secrets` of a call", &["github", "inputs", "vars", "needs", "secrets", "strategy", "matrix"]);
pub(super) const OUTPUTS: Place = place("a job's outputs", STEPS);
pub(super) const STEP: Place = Place { files: true, ..place("a step", STEPS) };
/// What an `action.yml` gives its own container.
pub(super) const ACTION_CONTAINER: Place = place("an action's container", &["inputs"]);
pub(super) const STEP_IF: Place = Place { status: Status::OfJob, files: true, ..place("a step's `if`", OPEN) };
/// `shell` of a workflow's step, and `defaults` of a workflow.
pub(super) const STEP_SHELL: Place = place("a step's `shell`", &[]);
pub(super) const WORKFLOW_DEFAULTS: Place = place("the workflow's `defaults`", &[]);
pub(super) const DEFAULTS: Place = place("a job's `defaults`", &["github", "inputs", "vars", "strategy", "matrix", "needs", "env"]);
