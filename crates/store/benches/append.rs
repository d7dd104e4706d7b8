//! How many events a second reach the disk, alone and by many writers at once (group commit).
#![allow(clippy::unwrap_used, missing_docs, clippy::cast_precision_loss, reason = "a bench")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock_model::Timestamp;
use penstock_model::clock::SystemClock;
use penstock_model::event::{EventType, NewEvent, StreamId};
use penstock_model::ids::Actor;
use penstock_model::log::{CheckpointSigner, EventLog, Leases};
use penstock_store::{Durability, SqliteLog};

struct Unsigned;

impl CheckpointSigner for Unsigned {
    fn sign(&self, _: &[u8]) -> Result<(String, String), String> {
        Ok(Default::default())
    }
    fn verify(&self, _: &[u8], _: &str, _: &str) -> bool {
        true
    }
}

fn event(number: usize) -> NewEvent {
    let data = serde_json::json!({ "job": "build", "attempt": number, "what": "a line of some length, as events have" });
    NewEvent { kind: EventType { name: "bench.happened".to_owned(), version: 1 }, actor: Actor::Penstock, at: Timestamp(0), data }
}

#[tokio::main]
async fn main() {
    for (writers, each) in [(1, 200), (16, 200), (128, 50)] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let log = Arc::new(
            SqliteLog::open(&dir.path().join("log.db"), Arc::new(Unsigned), Arc::new(SystemClock), Durability::PowerCut).await.unwrap(),
        );
        let epoch = log.acquire("bench", "bench", Duration::from_secs(60), true).await.unwrap();
        let begun = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (log, epoch) = (Arc::clone(&log), epoch.clone());
                tokio::spawn(async move {
                    let stream: StreamId = format!("bench/{writer}").parse().unwrap();
                    for number in 0..each {
                        log.append(&epoch, &stream, number as u64, vec![event(number)]).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let took = begun.elapsed();
        let (events, latency) = (writers * each, took / u32::try_from(each).unwrap());
        println!(
            "append: {writers:3} writers, {events} events in {took:?}: {:.0}/s, {latency:?} an append",
            events as f64 / took.as_secs_f64()
        );
        let begun = Instant::now();
        log.verify().await.unwrap();
        println!("verify: {events} events in {:?}", begun.elapsed());
    }
}
