//! Whose turn it is: jobs that wait for an instant, or until others are not at work.

use penstock_model::ids::Actor;
use penstock_model::{JobName, RunId, Timestamp};
use penstock_pipeline::{RunCommand, RunEffect, RunEvent, TurnStep};

use super::EffectError;
use crate::parts::Parts;
use crate::streams;
use crate::world::World;

/// A delayed job's turn has come: from now on its time runs.
pub(super) async fn schedule(parts: &Parts, run: &RunId, job: &JobName) -> Result<(), EffectError> {
    let decide = |world: &World, now: Timestamp| -> Vec<RunEvent> {
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
    let decide = |world: &World, now: Timestamp| -> Vec<RunEvent> {
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

/// Gives or takes a turn, if that is still so: nothing else is written between the look and the event.
pub(super) async fn turn(parts: &Parts, step: &TurnStep) -> Result<(), EffectError> {
    let run = step.run();
    let decide = |world: &World, _: Timestamp| -> Vec<RunEvent> {
        let Some(record) = world.runs.get(run) else { return Vec::new() };
        let Some(project) = world.projects.get(&record.project) else { return Vec::new() };
        if !crate::turns::due(world, project).contains(step) {
            return Vec::new();
        }
        record.run.as_ref().and_then(|state| state.decide(step.command()).ok()).unwrap_or_default()
    };
    parts.journal.change(&streams::run(run), Actor::Penstock, decide).await?;
    Ok(())
}

/// Cancels what a newer push makes needless.
pub(super) async fn redundant(parts: &Parts, run: &RunId) -> Result<(), EffectError> {
    let decide = |world: &World, now: Timestamp| -> Vec<RunEvent> {
        let Some(record) = world.runs.get(run) else { return Vec::new() };
        let Some(project) = world.projects.get(&record.project) else { return Vec::new() };
        let Some(state) = record.run.as_ref().filter(|_| crate::turns::redundant(world, project, now).contains(run)) else {
            return Vec::new();
        };
        // each is about a job of its own, so that one does not change what another one leads to
        state.cancelled_by_newer().into_iter().filter_map(|command| state.decide(command).ok()).flatten().collect()
    };
    parts.journal.change(&streams::run(run), Actor::Penstock, decide).await?;
    Ok(())
}
