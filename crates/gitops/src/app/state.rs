//! An Application's state, folded from its events.

use std::collections::BTreeMap;

use penstock_model::release::Revision;
use penstock_model::target::ObjectKey;
use penstock_model::{CommitId, Timestamp};
use serde::{Deserialize, Serialize};

use super::event::AppEvent;
use crate::health::Health;

/// What an Application is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Nothing.
    #[default]
    Idle,
    /// Making the target so.
    Syncing {
        /// The config commit.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// From 1.
        attempt: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It could not be done.
    Failed {
        /// The revision.
        revision: Revision,
        /// Why.
        why: String,
        /// From 1.
        attempt: u32,
        /// When.
        at: Timestamp,
    },
}

/// A revision that the target was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedTo {
    /// The config commit.
    pub commit: CommitId,
    /// Its revision.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
}

/// An Application's state, folded from its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppState {
    /// What it is at.
    pub phase: Phase,
    /// The last revision that the target was.
    pub synced: Option<SyncedTo>,
    /// The health that was written down last.
    pub health: Option<Health>,
    /// The difference that was written down last, since the last sync.
    pub drifted: Option<(CommitId, Vec<ObjectKey>)>,
    /// Revisions that are never applied again, and why.
    pub refused: BTreeMap<Revision, String>,
    /// The last commit of which was said that it wants a refused revision.
    pub withheld: Option<CommitId>,
}

impl AppState {
    /// Folds a stream.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a AppEvent>) -> Self {
        let mut state = Self::default();
        events.into_iter().for_each(|event| state.evolve(event));
        state
    }

    /// Takes an event in.
    pub fn evolve(&mut self, event: &AppEvent) {
        match event.clone() {
            AppEvent::SyncStarted { commit, revision, attempt, at, .. } => {
                self.phase = Phase::Syncing { commit, revision, attempt, since: at }
            }
            AppEvent::Synced { commit, revision, at } => {
                self.phase = Phase::Idle;
                self.drifted = None;
                self.synced = Some(SyncedTo { commit, revision, at });
            }
            AppEvent::SyncFailed { revision, why, attempt, at, .. } => self.phase = Phase::Failed { revision, why, attempt, at },
            AppEvent::Drifted { commit, objects, .. } => self.drifted = Some((commit, objects)),
            AppEvent::HealthChanged { health, .. } => self.health = Some(health),
            AppEvent::Refused { revision, why, .. } => {
                self.refused.insert(revision, why);
            }
            AppEvent::Withheld { commit, .. } => self.withheld = Some(commit),
        }
    }
}
