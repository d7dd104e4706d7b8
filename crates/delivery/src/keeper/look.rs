//! One look at an environment: what the commit says, what lives, the difference carried out, canaries, health, and what
//! follows from it for the release.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_gate::Environment;
use penstock_gitops::{AppEvent, AppState, Application, Command, Health, HealthStatus, Look, Manifest, Step};
use penstock_model::ids::Actor;
use penstock_model::release::Revision;
use penstock_model::target::{ApplicationScope, LiveObject, ObjectKey, RolloutSeen};
use penstock_model::{CommitId, RepositoryName};
use serde_json::Value;

use super::rollouts::{self, Looked};
use super::seen::ObjectSeen;
use super::{Keeper, Place};
use crate::config_repository::{all, environment_files};
use crate::effects::EffectError;
use crate::events::ReleaseEvent;
use crate::parts::Parts;
use crate::streams;
use crate::world::World;

/// How soon a canary or an object on its way is looked at again, if nothing wakes the loop.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// How often one look may decide and carry out, so that waves follow each other without a pause.
const ROUNDS: usize = 16;

/// What a commit says, read once.
#[derive(Default)]
pub(super) struct Cache(Option<Wanted>);

struct Wanted {
    commit: CommitId,
    application: Application,
    manifests: Vec<Manifest>,
    revision: Revision,
    differences: Vec<String>,
}

/// Looks once; gives when to look again at the latest.
pub(super) async fn look(parts: &Parts, keeper: &Keeper, place: &Place, cache: &mut Cache) -> Result<Option<Duration>, EffectError> {
    let world = parts.journal.world();
    let Some(environment) = world.environment(&place.0, &place.1) else { return Ok(None) };
    let Some(project) = world.projects.get(&place.0) else { return Ok(None) };
    let Some(config) = &project.config else { return Ok(None) };
    let ever =
        world.releases_of(&place.0).any(|record| record.environments.get(&place.1).is_some_and(|state| state.committed_at.is_some()));
    if !ever {
        return Ok(None);
    }
    let wanted = read(parts, &world, place, cache, &project.config_repository, &config.commit, &environment).await?;
    let scope = ApplicationScope {
        application: wanted.application.name.clone(),
        project: Some(place.0.clone()),
        environment: place.1.clone(),
        namespace: wanted.application.namespace.clone(),
    };
    let (seen, state) = sync(parts, place, wanted, &scope).await?;
    let rollouts = parts.target.rollouts(&scope.application).await?;
    let looked = canaries(parts, place, wanted, &rollouts).await?;
    let url = parts.target.url(&scope.application).await?;
    show(parts, keeper, place, wanted, url, &seen, &rollouts);
    conclude(parts, place, wanted.revision, seen.is_settled(&state), &looked).await?;
    let now = parts.journal.now();
    let due = penstock_gitops::next_look(&state).map(|at| at.since(now)).filter(|_| !seen.is_settled(&state));
    Ok(again(&seen, due, &looked))
}

async fn read<'a>(
    parts: &Parts,
    world: &World,
    place: &Place,
    cache: &'a mut Cache,
    repository: &RepositoryName,
    commit: &CommitId,
    environment: &Environment,
) -> Result<&'a Wanted, EffectError> {
    let fresh = cache.0.as_ref().is_some_and(|wanted| wanted.commit == *commit);
    if !fresh {
        let (application, manifests) = environment_files(parts, repository, commit, environment).await?.manifests().await?;
        let revision = penstock_gitops::revision(&manifests);
        let before = environment.after.as_ref().and_then(|name| world.environment(&place.0, name));
        let differences = match before {
            Some(before) => {
                let (_, before) = environment_files(parts, repository, commit, &before).await?.manifests().await?;
                differences(&before, &manifests)
            }
            None => Vec::new(),
        };
        cache.0 = Some(Wanted { commit: commit.clone(), application, manifests, revision, differences });
    }
    cache.0.as_ref().ok_or_else(|| EffectError::Other("the environment cannot be read".to_owned()))
}

fn differences(before: &[Manifest], after: &[Manifest]) -> Vec<String> {
    let shown = |side: Option<String>| side.unwrap_or_else(|| "nothing".to_owned());
    penstock_gitops::compare_environments(before, after)
        .into_iter()
        .map(|found| format!("{} {}: {} \u{2192} {}", found.object, found.path, shown(found.left), shown(found.right)))
        .collect()
}

/// Decides and carries out until nothing is due. Gives what was seen last, and the state.
async fn sync(parts: &Parts, place: &Place, wanted: &Wanted, scope: &ApplicationScope) -> Result<(Look, AppState), EffectError> {
    let epoch = parts.journal.epoch().number;
    refuse(parts, place, wanted).await?;
    let mut rounds = 0;
    loop {
        rounds += 1;
        let live = parts.target.live(&scope.application).await?;
        let seen = look_at(wanted, &live)?;
        let state = decide(parts, place, Command::Look(Box::new(seen.clone()))).await?;
        let steps = penstock_gitops::wanted(&state, &seen.plan, &seen.parts);
        if steps.is_empty() || rounds > ROUNDS {
            return Ok((seen, state));
        }
        for step in steps {
            let result = match &step {
                Step::Apply { manifest, .. } => parts.target.apply(scope, manifest, epoch).await,
                Step::Delete { key } => parts.target.delete(scope, key, epoch).await,
            };
            if let Err(error) = result {
                let command = Command::StepFailed { revision: wanted.revision, key: step.key().clone(), why: error.to_string() };
                let state = decide(parts, place, command).await?;
                return Ok((seen, state));
            }
        }
    }
}

/// What was taken back is never applied again, by self-heal neither.
async fn refuse(parts: &Parts, place: &Place, wanted: &Wanted) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(why) = world.refused(&place.0, &place.1, &wanted.revision) else { return Ok(()) };
    if world.apps.get(place).is_some_and(|app| app.refused.contains_key(&wanted.revision)) {
        return Ok(());
    }
    let command = Command::Refuse { revision: wanted.revision, why, by: Actor::Penstock };
    decide(parts, place, command).await.map(drop)
}

fn look_at(wanted: &Wanted, live: &[LiveObject]) -> Result<Look, EffectError> {
    let plan = penstock_gitops::plan(&wanted.application, &wanted.manifests, wanted.revision, live).map_err(|errors| all(&errors))?;
    let parts: BTreeMap<ObjectKey, Health> = live.iter().map(|object| (object.key.clone(), penstock_gitops::health(object))).collect();
    let missing = Health::missing();
    let wanted_parts = wanted.manifests.iter().map(|manifest| (&manifest.key, parts.get(&manifest.key).unwrap_or(&missing)));
    let health = penstock_gitops::health::overall(wanted_parts);
    Ok(Look { application: wanted.application.clone(), commit: wanted.commit.clone(), plan, parts, health })
}

async fn decide(parts: &Parts, place: &Place, command: Command) -> Result<AppState, EffectError> {
    let stream = streams::app(&place.0, &place.1);
    parts
        .journal
        .change(&stream, Actor::Penstock, |world, now| -> Vec<AppEvent> {
            let state = world.apps.get(place).map(|state| (**state).clone()).unwrap_or_default();
            // only a person's word can be refused
            penstock_gitops::decide(&state, command, now).unwrap_or_default()
        })
        .await?;
    Ok(parts.journal.world().apps.get(place).map(|state| (**state).clone()).unwrap_or_default())
}

async fn canaries(parts: &Parts, place: &Place, wanted: &Wanted, seen: &[RolloutSeen]) -> Result<Vec<Looked>, EffectError> {
    let mut looked = Vec::new();
    for seen in seen {
        let Some(manifest) = wanted.manifests.iter().find(|manifest| manifest.key == seen.key) else { continue };
        let templates: BTreeMap<String, Value> = wanted
            .manifests
            .iter()
            .filter(|other| other.key.kind == "AnalysisTemplate" && other.key.namespace == seen.key.namespace)
            .map(|other| (other.key.name.clone(), other.value.clone()))
            .collect();
        let plan = penstock_rollout::parse_plan(&manifest.value, &templates).map_err(|error| EffectError::Other(error.to_string()))?;
        looked.push(rollouts::look(parts, place, seen, &plan).await?);
    }
    Ok(looked)
}

fn show(parts: &Parts, keeper: &Keeper, place: &Place, wanted: &Wanted, url: Option<String>, look: &Look, rollouts: &[RolloutSeen]) {
    let now = parts.journal.now();
    let objects: Vec<ObjectSeen> = wanted
        .manifests
        .iter()
        .map(|manifest| ObjectSeen {
            key: manifest.key.clone(),
            health: look.parts.get(&manifest.key).cloned().unwrap_or_else(Health::missing),
        })
        .collect();
    keeper.update(place, |seen| {
        let mut changed = seen.objects != objects || seen.rollouts != rollouts || seen.trouble.is_some() || seen.url != url;
        seen.application.clone_from(&wanted.application.name);
        seen.namespace.clone_from(&wanted.application.namespace);
        seen.url = url;
        seen.health = Some(look.health.clone());
        seen.objects = objects;
        seen.trouble = None;
        seen.differences.clone_from(&wanted.differences);
        for rollout in rollouts {
            let busy = rollout.stable.as_ref().is_some_and(|stable| *stable != rollout.wanted);
            if busy {
                seen.measure(rollout, now);
                changed = true;
            }
        }
        seen.rollouts = rollouts.to_vec();
        changed
    });
}

/// What follows for the release: it runs, or it must not.
async fn conclude(parts: &Parts, place: &Place, revision: Revision, settled: bool, looked: &[Looked]) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.current(&place.0, &place.1) else { return Ok(()) };
    let Some(state) = record.environments.get(&place.1) else { return Ok(()) };
    if state.refused.is_some() || state.revision != Some(revision) {
        return Ok(());
    }
    let event = if let Some(why) = looked.iter().find_map(|looked| looked.refused.clone()) {
        ReleaseEvent::Refused { environment: place.1.clone(), revision, why }
    } else if settled && state.delivered_at.is_none() && looked.iter().all(|looked| looked.settled) {
        ReleaseEvent::Delivered { environment: place.1.clone(), revision }
    } else {
        return Ok(());
    };
    parts.journal.record(&streams::release(record.id), Actor::Penstock, event).await?;
    Ok(())
}

fn again(seen: &Look, due: Option<Duration>, looked: &[Looked]) -> Option<Duration> {
    let canary = looked.iter().filter_map(|looked| looked.again).min();
    let moving = seen.health.status != HealthStatus::Healthy || looked.iter().any(|looked| !looked.settled);
    let soon = canary.or_else(|| moving.then_some(ON_ITS_WAY)).map(|again| again.clamp(Duration::from_millis(20), ON_ITS_WAY));
    soon.into_iter().chain(due).min()
}
