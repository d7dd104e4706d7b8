//! Events that were stored once are read for ever.

use penstock_gitops::AppEvent;
use penstock_model::event::DomainEvent as _;

/// One stored event a line, as the first release wrote it. Lines are added, never changed.
const STORED: &str = r#"
{"event":"sync_started","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","reason":{"is":"new_revision"},"attempt":1,"at":1764000000000}
{"event":"sync_started","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","reason":{"is":"self_heal","objects":[{"group":"apps","kind":"Deployment","namespace":"prod","name":"api"}]},"attempt":1,"at":1764000000000}
{"event":"sync_started","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","reason":{"is":"asked","by":{"kind":"user","name":"grace"}},"attempt":1,"at":1764000000000}
{"event":"sync_started","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","reason":{"is":"retry"},"attempt":2,"at":1764000000000}
{"event":"synced","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","at":1764000000000}
{"event":"sync_failed","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","why":"Deployment prod/api: it will not","attempt":1,"at":1764000000000}
{"event":"drifted","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","objects":[{"group":"","kind":"Service","namespace":"prod","name":"api"}],"at":1764000000000}
{"event":"health_changed","health":{"status":"degraded","message":"Rollout prod/api: aborted"},"at":1764000000000}
{"event":"refused","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","why":"errors: 6 of 90","by":{"kind":"penstock"},"at":1764000000000}
{"event":"withheld","commit":"0123456789012345678901234567890123456789","revision":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","why":"errors: 6 of 90","at":1764000000000}
"#;

#[test]
fn stored_events_are_read_and_written_as_they_were() {
    let mut names = Vec::new();
    for line in STORED.lines().filter(|line| !line.is_empty()) {
        let event: AppEvent = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        assert_eq!(event.event_type().version, 1);
        names.push(event.event_type().name);
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 7);
}
