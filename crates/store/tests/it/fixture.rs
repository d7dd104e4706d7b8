//! What the tests of the log share.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use penstock_model::event::{EventType, NewEvent, StreamId};
use penstock_model::ids::Actor;
use penstock_model::log::{CheckpointSigner, Epoch, Leases};
use penstock_model::{Clock, Digest, Timestamp};
use penstock_store::{Durability, SqliteLog};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, sqlite::SqliteConnectOptions};

/// A signature by a shared key: enough to see that a checkpoint is bound to its bytes.
pub struct KeyedHash(pub &'static str);

impl CheckpointSigner for KeyedHash {
    fn sign(&self, bytes: &[u8]) -> Result<(String, String), String> {
        Ok(("test".to_owned(), Digest::of([self.0.as_bytes(), bytes].concat()).hex()))
    }
    fn verify(&self, bytes: &[u8], key_id: &str, signature: &str) -> bool {
        self.sign(bytes).unwrap() == (key_id.to_owned(), signature.to_owned())
    }
}

#[derive(Default)]
pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn forward(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub async fn open(directory: &Path) -> SqliteLog {
    try_open(directory).await.unwrap()
}

pub async fn try_open(directory: &Path) -> Result<SqliteLog, penstock_model::log::LogError> {
    SqliteLog::open(&directory.join("log.db"), Arc::new(KeyedHash("k")), Arc::new(HandClock::default()), Durability::PowerCut).await
}

pub async fn lease(log: &SqliteLog) -> Epoch {
    log.acquire("server", "tests", Duration::from_secs(60), true).await.unwrap()
}

pub fn stream(name: &str) -> StreamId {
    name.parse().unwrap()
}

pub fn event(data: Value) -> NewEvent {
    NewEvent { kind: EventType { name: "test.happened".to_owned(), version: 1 }, actor: Actor::Penstock, at: Timestamp(7), data }
}

pub fn numbered(numbers: impl IntoIterator<Item = usize>) -> Vec<NewEvent> {
    numbers.into_iter().map(|number| event(json!({ "number": number }))).collect()
}

/// Does to the database what somebody with the file and an SQL prompt can do.
pub async fn edit(directory: &Path, sql: &str) {
    let mut connection = SqliteConnectOptions::new().filename(directory.join("log.db")).connect().await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    assert!(done.rows_affected() > 0, "`{sql}` changed nothing");
}
