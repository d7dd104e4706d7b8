//! The hash chain of each stream and the running root over all.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::digest::Hasher;
use penstock_model::event::{NewEvent, Position, Recorded, StreamId, Version};
use penstock_model::log::{Checkpoint, CheckpointSigner, LogError};
use serde_json::Value;
use sqlx::SqliteConnection;

use super::fault::{broken, unfit};
use super::{MAX_DATA, MAX_EVENTS, read};

/// How many events are read at once.
const PAGE: usize = 500;

/// Streams whose ends are remembered; with more, all are looked up again.
const MAX_ENDS: usize = 4096;

/// Where the log ends, and the root that the next checkpoint will have.
#[derive(Clone)]
pub(super) struct Tail {
    pub(super) position: Position,
    pub(super) covered: Option<Checkpoint>,
    root: Hasher,
    /// The version that is next in a stream, and the hash before it, for those that grew lately.
    ends: BTreeMap<StreamId, (Version, Digest)>,
}

impl Tail {
    /// A log without events.
    pub(super) fn empty() -> Self {
        Self { position: 0, covered: None, root: Hasher::new(), ends: BTreeMap::new() }
    }

    /// Reads the last checkpoint and what came after it; each of those events must have the hash that its content gives.
    pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Self, LogError> {
        let mut tail = Self::empty();
        if let Some(last) = read::last_checkpoint(connection).await? {
            tail.cover(last);
        }
        loop {
            let events = read::page(connection, tail.position, PAGE).await?;
            if events.is_empty() {
                return Ok(tail);
            }
            for event in &events {
                if event.position != tail.position + 1 {
                    return Err(broken(tail.position + 1, "the event is missing"));
                }
                fits(event)?;
                tail.push(event);
            }
        }
    }

    /// Takes in the next event.
    pub(super) fn push(&mut self, event: &Recorded) {
        self.position = event.position;
        self.root.update(event.hash.as_bytes());
    }

    /// Takes in the next events of one stream, the first of which came after its end.
    pub(super) fn extend(&mut self, stream: &StreamId, events: &[Recorded]) {
        events.iter().for_each(|event| self.push(event));
        if self.ends.len() >= MAX_ENDS {
            self.ends.clear();
        }
        self.ends.extend(events.last().map(|last| (stream.clone(), (last.version + 1, last.hash))));
    }

    /// The version that is next in a stream and the hash before it, if both are known without a look.
    pub(super) fn end(&self, stream: &StreamId) -> Option<(Version, Digest)> {
        self.ends.get(stream).copied()
    }

    /// How many events no checkpoint covers yet.
    pub(super) fn uncovered(&self) -> u64 {
        self.position - self.covered.as_ref().map_or(0, |last| last.position)
    }

    /// The root over everything so far.
    pub(super) fn root(&self) -> Digest {
        self.root.clone().finish()
    }

    /// A new checkpoint over everything so far.
    pub(super) fn sign(&self, signer: &dyn CheckpointSigner) -> Result<Checkpoint, LogError> {
        let root = self.root();
        let signed = signer.sign(&signed_bytes(self.position, root)?);
        let (key_id, signature) = signed.map_err(|why| unfit(format!("a checkpoint cannot be signed: {why}")))?;
        Ok(Checkpoint { position: self.position, root, key_id, signature })
    }

    /// Goes on from a checkpoint.
    pub(super) fn cover(&mut self, checkpoint: Checkpoint) {
        self.root = Hasher::new();
        self.root.update(checkpoint.root.as_bytes());
        self.position = checkpoint.position;
        self.covered = Some(checkpoint);
    }
}

/// What a checkpoint's signature is over.
pub(super) fn signed_bytes(position: Position, root: Digest) -> Result<Vec<u8>, LogError> {
    penstock_model::canonical::canonical_json(&serde_json::json!({ "position": position, "root": root }))
        .map_err(|error| unfit(format!("a checkpoint cannot be written: {error}")))
}

/// Makes the next event of a stream.
pub(super) fn record(
    event: NewEvent,
    position: Position,
    stream: &StreamId,
    version: Version,
    previous: Option<Digest>,
) -> Result<Recorded, LogError> {
    let NewEvent { kind, actor, at, data } = event;
    let mut recorded =
        Recorded { position, stream: stream.clone(), version, kind, actor, at, data, previous, hash: Digest::from_bytes([0; 32]) };
    recorded.hash = recorded.expected_hash().map_err(|error| unfit(format!("an event cannot be written: {error}")))?;
    Ok(recorded)
}

/// An event's hash is the one that its content gives.
pub(super) fn fits(event: &Recorded) -> Result<(), LogError> {
    match event.expected_hash() {
        Ok(hash) if hash == event.hash => Ok(()),
        Ok(_) => Err(broken(event.position, format!("the content of {} {} is not what its hash says", event.stream, event.version))),
        Err(error) => Err(broken(event.position, format!("the content cannot be hashed: {error}"))),
    }
}

/// Brings each event's content to the form in which it will be read back, so that its hash is the same then.
/// Only floating-point numbers can differ: their text may be read as a neighbour.
pub(super) fn normalise(mut events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
    if events.len() > MAX_EVENTS {
        return Err(unfit(format!("{} events in one append are more than the {MAX_EVENTS} that are taken", events.len())));
    }
    for event in &mut events {
        let text = event.data.to_string();
        if text.len() > MAX_DATA {
            return Err(unfit(format!(
                "a `{}` of {} bytes is more than the {MAX_DATA} that an event may have: keep it as a blob",
                event.kind.name,
                text.len()
            )));
        }
        event.data = settled(text).ok_or_else(|| unfit(format!("a `{}` does not survive being written as JSON", event.kind.name)))?;
    }
    Ok(events)
}

fn settled(mut text: String) -> Option<Value> {
    for _ in 0..8 {
        let value: Value = serde_json::from_str(&text).ok()?;
        let again = value.to_string();
        if again == text {
            return Some(value);
        }
        text = again;
    }
    None
}
