//! Keys of GitLab files that ask for what happens anyway: they change nothing, and are no reason to refuse a file.

use penstock_model::job::JobEnd;
use penstock_pipeline::RetryOn;

use crate::support::{Driven, GITLAB, exited, must_plan, report};

/// Plans that may differ in nothing, as they are stored.
#[track_caller]
fn same(with: &str, without: &str) {
    let stored = |part: &str| {
        let plan = must_plan(GITLAB, &format!("a:\n  script: [x]\n{part}"));
        serde_json::to_value(&plan).unwrap()
    };
    assert_eq!(stored(with), stored(without), "{with}");
}

#[test]
fn what_asks_for_what_happens_anyway_changes_nothing() {
    for (with, without) in [
        ("  interruptible: false\n", ""),
        ("  rules: [{when: always, interruptible: false}]\n", "  rules: [{when: always}]\n"),
        ("  artifacts: {paths: [d], access: all}\n", "  artifacts: {paths: [d]}\n"),
    ] {
        same(with, without);
    }
}

#[test]
fn a_job_is_tried_again_for_the_reasons_that_come_about_here_and_for_no_other() {
    let system = || report(JobEnd::SystemFailure { why: "the disk".into() });
    let timed_out = || report(JobEnd::TimedOut);
    for (when, expected) in [
        ("always", [true, true, true]),
        ("script_failure", [true, false, false]),
        ("job_execution_timeout", [false, true, false]),
        ("stuck_or_timeout_failure", [false, true, false]),
        ("runner_system_failure", [false, false, true]),
        ("unknown_failure", [false, false, true]),
        ("api_failure", [false; 3]),
        ("runner_unsupported", [false; 3]),
        ("stale_schedule", [false; 3]),
        ("archived_failure", [false; 3]),
        ("unmet_prerequisites", [false; 3]),
        ("scheduler_failure", [false; 3]),
        ("data_integrity_failure", [false; 3]),
        ("[stale_schedule, script_failure]", [true, false, false]),
    ] {
        let plan = must_plan(GITLAB, &format!("a:\n  script: [x]\n  retry:\n    max: 1\n    when: {when}\n"));
        let again = [exited(1), timed_out(), system()].map(|end| {
            let mut driven = Driven::new(plan.clone());
            driven.start("a");
            driven.finish("a", end);
            driven.startable() == ["a"]
        });
        assert_eq!(again, expected, "{when}");
    }
    let plan = must_plan(GITLAB, "a: {script: [x], retry: {max: 1, when: api_failure}}\n");
    assert_eq!(plan.jobs[0].retry.on, [RetryOn::Never]);
    assert_eq!(serde_json::to_string(&plan.jobs[0].retry.on).unwrap(), "[\"never\"]");
}
