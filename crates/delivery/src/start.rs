//! What a server does before anything else: what the last one left half-done is found again.

use penstock_model::ids::Actor;
use penstock_pipeline::RunCommand;

use crate::config_repository;
use crate::effects::{EffectError, tell};
use crate::parts::Parts;

/// Ends what a dead server's jobs left behind, has lost attempts begun anew, and answers pushes that came to Git but
/// not to the log. Gives how many attempts were lost.
///
/// # Errors
/// When a hand fails: then the server does not start.
pub async fn recover(parts: &Parts) -> Result<usize, EffectError> {
    let lost = end_lost(parts).await?;
    compare_refs(parts).await?;
    Ok(lost)
}

/// The first two of it: what a dead process's jobs left behind is ended, and the log knows of it.
///
/// # Errors
/// When a hand fails.
pub async fn end_lost(parts: &Parts) -> Result<usize, EffectError> {
    parts.runner.end_orphans().await?;
    let world = parts.journal.world();
    let mut lost = 0;
    for record in world.runs.values() {
        let running = record.run.as_ref().map(penstock_pipeline::Run::running).unwrap_or_default();
        for (job, attempt) in running {
            tell(parts, &record.id, Actor::Penstock, RunCommand::JobInterrupted { job, attempt }).await?;
            lost += 1;
        }
    }
    Ok(lost)
}

/// Answers pushes and deletions that came to Git but not to the log: a server that dies between the two says nothing of them.
///
/// # Errors
/// When Git fails.
pub async fn compare_refs(parts: &Parts) -> Result<(), EffectError> {
    let world = parts.journal.world();
    for project in world.projects.values() {
        config_repository::read(parts, &project.name).await?;
        let repository = project.name.clone().into();
        let there = parts.git.refs(&repository).await?;
        // those of merge requests follow from the log, and are made again below
        let pushed = |reference: &str| reference.starts_with("refs/heads/") || reference.starts_with("refs/tags/");
        for reference in project.refs.keys().filter(|reference| pushed(reference) && !there.contains_key(*reference)) {
            if let Err(error) = crate::orders::deleted(parts, &project.name, Actor::Penstock, reference).await {
                tracing::warn!(%reference, %error, "that it was deleted is not kept; the next start looks again");
            }
        }
        for (reference, commit) in there {
            if project.refs.get(&reference) == Some(&commit) {
                continue;
            }
            // Git's own log of the ref says who pushed: who may approve depends on it
            let who = match parts.git.mover(&repository, &reference, &commit).await? {
                Some(who) => who,
                None => "penstock".parse().map_err(|error| EffectError::Other(format!("{error}")))?,
            };
            if let Err(error) = crate::orders::pushed(parts, &project.name, &who, &reference, &commit).await {
                tracing::warn!(%reference, %error, "a push that was found starts no run");
            }
        }
        crate::merge_requests::kept(parts, &project.name, None).await?;
    }
    Ok(())
}
