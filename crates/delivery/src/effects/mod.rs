//! Carrying effects out. Each looks at the world again, does its work, and appends what came of it.

mod actions;
pub mod check;
mod commit;
mod containers;
mod downstream;
mod elsewhere;
mod gate;
mod job;
mod notify;
mod plan;
mod release;
pub(crate) mod timetable;
mod turns;
mod way_back;

use penstock_model::blob::BlobError;
use penstock_model::git::GitError;
use penstock_model::job::RunnerError;
use penstock_model::target::TargetError;
use tokio_util::sync::CancellationToken;

use crate::journal::JournalError;
use crate::parts::Parts;
use crate::wanted::Effect;

pub use commit::{ENVIRONMENT_TRAILER, RELEASE_TRAILER, REVERT_TRAILER};
pub(crate) use containers::pinned_by;
pub use job::log_id;
pub(crate) use job::tell;

/// Why an effect did not come about. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// The log.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Git.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The blob store.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The runner.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Signing and keeping statements.
    #[error(transparent)]
    Evidence(#[from] crate::evidence::EvidenceError),
    /// Anything else, in words for people.
    #[error("{0}")]
    Other(String),
}

/// An error with its causes, for people.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Carries one effect out.
pub async fn carry_out(parts: &Parts, effect: &Effect, cancel: CancellationToken) -> Result<(), EffectError> {
    match effect {
        Effect::Plan { run } => plan::plan(parts, run).await,
        Effect::Job { run, job, attempt } => job::job(parts, run, job, *attempt, cancel).await,
        Effect::Trigger { run, job, attempt } => downstream::trigger(parts, run, job, *attempt).await,
        Effect::CancelChild { run } => downstream::cancel(parts, run).await,
        Effect::Turn { step } => turns::turn(parts, step).await,
        Effect::Redundant { run } => turns::redundant(parts, run).await,
        Effect::Schedule { run, job } => turns::schedule(parts, run, job).await,
        Effect::Enqueue { run, job } => turns::enqueue(parts, run, job).await,
        Effect::StopEnvironment { project, environment } => crate::environments::stop_due(parts, project, environment).await,
        Effect::Fire { project, time } => timetable::fire(parts, project, time).await,
        Effect::FinishRun { run } => job::finish(parts, run).await,
        Effect::Release { run } => release::release(parts, run).await,
        Effect::Gate { release, environment } => gate::gate(parts, *release, environment, cancel).await,
        Effect::Commit { release, environment } => commit::commit(parts, *release, environment, cancel).await,
        Effect::Check { release, environment, check } => check::check(parts, *release, environment, check, cancel).await,
        Effect::WayBack { release, environment } => way_back::way_back(parts, *release, environment).await,
        Effect::Supersede { release, environment } => release::supersede(parts, *release, environment).await,
        Effect::Notify { notice } => notify::notify(parts, notice).await,
    }
}
