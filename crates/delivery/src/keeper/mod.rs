//! Keeps environments in step: what lives is what the config repository says, canaries go by their steps, what drifted
//! is put right. One loop an environment; each look does the next thing, so that a crash costs nothing.

mod look;
mod rollouts;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use penstock_model::ids::Actor;
use penstock_model::target::PodSeen;
use penstock_model::{EnvironmentName, ProjectName, UserName};
use penstock_rollout::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::orders::OrderError;
use crate::parts::Parts;

pub use seen::{EnvironmentSeen, FigureSeen, ObjectSeen};

/// When nothing happens, an environment is looked at this often: somebody may have changed what lives behind our back.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// After a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(3);

type Place = (ProjectName, EnvironmentName);

/// What was seen last, and the loops' switchboard.
pub struct Keeper {
    seen: Mutex<BTreeMap<Place, EnvironmentSeen>>,
    changed: watch::Sender<u64>,
}

impl Default for Keeper {
    fn default() -> Self {
        Self { seen: Mutex::new(BTreeMap::new()), changed: watch::Sender::new(0) }
    }
}

impl Keeper {
    /// Wakes when something that is seen changed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What was seen last in an environment.
    pub fn seen(&self, project: &ProjectName, environment: &EnvironmentName) -> EnvironmentSeen {
        let place = (project.clone(), environment.clone());
        self.seen.lock().ok().and_then(|seen| seen.get(&place).cloned()).unwrap_or_default()
    }

    fn update(&self, place: &Place, change: impl FnOnce(&mut EnvironmentSeen) -> bool) {
        let changed = self.seen.lock().is_ok_and(|mut seen| change(seen.entry(place.clone()).or_default()));
        if changed {
            self.changed.send_modify(|number| *number += 1);
        }
    }

    /// An environment's pods.
    pub async fn pods(&self, parts: &Parts, project: &ProjectName, environment: &EnvironmentName) -> Vec<PodSeen> {
        let application = self.seen(project, environment).application;
        if application.is_empty() {
            return Vec::new();
        }
        parts.target.pods(&application).await.unwrap_or_default()
    }

    /// A person's word on the canaries of an environment: `pause`, `resume`, `promote` or `abort`.
    ///
    /// # Errors
    /// When nothing is under way, or the word makes no sense now.
    pub async fn order(
        &self,
        parts: &Parts,
        by: &UserName,
        project: &ProjectName,
        environment: &EnvironmentName,
        word: &str,
    ) -> Result<(), OrderError> {
        let actor = Actor::User(by.clone());
        let command = match word {
            "pause" => Command::Pause { by: actor.clone() },
            "resume" => Command::Resume { by: actor.clone() },
            "promote" => Command::Promote { by: actor.clone() },
            "abort" => Command::Abort { by: actor.clone(), why: format!("aborted by {by}") },
            other => {
                return Err(OrderError::Refused {
                    why: format!("`{other}` is no order"),
                    hint: "pause, resume, promote or abort".to_owned(),
                });
            }
        };
        let world = parts.journal.world();
        let active: Vec<_> = world
            .rollouts
            .values()
            .filter(|record| record.id.project == *project && record.id.environment == *environment && record.state.active().is_some())
            .map(|record| record.id.clone())
            .collect();
        if active.is_empty() {
            return Err(OrderError::Refused {
                why: "no canary is under way".to_owned(),
                hint: "`penstock rollout` shows the last ones".to_owned(),
            });
        }
        for id in active {
            rollouts::say(parts, &id, &actor, command.clone()).await?;
        }
        Ok(())
    }
}

/// Runs the loops until `stop`.
pub async fn keep(parts: Arc<Parts>, keeper: Arc<Keeper>, stop: CancellationToken) {
    let mut changes = parts.journal.watch();
    let mut loops: BTreeSet<Place> = BTreeSet::new();
    let mut tasks = JoinSet::new();
    loop {
        let world = changes.borrow_and_update().clone();
        for project in world.projects.keys() {
            let environments = world.config(project).map(|config| config.environments.clone()).unwrap_or_default();
            for environment in environments {
                let place = (project.clone(), environment.name.clone());
                if loops.insert(place.clone()) {
                    tasks.spawn(keep_one(parts.clone(), keeper.clone(), place, stop.clone()));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn keep_one(parts: Arc<Parts>, keeper: Arc<Keeper>, place: Place, stop: CancellationToken) {
    let mut world = parts.journal.watch();
    let mut target = parts.target.changed();
    let mut cache = look::Cache::default();
    loop {
        world.mark_unchanged();
        target.mark_unchanged();
        let pause = match look::look(&parts, &keeper, &place, &mut cache).await {
            Ok(again) => again.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN),
            Err(error) => {
                let text = crate::chain(&error);
                tracing::warn!(project = %place.0, environment = %place.1, error = %text, "an environment cannot be kept in step");
                keeper.update(&place, |seen| seen.trouble.replace(text.clone()) != Some(text));
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            changed = world.changed() => if changed.is_err() { return },
            changed = target.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}
