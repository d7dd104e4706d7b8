//! A workflow's job from the inside, as a runner drives it.

use std::collections::BTreeMap;

use penstock_model::job::{Chore, NextStep, StepOutcome, StepSpec, Work};
use penstock_model::service::ServiceUp;
use penstock_pipeline::steps;

use crate::job_environment::context;
use crate::support::{WORKFLOW, must_plan};

/// How a step ends: exit code, outputs, `GITHUB_ENV`.
type End<'e> = (Option<i32>, &'e [(&'e str, &'e str)], &'e [(&'e str, &'e str)]);

fn pairs(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What a step is, in few words.
fn work(step: &StepSpec) -> String {
    let notes = step.notes.join("; ");
    match &step.work {
        Work::Script { text, .. } => text.trim_end().replace('\n', "; "),
        Work::Chore(Chore::Nothing) => notes,
        other => format!("{other:?}"),
    }
}

/// What the runner is told, given how each step ends. `cancelled` is the step (from 0) during which the job is cancelled.
#[track_caller]
fn check(steps_text: &str, ends: &[End<'_>], cancelled: Option<usize>, expected: &str) {
    let text = format!(
        "on: push\nenv: {{TOP: top}}\njobs:\n  a:\n    runs-on: linux\n    outputs: {{out: \"${{{{ steps.s.outputs.v }}}}\"}}\n    env: {{JOB: job}}\n    steps:\n{steps_text}"
    );
    let plan = must_plan(WORKFLOW, &text);
    let mut source = steps(&plan, &plan.jobs[0].name, &context()).unwrap();
    let mut seen = Vec::new();
    let mut next = source.next(None, false);
    let mut index = 0;
    loop {
        match next {
            NextStep::Run(step) => {
                let env = crate::workflow_actions::variables(&step);
                seen.push(format!("{} | {} | {}", step.name, work(&step), env.join(" ")).trim().to_owned());
                let (exit_code, outputs, env) = ends.get(index).copied().unwrap_or((Some(0), &[], &[]));
                let outcome = StepOutcome { exit_code, outputs: pairs(outputs), env: pairs(env), ..StepOutcome::default() };
                next = source.next(Some(&outcome), cancelled.is_some_and(|at| at <= index));
                index += 1;
            }
            NextStep::Done { exit_code, outputs } => {
                seen.push(format!("done {exit_code} {outputs:?}"));
                break;
            }
        }
        assert!(index < 100);
    }
    assert_eq!(seen.join("\n"), expected);
}

#[test]
fn outputs_and_variables_reach_later_steps_and_the_job() {
    check(
        "      - {id: s, run: one}\n      - {name: \"see ${{ steps.s.outputs.v }}\", run: \"two ${{ steps.s.outputs['v'] }} ${{ env.NEW }} ${{ env.JOB }} ${{ env.OWN }}\", env: {OWN: \"${{ env.TOP }}!\"}, shell: sh}\n",
        &[(Some(0), &[("v", "42")], &[("NEW", "new")])],
        None,
        "Run one | one |\nsee 42 | two 42 new job top! | NEW=new OWN=top!\ndone 0 {\"out\": \"42\"}",
    );
}

#[test]
fn after_a_failure_only_what_asks_for_it_runs() {
    let steps = "      - {id: s, run: one}\n      - {run: two}\n      - {if: failure(), run: three}\n      - {if: always(), run: \"four ${{ job.status }}\"}\n      - {if: \"steps.s.outcome == 'failure'\", run: five}\n      - {if: \"failure() && steps.s.outcome == 'failure'\", run: six}\n";
    check(
        steps,
        &[(Some(7), &[], &[])],
        None,
        "Run one | one |\nRun three | three |\nRun four failure | four failure |\nRun six | six |\ndone 7 {\"out\": \"\"}",
    );
    check(steps, &[], None, "Run one | one |\nRun two | two |\nRun four success | four success |\ndone 0 {\"out\": \"\"}");
}

#[test]
fn a_failure_that_may_be_is_an_outcome_and_no_conclusion() {
    check(
        "      - {id: s, run: one, continue-on-error: true}\n      - {run: \"two ${{ steps.s.outcome }} ${{ steps.s.conclusion }}\"}\n",
        &[(Some(1), &[], &[])],
        None,
        "Run one | one |\nRun two failure success | two failure success |\ndone 0 {\"out\": \"\"}",
    );
}

#[test]
fn whether_a_failure_counts_and_how_long_a_step_may_take_can_be_expressions() {
    check(
        "      - {id: s, run: one, continue-on-error: \"${{ env.TOP == 'top' }}\"}\n      - {run: two, timeout-minutes: \"${{ fromJSON('0') }}\"}\n      - {if: always(), run: three, continue-on-error: \"${{ 1 }}\"}\n",
        &[(Some(1), &[], &[]), (Some(1), &[], &[]), (Some(1), &[], &[])],
        None,
        "Run one | one |\nEvaluate expressions | ##[error]`timeout-minutes` is a number of minutes up to 31 days, not `0` |\nEvaluate expressions | ##[error]`continue-on-error` is true or false, not `1` |\ndone 1 {\"out\": \"\"}",
    );
}

#[test]
fn after_a_cancellation_only_what_asks_for_it_runs() {
    check(
        "      - {run: one}\n      - {run: two}\n      - {if: failure(), run: three}\n      - {if: cancelled(), run: four}\n      - {if: always(), run: five}\n",
        &[(None, &[], &[])],
        Some(0),
        "Run one | one |\nRun four | four |\nRun five | five |\ndone 1 {\"out\": \"\"}",
    );
}

#[test]
fn secrets_are_marked_and_do_not_leave_by_outputs() {
    check(
        "      - {id: s, run: one, env: {KEY: \"${{ secrets.PASSWORD }}\", T: \"x${{ secrets.GITHUB_TOKEN }}\", P: plain}}\n",
        &[(Some(0), &[("v", "is hunter2")], &[])],
        None,
        "Run one | one | KEY=*** P=plain T=***\ndone 0 {\"out\": \"\"}",
    );
}

#[test]
fn a_step_that_cannot_be_evaluated_fails_and_says_why() {
    check(
        "      - {id: s, run: one}\n      - {run: \"${{ fromJSON(steps.s.outputs.v) }}\"}\n      - {run: three}\n",
        &[(Some(0), &[("v", "{it's")], &[]), (Some(1), &[], &[])],
        None,
        "Run one | one |\nEvaluate expressions | ##[error]fromJSON: `{it's` is not JSON: key must be a string at line 1 column 2 |\ndone 1 {\"out\": \"{it's\"}",
    );
}

#[test]
fn a_variable_that_github_sets_is_not_overwritten_by_a_step() {
    check(
        "      - {run: one}\n      - {run: \"two ${{ env.GITHUB_SHA }}\"}\n",
        &[(Some(0), &[], &[("GITHUB_REF_NAME", "forged"), ("NEW", "new")])],
        None,
        "Run one | one |\nRun two  | two | GITHUB_REF_NAME=main NEW=new\ndone 0 {\"out\": \"\"}",
    );
}

#[test]
fn the_variables_of_a_step_or_a_job_may_be_one_expression() {
    check(
        "      - {run: 'one ${{ env.A }}', env: \"${{ fromJSON('{\\\"A\\\": 1, \\\"B\\\": true}') }}\"}\n      - {run: two, env: '${{ matrix.none }}'}\n      - {run: three, env: \"${{ 'x' }}\"}\n      - {if: always(), run: four, env: \"${{ fromJSON('{\\\"A\\\": []}') }}\"}\n      - {if: always(), run: five, env: \"${{ fromJSON('{\\\"GITHUB_SHA\\\": 1}') }}\"}\n",
        &[(Some(0), &[], &[]), (Some(0), &[], &[]), (Some(1), &[], &[]), (Some(1), &[], &[]), (Some(1), &[], &[])],
        None,
        "Run one 1 | one 1 | A=1 B=true\nRun two | two |\nEvaluate expressions | ##[error]`env` is a mapping of texts, not String |\nEvaluate expressions | ##[error]the variable `A` is a text, not Array |\nRun five | five | GITHUB_SHA=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ndone 1 {\"out\": \"\"}",
    );
    let seen = scripts("    strategy: {matrix: {env: [{A: x}]}}\n    env: ${{ matrix.env }}\n    steps: [{run: 'one ${{ env.A }}'}]\n");
    assert_eq!(seen, ["one x", "done 0"]);
    let seen = scripts("    env: \"${{ fromJSON('[]') }}\"\n    steps: [{run: one}]\n");
    assert_eq!(seen, ["##[error]`env` is a mapping of texts, not Array", "done 1"]);
}

#[test]
fn a_condition_with_text_around_its_expressions_is_a_text_and_so_true() {
    for (condition, holds, told) in [
        ("${{ false }}", false, false),
        ("' ${{ false }}'", true, true),
        ("'${{ false }} && false'", true, true),
        ("(${{ failure() }}) && false", true, true),
        ("\"it's {0} ${{ 1 }} }\"", true, true),
        ("\"${{ '' }}${{ null }}\"", false, false),
        ("\"${{ '' }}${{ 1 }}\"", true, false),
        ("|\n          ${{ false }}", true, true),
        ("|-\n          ${{ false }}", false, false),
        ("|\n          false", false, false),
    ] {
        let job = format!("    steps:\n      - run: one\n        if: {condition}\n");
        assert_eq!(scripts(&job).contains(&"one".to_owned()), holds, "{condition}");
        let warnings = must_plan(WORKFLOW, &format!("on: push\njobs:\n  a:\n    runs-on: linux\n{job}")).warnings;
        let text = "this condition is a text, which is true whatever its expressions say";
        assert_eq!(warnings.iter().any(|warning| warning.message == text), told, "{condition}: {warnings:?}");
    }
    // it asks for itself whether the job goes well
    let seen = scripts(
        "    env: {BAD: \"${{ fromJSON('{') }}\"}\n    steps: [{run: one, if: '(${{ failure() }})'}, {run: two, if: '(${{ 1 }})'}]\n",
    );
    assert_eq!(seen[1..], ["one", "done 1"]);
}

#[test]
fn a_shell_of_windows_is_asked_for_when_its_step_is_reached() {
    let text = "on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{run: x, shell: powershell}, {run: x, shell: cmd, if: runner.os == 'Windows'}]\n";
    let plan = must_plan(WORKFLOW, text);
    let mut source = steps(&plan, &plan.jobs[0].name, &context()).unwrap();
    let NextStep::Run(StepSpec { work: Work::Script { shell, .. }, .. }) = source.next(None, false) else { panic!("no step") };
    assert_eq!(shell, penstock_model::job::Shell::Custom("powershell -command \". '{0}'\"".to_owned()));
    assert!(matches!(source.next(Some(&StepOutcome::exited(127)), false), NextStep::Done { exit_code: 127, .. }));
}

#[test]
fn a_step_says_whether_the_job_fails_with_it() {
    let text = "on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{run: one, continue-on-error: true}, {run: two, continue-on-error: '${{ false }}'}]\n";
    let plan = must_plan(WORKFLOW, text);
    let mut source = steps(&plan, &plan.jobs[0].name, &context()).unwrap();
    let NextStep::Run(first) = source.next(None, false) else { panic!("no step") };
    let NextStep::Run(second) = source.next(Some(&StepOutcome::exited(1)), false) else { panic!("no step") };
    assert_eq!((first.may_fail, second.may_fail), (true, false));
}

#[test]
fn steps_know_where_the_jobs_services_listen() {
    let text = "on: push\njobs:\n  a:\n    runs-on: linux\n    services: {db: {image: 'postgres:16', ports: [5432]}}\n    steps: [{run: 'at ${{ job.services.db.ports[5432] }} ${{ job.services[''db''].ports[''5432''] }}'}]\n";
    let plan = must_plan(WORKFLOW, text);
    let mut source = steps(&plan, &plan.jobs[0].name, &context()).unwrap();
    source.services(&[ServiceUp { name: "db".into(), id: "c1".into(), network: "n".into(), ports: BTreeMap::from([(5432, 40_001)]) }]);
    let NextStep::Run(step) = source.next(None, false) else { panic!("no step") };
    assert_eq!(work(&step), "at 40001 40001");
}

/// The scripts of a job's steps, all of which end well but those that say an error.
fn scripts(job: &str) -> Vec<String> {
    let plan = must_plan(WORKFLOW, &format!("on: push\njobs:\n  a:\n    runs-on: linux\n{job}"));
    let mut source = steps(&plan, &plan.jobs[0].name, &context()).unwrap();
    let (mut seen, mut next) = (Vec::new(), source.next(None, false));
    while let NextStep::Run(step) = next {
        let failed = step.notes.iter().any(|note| note.starts_with("##[error]"));
        seen.push(work(&step));
        let outcome = StepOutcome::exited(i32::from(failed));
        next = source.next(Some(&outcome), false);
        assert!(seen.len() < 100);
    }
    if let NextStep::Done { exit_code, .. } = next {
        seen.push(format!("done {exit_code}"));
    }
    seen
}

#[test]
fn a_jobs_variable_or_output_that_cannot_be_evaluated_fails_the_job() {
    let seen = scripts("    env: {BAD: \"${{ fromJSON('{') }}\"}\n    steps: [{run: one}, {if: always(), run: two}]\n");
    assert!(seen[0].contains("the variable `BAD` cannot be evaluated: fromJSON"), "{seen:?}");
    assert_eq!(seen[1..], ["two", "done 1"]);
    let seen = scripts("    outputs: {o: \"${{ fromJSON(steps.s.outputs.none) }}\"}\n    steps: [{id: s, run: one}]\n");
    assert!(seen[1].contains("the output `o` cannot be evaluated: fromJSON"), "{seen:?}");
    assert_eq!((seen[0].as_str(), seen[2].as_str(), seen.len()), ("one", "done 1", 3));
}
