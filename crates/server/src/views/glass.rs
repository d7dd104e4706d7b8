//! Gates that people opened, or want to.

use penstock_api::{GlassInList, GlassView};
use penstock_delivery::events::GlassAsk;
use penstock_delivery::glass::Glass;
use penstock_delivery::{ReleaseRecord, World};
use penstock_model::{EnvironmentName, ProjectName, Timestamp};

/// A wish that waits for a second person.
pub fn asked(environment: &EnvironmentName, ask: &GlassAsk) -> GlassView {
    GlassView {
        environment: environment.clone(),
        state: "asked".to_owned(),
        people: vec![ask.by.clone()],
        reason: ask.reason.clone(),
        until: ask.lapses,
        lasts_seconds: ask.lasts_ms / 1000,
        envelope: None,
    }
}

/// A gate that two people opened.
pub fn opened(glass: &Glass, now: Timestamp) -> GlassView {
    GlassView {
        environment: glass.said.environment.clone(),
        state: if glass.said.expires > now { "open" } else { "expired" }.to_owned(),
        people: glass.said.people.to_vec(),
        reason: glass.said.reason.clone(),
        until: glass.said.expires,
        lasts_seconds: glass.said.expires.since(glass.at).as_secs(),
        envelope: Some(glass.envelope),
    }
}

/// All of a release in an environment, the newest first. A wish that was confirmed is shown as what came of it.
pub fn glass(world: &World, record: &ReleaseRecord, environment: &EnvironmentName, now: Timestamp) -> Vec<GlassView> {
    let wish = world.glass_asked(record, environment, now).map(|ask| asked(environment, ask));
    let broken = world.glasses(record).into_iter().rev().filter(|glass| glass.said.environment == *environment);
    wish.into_iter().chain(broken.map(|glass| opened(&glass, now))).collect()
}

/// What an environment's page shows: wishes and open gates, and the glass by which what runs came in.
pub fn glass_of(world: &World, project: &ProjectName, environment: &EnvironmentName, now: Timestamp) -> Vec<GlassInList> {
    let current = world.current(project, environment).filter(|record| came_in_by_glass(record, environment)).map(|record| record.id);
    world
        .releases_of(project)
        .flat_map(|record| glass(world, record, environment, now).into_iter().map(|glass| GlassInList { release: record.id, glass }))
        .filter(|listed| matches!(listed.glass.state.as_str(), "asked" | "open") || Some(listed.release) == current)
        .collect()
}

fn came_in_by_glass(record: &ReleaseRecord, environment: &EnvironmentName) -> bool {
    let gate = record.environments.get(environment).and_then(|state| state.gate.as_ref());
    gate.is_some_and(|answer| answer.decision.broken_glass.is_some())
}
