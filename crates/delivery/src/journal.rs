//! The one line through which state changes: decide on the world as it is, append, apply.

use std::sync::Arc;

use penstock_model::event::{DomainEvent, NewEvent, StreamId};
use penstock_model::ids::Actor;
use penstock_model::log::{Epoch, EventLog, LogError};
use penstock_model::{Clock, Timestamp};
use tokio::sync::{Mutex, watch};

use crate::world::World;

/// How many events are read at a time while the world is built.
const PAGE: usize = 2_000;

/// Why a change of state did not happen.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The log refused or failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The event cannot be written as JSON.
    #[error("an event cannot be written: {0}")]
    Encode(#[from] serde_json::Error),
}

/// The log together with the world that it makes.
pub struct Journal {
    log: Arc<dyn EventLog>,
    epoch: Epoch,
    clock: Arc<dyn Clock>,
    world: watch::Sender<Arc<World>>,
    writing: Mutex<()>,
}

impl Journal {
    /// Reads the whole log once.
    pub async fn open(log: Arc<dyn EventLog>, epoch: Epoch, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        let mut world = World::default();
        loop {
            let page = log.after(world.position, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for event in &page {
                world.apply(event);
            }
        }
        Ok(Self { log, epoch, clock, world: watch::Sender::new(Arc::new(world)), writing: Mutex::new(()) })
    }

    /// The world as it is.
    pub fn world(&self) -> Arc<World> {
        self.world.borrow().clone()
    }

    /// Wakes with every change.
    pub fn watch(&self) -> watch::Receiver<Arc<World>> {
        self.world.subscribe()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The log itself, for reading and checkpoints.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// The epoch under which this server writes; targets are told it too.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Appends what `decide` makes of the world as it is; nothing else is written between its look and the append.
    /// Durable when this returns. An empty answer changes nothing.
    pub async fn change<E: DomainEvent>(
        &self,
        stream: &StreamId,
        actor: Actor,
        decide: impl FnOnce(&World, Timestamp) -> Vec<E> + Send,
    ) -> Result<Vec<E>, JournalError> {
        let _line = self.writing.lock().await;
        let world = self.world();
        let now = self.clock.now();
        let events = decide(&world, now);
        if events.is_empty() {
            return Ok(events);
        }
        let new = events.iter().map(|event| NewEvent::of(event, actor.clone(), now)).collect::<Result<Vec<_>, _>>()?;
        let expected = world.versions.get(stream).copied().unwrap_or(0);
        let recorded = self.log.append(&self.epoch, stream, expected, new).await?;
        drop(world);
        self.world.send_modify(|world| {
            let world = Arc::make_mut(world);
            for event in &recorded {
                world.apply(event);
            }
        });
        Ok(events)
    }

    /// Appends one event whatever the world says.
    pub async fn record<E: DomainEvent>(&self, stream: &StreamId, actor: Actor, event: E) -> Result<(), JournalError> {
        self.change(stream, actor, |_, _| vec![event]).await.map(drop)
    }
}
