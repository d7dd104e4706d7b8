//! What the audit trail says of a collection.

use penstock_model::event::{DomainEvent, EventType};
use serde::{Deserialize, Serialize};

/// What happens when a person has what nothing needs removed, on `collection/all`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum CollectionEvent {
    /// Somebody ordered it. Written before anything goes.
    Ordered {
        /// What was younger than so many days stayed.
        days: u32,
    },
    /// What went.
    Collected {
        /// How many things.
        things: u64,
        /// Their bytes.
        bytes: u64,
        /// Why it stopped before its end, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
}

impl DomainEvent for CollectionEvent {
    fn event_type(&self) -> EventType {
        let name = match self {
            Self::Ordered { .. } => "collection.ordered",
            Self::Collected { .. } => "collection.collected",
        };
        EventType { name: name.to_owned(), version: 1 }
    }
}
