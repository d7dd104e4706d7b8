//! Pipelines that start at their time.

use penstock_model::ids::Actor;
use penstock_model::{ProjectName, RunId};
use penstock_pipeline::Trigger;

use super::EffectError;
use crate::events::{PipelineOrder, ProjectEvent};
use crate::parts::Parts;
use crate::streams;

/// Whoever starts what nobody does.
pub(crate) const NOBODY: &str = "penstock";

/// Starts the pipeline whose time has come, once: times that went by while no server ran are one.
pub(super) async fn fire(parts: &Parts, project: &ProjectName, name: &str) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.projects.get(project).and_then(|project| project.timetable.get(name)) else { return Ok(()) };
    let time = &record.time;
    let Some(commit) = parts.git.resolve(&project.clone().into(), &time.reference).await? else {
        return Err(EffectError::Other(format!("the schedule `{name}` of {project} starts nothing: there is no {}", time.reference)));
    };
    let order = PipelineOrder {
        trigger: Trigger::Schedule { cron: time.cron.clone(), description: name.to_owned() },
        variables: time.variables.clone(),
        time: Some(name.to_owned()),
    };
    let now = parts.journal.now();
    let run = RunId::from_parts(u64::try_from(now.0).unwrap_or(0), parts.random.bits());
    let pusher = NOBODY.parse().map_err(|error| EffectError::Other(format!("{error}")))?;
    let event = ProjectEvent::Ordered { reference: time.reference.clone(), commit, pusher, run, order };
    parts
        .journal
        .change(&streams::project(project), Actor::Penstock, |world, _| {
            let known = world.projects.get(project).and_then(|project| project.timetable.get(name));
            if known == Some(record) { vec![event] } else { Vec::new() }
        })
        .await?;
    Ok(())
}
