//! What the runner does itself for a job, without a process of it: artifacts and caches of a workflow's steps.

mod artifacts;
mod cache;
mod reports;

use std::collections::BTreeMap;

use penstock_model::job::{Chore, RunnerError};

use super::Attempt;
use crate::runner::whole;
pub(super) use cache::make_room;

/// How a chore ended.
pub(super) struct Came {
    /// As a process would exit.
    pub(super) code: i32,
    pub(super) outputs: BTreeMap<String, String>,
}

impl Came {
    fn well<const N: usize>(outputs: [(&str, String); N]) -> Self {
        Self { code: 0, outputs: outputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    fn badly() -> Self {
        Self { code: 1, outputs: BTreeMap::new() }
    }
}

/// Carries a chore out. What the job asked for and cannot be done is said in the log and fails the step.
pub(super) async fn carry_out(attempt: &Attempt<'_>, chore: &Chore) -> Came {
    let done = match chore {
        Chore::Nothing => Ok(Came::well([])),
        Chore::KeepArtifact { name, paths, hidden, overwrite } => artifacts::keep(attempt, name, paths, *hidden, *overwrite).await,
        Chore::FetchArtifacts { which, into, merge } => artifacts::fetch(attempt, which, into, *merge).await,
        Chore::RestoreCache { key, restore_keys, paths, lookup_only } => {
            cache::restore(attempt, key, restore_keys, paths, *lookup_only).await
        }
        Chore::Report { kind, paths } => reports::keep(attempt, kind, paths).await,
        Chore::SaveCache { key, paths } => cache::save(attempt, key, paths).await,
    };
    match done {
        Ok(came) => came,
        Err(why) => refused(attempt, &why).await,
    }
}

async fn refused(attempt: &Attempt<'_>, why: &RunnerError) -> Came {
    attempt.log.note(&format!("##[error]{}", whole(why))).await;
    Came::badly()
}
