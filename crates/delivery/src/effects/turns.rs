//! Whose turn it is: jobs that wait for an instant.

use penstock_model::ids::Actor;
use penstock_model::{JobName, RunId};
use penstock_pipeline::{RunCommand, RunEffect, RunEvent};

use super::EffectError;
use crate::parts::Parts;
use crate::streams;

/// A delayed job's turn has come: from now on its time runs.
pub(super) async fn schedule(parts: &Parts, run: &RunId, job: &JobName) -> Result<(), EffectError> {
    let decide = |world: &crate::world::World, now: penstock_model::Timestamp| -> Vec<RunEvent> {
        let Some(state) = world.runs.get(run).and_then(|record| record.run.as_ref()) else { return Vec::new() };
        let delay = state.wanted().into_iter().find_map(|effect| match effect {
            RunEffect::ScheduleJob { job: of, delay } if of == *job => Some(delay),
            _ => None,
        });
        let Some(delay) = delay else { return Vec::new() };
        state.decide(RunCommand::ScheduleJob { job: job.clone(), until: Some(now.after(delay)) }).unwrap_or_default()
    };
    parts.journal.change(&streams::run(run), Actor::Penstock, decide).await?;
    Ok(())
}

/// A delayed job's instant has come.
pub(super) async fn enqueue(parts: &Parts, run: &RunId, job: &JobName) -> Result<(), EffectError> {
    let decide = |world: &crate::world::World, now: penstock_model::Timestamp| -> Vec<RunEvent> {
        let Some(state) = world.runs.get(run).and_then(|record| record.run.as_ref()) else { return Vec::new() };
        // started by hand or cancelled meanwhile: nothing to add
        let due = |effect: &RunEffect| matches!(effect, RunEffect::EnqueueJob { job: of, at } if of == job && *at <= now);
        if !state.wanted().iter().any(due) {
            return Vec::new();
        }
        state.decide(RunCommand::EnqueueJob { job: job.clone() }).unwrap_or_default()
    };
    parts.journal.change(&streams::run(run), Actor::Penstock, decide).await?;
    Ok(())
}
