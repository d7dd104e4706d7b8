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
    for project in world.projects.values() {
        config_repository::read(parts, &project.name).await?;
        let repository = project.name.clone().into();
        for (reference, commit) in parts.git.refs(&repository).await? {
            if project.refs.get(&reference) == Some(&commit) {
                continue;
            }
            // who pushed is known only to the hook that was killed: the log says that it was found, not by whom
            let finder = "penstock".parse().map_err(|error| EffectError::Other(format!("{error}")))?;
            if let Err(error) = crate::orders::pushed(parts, &project.name, &finder, &reference, &commit).await {
                tracing::warn!(%reference, %error, "a push that was found at start starts no run");
            }
        }
    }
    Ok(lost)
}
