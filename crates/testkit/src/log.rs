//! The event log and leases in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::event::{NewEvent, Position, Recorded, StreamId, Version};
use penstock_model::log::{Checkpoint, CheckpointSigner, Epoch, EventLog, Leases, LogError};
use penstock_model::{Clock, Digest, Timestamp};
use tokio::sync::watch;

use crate::{FakeClock, held};

/// Signs by a digest with a word that nobody else knows. Good enough for a test, and for nothing else.
#[derive(Debug, Default)]
pub struct FakeSigner;

impl CheckpointSigner for FakeSigner {
    fn sign(&self, bytes: &[u8]) -> Result<(String, String), String> {
        Ok(("fake".to_owned(), Digest::of([b"word", bytes].concat()).hex()))
    }

    fn verify(&self, bytes: &[u8], key_id: &str, signature: &str) -> bool {
        self.sign(bytes).is_ok_and(|(id, made)| id == key_id && made == signature)
    }
}

/// Leases in memory, by a clock that is handed in.
pub struct MemoryLeases {
    clock: Arc<dyn Clock>,
    leases: Mutex<BTreeMap<String, Lease>>,
}

#[derive(Clone, Debug)]
struct Lease {
    holder: String,
    number: u64,
    until: Option<Timestamp>,
}

impl Default for MemoryLeases {
    fn default() -> Self {
        Self::new(Arc::new(FakeClock::default()))
    }
}

impl MemoryLeases {
    /// Leases that run out by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, leases: Mutex::default() }
    }

    fn check(&self, epoch: &Epoch) -> Result<(), LogError> {
        let current = held(&self.leases).get(&epoch.lease).map_or(0, |lease| lease.number);
        if epoch.number == current {
            return Ok(());
        }
        Err(LogError::StaleEpoch { lease: epoch.lease.clone(), presented: epoch.number, current })
    }
}

#[async_trait]
impl Leases for MemoryLeases {
    async fn acquire(&self, lease: &str, holder: &str, ttl: Duration, takeover: bool) -> Result<Epoch, LogError> {
        let now = self.clock.now();
        let mut leases = held(&self.leases);
        let number = match leases.get(lease) {
            Some(kept) if kept.until.is_some_and(|until| until > now) && !(takeover && kept.holder == holder) => {
                return Err(LogError::Held { lease: lease.to_owned(), holder: kept.holder.clone() });
            }
            Some(kept) => kept.number + 1,
            None => 1,
        };
        leases.insert(lease.to_owned(), Lease { holder: holder.to_owned(), number, until: Some(now.after(ttl)) });
        Ok(Epoch { lease: lease.to_owned(), number })
    }

    async fn renew(&self, epoch: &Epoch, ttl: Duration) -> Result<(), LogError> {
        self.check(epoch)?;
        let until = self.clock.now().after(ttl);
        if let Some(lease) = held(&self.leases).get_mut(&epoch.lease) {
            lease.until = Some(until);
        }
        Ok(())
    }

    async fn release(&self, epoch: &Epoch) -> Result<(), LogError> {
        self.check(epoch)?;
        if let Some(lease) = held(&self.leases).get_mut(&epoch.lease) {
            lease.until = None;
        }
        Ok(())
    }
}

/// The event log in memory. Epochs are checked if leases are handed in.
pub struct MemoryEvents {
    events: Mutex<Vec<Recorded>>,
    head: watch::Sender<Position>,
    signer: Arc<dyn CheckpointSigner>,
    leases: Option<Arc<MemoryLeases>>,
    fail_next: Mutex<u32>,
}

impl Default for MemoryEvents {
    fn default() -> Self {
        Self { events: Mutex::default(), head: watch::Sender::new(0), signer: Arc::new(FakeSigner), leases: None, fail_next: Mutex::new(0) }
    }
}

impl MemoryEvents {
    /// A log that refuses stale epochs of these leases.
    pub fn with_leases(leases: Arc<MemoryLeases>) -> Self {
        Self { leases: Some(leases), ..Self::default() }
    }

    /// Fails so many of the next appends, as a full disk does.
    pub fn fail_next(&self, appends: u32) {
        *held(&self.fail_next) = appends;
    }

    /// Everything, in order.
    pub fn all(&self) -> Vec<Recorded> {
        held(&self.events).clone()
    }

    fn unavailable(what: &str) -> LogError {
        LogError::Unavailable { what: what.to_owned(), source: what.into() }
    }
}

#[async_trait]
impl EventLog for MemoryEvents {
    async fn append(&self, epoch: &Epoch, stream: &StreamId, expected: Version, events: Vec<NewEvent>) -> Result<Vec<Recorded>, LogError> {
        if let Some(leases) = &self.leases {
            leases.check(epoch)?;
        }
        {
            let mut failing = held(&self.fail_next);
            if *failing > 0 {
                *failing -= 1;
                return Err(Self::unavailable("told to fail"));
            }
        }
        let mut appended = Vec::new();
        let head = {
            let mut all = held(&self.events);
            let mut previous = all.iter().rev().find(|event| event.stream == *stream).map(|event| event.hash);
            let actual = all.iter().filter(|event| event.stream == *stream).count() as u64;
            if actual != expected {
                return Err(LogError::Conflict { stream: stream.clone(), expected, actual });
            }
            for (offset, event) in events.into_iter().enumerate() {
                let mut recorded = Recorded {
                    position: all.len() as u64 + 1,
                    stream: stream.clone(),
                    version: expected + offset as u64,
                    kind: event.kind,
                    actor: event.actor,
                    at: event.at,
                    data: event.data,
                    previous,
                    hash: Digest::of(b""),
                };
                recorded.hash = recorded.expected_hash().map_err(|_| Self::unavailable("an event is no JSON"))?;
                previous = Some(recorded.hash);
                all.push(recorded.clone());
                appended.push(recorded);
            }
            all.len() as u64
        };
        self.head.send_replace(head);
        Ok(appended)
    }

    async fn stream(&self, stream: &StreamId, from: Version) -> Result<Vec<Recorded>, LogError> {
        Ok(held(&self.events).iter().filter(|event| event.stream == *stream && event.version >= from).cloned().collect())
    }

    async fn after(&self, position: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        Ok(held(&self.events).iter().filter(|event| event.position > position).take(limit).cloned().collect())
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    async fn checkpoint(&self) -> Result<Checkpoint, LogError> {
        let events = self.all();
        let root =
            events.iter().fold(Vec::new(), |root, event| Digest::of([&root[..], event.hash.as_bytes()].concat()).as_bytes().to_vec());
        let root = Digest::of(root);
        let position = events.len() as u64;
        let bytes = serde_json::to_vec(&(position, root)).map_err(|_| Self::unavailable("a checkpoint is no JSON"))?;
        let (key_id, signature) = self.signer.sign(&bytes).map_err(|why| Self::unavailable(&why))?;
        Ok(Checkpoint { position, root, key_id, signature })
    }

    async fn verify(&self) -> Result<Checkpoint, LogError> {
        let events = self.all();
        let mut last: BTreeMap<StreamId, Digest> = BTreeMap::new();
        for event in &events {
            let fits = event.expected_hash().is_ok_and(|hash| hash == event.hash) && event.previous == last.get(&event.stream).copied();
            if !fits {
                return Err(LogError::Broken { position: event.position, what: "the hash does not fit".to_owned() });
            }
            last.insert(event.stream.clone(), event.hash);
        }
        self.checkpoint().await
    }
}
