//! What workflow files come to.

use crate::support::{WORKFLOW, must_plan, planned, push, summary};

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(summary(&must_plan(WORKFLOW, text)), expected);
}

const JOB: &str = "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n";

#[test]
fn jobs_wait_for_their_needs_alone() {
    check(
        "on: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: x}]}\n  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: x}]}\n  c: {needs: [a, b], runs-on: [self-hosted, linux], steps: [{run: x}]}\n",
        "a [jobs] at once\nb [jobs] after a\nc [jobs] after a, b\n",
    );
}

#[test]
fn a_push_starts_a_workflow_by_its_filters() {
    let cases: &[(&str, &str, Option<&[&str]>, bool)] = &[
        ("on: push", "refs/heads/x", None, true),
        ("on: [push]", "refs/tags/v1", None, true),
        ("on: {push: }", "refs/heads/x", None, true),
        ("on: {push: {branches: [main]}}", "refs/heads/main", None, true),
        ("on: {push: {branches: [main]}}", "refs/heads/dev", None, false),
        ("on: {push: {branches: [main]}}", "refs/tags/main", None, false),
        ("on: {push: {tags: ['v*']}}", "refs/tags/v1", None, true),
        ("on: {push: {tags: ['v*']}}", "refs/heads/v1", None, false),
        ("on: {push: {branches-ignore: [dev, 'tmp/**']}}", "refs/heads/tmp/a/b", None, false),
        ("on: {push: {branches-ignore: [dev]}}", "refs/heads/main", None, true),
        ("on: {push: {branches: ['releases/**', '!releases/**-alpha']}}", "refs/heads/releases/10-alpha", None, false),
        ("on: {push: {branches: ['releases/**', '!releases/**-alpha']}}", "refs/heads/releases/10", None, true),
        ("on: {push: {paths: ['src/**']}}", "refs/heads/x", Some(&["src/a/b.rs"]), true),
        ("on: {push: {paths: ['src/**']}}", "refs/heads/x", Some(&["docs/a.md"]), false),
        ("on: {push: {paths: ['src/**', '!src/docs/**']}}", "refs/heads/x", Some(&["src/docs/a"]), false),
        ("on: {push: {paths-ignore: ['docs/**']}}", "refs/heads/x", Some(&["docs/a", "b"]), true),
        ("on: {push: {paths-ignore: ['docs/**']}}", "refs/heads/x", Some(&["docs/a"]), false),
        ("on: {push: {paths: ['src/**']}}", "refs/heads/x", None, true),
        ("on: {push: {paths: ['src/**']}}", "refs/tags/x", Some(&["docs/a"]), true),
    ];
    for (on, reference, changed, starts) in cases {
        let mut event = push();
        event.reference = (*reference).to_owned();
        event.changed = changed.map(|changed| changed.iter().map(|path| (*path).to_owned()).collect());
        let plan = planned(WORKFLOW, &format!("{on}\n{JOB}"), &event).unwrap();
        assert_eq!(!plan.is_empty(), *starts, "{on} {reference} {:?}", plan.left_out);
    }
}

#[test]
fn a_job_that_is_left_out_says_why() {
    check(
        "on: {push: {branches: [dev]}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n",
        "without a: the patterns on line 1 do not let in the branch `main`; it has no `if` (line 2)\n",
    );
    check(
        "on: push\njobs: {a: {runs-on: ubuntu-latest, if: github.ref == 'refs/heads/dev', steps: [{run: x}]}}\n",
        "without a: `on: push` (line 1) names this push; its `if` on line 2 is false: `github.ref == 'refs/heads/dev'`\n",
    );
}

/// The names of the jobs that a matrix makes, with their values.
#[track_caller]
fn check_matrix(strategy: &str, expected: &[&str]) {
    let plan = must_plan(
        WORKFLOW,
        &format!("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{{run: x}}]\n    strategy: {strategy}\n"),
    );
    let seen: Vec<String> = plan.jobs.iter().map(|job| serde_json::to_string(&job.matrix.as_ref().unwrap().values).unwrap()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_matrix_combines_excludes_and_includes_as_documented() {
    check_matrix(
        "{matrix: {a: [1, 2], b: [x, y]}}",
        &[r#"{"a":1,"b":"x"}"#, r#"{"a":1,"b":"y"}"#, r#"{"a":2,"b":"x"}"#, r#"{"a":2,"b":"y"}"#],
    );
    check_matrix("{matrix: {a: [1, 2], b: [x, y], exclude: [{a: 1}, {a: 2, b: y}]}}", &[r#"{"a":2,"b":"x"}"#]);
    // the example of "expanding or adding matrix configurations" in GitHub's documentation
    check_matrix(
        "{matrix: {fruit: [apple, pear], animal: [cat, dog], include: [{color: green}, {color: pink, animal: cat}, {fruit: apple, shape: circle}, {fruit: banana}, {fruit: banana, animal: cat}]}}",
        &[
            r#"{"fruit":"apple","animal":"cat","color":"pink","shape":"circle"}"#,
            r#"{"fruit":"apple","animal":"dog","color":"green","shape":"circle"}"#,
            r#"{"fruit":"pear","animal":"cat","color":"pink"}"#,
            r#"{"fruit":"pear","animal":"dog","color":"green"}"#,
            r#"{"fruit":"banana"}"#,
            r#"{"fruit":"banana","animal":"cat"}"#,
        ],
    );
    check_matrix("{matrix: {include: [{a: 1}, {a: 2}]}}", &[r#"{"a":1}"#, r#"{"a":2}"#]);
    check_matrix("{matrix: {a: \"${{ fromJSON('[1, true, null]') }}\"}}", &[r#"{"a":1}"#, r#"{"a":true}"#, r#"{"a":null}"#]);
    check_matrix("{matrix: \"${{ fromJSON('{\\\"a\\\": [1]}') }}\"}", &[r#"{"a":1}"#]);
}

#[test]
fn only_what_a_matrix_leaves_over_counts() {
    let list: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let list = list.join(", ");
    let excluded: Vec<String> = (1..20).map(|number| format!("{{a: {number}}}")).collect();
    let text = format!(
        "on: push\njobs: {{j: {{runs-on: linux, strategy: {{matrix: {{a: [{list}], b: [{list}], exclude: [{}]}}}}, steps: [{{run: x}}]}}}}\n",
        excluded.join(", ")
    );
    assert_eq!(must_plan(WORKFLOW, &text).jobs.len(), 20);
}

#[test]
fn jobs_of_a_matrix_have_names_of_their_own() {
    let plan = must_plan(WORKFLOW, include_str!("../samples/everything.workflow.yml"));
    let names: Vec<&str> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(
        names,
        ["build (ubuntu-latest, 1, true)", "build (ubuntu-latest, 2)", "build (self-hosted, 1)", "build (linux, 9)", "deploy"]
    );
    assert_eq!(plan.jobs[2].title, "Build self-hosted");
    assert_eq!(plan.jobs[4].waits_for.len(), 4);
    let twins = must_plan(WORKFLOW, "on: push\njobs: {a: {runs-on: linux, strategy: {matrix: {n: [1, '1']}}, steps: [{run: x}]}}\n");
    assert_eq!(twins.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["a (1)", "a #2"]);
}

#[test]
fn a_plan_survives_being_stored() {
    let plan = must_plan(WORKFLOW, include_str!("../samples/everything.workflow.yml"));
    assert_eq!(serde_json::from_str::<penstock_pipeline::Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
}
