//! What happened to an Application, as its stream has it.

use penstock_model::event::{DomainEvent, EventType, InvalidStream, StreamId};
use penstock_model::ids::Actor;
use penstock_model::release::Revision;
use penstock_model::target::ObjectKey;
use penstock_model::{CommitId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::health::Health;

/// The stream of an Application.
pub fn stream(application: &str) -> Result<StreamId, InvalidStream> {
    format!("app/{application}").parse()
}

/// Why a sync began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reason {
    /// Git wants another revision.
    NewRevision,
    /// The target no longer is what Git wants.
    SelfHeal {
        /// What differs.
        objects: Vec<ObjectKey>,
    },
    /// The last try failed.
    Retry,
    /// A person asked.
    Asked {
        /// Who.
        by: Actor,
    },
}

/// An event of the stream `app/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AppEvent {
    /// From now on the target is made what Git wants.
    SyncStarted {
        /// The config commit.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// Why.
        reason: Reason,
        /// From 1.
        attempt: u32,
        /// When.
        at: Timestamp,
    },
    /// The target is what Git wants.
    Synced {
        /// The config commit.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// When.
        at: Timestamp,
    },
    /// It could not be made so.
    SyncFailed {
        /// The config commit.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// Why.
        why: String,
        /// From 1.
        attempt: u32,
        /// When.
        at: Timestamp,
    },
    /// Git and target differ, and nothing is done about it by itself.
    Drifted {
        /// The config commit.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// What differs.
        objects: Vec<ObjectKey>,
        /// When.
        at: Timestamp,
    },
    /// All of it together is better or worse.
    HealthChanged {
        /// How it is now.
        health: Health,
        /// When.
        at: Timestamp,
    },
    /// A revision will not be applied any more, until its content changes.
    Refused {
        /// Which.
        revision: Revision,
        /// Why.
        why: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A commit wants a refused revision: nothing is done.
    Withheld {
        /// The config commit.
        commit: CommitId,
        /// Its revision.
        revision: Revision,
        /// Why it was refused.
        why: String,
        /// When.
        at: Timestamp,
    },
}

impl DomainEvent for AppEvent {
    fn event_type(&self) -> EventType {
        let name = match self {
            Self::SyncStarted { .. } => "app.sync_started",
            Self::Synced { .. } => "app.synced",
            Self::SyncFailed { .. } => "app.sync_failed",
            Self::Drifted { .. } => "app.drifted",
            Self::HealthChanged { .. } => "app.health_changed",
            Self::Refused { .. } => "app.refused",
            Self::Withheld { .. } => "app.withheld",
        };
        EventType { name: name.to_owned(), version: 1 }
    }
}
