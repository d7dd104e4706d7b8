//! The event log and the leases over it.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Digest;
use crate::event::{NewEvent, Position, Recorded, StreamId, Version};

/// Why the log refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Somebody else appended first: read again and decide again.
    #[error("stream {stream} has {actual} events where {expected} were expected")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// What the writer had seen.
        expected: Version,
        /// What there is.
        actual: Version,
    },
    /// The writer's lease has been taken over.
    #[error("epoch {presented} of lease `{lease}` is stale: {current} is in force")]
    StaleEpoch {
        /// The lease's name.
        lease: String,
        /// The epoch that was presented.
        presented: u64,
        /// The one in force.
        current: u64,
    },
    /// The lease is held by another.
    #[error("lease `{lease}` is held by {holder}")]
    Held {
        /// The lease's name.
        lease: String,
        /// Who holds it.
        holder: String,
    },
    /// The chain or a checkpoint does not fit the events.
    #[error("the log was changed behind Penstock's back at position {position}: {what}")]
    Broken {
        /// Where.
        position: Position,
        /// What does not fit.
        what: String,
    },
    /// The database failed; the text says what to do.
    #[error("the event log cannot be used: {what}")]
    Unavailable {
        /// What failed and what to do.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A writer's right to write, presented with every append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// The lease's name.
    pub lease: String,
    /// Grows with every change of holder.
    pub number: u64,
}

/// Signs checkpoints: (canonical bytes of the checkpoint) → (key id, signature).
pub trait CheckpointSigner: Send + Sync {
    /// Signs some bytes; gives the key's id and the signature, base64.
    fn sign(&self, bytes: &[u8]) -> Result<(String, String), String>;
    /// Verifies a signature of ours.
    fn verify(&self, bytes: &[u8], key_id: &str, signature: &str) -> bool;
}

/// A signed statement of how the log stood: a hash over the events up to a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last position it covers.
    pub position: Position,
    /// `sha256(previous checkpoint's root ‖ hash of each event since, in order of position)`.
    pub root: Digest,
    /// Who signed.
    pub key_id: String,
    /// ECDSA over the canonical JSON of `{position, root}`, base64.
    pub signature: String,
}

/// The log: every change of state, appended. Durable when `append` returns.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends to one stream if it has exactly `expected` events; all or nothing. Gives them as recorded.
    async fn append(&self, epoch: &Epoch, stream: &StreamId, expected: Version, events: Vec<NewEvent>) -> Result<Vec<Recorded>, LogError>;
    /// A stream's events from a version on.
    async fn stream(&self, stream: &StreamId, from: Version) -> Result<Vec<Recorded>, LogError>;
    /// At most `limit` events after a position, in order.
    async fn after(&self, position: Position, limit: usize) -> Result<Vec<Recorded>, LogError>;
    /// The last position; the receiver wakes when it grows.
    fn head(&self) -> watch::Receiver<Position>;
    /// Signs a checkpoint over everything so far (the last one again, if nothing came).
    async fn checkpoint(&self) -> Result<Checkpoint, LogError>;
    /// Recomputes every chain and checkpoint.
    async fn verify(&self) -> Result<Checkpoint, LogError>;
}

/// Leases: who may do a thing, with an epoch that only grows.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a lease that is free, expired or already the holder's own name with `takeover`; the epoch grows.
    async fn acquire(&self, lease: &str, holder: &str, ttl: Duration, takeover: bool) -> Result<Epoch, LogError>;
    /// Extends a lease that is still in force.
    async fn renew(&self, epoch: &Epoch, ttl: Duration) -> Result<(), LogError>;
    /// Gives it back.
    async fn release(&self, epoch: &Epoch) -> Result<(), LogError>;
}
