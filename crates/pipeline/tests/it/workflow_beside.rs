//! Steps that run beside others: `background`, `wait`, `wait-all`, `cancel` and `parallel`.

use penstock_model::job::StepOutcome;

use crate::support::{WORKFLOW, problems};
use crate::workflow_actions::{carried_out, gives};

fn failed(code: i32) -> StepOutcome {
    StepOutcome::exited(code)
}

/// What the runner is told, without the scripts.
fn told(steps: &str, ends: &[StepOutcome]) -> String {
    let seen = carried_out(steps, ends);
    let short = |line: &str| {
        let parts: Vec<&str> = line.split(" | ").filter(|part| !part.contains("$d/")).collect();
        parts.join(" | ")
    };
    seen.lines().map(short).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_step_in_the_background_is_recorded_when_somebody_waits_for_it() {
    let steps = "      - {id: s, run: server, background: true}\n      - run: before ${{ steps.s.outcome }}\n      - {wait: s}\n      - run: after ${{ steps.s.outcome }} ${{ steps.s.outputs.port }}\n";
    let ends = [failed(0), failed(0), gives(&[("port", "80")])];
    assert_eq!(
        told(steps, &ends),
        "Run server (in the background)\nRun before  | script before\nWait | Run server:\nRun after success 80 | script after success 80\ndone 0 "
    );
    // until then nobody knows that it failed
    let seen = told(steps, &[failed(0), failed(0), failed(3)]);
    assert_eq!(seen, "Run server (in the background)\nRun before  | script before\nWait | Run server:\ndone 3 ");
    // what cannot be started has failed at once
    assert_eq!(told(steps, &[failed(127)]), "Run server (in the background)\nWait | nothing\ndone 127 ".replace("Wait | nothing\n", ""));
}

#[test]
fn a_background_step_reads_its_script_with_its_own_shell_variables_and_time() {
    let steps = "      - {id: s, run: \"it's ${{ github.job }}\", shell: python, env: {A: b}, working-directory: sub, timeout-minutes: 2, background: true}\n";
    let seen = carried_out(steps, &[]);
    assert!(seen.contains("printf '%s' 'it'\\''s a; ' > \"$d/script\""), "{seen}");
    assert!(seen.contains("timeout --foreground -k 10 120 python3") && seen.contains("A=b"), "{seen}");
}

#[test]
fn whoever_nobody_waits_for_is_waited_for_at_the_end() {
    let steps = "      - {id: s, run: one, background: true}\n      - {id: t, run: two, background: true, continue-on-error: true}\n      - run: three\n";
    let seen = told(steps, &[failed(0), failed(0), failed(0), failed(1), failed(1)]);
    assert!(seen.contains("Run three | script three\nWait for all background steps | Run one:\n… | Run two:\ndone 1 "), "{seen}");
    let steps = "      - {run: one, background: true}\n      - {wait-all: }\n      - run: three\n";
    assert_eq!(told(steps, &[]), "Run one (in the background)\nWait for all | Run one:\nRun three | script three\ndone 0 ");
}

#[test]
fn whoever_waits_may_go_on_after_a_failure_and_the_job_still_fails() {
    let steps = "      - {id: s, run: one, background: true}\n      - {wait: [s], continue-on-error: true}\n      - run: next ${{ steps.s.conclusion }}\n";
    let seen = told(steps, &[failed(0), failed(2)]);
    assert!(seen.ends_with("Run next failure | script next failure\ndone 1 "), "{seen}");
}

#[test]
fn whoever_is_cancelled_fails_nobody() {
    let steps = "      - {id: s, run: server, background: true}\n      - {cancel: s}\n      - run: after ${{ steps.s.outcome }}\n";
    let seen = told(steps, &[failed(0), gives(&[("penstock.ended", "true")])]);
    assert_eq!(seen, "Run server (in the background)\nCancel | Run server:\nRun after cancelled | script after cancelled\ndone 0 ");
    // one that had failed before
    assert!(told(steps, &[failed(0), failed(4)]).ends_with("done 4 "));
}

#[test]
fn the_steps_of_a_group_run_beside_each_other() {
    let steps = "      - parallel:\n          - {id: a, run: one}\n          - {uses: re-actors/alls-green@release/v1, with: {jobs: '{\"x\": {\"result\": \"success\"}}'}}\n          - {name: Second, run: two}\n      - run: ${{ steps.a.outcome }}\n";
    let seen = told(steps, &[]);
    let names: Vec<&str> = seen.lines().map(|line| line.split(" | ").next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "Run one (in the background)",
            "Second (in the background)",
            "Run re-actors/alls-green@release/v1",
            "Wait for the group",
            "…",
            "Run success",
            "done 0 "
        ]
    );
}

#[test]
fn what_is_wrong_beside_is_told_where_it_stands() {
    for (steps, expected) in [
        ("[{run: x}, {wait: y}]", "there is no step `y` before this one"),
        ("[{run: x, id: y}, {wait: y}]", "the step `y` does not run in the background"),
        ("[{run: x, id: y, background: true}, {wait: y, cancel: y}]", "a step has one of `wait`, `wait-all` and `cancel`"),
        ("[{wait-all: false}]", "`wait-all` is true or has no value"),
        ("[{parallel: []}]", "`parallel` is a list of 1 to 10 steps"),
        ("[{parallel: [{parallel: [{run: x}]}]}]", "a step of a group has `run` or `uses`"),
        ("[{parallel: [{run: x, background: true}]}]", "a step of a group has `run` or `uses`"),
        ("[{parallel: [{run: x, id: y}]}, {run: x, id: y}]", "the id `y` is given twice"),
        ("[{wait-all: , if: x}]", "`if` is not carried out"),
        ("[{run: x, background: maybe}]", "`true` or `false` is expected here"),
    ] {
        let text = format!("on: push\njobs: {{a: {{runs-on: linux, steps: {steps}}}}}");
        let seen = problems(WORKFLOW, &text);
        assert!(seen.contains(expected), "{steps}: {seen}");
    }
    let text = "on: push\njobs: {a: {runs-on: linux, container: i, steps: [{run: x, background: true}]}}";
    assert!(problems(WORKFLOW, text).contains("each step is a container of its own"));
}
