//! What a run does, step by step.

use penstock_model::job::JobEnd;
use penstock_pipeline::{Refusal, RunCommand, RunEffect, RunStatus};

use crate::support::{Driven, GITLAB, WORKFLOW, ada, exited, must_plan, name, report};

fn gitlab(text: &str) -> Driven {
    Driven::new(must_plan(GITLAB, text))
}

fn workflow(jobs: &str) -> Driven {
    Driven::new(must_plan(WORKFLOW, &format!("on: push\njobs:\n{jobs}")))
}

/// Drives a run with some jobs failing: the order of jobs, then how all stand.
#[track_caller]
fn check(text: &str, fails: &[&str], order: &str, state: &str) {
    let mut driven = gitlab(text);
    assert_eq!(driven.drive(fails), order);
    assert_eq!(driven.state(), state);
}

const CHAIN: &str =
    "stages: [one, two, three]\na: {stage: one, script: [x]}\nb: {stage: two, script: [x]}\nc: {stage: three, script: [x]}\n";

#[test]
fn stages_follow_each_other_and_a_failure_skips_what_comes_after() {
    check(CHAIN, &[], "a b c", "success: a ok, b ok, c ok");
    check(CHAIN, &["b"], "a b", "failed: a ok, b failed, c skipped");
}

#[test]
fn a_job_starts_when_what_it_waits_for_is_done_and_never_by_wave() {
    let mut driven = gitlab(
        "stages: [one, two]\na: {stage: one, script: [x]}\nslow: {stage: one, script: [x]}\nb: {stage: two, needs: [a], script: [x]}\nc: {stage: two, needs: [], script: [x]}\nd: {stage: two, script: [x]}\n",
    );
    assert_eq!(driven.startable(), ["a", "slow", "c"]);
    driven.start("slow");
    driven.start("a");
    driven.finish("a", exited(0));
    assert_eq!(driven.startable(), ["b", "c"]);
    driven.finish("slow", exited(0));
    assert_eq!(driven.startable(), ["b", "c", "d"]);
}

#[test]
fn on_failure_runs_only_then_and_always_in_any_case() {
    let text = "stages: [one, two]\na: {stage: one, script: [x]}\nfail: {stage: two, script: [x], when: on_failure}\nboth: {stage: two, script: [x], when: always}\n";
    check(text, &[], "a both", "success: a ok, fail skipped, both ok");
    check(text, &["a"], "a fail both", "failed: a failed, fail ok, both ok");
}

#[test]
fn a_failure_that_is_allowed_is_a_warning() {
    let text = "stages: [one, two]\na: {stage: one, script: [x], allow_failure: true}\nb: {stage: two, script: [x]}\n";
    check(text, &["a"], "a b", "successwithwarnings: a warned, b ok");
    let codes = "stages: [one, two]\na: {stage: one, script: [x], allow_failure: {exit_codes: [1]}}\nb: {stage: two, script: [x]}\n";
    check(codes, &["a"], "a b", "successwithwarnings: a warned, b ok");
    check(&codes.replace("[1]", "[2]"), &["a"], "a", "failed: a failed, b skipped");
}

#[test]
fn a_manual_job_blocks_only_if_it_may_not_fail() {
    let text = "stages: [one, two]\na: {stage: one, script: [x], when: manual}\nb: {stage: two, script: [x]}\n";
    check(text, &[], "b", "success: a manual, b ok");
    let blocking = text.replace("manual}", "manual, allow_failure: false}");
    check(&blocking, &[], "", "blocked: a manual, b waits");
    let mut driven = gitlab(&blocking);
    driven.tell(RunCommand::PlayJob { job: name("a"), by: ada() });
    assert_eq!(driven.drive(&[]), "a b");
    assert_eq!(driven.run.finished(), Some(RunStatus::Success));
}

#[test]
fn what_needs_a_manual_job_is_skipped_until_somebody_plays_it() {
    let text = "a: {script: [x], when: manual}\nb: {script: [x], needs: [a]}\n";
    let mut driven = gitlab(text);
    assert_eq!(driven.drive(&[]), "");
    assert_eq!(driven.state(), "skipped: a manual, b skipped");
    driven.tell(RunCommand::PlayJob { job: name("a"), by: ada() });
    assert_eq!(driven.drive(&[]), "a b");
    assert_eq!(driven.state(), "success: a ok, b ok");
}

#[test]
fn a_job_is_tried_again_as_often_as_it_says_and_only_after_what_it_says() {
    for (retry, end, attempts) in [
        ("2", JobEnd::Exited { code: 1 }, 3),
        ("0", JobEnd::Exited { code: 1 }, 1),
        ("{max: 1, when: script_failure}", JobEnd::Exited { code: 1 }, 2),
        ("{max: 1, when: runner_system_failure}", JobEnd::Exited { code: 1 }, 1),
        ("{max: 1, when: runner_system_failure}", JobEnd::SystemFailure { why: "no disk".into() }, 2),
        ("{max: 2, when: [job_execution_timeout]}", JobEnd::TimedOut, 3),
        ("{max: 2, exit_codes: [137]}", JobEnd::Exited { code: 137 }, 3),
        ("{max: 2, exit_codes: [137]}", JobEnd::Exited { code: 1 }, 1),
        ("2", JobEnd::Cancelled, 1),
    ] {
        let mut driven = gitlab(&format!("a: {{script: [x], retry: {retry}}}\n"));
        while !driven.startable().is_empty() {
            driven.start("a");
            driven.finish("a", report(end.clone()));
        }
        assert_eq!(driven.run.attempts(&name("a")), attempts, "{retry} {end:?}");
        assert!(driven.run.status().is_finished());
    }
}

#[test]
fn a_lost_attempt_is_made_again_and_is_no_retry() {
    let mut driven = gitlab("a: {script: [x], retry: 1}\n");
    for _ in 0..5 {
        let attempt = driven.start("a");
        assert_eq!(driven.run.running(), [(name("a"), attempt)]);
        driven.tell(RunCommand::JobInterrupted { job: name("a"), attempt });
    }
    driven.start("a");
    driven.finish("a", exited(1));
    assert_eq!(driven.startable(), ["a"]);
    driven.start("a");
    driven.finish("a", exited(1));
    assert_eq!(driven.state(), "failed: a failed");
    assert_eq!(driven.run.attempts(&name("a")), 7);
}

#[test]
fn attempts_that_are_always_lost_come_to_an_end() {
    let mut driven = gitlab("a: {script: [x]}\n");
    while !driven.startable().is_empty() {
        let attempt = driven.start("a");
        driven.tell(RunCommand::JobInterrupted { job: name("a"), attempt });
        assert!(attempt <= 100);
    }
    assert_eq!(driven.state(), "failed: a failed");
}

#[test]
fn cancelling_ends_what_runs_and_keeps_the_rest_from_starting() {
    let mut driven = gitlab(CHAIN);
    driven.start("a");
    driven.tell(RunCommand::Cancel { by: ada() });
    assert_eq!(driven.run.wanted(), [RunEffect::CancelJob { job: name("a"), attempt: 1 }]);
    assert_eq!(driven.run.decide(RunCommand::Cancel { by: ada() }), Ok(vec![]));
    driven.finish("a", report(JobEnd::Cancelled));
    assert_eq!(driven.state(), "cancelled: a cancelled, b cancelled, c cancelled");
    assert_eq!(driven.run.wanted(), [RunEffect::Finish { status: RunStatus::Cancelled }]);
}

#[test]
fn a_cancelled_run_is_no_success_even_if_the_last_job_made_it() {
    let mut driven = gitlab("a: {script: [x]}\n");
    driven.start("a");
    driven.tell(RunCommand::Cancel { by: ada() });
    driven.finish("a", exited(0));
    assert_eq!(driven.run.status(), RunStatus::Cancelled);
}

#[test]
fn a_lost_attempt_of_a_cancelled_run_is_not_made_again() {
    let mut driven = gitlab("a: {script: [x]}\n");
    let attempt = driven.start("a");
    driven.tell(RunCommand::Cancel { by: ada() });
    driven.tell(RunCommand::JobInterrupted { job: name("a"), attempt });
    assert_eq!(driven.state(), "cancelled: a cancelled");
}

#[test]
fn trying_a_job_again_brings_back_what_was_skipped_because_of_it() {
    let mut driven = gitlab(CHAIN);
    driven.drive(&["b"]);
    assert_eq!(driven.run.finished(), Some(RunStatus::Failed));
    driven.tell(RunCommand::RetryJob { job: name("b"), by: ada() });
    assert_eq!(driven.run.finished(), None);
    assert_eq!(driven.drive(&[]), "b c");
    assert_eq!(driven.state(), "success: a ok, b ok, c ok");
}

#[test]
fn commands_that_do_not_fit_are_refused_and_told_twice_are_nothing() {
    let mut driven = gitlab(CHAIN);
    let run = &driven.run;
    assert!(matches!(run.decide(RunCommand::StartJob { job: name("b"), attempt: 1 }), Err(Refusal::WrongState { .. })));
    assert!(matches!(run.decide(RunCommand::StartJob { job: name("a"), attempt: 2 }), Err(Refusal::WrongAttempt { .. })));
    assert!(matches!(run.decide(RunCommand::StartJob { job: name("z"), attempt: 1 }), Err(Refusal::NoSuchJob(_))));
    assert!(matches!(
        run.decide(RunCommand::FinishJob { job: name("a"), attempt: 1, report: exited(0) }),
        Err(Refusal::WrongAttempt { .. })
    ));
    assert!(matches!(run.decide(RunCommand::PlayJob { job: name("a"), by: ada() }), Err(Refusal::WrongState { .. })));
    assert!(matches!(run.decide(RunCommand::RetryJob { job: name("b"), by: ada() }), Err(Refusal::WrongState { .. })));
    assert_eq!(run.decide(RunCommand::Finish), Err(Refusal::NotOver));
    driven.start("a");
    assert!(driven.run.decide(RunCommand::StartJob { job: name("a"), attempt: 1 }).is_err());
    driven.finish("a", exited(0));
    assert_eq!(driven.run.decide(RunCommand::FinishJob { job: name("a"), attempt: 1, report: exited(1) }), Ok(vec![]));
    assert_eq!(driven.run.decide(RunCommand::JobInterrupted { job: name("a"), attempt: 1 }), Ok(vec![]));
    driven.drive(&[]);
    assert_eq!(driven.run.decide(RunCommand::Finish), Ok(vec![]));
    assert_eq!(driven.run.decide(RunCommand::Cancel { by: ada() }), Err(Refusal::Over));
}

#[test]
fn artifacts_and_dotenv_of_earlier_jobs_are_handed_on() {
    let mut driven = gitlab("a: {script: [x], artifacts: {paths: [x], reports: {dotenv: e}}}\nb: {script: [x], needs: [a]}\n");
    driven.start("a");
    let mut left = exited(0);
    left.artifacts = Some(penstock_model::Digest::of("tar"));
    left.dotenv.insert("VERSION".into(), "7".into());
    driven.finish("a", left);
    let [RunEffect::StartJob { inputs, .. }] = &driven.run.wanted()[..] else { panic!("b must start") };
    assert_eq!((inputs.artifacts.len(), inputs.dotenv["VERSION"].as_str()), (1, "7"));
}

#[test]
fn a_workflows_job_runs_if_all_before_it_succeeded_unless_its_if_says_otherwise() {
    let jobs = "  a: {runs-on: ubuntu-latest, steps: [{run: x}]}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: x}]}
  c: {needs: b, runs-on: ubuntu-latest, steps: [{run: x}]}
  clean: {needs: [a, b], if: always(), runs-on: ubuntu-latest, steps: [{run: x}]}
  report: {needs: c, if: failure(), runs-on: ubuntu-latest, steps: [{run: x}]}
  after: {needs: clean, runs-on: ubuntu-latest, steps: [{run: x}]}
  asks: {needs: a, if: \"${{ always() && needs.a.result == 'failure' }}\", runs-on: ubuntu-latest, steps: [{run: x}]}
";
    let mut driven = workflow(jobs);
    assert_eq!(driven.drive(&[]), "a b c clean after");
    assert_eq!(driven.state(), "success: a ok, b ok, c ok, clean ok, report skipped, after ok, asks skipped");
    let mut driven = workflow(jobs);
    // `failure()` looks at all that came before, and a skip is handed on however far
    assert_eq!(driven.drive(&["a"]), "a clean report asks");
    assert_eq!(driven.state(), "failed: a failed, b skipped, c skipped, clean ok, report ok, after skipped, asks ok");
}

#[test]
fn a_matrix_runs_as_many_at_once_as_it_says_and_one_failure_ends_the_others() {
    let jobs = "  a: {strategy: {max-parallel: 2, matrix: {n: [1, 2, 3, 4]}}, runs-on: ubuntu-latest, steps: [{run: x}]}\n";
    let mut driven = workflow(jobs);
    assert_eq!(driven.startable(), ["a (1)", "a (2)"]);
    driven.start("a (1)");
    driven.start("a (2)");
    assert!(driven.startable().is_empty());
    assert!(driven.run.decide(RunCommand::StartJob { job: name("a (3)"), attempt: 1 }).is_err());
    driven.finish("a (1)", exited(1));
    assert_eq!(driven.run.wanted(), [RunEffect::CancelJob { job: name("a (2)"), attempt: 1 }]);
    driven.finish("a (2)", report(JobEnd::Cancelled));
    assert_eq!(driven.state(), "failed: a (1) failed, a (2) cancelled, a (3) cancelled, a (4) cancelled");
    let mut driven = workflow(&jobs.replace("max-parallel: 2", "fail-fast: false"));
    assert_eq!(driven.drive(&["a (1)"]), "a (1) a (2) a (3) a (4)");
}

#[test]
fn outputs_of_a_job_reach_the_if_of_those_that_need_it() {
    let jobs = "  a: {runs-on: ubuntu-latest, outputs: {go: x}, steps: [{run: x}]}
  b: {needs: a, if: needs.a.outputs.go == 'yes', runs-on: ubuntu-latest, steps: [{run: x}]}
";
    for (value, expected) in [("yes", "running: a ok, b ready"), ("no", "success: a ok, b skipped")] {
        let mut driven = workflow(jobs);
        driven.start("a");
        let mut left = exited(0);
        left.outputs.insert("go".into(), value.into());
        driven.finish("a", left);
        assert_eq!(driven.state(), expected);
    }
}

#[test]
fn a_cancelled_workflow_still_runs_what_asks_for_it() {
    let jobs = "  a: {runs-on: ubuntu-latest, steps: [{run: x}]}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: x}]}
  tidy: {needs: a, if: cancelled(), runs-on: ubuntu-latest, steps: [{run: x}]}
";
    let mut driven = workflow(jobs);
    driven.start("a");
    driven.tell(RunCommand::Cancel { by: ada() });
    driven.finish("a", report(JobEnd::Cancelled));
    assert_eq!(driven.startable(), ["tidy"]);
    driven.drive(&[]);
    assert_eq!(driven.state(), "cancelled: a cancelled, b cancelled, tidy ok");
}

#[test]
fn a_condition_that_cannot_be_decided_fails_its_job_with_the_reason() {
    let mut driven = workflow(
        "  a: {runs-on: ubuntu-latest, outputs: {j: x}, steps: [{run: x}]}\n  b: {needs: a, if: fromJSON(needs.a.outputs.j).x, runs-on: ubuntu-latest, steps: [{run: x}]}\n",
    );
    driven.drive(&[]);
    assert_eq!(driven.state(), "failed: a ok, b failed");
}
