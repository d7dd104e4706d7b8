//! Jobs of a workflow of which more is known once what they need is done.

use penstock_model::job::{JobEnd, JobReport};
use penstock_pipeline::{FileRef, JobState, Plan, Run, RunCommand, RunStatus};

use crate::support::{Driven, WORKFLOW, ada, must_plan, name, plan_with, push};

fn given(output: &str, value: &str) -> JobReport {
    JobReport { outputs: [(output.to_owned(), value.to_owned())].into(), ..JobReport::bare(JobEnd::Exited { code: 0 }) }
}

/// `list` gives a list, `each` is a job for each of its items, `last` comes after them.
fn text(more: &str) -> String {
    format!(
        "on: push\njobs:\n  list: {{runs-on: linux, outputs: {{all: '${{{{ steps.a.outputs.b }}}}'}}, steps: [{{run: x}}]}}\n  each:\n    needs: list\n    runs-on: linux\n    strategy: {{matrix: {{of: \"${{{{ fromJSON(needs.list.outputs.all) }}}}\"}}}}\n    outputs: {{o: x}}\n    steps: [{{run: 'echo ${{{{ matrix.of }}}}'}}]\n{more}  last: {{needs: each, runs-on: linux, steps: [{{run: x}}]}}\n"
    )
}

fn driven(plan: Plan, all: &str) -> Driven {
    let mut driven = Driven::new(plan);
    driven.start("list");
    driven.finish("list", given("all", all));
    driven
}

fn names(driven: &Driven) -> Vec<String> {
    driven.run.jobs().map(|(job, _)| job.name.to_string()).collect()
}

#[test]
fn a_matrix_that_a_job_gives_becomes_jobs_once_it_is_done() {
    let plan = must_plan(WORKFLOW, &text(""));
    assert!(plan.jobs[1].late && plan.jobs[1].name.as_str() == "each");
    assert_eq!(plan.sources[0].file, FileRef::Local { path: WORKFLOW.into() });
    let mut driven = driven(plan, r#"["a", "b"]"#);
    assert_eq!(names(&driven), ["list", "each (a)", "each (b)", "last"]);
    assert_eq!(driven.drive(&[]), "each (a) each (b) last");
    // the log tells it all
    let replayed = Run::replay(&driven.events);
    assert_eq!(replayed.jobs().collect::<Vec<_>>(), driven.run.jobs().collect::<Vec<_>>());
    let each = driven.run.plan().unwrap().job(&name("each (b)")).unwrap();
    assert_eq!(each.matrix.as_ref().unwrap().values["of"], "b");
    assert_eq!(each.steps, must_plan(WORKFLOW, &text("")).jobs[1].steps);
}

#[test]
fn a_list_that_is_none_fails_the_job_and_says_why() {
    for (all, why) in [("", "fromJSON"), ("[]", "`of` has no value"), ("3", "`of` must be a list"), ("not json", "fromJSON")] {
        let mut driven = driven(must_plan(WORKFLOW, &text("")), all);
        let Some(JobState::Failed { why: told, .. }) = driven.run.job(&name("each")) else { panic!("{}", driven.state()) };
        assert!(told.contains(why) && told.contains(".github/workflows/ci.yml:7:"), "{told}");
        assert_eq!(driven.drive(&[]), "");
        assert_eq!(driven.run.status(), RunStatus::Failed);
    }
}

#[test]
fn a_job_that_failed_so_is_settled_anew_when_it_is_tried_again() {
    let mut driven = driven(must_plan(WORKFLOW, &text("")), "[]");
    driven.tell(RunCommand::RetryJob { job: name("list"), by: ada() });
    driven.start("list");
    driven.finish("list", given("all", r#"["c"]"#));
    driven.tell(RunCommand::RetryJob { job: name("each"), by: ada() });
    assert_eq!(names(&driven), ["list", "each (c)", "last"]);
    assert_eq!(driven.drive(&[]), "each (c) last");
}

#[test]
fn a_late_job_is_skipped_and_cancelled_as_every_other() {
    let mut driven = Driven::new(must_plan(WORKFLOW, &text("")));
    assert_eq!(driven.drive(&["list"]), "list");
    assert!(driven.state().contains("each skipped, last skipped"), "{}", driven.state());
    let mut driven = Driven::new(must_plan(WORKFLOW, &text("")));
    driven.tell(RunCommand::Cancel { by: ada() });
    driven.drive(&[]);
    assert!(driven.state().contains("each cancelled"), "{}", driven.state());
}

#[test]
fn what_a_late_job_is_called_where_it_runs_and_how_long_may_come_from_its_needs() {
    let more = "  one:\n    needs: list\n    name: One of ${{ needs.list.outputs.all }}\n    runs-on: ${{ needs.list.outputs.all == 'x' && 'linux' || '' }}\n    timeout-minutes: ${{ fromJSON('3') }}\n    continue-on-error: ${{ needs.list.outputs.all == 'x' }}\n    steps: [{run: x}]\n";
    let text = text(more).replace("fromJSON(needs.list.outputs.all)", "fromJSON('[1]')");
    let ready = driven(must_plan(WORKFLOW, &text), "x");
    let one = ready.run.plan().unwrap().job(&name("one")).unwrap().clone();
    assert_eq!((one.title.as_str(), one.timeout.as_secs(), one.late), ("One of x", 180, false));
    assert_eq!(one.allow_failure, penstock_pipeline::AllowFailure::Yes);
    let failed = driven(must_plan(WORKFLOW, &text), "y");
    let state = format!("{:?}", failed.run.job(&name("one")));
    assert!(state.contains("a runner is named by text"), "{state}");
}

#[test]
fn a_matrix_of_calls_may_come_from_a_job_too() {
    let caller = text("").replace(
        "    runs-on: linux\n    strategy",
        "    uses: ./.github/workflows/b.yml\n    with: {of: '${{ matrix.of }}'}\n    strategy",
    );
    let caller = caller.replace("    outputs: {o: x}\n    steps: [{run: 'echo ${{ matrix.of }}'}]\n", "");
    let called = "on: {workflow_call: {inputs: {of: {type: string}}}}\njobs:\n  x: {name: 'x of ${{ inputs.of }}', runs-on: linux, steps: [{run: x}]}\n  y: {uses: ./.github/workflows/c.yml}\n";
    let local = |name: &str| FileRef::Local { path: format!(".github/workflows/{name}.yml") };
    let files = [(local("b"), called), (local("c"), "on: workflow_call\njobs: {z: {runs-on: linux, steps: [{run: z}]}}\n")];
    let plan = plan_with(WORKFLOW, &caller, &files, &push()).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"));
    assert_eq!(plan.sources.len(), 3);
    let mut driven = driven(plan, r#"["a", "b"]"#);
    assert_eq!(names(&driven), ["list", "each (a) / x", "each (a) / y / z", "each (b) / x", "each (b) / y / z", "last"]);
    let titled = driven.run.plan().unwrap().jobs.iter().map(|job| job.title.clone()).collect::<Vec<_>>();
    assert_eq!(titled[1], "each (a) / x of a");
    assert_eq!(driven.drive(&[]), "each (a) / x each (a) / y / z each (b) / x each (b) / y / z last");
}

#[test]
fn what_a_called_workflow_settles_by_an_input_may_be_late() {
    let caller = "on: push\njobs:\n  list: {runs-on: linux, outputs: {all: '${{ steps.a.outputs.b }}'}, steps: [{run: x}]}\n  call: {needs: list, uses: ./.github/workflows/b.yml, with: {all: '${{ needs.list.outputs.all }}'}}\n";
    let called = "on: {workflow_call: {inputs: {all: {type: string}}}}\njobs:\n  x: {runs-on: linux, strategy: {matrix: {of: \"${{ fromJSON(inputs.all) }}\"}}, steps: [{run: x}]}\n";
    let file = FileRef::Local { path: ".github/workflows/b.yml".into() };
    let plan = plan_with(WORKFLOW, caller, &[(file, called)], &push()).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"));
    assert!(plan.jobs[1].late);
    let mut driven = driven(plan, "[1, 2, 3]");
    assert_eq!(driven.drive(&[]), "call / x (1) call / x (2) call / x (3)");
    assert_eq!(driven.run.status(), RunStatus::Success);
}

#[test]
fn what_can_be_told_of_a_late_job_is_told_while_planning() {
    let wrong = text("").replace("fromJSON(needs.list.outputs.all)", "fromJSON(secrets.A)");
    let told = plan_with(WORKFLOW, &wrong, &[], &push()).unwrap_err().0;
    assert!(told[0].message.starts_with("`secrets` is not known in `strategy`"), "{told:?}");
}
