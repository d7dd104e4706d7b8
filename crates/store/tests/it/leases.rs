use std::sync::Arc;
use std::time::Duration;

use penstock_model::log::{EventLog, Leases, LogError};
use penstock_store::{Durability, SqliteLog};

use crate::fixture::{HandClock, KeyedHash, numbered, stream};

const MINUTE: Duration = Duration::from_secs(60);

async fn opened() -> (tempfile::TempDir, Arc<HandClock>, SqliteLog) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(HandClock::default());
    let log = SqliteLog::open(&dir.path().join("log.db"), Arc::new(KeyedHash("k")), Arc::<HandClock>::clone(&clock), Durability::PowerCut)
        .await
        .unwrap();
    (dir, clock, log)
}

#[tokio::test]
async fn a_lease_that_is_held_is_refused_until_it_runs_out() {
    let (_dir, clock, log) = opened().await;
    let one = log.acquire("server", "one", MINUTE, false).await.unwrap();
    for takeover in [false, true] {
        let refused = log.acquire("server", "two", MINUTE, takeover).await.unwrap_err();
        assert!(matches!(&refused, LogError::Held { holder, .. } if holder.starts_with("one")), "{refused}");
    }
    clock.forward(MINUTE / 2);
    log.renew(&one, MINUTE).await.unwrap();
    clock.forward(MINUTE / 2 + Duration::from_secs(1));
    log.acquire("server", "two", MINUTE, false).await.unwrap_err();
    clock.forward(MINUTE);
    let two = log.acquire("server", "two", MINUTE, false).await.unwrap();
    assert_eq!((one.number, two.number), (1, 2));
}

#[tokio::test]
async fn a_stale_epoch_is_refused_by_every_call() {
    let (_dir, clock, log) = opened().await;
    let stale = log.acquire("server", "one", MINUTE, false).await.unwrap();
    clock.forward(MINUTE * 2);
    log.append(&stale, &stream("run/a"), 0, numbered([0])).await.unwrap(); // ran out, but nobody took it
    let fresh = log.acquire("server", "two", MINUTE, false).await.unwrap();
    let refused = log.append(&stale, &stream("run/a"), 1, numbered([1])).await.unwrap_err();
    assert!(matches!(refused, LogError::StaleEpoch { presented: 1, current: 2, .. }), "{refused}");
    log.renew(&stale, MINUTE).await.unwrap_err();
    log.release(&stale).await.unwrap_err();
    log.append(&fresh, &stream("run/a"), 1, numbered([1])).await.unwrap();
}

#[tokio::test]
async fn the_same_holder_takes_its_lease_over_after_a_crash_with_a_new_epoch() {
    let (_dir, _clock, log) = opened().await;
    let before = log.acquire("server", "one", MINUTE, true).await.unwrap();
    log.acquire("server", "one", MINUTE, false).await.unwrap_err();
    let after = log.acquire("server", "one", MINUTE, true).await.unwrap();
    assert!(after.number > before.number);
    log.append(&before, &stream("run/a"), 0, numbered([0])).await.unwrap_err();
}

#[tokio::test]
async fn a_lease_given_back_is_free_and_its_epoch_is_over() {
    let (_dir, _clock, log) = opened().await;
    let one = log.acquire("server", "one", MINUTE, false).await.unwrap();
    log.release(&one).await.unwrap();
    log.append(&one, &stream("run/a"), 0, numbered([0])).await.unwrap_err();
    let two = log.acquire("server", "two", MINUTE, false).await.unwrap();
    assert!(two.number > one.number);
    log.append(&one, &stream("run/a"), 0, numbered([0])).await.unwrap_err();
}

#[tokio::test]
async fn an_epoch_of_a_lease_that_nobody_ever_took_is_refused() {
    let (_dir, _clock, log) = opened().await;
    let made_up = penstock_model::log::Epoch { lease: "other".to_owned(), number: 1 };
    log.append(&made_up, &stream("run/a"), 0, numbered([0])).await.unwrap_err();
}
