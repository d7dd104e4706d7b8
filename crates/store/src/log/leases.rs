//! Leases. All within the writer's transaction.

use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::log::{Epoch, LogError};
use sqlx::SqliteConnection;

use super::fault::Fault;
use super::read::signed;

struct Row {
    epoch: u64,
    holder: Option<String>,
    expires: Timestamp,
}

async fn row(connection: &mut SqliteConnection, lease: &str) -> Result<Option<Row>, Fault> {
    let row: Option<(i64, Option<String>, i64)> =
        sqlx::query_as("SELECT epoch, holder, expires FROM leases WHERE lease = $1").bind(lease).fetch_optional(connection).await?;
    Ok(row.map(|(epoch, holder, expires)| Row { epoch: u64::try_from(epoch).unwrap_or(0), holder, expires: Timestamp(expires) }))
}

/// The epoch is in force: nobody has taken the lease over, and it was not given back. A lease that ran out and that
/// nobody else took is still its holder's: the epoch alone keeps two from writing.
pub(super) async fn check(connection: &mut SqliteConnection, epoch: &Epoch) -> Result<(), Fault> {
    let current = row(connection, &epoch.lease).await?;
    let current = current.map_or(0, |row| if row.holder.is_some() { row.epoch } else { row.epoch + 1 });
    if current == epoch.number {
        return Ok(());
    }
    Err(LogError::StaleEpoch { lease: epoch.lease.clone(), presented: epoch.number, current }.into())
}

pub(super) async fn acquire(
    connection: &mut SqliteConnection,
    lease: &str,
    holder: &str,
    ttl: Duration,
    takeover: bool,
    now: Timestamp,
) -> Result<Epoch, Fault> {
    let number = match row(connection, lease).await? {
        None => 1,
        Some(Row { epoch, holder: Some(current), expires }) if expires > now && !(takeover && current == holder) => {
            let holder = format!("{current} (epoch {epoch}) until {expires}");
            return Err(LogError::Held { lease: lease.to_owned(), holder }.into());
        }
        Some(row) => row.epoch + 1,
    };
    sqlx::query(
        "INSERT INTO leases (lease, epoch, holder, expires) VALUES ($1, $2, $3, $4)
         ON CONFLICT (lease) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder, expires = excluded.expires",
    )
    .bind(lease)
    .bind(signed(number))
    .bind(holder)
    .bind(now.after(ttl).0)
    .execute(connection)
    .await?;
    Ok(Epoch { lease: lease.to_owned(), number })
}

pub(super) async fn renew(connection: &mut SqliteConnection, epoch: &Epoch, ttl: Duration, now: Timestamp) -> Result<(), Fault> {
    check(connection, epoch).await?;
    let extended = sqlx::query("UPDATE leases SET expires = $2 WHERE lease = $1").bind(&epoch.lease).bind(now.after(ttl).0);
    extended.execute(connection).await?;
    Ok(())
}

pub(super) async fn release(connection: &mut SqliteConnection, epoch: &Epoch) -> Result<(), Fault> {
    check(connection, epoch).await?;
    sqlx::query("UPDATE leases SET holder = NULL, expires = 0 WHERE lease = $1").bind(&epoch.lease).execute(connection).await?;
    Ok(())
}
