//! The event's envelope. Features own their event types; the log knows only this.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Digest, Timestamp, ids::Actor};

/// A stream of events: `run/01J…`, `release/sha256:…`, `project/oran`. One writer decides on a stream at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(String);

/// Text that is not a stream's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stream: a kind, `/` and a name of printable ASCII, at most 200 bytes, are expected")]
pub struct InvalidStream(String);

impl StreamId {
    /// The stream's name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// What comes before the first `/`.
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(kind, _)| kind)
    }
    /// What comes after the first `/`.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl FromStr for StreamId {
    type Err = InvalidStream;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() <= 200
            && text.bytes().all(|b| b.is_ascii_graphic())
            && text.split_once('/').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty());
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidStream(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for StreamId {
    type Error = InvalidStream;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<StreamId> for String {
    fn from(stream: StreamId) -> Self {
        stream.0
    }
}
impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many events a stream has; the next event gets this number. Zero is an absent stream.
pub type Version = u64;

/// An event's place in the whole log, from 1 upwards, without gaps.
pub type Position = u64;

/// An event's type, with the version of its form. Old versions are read for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventType {
    /// For example `run.job_finished`.
    pub name: String,
    /// From 1 upwards.
    pub version: u16,
}

/// Events that a feature owns: each knows its type and goes to JSON and back.
pub trait DomainEvent: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The event's type name and version.
    fn event_type(&self) -> EventType;
}

/// An event about to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its type.
    pub kind: EventType,
    /// Who caused it.
    pub actor: Actor,
    /// When, by the clock that was handed in.
    pub at: Timestamp,
    /// Its content; never a secret, never a log line.
    pub data: Value,
}

impl NewEvent {
    /// Wraps a feature's event.
    ///
    /// # Errors
    /// When the event cannot be JSON.
    pub fn of<E: DomainEvent>(event: &E, actor: Actor, at: Timestamp) -> Result<Self, serde_json::Error> {
        Ok(Self { kind: event.event_type(), actor, at, data: serde_json::to_value(event)? })
    }
}

/// An event as the log keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its place in the whole log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its number within the stream, from 0.
    pub version: Version,
    /// Its type.
    pub kind: EventType,
    /// Who caused it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Its content.
    pub data: Value,
    /// The hash of the stream's event before this one; `None` for the first.
    pub previous: Option<Digest>,
    /// SHA-256 over the canonical JSON of every field but `position` and this one.
    pub hash: Digest,
}

impl Recorded {
    /// Reads the content as a feature's event.
    ///
    /// # Errors
    /// When the content has another form.
    pub fn decode<E: DomainEvent>(&self) -> Result<E, serde_json::Error> {
        serde_json::from_value(self.data.clone())
    }

    /// What `hash` must be.
    ///
    /// # Errors
    /// When the content cannot be JSON.
    pub fn expected_hash(&self) -> Result<Digest, serde_json::Error> {
        crate::canonical::canonical_digest(&serde_json::json!({
            "stream": self.stream, "version": self.version, "kind": self.kind, "actor": self.actor,
            "at": self.at, "data": self.data, "previous": self.previous,
        }))
    }
}
