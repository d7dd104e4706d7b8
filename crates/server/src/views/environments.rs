//! Environments.

use penstock_api::{EnvironmentSummary, EnvironmentView, Figure, ObjectView, ReleaseInList, RolloutView};
use penstock_delivery::keeper::EnvironmentSeen;
use penstock_delivery::{ProjectRecord, RolloutRecord, World};
use penstock_gate::Environment;
use penstock_gitops::app::Phase;
use penstock_gitops::{AppState, HealthStatus};
use penstock_model::{EnvironmentName, ProjectName};
use penstock_rollout::{Canary, Phase as CanaryPhase};

use super::releases::{step_word, trouble};
use super::runs::first_line;
use crate::App;

/// How many releases a view lists.
const RELEASES: usize = 30;

/// All environments of a project, in order.
pub fn environment_summaries(app: &App, project: &ProjectRecord) -> Vec<EnvironmentSummary> {
    let environments =
        project.config.as_ref().and_then(|seen| seen.config.clone()).map(|config| config.environments.clone()).unwrap_or_default();
    environments.iter().map(|environment| summary(app, &project.name, environment)).collect()
}

fn summary(app: &App, project: &ProjectName, environment: &Environment) -> EnvironmentSummary {
    let world = app.parts.journal.world();
    let seen = app.keeper.seen(project, &environment.name);
    let current = world.current(project, &environment.name);
    let state = world.apps.get(&(project.clone(), environment.name.clone()));
    EnvironmentSummary {
        name: environment.name.clone(),
        after: environment.after.clone(),
        release: current.as_ref().map(|record| record.id),
        commit: current.map(|record| record.release.commit.clone()),
        health: seen.health.as_ref().map_or("unknown", |health| health_word(health.status)).to_owned(),
        sync: state.map_or("nothing yet", |state| sync_word(state)).to_owned(),
        url: seen.url,
    }
}

fn health_word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Paused => "paused",
        HealthStatus::Progressing => "progressing",
        HealthStatus::Missing => "missing",
        HealthStatus::Degraded => "degraded",
    }
}

fn sync_word(state: &AppState) -> &'static str {
    match (&state.phase, &state.synced) {
        (Phase::Failed { .. }, _) => "failed",
        (Phase::Syncing { .. }, _) => "progressing",
        (Phase::Idle, Some(_)) if state.drifted.is_some() => "behind",
        (Phase::Idle, Some(_)) => "in step",
        (Phase::Idle, None) => "nothing yet",
    }
}

/// One environment whole.
pub async fn environment(app: &App, project: &ProjectName, name: &EnvironmentName) -> Option<EnvironmentView> {
    let world = app.parts.journal.world();
    let environment = world.environment(project, name)?;
    let seen = app.keeper.seen(project, name);
    let pods = app.keeper.pods(&app.parts, project, name).await;
    let state = world.apps.get(&(project.clone(), name.clone()));
    let failed = state.and_then(|state| match &state.phase {
        Phase::Failed { why, .. } => Some(why.clone()),
        _ => None,
    });
    Some(EnvironmentView {
        summary: summary(app, project, &environment),
        project: project.clone(),
        application: seen.application.clone(),
        namespace: seen.namespace.clone(),
        synced: state.and_then(|state| state.synced.as_ref()).map(|synced| synced.commit.clone()),
        sync_error: seen.trouble.clone().or(failed).or_else(|| waiting(app, &world, project, &environment)),
        pods,
        objects: seen
            .objects
            .iter()
            .map(|object| ObjectView {
                kind: object.key.kind.clone(),
                name: object.key.name.clone(),
                health: health_word(object.health.status).to_owned(),
                message: object.health.message.clone(),
            })
            .collect(),
        rollouts: rollouts(&world, project, name, &seen),
        releases: releases(&world, project, &environment),
        glass: super::glass_of(&world, project, name, app.parts.journal.now()),
        differences: seen.differences,
    })
}

/// What keeps a release from coming here.
fn waiting(app: &App, world: &World, project: &ProjectName, environment: &Environment) -> Option<String> {
    world.releases_of(project).take(RELEASES).find_map(|record| trouble(app, record, environment))
}

fn releases(world: &World, project: &ProjectName, environment: &Environment) -> Vec<ReleaseInList> {
    world
        .releases_of(project)
        .take(RELEASES)
        .map(|record| {
            let plan = world.runs.get(&record.run).and_then(|run| run.run.as_ref()).and_then(|run| run.plan());
            ReleaseInList {
                id: record.id,
                commit: record.release.commit.clone(),
                title: plan.map(|plan| first_line(&plan.event.message)).unwrap_or_default(),
                step: step_word(world.step(record, environment)),
                created: record.created,
            }
        })
        .collect()
}

/// The last canary of each Rollout, the newest first.
fn rollouts(world: &World, project: &ProjectName, environment: &EnvironmentName, seen: &EnvironmentSeen) -> Vec<RolloutView> {
    let mine = world.rollouts.values().filter(|record| record.id.project == *project && record.id.environment == *environment);
    let mut views: Vec<_> = mine.filter_map(|record| Some(rollout(record, record.state.canary.as_ref()?, seen))).collect();
    views.sort_by_key(|view| (view.phase == "promoted", std::cmp::Reverse(view.began)));
    views
}

fn rollout(record: &RolloutRecord, canary: &Canary, seen: &EnvironmentSeen) -> RolloutView {
    let live = seen.rollouts.iter().find(|seen| seen.key.name == record.id.name && seen.wanted == canary.template);
    let steps: Vec<u32> = canary.plan.steps.iter().map(|step| step.weight).chain([100]).collect();
    let (phase, at, message) = words(canary);
    let weight = match canary.phase {
        CanaryPhase::Promoted { .. } => 100,
        CanaryPhase::Aborted { .. } => 0,
        _ => live.map_or(0, |seen| seen.weight),
    };
    let figures = seen.figures.get(&(record.id.name.clone(), canary.template.clone()));
    RolloutView {
        name: record.id.name.clone(),
        template: canary.template.clone(),
        phase: phase.to_owned(),
        weight,
        step: at.unwrap_or(steps.len() - 1),
        steps,
        message,
        began: canary.began,
        last: record.canaries.last().map_or(canary.began, |span| span.last),
        figures: figures.into_iter().flatten().map(figure).collect(),
    }
}

fn words(canary: &Canary) -> (&'static str, Option<usize>, String) {
    let verdict = canary.last.as_ref().map(|last| last.why.join("; ")).unwrap_or_default();
    let phase = if canary.paused.is_some() { "paused" } else { "progressing" };
    match &canary.phase {
        CanaryPhase::Setting { index, .. } => (phase, Some(*index), "its weight is being put in force".to_owned()),
        CanaryPhase::Baking { index, .. } => {
            (phase, Some(*index), if verdict.is_empty() { "baking".to_owned() } else { format!("baking; last verdict: {verdict}") })
        }
        CanaryPhase::Finishing { .. } => (phase, None, "all its steps are done".to_owned()),
        CanaryPhase::Promoted { .. } => ("promoted", None, "it takes all the traffic".to_owned()),
        CanaryPhase::Aborted { why, .. } => ("aborted", None, why.clone()),
        CanaryPhase::Superseded { .. } => ("superseded", None, "another version was wanted".to_owned()),
    }
}

fn figure(seen: &penstock_delivery::keeper::FigureSeen) -> Figure {
    Figure {
        at: seen.at,
        weight: seen.weight,
        requests: seen.requests,
        errors: seen.errors,
        error_rate: seen.error_rate,
        p95_ms: seen.p95_ms,
        stable_error_rate: seen.stable_error_rate,
        stable_p95_ms: seen.stable_p95_ms,
    }
}
