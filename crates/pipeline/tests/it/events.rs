//! Stored samples of every event: what was written once is read for ever.

use penstock_model::event::DomainEvent;
use penstock_pipeline::{Run, RunEvent, RunStatus};

/// One of each, as version 1 writes them. Never change a line; add a version.
const SAMPLES: &str = include_str!("../samples/run-events-v1.jsonl");

#[test]
fn stored_events_are_read_and_written_as_they_were() {
    let mut run = Run::new();
    let mut names = Vec::new();
    for line in SAMPLES.lines() {
        let event: RunEvent = serde_json::from_str(line).unwrap();
        let kind = event.event_type();
        assert_eq!(kind.version, 1);
        names.push(kind.name);
        // a later program may say the same in other words
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(serde_json::from_value::<RunEvent>(written.clone()).unwrap(), event);
        if !matches!(event, RunEvent::Planned { .. }) {
            assert_eq!(written, serde_json::from_str::<serde_json::Value>(line).unwrap());
        }
        run.evolve(&event);
    }
    let expected = [
        "run.planned",
        "run.job_started",
        "run.job_interrupted",
        "run.job_started",
        "run.job_finished",
        "run.manual_played",
        "run.job_started",
        "run.job_finished",
        "run.job_retried",
        "run.cancel_requested",
        "run.finished",
        "run.retried",
        "run.job_scheduled",
        "run.job_unscheduled",
        "run.job_enqueued",
        "run.job_cancel_requested",
        "run.job_concluded",
        "run.turn_given",
        "run.turn_given",
        "run.job_settled",
        "run.finished",
    ];
    assert_eq!(names, expected);
    assert_eq!(run.finished(), Some(RunStatus::Cancelled));
}
