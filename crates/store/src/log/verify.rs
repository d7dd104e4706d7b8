//! Recomputing everything.

use std::collections::HashMap;

use penstock_model::Digest;
use penstock_model::event::{Position, Recorded, StreamId, Version};
use penstock_model::log::{Checkpoint, CheckpointSigner, LogError};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;

use super::chain::{Tail, fits, signed_bytes};
use super::fault::broken;
use super::read::{self, reading, signed};

/// How many events are read at once.
const PAGE: usize = 1000;

/// Recomputes every chain and checkpoint on one snapshot of the database, which must reach a position at least.
pub(super) async fn whole(readers: &SqlitePool, signer: &dyn CheckpointSigner, at_least: Position) -> Result<(), LogError> {
    let mut snapshot = readers.begin().await.map_err(reading)?;
    let mut checkpoints = checkpoints(&mut snapshot, signer).await?.into_iter().peekable();
    let mut heads: HashMap<StreamId, (Version, Digest)> = HashMap::new();
    let mut tail = Tail::empty();
    loop {
        // a checkpoint at position 0 covers the empty log
        while let Some(next) = checkpoints.next_if(|next| next.position == tail.position) {
            if next.root != tail.root() {
                return Err(broken(next.position, "the events up to here are not those that the checkpoint covers"));
            }
            tail.cover(next);
        }
        let limit = checkpoints.peek().map_or(PAGE, |next| usize::try_from(next.position - tail.position).unwrap_or(PAGE).min(PAGE));
        let events = read::page(&mut snapshot, tail.position, limit).await?;
        if events.is_empty() {
            break;
        }
        for event in &events {
            link(event, &tail, &mut heads)?;
            tail.push(event);
        }
    }
    if let Some(next) = checkpoints.next() {
        return Err(broken(tail.position + 1, format!("the log ends here, and a checkpoint covers it up to {}", next.position)));
    }
    if tail.position < at_least {
        return Err(broken(tail.position + 1, format!("the log ends here, and it once had {at_least} events")));
    }
    Ok(())
}

fn link(event: &Recorded, tail: &Tail, heads: &mut HashMap<StreamId, (Version, Digest)>) -> Result<(), LogError> {
    if event.position != tail.position + 1 {
        return Err(broken(tail.position + 1, "the event is missing"));
    }
    fits(event)?;
    let head = heads.get(&event.stream).copied();
    let (expected, previous) = head.map_or((0, None), |(version, hash)| (version + 1, Some(hash)));
    if event.version != expected {
        return Err(broken(
            event.position,
            format!("{} goes on with its event {} where {expected} was expected", event.stream, event.version),
        ));
    }
    if event.previous != previous {
        return Err(broken(event.position, format!("{} {} does not follow the event before it", event.stream, event.version)));
    }
    heads.insert(event.stream.clone(), (event.version, event.hash));
    Ok(())
}

async fn checkpoints(snapshot: &mut SqliteConnection, signer: &dyn CheckpointSigner) -> Result<Vec<Checkpoint>, LogError> {
    let rows = sqlx::query("SELECT * FROM checkpoints ORDER BY position").fetch_all(snapshot).await.map_err(reading)?;
    let all: Vec<_> = rows.iter().map(read::checkpoint).collect::<Result<_, _>>()?;
    for checkpoint in &all {
        signature(checkpoint, signer)?;
    }
    Ok(all)
}

fn signature(checkpoint: &Checkpoint, signer: &dyn CheckpointSigner) -> Result<(), LogError> {
    let bytes = signed_bytes(checkpoint.position, checkpoint.root)?;
    if signer.verify(&bytes, &checkpoint.key_id, &checkpoint.signature) {
        return Ok(());
    }
    Err(broken(checkpoint.position, format!("the checkpoint's signature by `{}` does not hold", checkpoint.key_id)))
}

/// The log has this very checkpoint.
pub(super) async fn holds(readers: &SqlitePool, signer: &dyn CheckpointSigner, kept: &Checkpoint) -> Result<(), LogError> {
    signature(kept, signer)?;
    let row = sqlx::query("SELECT * FROM checkpoints WHERE position = $1")
        .bind(signed(kept.position))
        .fetch_optional(readers)
        .await
        .map_err(reading)?;
    let ours = row.as_ref().map(read::checkpoint).transpose()?;
    if ours.is_some_and(|ours| ours.root == kept.root) {
        return Ok(());
    }
    Err(broken(kept.position, "the log does not hold the checkpoint that was kept: it was cut off or replaced"))
}
