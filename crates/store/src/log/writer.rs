//! The one task that writes.

use std::sync::Arc;
use std::time::Duration;

use penstock_model::Clock;
use penstock_model::Digest;
use penstock_model::event::{NewEvent, Position, Recorded, StreamId, Version};
use penstock_model::log::{Checkpoint, CheckpointSigner, Epoch, LogError};
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot, watch};

use super::chain::{Tail, record};
use super::fault::{Fault, undone};
use super::leases;
use super::read::signed;

/// At most so many commands go into one transaction.
const BATCH: usize = 256;
/// A checkpoint is signed by itself once so many events are not covered …
const UNCOVERED: u64 = 256;
/// … or once nothing came for so long.
const IDLE: Duration = Duration::from_secs(1);

type Reply<T> = oneshot::Sender<Result<T, LogError>>;

/// What the writer is asked for.
pub(super) enum Command {
    Append { epoch: Epoch, stream: StreamId, expected: Version, events: Vec<NewEvent>, reply: Reply<Vec<Recorded>> },
    Checkpoint { reply: Reply<Checkpoint> },
    Acquire { lease: String, holder: String, ttl: Duration, takeover: bool, reply: Reply<Epoch> },
    Renew { epoch: Epoch, ttl: Duration, reply: Reply<()> },
    Release { epoch: Epoch, reply: Reply<()> },
    Close { reply: Reply<()> },
}

/// An answer that waits for the commit.
enum Answer {
    Events(Reply<Vec<Recorded>>, Result<Vec<Recorded>, LogError>),
    Checkpoint(Reply<Checkpoint>, Result<Checkpoint, LogError>),
    Epoch(Reply<Epoch>, Result<Epoch, LogError>),
    Done(Reply<()>, Result<(), LogError>),
}

impl Answer {
    /// Gives the answer; whoever went away does not need it.
    fn give(self) {
        match self {
            Self::Events(reply, result) => drop(reply.send(result)),
            Self::Checkpoint(reply, result) => drop(reply.send(result)),
            Self::Epoch(reply, result) => drop(reply.send(result)),
            Self::Done(reply, result) => drop(reply.send(result)),
        }
    }

    /// The batch was undone, and this with it.
    fn undone(self, error: &sqlx::Error) -> Self {
        match self {
            Self::Events(reply, _) => Self::Events(reply, Err(undone(error))),
            Self::Checkpoint(reply, _) => Self::Checkpoint(reply, Err(undone(error))),
            Self::Epoch(reply, _) => Self::Epoch(reply, Err(undone(error))),
            Self::Done(reply, _) => Self::Done(reply, Err(undone(error))),
        }
    }
}

/// Owns the writing connection.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    /// Where the log ends; `None` after a failure, until it was read again.
    pub(super) tail: Option<Tail>,
    pub(super) signer: Arc<dyn CheckpointSigner>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) head: watch::Sender<Position>,
}

impl Writer {
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut rested = true; // nothing came since the last checkpoint
        loop {
            let first = match tokio::time::timeout(IDLE, commands.recv()).await {
                Ok(Some(command)) => command,
                Ok(None) => break,
                Err(_) if rested => match commands.recv().await {
                    Some(command) => command,
                    None => break,
                },
                Err(_) => {
                    self.rest().await;
                    rested = true;
                    continue;
                }
            };
            rested = false;
            let mut batch = vec![first];
            while batch.len() < BATCH {
                match commands.try_recv() {
                    Ok(command) => batch.push(command),
                    Err(_) => break,
                }
            }
            if let Some(reply) = self.batch(batch).await {
                commands.close();
                self.rest().await;
                drop(reply.send(super::shut(self.connection).await));
                return;
            }
        }
        self.rest().await;
        if let Err(error) = super::shut(self.connection).await {
            tracing::warn!(%error, "the event log was not closed in order");
        }
    }

    /// Covers what came, when there is time for it.
    async fn rest(&mut self) {
        let (reply, answer) = oneshot::channel();
        self.batch(vec![Command::Checkpoint { reply }]).await;
        if let Ok(Err(error)) = answer.await {
            tracing::warn!(%error, "no checkpoint was signed");
        }
    }

    /// Carries out a batch in one transaction. Gives back who asked to close, if somebody did.
    async fn batch(&mut self, batch: Vec<Command>) -> Option<Reply<()>> {
        let mut answers = Vec::with_capacity(batch.len());
        let mut failed = None;
        let mut close = None;
        let mut tail = Tail::empty();
        match self.open().await {
            Ok(current) => tail = current,
            Err(Fault::Database(error)) => failed = Some(error),
            Err(Fault::Refused(error)) => {
                // damage: nothing may be written on top of it
                failed = Some(sqlx::Error::Protocol(error.to_string()));
            }
        }
        for command in batch {
            match command {
                Command::Close { reply } => close = Some(reply),
                command => answers.push(self.one(command, &mut tail, &mut failed).await),
            }
        }
        if failed.is_none() && tail.uncovered() >= UNCOVERED {
            failed = match self.cover(&mut tail).await {
                Ok(_) => None,
                Err(Fault::Database(error)) => Some(error),
                Err(Fault::Refused(error)) => {
                    tracing::warn!(%error, "no checkpoint was signed");
                    None
                }
            };
        }
        if failed.is_none() {
            failed = sqlx::query("COMMIT").execute(&mut self.connection).await.err();
        }
        match failed {
            None => {
                let position = tail.position;
                self.tail = Some(tail);
                answers.into_iter().for_each(Answer::give);
                self.head.send_if_modified(|head| std::mem::replace(head, position) != position);
            }
            Some(error) => {
                self.tail = None;
                // fails when SQLite has already undone it by itself
                drop(sqlx::query("ROLLBACK").execute(&mut self.connection).await);
                for answer in answers {
                    answer.undone(&error).give();
                }
            }
        }
        close
    }

    /// Begins a transaction and finds the log's end in it.
    async fn open(&mut self) -> Result<Tail, Fault> {
        super::begin(&mut self.connection).await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(position) FROM events").fetch_one(&mut self.connection).await?;
        let last = u64::try_from(last.unwrap_or(0)).unwrap_or(0);
        match self.tail.take() {
            Some(tail) if tail.position == last => Ok(tail),
            // after a failure, or when another process wrote
            _ => Ok(Tail::load(&mut self.connection).await?),
        }
    }

    /// Carries out one command, unless one before it failed in the database.
    async fn one(&mut self, command: Command, tail: &mut Tail, failed: &mut Option<sqlx::Error>) -> Answer {
        let now = self.clock.now();
        let connection = &mut self.connection;
        let skip = failed.is_some();
        match command {
            Command::Append { epoch, stream, expected, events, reply } => {
                let made = if skip { Ok(Vec::new()) } else { append(connection, tail, &epoch, &stream, expected, events).await };
                Answer::Events(reply, settle(made, failed))
            }
            Command::Checkpoint { reply } if skip => Answer::Checkpoint(reply, Err(super::ended())),
            Command::Checkpoint { reply } => {
                let made = self.cover(tail).await;
                Answer::Checkpoint(reply, settle(made, failed))
            }
            Command::Acquire { lease, holder, ttl, takeover, reply } => {
                let made =
                    if skip { Err(super::ended().into()) } else { leases::acquire(connection, &lease, &holder, ttl, takeover, now).await };
                Answer::Epoch(reply, settle(made, failed))
            }
            Command::Renew { epoch, ttl, reply } => {
                let made = if skip { Ok(()) } else { leases::renew(connection, &epoch, ttl, now).await };
                Answer::Done(reply, settle(made, failed))
            }
            Command::Release { epoch, reply } => {
                let made = if skip { Ok(()) } else { leases::release(connection, &epoch).await };
                Answer::Done(reply, settle(made, failed))
            }
            Command::Close { reply } => Answer::Done(reply, Ok(())),
        }
    }

    /// Signs a checkpoint over everything so far, unless the last one already is.
    async fn cover(&mut self, tail: &mut Tail) -> Result<Checkpoint, Fault> {
        if let Some(last) = &tail.covered
            && last.position == tail.position
        {
            return Ok(last.clone());
        }
        let checkpoint = tail.sign(self.signer.as_ref())?;
        sqlx::query("INSERT INTO checkpoints (position, root, key_id, signature) VALUES ($1, $2, $3, $4)")
            .bind(signed(checkpoint.position))
            .bind(checkpoint.root.to_string())
            .bind(&checkpoint.key_id)
            .bind(&checkpoint.signature)
            .execute(&mut self.connection)
            .await?;
        tail.cover(checkpoint.clone());
        Ok(checkpoint)
    }
}

/// Keeps a database's failure for the whole batch; a refusal is the command's own answer.
fn settle<T>(made: Result<T, Fault>, failed: &mut Option<sqlx::Error>) -> Result<T, LogError> {
    made.map_err(|fault| match fault {
        Fault::Refused(error) => error,
        Fault::Database(error) => {
            let own = undone(&error);
            failed.get_or_insert(error);
            own
        }
    })
}

/// Decides first and writes then, so that a refused append has written nothing.
async fn append(
    connection: &mut SqliteConnection,
    tail: &mut Tail,
    epoch: &Epoch,
    stream: &StreamId,
    expected: Version,
    events: Vec<NewEvent>,
) -> Result<Vec<Recorded>, Fault> {
    leases::check(connection, epoch).await?;
    let (actual, mut previous) = match tail.end(stream) {
        Some((next, hash)) => (next, Some(hash)),
        None => end(connection, tail, stream).await?,
    };
    if actual != expected {
        return Err(LogError::Conflict { stream: stream.clone(), expected, actual }.into());
    }
    let mut recorded = Vec::with_capacity(events.len());
    for (event, version) in events.into_iter().zip(actual..) {
        let event = record(event, tail.position + recorded.len() as u64 + 1, stream, version, previous)?;
        previous = Some(event.hash);
        recorded.push(event);
    }
    for event in &recorded {
        insert(connection, event).await?;
    }
    tail.extend(stream, &recorded);
    Ok(recorded)
}

/// The version that is next in a stream, and the hash before it.
async fn end(connection: &mut SqliteConnection, tail: &Tail, stream: &StreamId) -> Result<(Version, Option<Digest>), Fault> {
    let last: Option<(i64, String)> = sqlx::query_as("SELECT version, hash FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1")
        .bind(stream.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some((version, hash)) = last else { return Ok((0, None)) };
    let hash = hash.parse().map_err(|error| super::fault::broken(tail.position, format!("the head of {stream}: {error}")))?;
    Ok((u64::try_from(version).unwrap_or(0) + 1, Some(hash)))
}

async fn insert(connection: &mut SqliteConnection, event: &Recorded) -> Result<(), Fault> {
    let json = |error: serde_json::Error| super::fault::unfit(format!("an event cannot be written: {error}"));
    sqlx::query(
        "INSERT INTO events (position, stream, version, name, form, actor, at, data, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(signed(event.position))
    .bind(event.stream.as_str())
    .bind(signed(event.version))
    .bind(&event.kind.name)
    .bind(i64::from(event.kind.version))
    .bind(serde_json::to_string(&event.actor).map_err(json)?)
    .bind(event.at.0)
    .bind(event.data.to_string())
    .bind(event.previous.map(|digest| digest.to_string()))
    .bind(event.hash.to_string())
    .execute(connection)
    .await?;
    Ok(())
}
