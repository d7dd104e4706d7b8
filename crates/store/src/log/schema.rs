//! The schema and its migrations.
//!
//! Plain SQL that `PostgreSQL` takes as it is: `TEXT` and `BIGINT` only, named constraints of both, no row ids, no
//! triggers. What differs is how the version of the schema is kept (`user_version` here) and how a writing
//! transaction begins (`BEGIN IMMEDIATE` here; a lock of the `leases` row and of the log's head there).

use penstock_model::log::LogError;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::fault::{unavailable, unfit};

/// Each entry brings the schema from its index to the next version. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &["
CREATE TABLE events (
    position BIGINT NOT NULL PRIMARY KEY,
    stream   TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    name     TEXT   NOT NULL,
    form     BIGINT NOT NULL,
    actor    TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    data     TEXT   NOT NULL,
    previous TEXT,
    hash     TEXT   NOT NULL,
    UNIQUE (stream, version)
);
CREATE TABLE checkpoints (
    position  BIGINT NOT NULL PRIMARY KEY,
    root      TEXT   NOT NULL,
    key_id    TEXT   NOT NULL,
    signature TEXT   NOT NULL
);
CREATE TABLE leases (
    lease   TEXT   NOT NULL PRIMARY KEY,
    epoch   BIGINT NOT NULL,
    holder  TEXT,
    expires BIGINT NOT NULL
);
"];

/// Brings the database to the newest version, each step in one transaction.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), LogError> {
    let failed = |e| unavailable("migrating the event log", e);
    super::begin(connection).await.map_err(failed)?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await.map_err(failed)?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(unfit(format!(
            "its schema has version {version}, made by a newer Penstock: this one knows {}; use that one",
            MIGRATIONS.len()
        )));
    }
    for (index, step) in MIGRATIONS.iter().enumerate().skip(done) {
        sqlx::raw_sql(*step).execute(&mut *connection).await.map_err(failed)?;
        let set = format!("PRAGMA user_version = {}", index + 1);
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *connection).await.map_err(failed)?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await.map(drop).map_err(failed)
}
