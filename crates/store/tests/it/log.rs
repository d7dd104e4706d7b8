use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::clock::SystemClock;
use penstock_model::log::{EventLog, LogError};
use penstock_store::{Durability, SqliteLog};
use serde_json::json;

use crate::fixture::{KeyedHash, edit, event, lease, numbered, open, stream, try_open};

#[tokio::test]
async fn events_come_back_as_they_were_recorded_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    let odd = json!({ "z": 0.1 + 0.2, "a": [1e300, -0.0, 5e-324, f64::MIN_POSITIVE], "text": "naïve ✓ \u{0}", "n": u64::MAX });
    let first = log.append(&epoch, &stream("run/a"), 0, vec![event(odd), event(json!(null))]).await.unwrap();
    let second = log.append(&epoch, &stream("run/b"), 0, numbered([1])).await.unwrap();
    log.close().await.unwrap();

    let log = open(dir.path()).await;
    assert_eq!(log.after(0, 10).await.unwrap(), [first.clone(), second.clone()].concat());
    assert_eq!(log.stream(&stream("run/a"), 0).await.unwrap(), first);
    assert_eq!(log.stream(&stream("run/a"), 1).await.unwrap(), first[1..]);
    assert_eq!(log.after(2, 1).await.unwrap(), second);
    assert_eq!(*log.head().borrow(), 3);
    assert_eq!(first[1].previous, Some(first[0].hash));
    log.verify().await.unwrap();
}

#[tokio::test]
async fn an_append_that_expects_another_version_writes_nothing_and_says_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    log.append(&epoch, &stream("run/a"), 0, numbered(0..3)).await.unwrap();
    for wrong in [0, 2, 4] {
        let refused = log.append(&epoch, &stream("run/a"), wrong, numbered([9])).await.unwrap_err();
        assert!(matches!(refused, LogError::Conflict { expected, actual: 3, .. } if expected == wrong), "{refused}");
    }
    assert_eq!(log.after(0, 10).await.unwrap().len(), 3);
    log.append(&epoch, &stream("run/a"), 3, numbered([3])).await.unwrap();
}

#[tokio::test]
async fn of_many_who_append_at_once_to_one_version_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(dir.path()).await);
    let epoch = lease(&log).await;
    let tries: Vec<_> = (0..50)
        .map(|n| {
            let (log, epoch) = (Arc::clone(&log), epoch.clone());
            tokio::spawn(async move { log.append(&epoch, &stream("run/a"), 0, numbered([n])).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for one in tries {
        won += usize::from(one.await.unwrap());
    }
    assert_eq!(won, 1);
    log.verify().await.unwrap();
}

#[tokio::test]
async fn whoever_waits_for_the_head_wakes_when_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    let mut head = log.head();
    head.mark_unchanged();
    log.append(&epoch, &stream("run/a"), 0, numbered(0..5)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), head.changed()).await.unwrap().unwrap();
    assert_eq!(*head.borrow(), 5);
}

#[tokio::test]
async fn a_checkpoint_covers_everything_and_is_the_same_until_something_comes() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    let none = log.checkpoint().await.unwrap();
    assert_eq!(none.position, 0);
    log.append(&epoch, &stream("run/a"), 0, numbered(0..700)).await.unwrap();
    let one = log.checkpoint().await.unwrap();
    assert_eq!(one.position, 700);
    assert_eq!(log.checkpoint().await.unwrap(), one);
    log.append(&epoch, &stream("run/a"), 700, numbered([0])).await.unwrap();
    assert_ne!(log.checkpoint().await.unwrap().root, one.root);
    log.verify_against(&one).await.unwrap();
}

#[tokio::test]
async fn an_event_that_is_too_large_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    let large = event(json!("x".repeat(2_000_000)));
    let refused = log.append(&epoch, &stream("run/a"), 0, vec![large]).await.unwrap_err();
    assert!(refused.to_string().contains("keep it as a blob"), "{refused}");
}

#[tokio::test]
async fn a_database_of_a_newer_penstock_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.close().await.unwrap();
    edit(dir.path(), "INSERT INTO leases VALUES ('x', 1, NULL, 0); PRAGMA user_version = 99").await;
    let refused = try_open(dir.path()).await.err().unwrap();
    assert!(refused.to_string().contains("made by a newer Penstock"), "{refused}");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let absent = try_open(&dir.path().join("absent")).await.err().unwrap();
    assert!(absent.to_string().contains("make the directory"), "{absent}");
    std::fs::write(dir.path().join("log.db"), "not a database, but long enough to be looked at as one".repeat(100)).unwrap();
    let other = try_open(dir.path()).await.err().unwrap();
    assert!(other.to_string().contains("is not an event log"), "{other}");
}

#[tokio::test]
async fn a_locked_database_fails_the_append_and_the_next_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    log.append(&epoch, &stream("run/a"), 0, numbered([0])).await.unwrap();
    // the limit on pages is per connection, so a second writer plays the other process instead
    let blocker = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("log.db"));
    let mut blocker = sqlx::ConnectOptions::connect(&blocker).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut blocker).await.unwrap();
    let refused = log.append(&epoch, &stream("run/a"), 1, numbered([1])).await.unwrap_err();
    assert!(refused.to_string().contains("another process holds the database"), "{refused}");
    sqlx::raw_sql("ROLLBACK").execute(&mut blocker).await.unwrap();
    log.append(&epoch, &stream("run/a"), 1, numbered([1])).await.unwrap();
    log.verify().await.unwrap();
}

/// Makes a file system of 2 MiB; `None` where this user may not.
fn small_disk(at: &Path) -> Option<()> {
    std::fs::create_dir(at).unwrap();
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).status().ok()?;
    mounted.success().then_some(())
}

#[tokio::test]
async fn a_full_disk_refuses_the_append_and_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    if small_disk(&disk).is_none() {
        eprintln!("not run: mounting a small file system needs root");
        return;
    }
    let log = SqliteLog::open(&disk.join("log.db"), Arc::new(KeyedHash("k")), Arc::new(SystemClock), Durability::PowerCut).await.unwrap();
    let epoch = lease(&log).await;
    let mut kept = 0;
    let refused = loop {
        match log.append(&epoch, &stream("run/a"), kept, vec![event(json!("x".repeat(100_000)))]).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    let events = log.after(0, 1000).await;
    drop(log.close().await);
    let unmounted = std::process::Command::new("umount").arg("-l").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert!(refused.to_string().contains("the disk is full: free some space"), "{refused}");
    assert!(kept > 3);
    assert_eq!(events.unwrap().len() as u64, kept);
}
