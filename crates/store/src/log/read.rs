//! Reading events.

use penstock_model::event::{EventType, Position, Recorded, StreamId, Version};
use penstock_model::log::{Checkpoint, LogError};
use penstock_model::{Digest, Timestamp};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::fault::{broken, unavailable};

/// At most this many events come at once, whatever was asked for.
const MAX_PAGE: usize = 10_000;

pub(super) async fn stream(readers: &SqlitePool, stream: &StreamId, from: Version) -> Result<Vec<Recorded>, LogError> {
    let rows = sqlx::query("SELECT * FROM events WHERE stream = $1 AND version >= $2 ORDER BY version")
        .bind(stream.as_str())
        .bind(signed(from))
        .fetch_all(readers)
        .await
        .map_err(reading)?;
    rows.iter().map(event).collect()
}

pub(super) async fn after(readers: &SqlitePool, position: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
    let mut connection = readers.acquire().await.map_err(reading)?;
    page(&mut connection, position, limit).await
}

pub(super) async fn page(connection: &mut SqliteConnection, position: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
    let rows = sqlx::query("SELECT * FROM events WHERE position > $1 ORDER BY position LIMIT $2")
        .bind(signed(position))
        .bind(signed(limit.min(MAX_PAGE) as u64))
        .fetch_all(connection)
        .await
        .map_err(reading)?;
    rows.iter().map(event).collect()
}

pub(super) async fn last_checkpoint(connection: &mut SqliteConnection) -> Result<Option<Checkpoint>, LogError> {
    let row = sqlx::query("SELECT * FROM checkpoints ORDER BY position DESC LIMIT 1").fetch_optional(connection).await.map_err(reading)?;
    row.as_ref().map(checkpoint).transpose()
}

pub(super) fn checkpoint(row: &SqliteRow) -> Result<Checkpoint, LogError> {
    let read = || -> Result<Checkpoint, Box<dyn std::error::Error>> {
        Ok(Checkpoint {
            position: u64::try_from(row.try_get::<i64, _>("position")?)?,
            root: row.try_get::<String, _>("root")?.parse::<Digest>()?,
            key_id: row.try_get("key_id")?,
            signature: row.try_get("signature")?,
        })
    };
    read().map_err(|error| broken(0, format!("a checkpoint cannot be read: {error}")))
}

/// A row that does not have the form we write was not written by us.
pub(super) fn event(row: &SqliteRow) -> Result<Recorded, LogError> {
    let position = row.try_get::<i64, _>("position").map_err(reading)?;
    let position = u64::try_from(position).unwrap_or(0);
    let read = || -> Result<Recorded, Box<dyn std::error::Error>> {
        let previous: Option<String> = row.try_get("previous")?;
        Ok(Recorded {
            position,
            stream: row.try_get::<String, _>("stream")?.parse()?,
            version: u64::try_from(row.try_get::<i64, _>("version")?)?,
            kind: EventType { name: row.try_get("name")?, version: u16::try_from(row.try_get::<i64, _>("form")?)? },
            actor: serde_json::from_str(row.try_get("actor")?)?,
            at: Timestamp(row.try_get("at")?),
            data: serde_json::from_str(row.try_get("data")?)?,
            previous: previous.map(|digest| digest.parse()).transpose()?,
            hash: row.try_get::<String, _>("hash")?.parse()?,
        })
    };
    read().map_err(|error| broken(position, format!("the event cannot be read: {error}")))
}

/// SQL has no unsigned integers; what is larger than they can be is larger than anything there.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn reading(error: sqlx::Error) -> LogError {
    unavailable("reading", error)
}
