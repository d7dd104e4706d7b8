//! Events that were stored once are read for ever.

use penstock_model::event::DomainEvent as _;
use penstock_rollout::RolloutEvent;

/// One stored event a line, as the first release wrote it. Lines are added, never changed.
const STORED: &str = r#"
{"event":"started","key":{"group":"argoproj.io","kind":"Rollout","namespace":"prod","name":"api"},"template":"5f2","stable":"9ab","plan":{"steps":[{"weight":5,"pause":{"is":"for","millis":900000}},{"weight":25,"pause":{"is":"until_resumed"}},{"weight":50,"pause":{"is":"none"}}],"analysis":{"metrics":[{"name":"errors","measure":"error-rate","max_ppm":10000,"min_requests":500},{"name":"latency","measure":"p95","max_ms":500,"min_requests":500}],"interval_ms":1000},"deadline_ms":600000},"at":1764000000000}
{"event":"step_began","template":"5f2","index":0,"weight":5,"canary":{"requests":0,"errors":0,"in_flight":0,"latency":[]},"baseline":{"requests":0,"errors":0,"in_flight":0,"latency":[]},"at":1764000001000}
{"event":"figures_lost","template":"5f2","canary":{"requests":0,"errors":0,"in_flight":0,"latency":[]},"at":1764000002000}
{"event":"judged","template":"5f2","index":0,"judgement":{"verdict":"pass","why":["errors: 0 of 500 requests failed, at most 1 % may"],"requests":500,"errors":0,"p95_ms":50,"failures":0},"at":1764000003000}
{"event":"paused","template":"5f2","by":{"kind":"user","name":"grace"},"at":1764000004000}
{"event":"resumed","template":"5f2","by":{"kind":"user","name":"grace"},"at":1764000005000}
{"event":"skipped","template":"5f2","by":{"kind":"user","name":"grace"},"at":1764000006000}
{"event":"promoted","template":"5f2","at":1764000007000}
{"event":"aborted","template":"5f2","why":"errors: 6 of 90 requests failed","by":{"kind":"penstock"},"at":1764000008000}
{"event":"superseded","template":"5f2","wanted":"77c","at":1764000009000}
"#;

#[test]
fn stored_events_are_read_and_written_as_they_were() {
    let mut names = Vec::new();
    for line in STORED.lines().filter(|line| !line.is_empty()) {
        let event: RolloutEvent = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        assert_eq!(event.event_type().version, 1);
        names.push(event.event_type().name);
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 10);
}
