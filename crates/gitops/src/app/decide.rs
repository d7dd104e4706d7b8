//! What is decided when Git and target were looked at or a person spoke, and what is to be carried out then.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::ids::Actor;
use penstock_model::release::Revision;
use penstock_model::target::ObjectKey;
use penstock_model::{CommitId, Timestamp};

use super::event::{AppEvent, Reason};
use super::state::{AppState, Phase};
use crate::application::Application;
use crate::health::{Health, HealthStatus};
use crate::plan::{Next, Plan, Step, next};

/// A sync that failed is tried again this often, then not until the revision changes or a person asks.
pub const MAX_ATTEMPTS: u32 = 5;
/// After the first failure; doubled with each.
pub const RETRY_FIRST: Duration = Duration::from_secs(5);
/// The longest pause between two tries.
pub const RETRY_MOST: Duration = Duration::from_secs(180);
/// Two who undo each other do so no faster.
pub const HEAL_PAUSE: Duration = Duration::from_secs(5);
/// A sync whose waves are not done by then has failed; a wave may hold a canary with long pauses.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// What was seen of Git and the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The Application as Git has it.
    pub application: Application,
    /// The branch's commit.
    pub commit: CommitId,
    /// The plan against what lives.
    pub plan: Plan,
    /// Each live object's health.
    pub parts: BTreeMap<ObjectKey, Health>,
    /// All of it together.
    pub health: Health,
}

impl Look {
    /// Whether Git and target agree and all of it is well: checks may run, the next environment may be asked.
    pub fn is_settled(&self, state: &AppState) -> bool {
        state.phase == Phase::Idle
            && state.synced.as_ref().is_some_and(|synced| synced.revision == self.plan.revision)
            && self.plan.drift().is_empty()
            && self.health.status == HealthStatus::Healthy
    }
}

/// What is to be decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Git and target were looked at.
    Look(Box<Look>),
    /// The target refused or failed a step.
    StepFailed {
        /// The revision of the plan that the step came from.
        revision: Revision,
        /// Which object.
        key: ObjectKey,
        /// Why.
        why: String,
    },
    /// A person asks for a sync of what Git has.
    Sync {
        /// The commit that they saw.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// Who.
        by: Actor,
    },
    /// A revision shall not be applied any more: its rollout failed, or a person says so.
    Refuse {
        /// Which.
        revision: Revision,
        /// Why.
        why: String,
        /// Who.
        by: Actor,
    },
}

/// Why a person's word has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The revision was refused.
    #[error("revision {revision} was refused ({why}); change it")]
    Refused {
        /// Which.
        revision: Revision,
        /// Why.
        why: String,
    },
    /// It is at it.
    #[error("it is syncing already")]
    Syncing,
}

/// Decides. For `Look`, no events means that nothing changed.
pub fn decide(state: &AppState, command: Command, now: Timestamp) -> Result<Vec<AppEvent>, Refusal> {
    match command {
        Command::Look(seen) => Ok(look(state, &seen, now)),
        Command::StepFailed { revision, key, why } => Ok(match &state.phase {
            Phase::Syncing { commit, revision: current, attempt, .. } if *current == revision => {
                vec![AppEvent::SyncFailed { commit: commit.clone(), revision, why: format!("{key}: {why}"), attempt: *attempt, at: now }]
            }
            _ => Vec::new(), // of a sync that is over
        }),
        Command::Sync { commit, revision, by } => match (&state.phase, state.refused.get(&revision)) {
            (_, Some(why)) => Err(Refusal::Refused { revision, why: why.clone() }),
            (Phase::Syncing { revision: current, .. }, _) if *current == revision => Err(Refusal::Syncing),
            _ => Ok(vec![AppEvent::SyncStarted { commit, revision, reason: Reason::Asked { by }, attempt: 1, at: now }]),
        },
        Command::Refuse { revision, why, by } => Ok(refuse(state, revision, &why, by, now)),
    }
}

fn refuse(state: &AppState, revision: Revision, why: &str, by: Actor, now: Timestamp) -> Vec<AppEvent> {
    if state.refused.contains_key(&revision) {
        return Vec::new(); // said twice is said once
    }
    let mut events = vec![AppEvent::Refused { revision, why: why.to_owned(), by, at: now }];
    events.extend(stop(state, revision, why, now));
    events
}

/// A sync of a refused revision ends.
fn stop(state: &AppState, refused: Revision, why: &str, now: Timestamp) -> Option<AppEvent> {
    match &state.phase {
        Phase::Syncing { commit, revision, attempt, .. } if *revision == refused => {
            let why = format!("the revision was refused: {why}");
            Some(AppEvent::SyncFailed { commit: commit.clone(), revision: refused, why, attempt: *attempt, at: now })
        }
        _ => None,
    }
}

fn look(state: &AppState, seen: &Look, now: Timestamp) -> Vec<AppEvent> {
    let mut events = Vec::new();
    if state.health.as_ref().map(|health| health.status) != Some(seen.health.status) {
        events.push(AppEvent::HealthChanged { health: seen.health.clone(), at: now });
    }
    let (commit, revision) = (seen.commit.clone(), seen.plan.revision);
    if let Some(why) = state.refused.get(&revision) {
        events.extend(stop(state, revision, why, now));
        if state.withheld.as_ref() != Some(&commit) {
            events.push(AppEvent::Withheld { commit, revision, why: why.clone(), at: now });
        }
        return events;
    }
    let start = |reason, attempt| AppEvent::SyncStarted { commit: commit.clone(), revision, reason, attempt, at: now };
    let automated = seen.application.automated;
    match &state.phase {
        Phase::Syncing { revision: current, attempt, .. } if *current != revision => events.push(if automated.is_some() {
            start(Reason::NewRevision, 1)
        } else {
            let why = format!("Git has moved on to {}; ask again", commit.short());
            AppEvent::SyncFailed { commit: commit.clone(), revision: *current, why, attempt: *attempt, at: now }
        }),
        Phase::Syncing { attempt, since, .. } => {
            let failed = |why| AppEvent::SyncFailed { commit: commit.clone(), revision, why, attempt: *attempt, at: now };
            match next(&seen.plan, &seen.parts) {
                Next::Done => events.push(AppEvent::Synced { commit: commit.clone(), revision, at: now }),
                Next::Failed(key, health) => events.push(failed(format!("{key}: {}", health.message))),
                Next::Steps(_) | Next::Wait(_) if now.since(*since) >= SYNC_TIMEOUT => {
                    events.push(failed("it took longer than a day".to_owned()));
                }
                Next::Steps(_) | Next::Wait(_) => {}
            }
        }
        Phase::Failed { revision: failed, attempt, at, .. } if *failed == revision => {
            if automated.is_some() && *attempt < MAX_ATTEMPTS && now >= at.after(pause(*attempt)) {
                events.push(start(Reason::Retry, attempt + 1));
            }
        }
        Phase::Idle | Phase::Failed { .. } => events.extend(at_rest(state, seen, now)),
    }
    events
}

/// Nothing is under way: is anything to be done?
fn at_rest(state: &AppState, seen: &Look, now: Timestamp) -> Option<AppEvent> {
    let (commit, revision) = (seen.commit.clone(), seen.plan.revision);
    let automated = seen.application.automated;
    let drift = seen.plan.drift();
    let synced = state.synced.as_ref().filter(|synced| synced.revision == revision);
    let start = |reason| Some(AppEvent::SyncStarted { commit: commit.clone(), revision, reason, attempt: 1, at: now });
    match synced {
        None if automated.is_some() => return start(Reason::NewRevision),
        Some(synced) if drift.is_empty() => {
            // another commit with the same content, or a difference that went by itself
            let news = synced.commit != commit || state.drifted.is_some();
            return news.then_some(AppEvent::Synced { commit, revision, at: now });
        }
        Some(synced) if automated.is_some_and(|automated| automated.self_heal) => {
            return if now >= synced.at.after(HEAL_PAUSE) { start(Reason::SelfHeal { objects: drift }) } else { None };
        }
        _ => {}
    }
    let told = state.drifted.as_ref().is_some_and(|(at, objects)| *at == commit && *objects == drift);
    if told { None } else { Some(AppEvent::Drifted { commit, revision, objects: drift, at: now }) }
}

fn pause(attempt: u32) -> Duration {
    RETRY_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(RETRY_MOST)
}

/// What is to be carried out now, in this order. A step that fails is reported as `StepFailed`.
pub fn wanted(state: &AppState, plan: &Plan, health: &BTreeMap<ObjectKey, Health>) -> Vec<Step> {
    match &state.phase {
        Phase::Syncing { revision, .. } if *revision == plan.revision && !state.refused.contains_key(revision) => {
            match next(plan, health) {
                Next::Steps(steps) => steps,
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// When to look again at the latest, even if neither Git nor the target changes.
pub fn next_look(state: &AppState) -> Option<Timestamp> {
    match &state.phase {
        Phase::Idle => state.synced.as_ref().map(|synced| synced.at.after(HEAL_PAUSE)),
        Phase::Syncing { since, .. } => Some(since.after(SYNC_TIMEOUT)),
        Phase::Failed { attempt, at, .. } if *attempt < MAX_ATTEMPTS => Some(at.after(pause(*attempt))),
        Phase::Failed { .. } => None,
    }
}
