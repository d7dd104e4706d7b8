//! The event log and the leases in SQLite.
//!
//! One task owns the writing connection and commits whatever has gathered meanwhile in one transaction
//! (`synchronous = FULL`: the commit is on the disk when it returns). Readers have connections of their own and
//! wait for nobody (WAL). Every commit reads what it decides on inside its own transaction, so that a second
//! writer, be it another process, is met as a conflict and never as damage.

mod chain;
mod fault;
mod leases;
mod read;
mod schema;
mod verify;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::Clock;
use penstock_model::event::{NewEvent, Position, Recorded, StreamId, Version};
use penstock_model::log::{Checkpoint, CheckpointSigner, Epoch, EventLog, Leases, LogError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot, watch};

use self::fault::{ended, unavailable};
use self::writer::{Command, Writer};
use crate::Durability;

/// How many commands may wait for the writer before callers wait themselves.
const QUEUE: usize = 1024;
/// How many events one append may have.
const MAX_EVENTS: usize = 1000;
/// How large one event's content may be, as JSON, in bytes. Anything larger is a blob.
const MAX_DATA: usize = 1024 * 1024;
/// How long a connection waits for a lock that another process holds on the database.
const BUSY: Duration = Duration::from_secs(10);
/// How many readers may read at the same time.
const READERS: u32 = 4;

/// The event log and the leases in one SQLite database.
pub struct SqliteLog {
    commands: mpsc::Sender<Command>,
    head: watch::Receiver<Position>,
    readers: SqlitePool,
    signer: Arc<dyn CheckpointSigner>,
}

impl SqliteLog {
    /// Opens a database, making or migrating it, and starts the writer on the current runtime.
    ///
    /// What came after the last checkpoint is verified, so that no later checkpoint vouches for a changed event.
    pub async fn open(
        path: &Path,
        signer: Arc<dyn CheckpointSigner>,
        clock: Arc<dyn Clock>,
        durability: Durability,
    ) -> Result<Self, LogError> {
        let doing = || format!("opening {}", path.display());
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).foreign_keys(true);
        // with a write-ahead log, NORMAL writes to the disk at checkpoints alone (SQLite's documentation of PRAGMA synchronous)
        let synchronous = match durability {
            Durability::PowerCut => SqliteSynchronous::Full,
            Durability::ProcessEnd => SqliteSynchronous::Normal,
        };
        let writing = options.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(synchronous);
        let mut connection = writing.connect().await.map_err(|e| unavailable(&doing(), e))?;
        schema::migrate(&mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY)
            .test_before_acquire(false)
            .connect_with(options.read_only(true))
            .await
            .map_err(|e| unavailable(&doing(), e))?;
        let tail = chain::Tail::load(&mut connection).await?;
        let (send_head, head) = watch::channel(tail.position);
        let (commands, received) = mpsc::channel(QUEUE);
        let writer = Writer { connection, tail: Some(tail), signer: Arc::clone(&signer), clock, head: send_head };
        tokio::spawn(writer.run(received));
        Ok(Self { commands, head, readers, signer })
    }

    /// Signs a last checkpoint and closes the database. Calls that come later fail.
    pub async fn close(&self) -> Result<(), LogError> {
        let closed = self.ask(|reply| Command::Close { reply }).await;
        self.readers.close().await;
        closed
    }

    /// [`EventLog::verify`], and that the log still holds a checkpoint which was kept elsewhere (in a release's
    /// statement, with an auditor): the only way to notice a log that was cut off together with its newest checkpoints.
    pub async fn verify_against(&self, kept: &Checkpoint) -> Result<Checkpoint, LogError> {
        let now = self.verify().await?;
        verify::holds(&self.readers, self.signer.as_ref(), kept).await?;
        Ok(now)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Command) -> Result<T, LogError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, epoch: &Epoch, stream: &StreamId, expected: Version, events: Vec<NewEvent>) -> Result<Vec<Recorded>, LogError> {
        let events = chain::normalise(events)?;
        let (epoch, stream) = (epoch.clone(), stream.clone());
        self.ask(|reply| Command::Append { epoch, stream, expected, events, reply }).await
    }

    async fn stream(&self, stream: &StreamId, from: Version) -> Result<Vec<Recorded>, LogError> {
        read::stream(&self.readers, stream, from).await
    }

    async fn after(&self, position: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        read::after(&self.readers, position, limit).await
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    async fn checkpoint(&self) -> Result<Checkpoint, LogError> {
        self.ask(|reply| Command::Checkpoint { reply }).await
    }

    async fn verify(&self) -> Result<Checkpoint, LogError> {
        let at_least = *self.head.borrow();
        verify::whole(&self.readers, self.signer.as_ref(), at_least).await?;
        self.checkpoint().await
    }
}

#[async_trait]
impl Leases for SqliteLog {
    async fn acquire(&self, lease: &str, holder: &str, ttl: Duration, takeover: bool) -> Result<Epoch, LogError> {
        let (lease, holder) = (lease.to_owned(), holder.to_owned());
        self.ask(|reply| Command::Acquire { lease, holder, ttl, takeover, reply }).await
    }

    async fn renew(&self, epoch: &Epoch, ttl: Duration) -> Result<(), LogError> {
        let epoch = epoch.clone();
        self.ask(|reply| Command::Renew { epoch, ttl, reply }).await
    }

    async fn release(&self, epoch: &Epoch) -> Result<(), LogError> {
        let epoch = epoch.clone();
        self.ask(|reply| Command::Release { epoch, reply }).await
    }
}

/// Begins a transaction that may write.
async fn begin(connection: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map(drop)
}

/// Ends the connection in an orderly way.
async fn shut(connection: sqlx::SqliteConnection) -> Result<(), LogError> {
    connection.close().await.map_err(|e| unavailable("closing the event log", e))
}
