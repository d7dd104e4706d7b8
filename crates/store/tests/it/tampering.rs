use penstock_model::log::{EventLog, LogError};

use crate::fixture::{edit, lease, numbered, open, stream, try_open};

/// Two streams, four events, a checkpoint over the first three if asked for.
async fn filled(covered: bool) -> (tempfile::TempDir, penstock_store::SqliteLog) {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let epoch = lease(&log).await;
    log.append(&epoch, &stream("run/a"), 0, numbered(0..2)).await.unwrap();
    log.append(&epoch, &stream("run/b"), 0, numbered([2])).await.unwrap();
    if covered {
        log.checkpoint().await.unwrap();
    }
    log.append(&epoch, &stream("run/a"), 2, numbered([3])).await.unwrap();
    (dir, log)
}

#[track_caller]
fn assert_broken(found: Result<penstock_model::log::Checkpoint, LogError>, at: u64, why: &str) {
    let found = found.unwrap_err();
    let text = found.to_string();
    assert!(matches!(found, LogError::Broken { position, .. } if position == at) && text.contains(why), "{text}");
}

#[tokio::test]
async fn a_changed_event_is_found_whatever_was_changed() {
    for change in ["data = '{\"number\":9}'", "actor = '{\"kind\":\"user\",\"name\":\"eve\"}'", "at = 8", "name = 'other'", "form = 2"] {
        let (dir, log) = filled(false).await;
        edit(dir.path(), &format!("UPDATE events SET {change} WHERE position = 2")).await;
        assert_broken(log.verify().await, 2, "not what its hash says");
    }
}

#[tokio::test]
async fn an_event_that_was_changed_with_its_hash_is_found_by_its_successor_or_by_the_checkpoint() {
    let (dir, log) = filled(true).await;
    // the attacker recomputes the hash, which needs no key
    let mut forged = log.after(2, 1).await.unwrap().remove(0);
    forged.data = serde_json::json!({ "number": 9 });
    let hash = forged.expected_hash().unwrap();
    edit(dir.path(), &format!("UPDATE events SET data = '{{\"number\":9}}', hash = '{hash}' WHERE position = 3")).await;
    assert_broken(log.verify().await, 3, "not those that the checkpoint covers");

    let (dir, log) = filled(false).await;
    let mut forged = log.after(1, 1).await.unwrap().remove(0);
    forged.data = serde_json::json!({ "number": 9 });
    let hash = forged.expected_hash().unwrap();
    edit(dir.path(), &format!("UPDATE events SET data = '{{\"number\":9}}', hash = '{hash}' WHERE position = 2")).await;
    assert_broken(log.verify().await, 4, "does not follow the event before it");
}

#[tokio::test]
async fn a_removed_event_is_found() {
    let (dir, log) = filled(false).await;
    edit(dir.path(), "DELETE FROM events WHERE position = 3").await;
    assert_broken(log.verify().await, 3, "the event is missing");
}

#[tokio::test]
async fn removed_events_are_found_when_the_rest_was_moved_up() {
    let (dir, log) = filled(true).await;
    edit(dir.path(), "DELETE FROM events WHERE position = 3; UPDATE events SET position = 3 WHERE position = 4").await;
    assert_broken(log.verify().await, 3, "not those that the checkpoint covers");
}

#[tokio::test]
async fn a_truncated_log_is_found_by_the_running_server_by_the_checkpoint_and_by_one_kept_elsewhere() {
    let (dir, log) = filled(false).await;
    edit(dir.path(), "DELETE FROM events WHERE position = 4").await;
    assert_broken(log.verify().await, 4, "once had 4 events");

    let (dir, log) = filled(true).await;
    log.close().await.unwrap();
    edit(dir.path(), "DELETE FROM events WHERE position > 2").await;
    assert_broken(open(dir.path()).await.verify().await, 3, "a checkpoint covers it up to");

    let (dir, log) = filled(true).await;
    let kept = log.checkpoint().await.unwrap();
    log.close().await.unwrap();
    edit(dir.path(), "DELETE FROM events WHERE position > 2; DELETE FROM checkpoints").await;
    let log = open(dir.path()).await;
    log.verify().await.unwrap();
    assert_broken(log.verify_against(&kept).await, 4, "was cut off or replaced");
}

#[tokio::test]
async fn a_checkpoint_by_another_key_or_over_another_root_is_found() {
    let (dir, log) = filled(true).await;
    edit(dir.path(), "UPDATE checkpoints SET signature = 'AAAA'").await;
    assert_broken(log.verify().await, 3, "signature by `test` does not hold");
    let (dir, log) = filled(true).await;
    edit(dir.path(), "UPDATE checkpoints SET root = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'").await;
    assert_broken(log.verify().await, 3, "signature by `test` does not hold");
}

#[tokio::test]
async fn a_change_after_the_last_checkpoint_is_not_vouched_for_after_a_restart() {
    let (dir, log) = filled(false).await;
    log.close().await.unwrap();
    edit(dir.path(), "DELETE FROM checkpoints; UPDATE events SET at = 8 WHERE position = 4").await;
    let refused = try_open(dir.path()).await.err().unwrap();
    assert!(matches!(refused, LogError::Broken { position: 4, .. }), "{refused}");
}

#[tokio::test]
async fn a_row_of_another_form_is_found() {
    for change in ["hash = 'x'", "data = '{'", "actor = 'x'", "version = -1", "data = X'00ff'"] {
        let (dir, log) = filled(false).await;
        edit(dir.path(), &format!("UPDATE events SET {change} WHERE position = 1")).await;
        assert_broken(log.verify().await, 1, "cannot be read");
    }
}
