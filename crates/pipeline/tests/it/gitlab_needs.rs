//! What `needs` and `dependencies` name of the jobs that `parallel` makes, as in GitLab's documentation and its specs of
//! `Normalizer` and `Interpolation::MatrixInterpolator`.

use penstock_pipeline::{Plan, PlannedJob};

use crate::support::{GITLAB, must_plan, planned, push, refused, refused_at, summary};

const BUILD: &str = "build: {stage: build, script: [x], artifacts: {paths: [out]}, parallel: {matrix: [{OS: [linux, mac], V: [1, 2]}]}}\n";

fn job<'p>(plan: &'p Plan, wanted: &str) -> &'p PlannedJob {
    plan.jobs.iter().find(|job| job.name.as_str() == wanted).unwrap_or_else(|| panic!("{}", summary(plan)))
}

fn list(names: &[penstock_model::JobName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn needs_name_a_whole_group_some_combinations_or_one_job() {
    for (needs, expected) in [
        ("[build]", "build: [linux, 1]; build: [linux, 2]; build: [mac, 1]; build: [mac, 2]"),
        ("[{job: build, parallel: {matrix: [{OS: mac, V: 2}]}}]", "build: [mac, 2]"),
        (
            "[{job: build, parallel: {matrix: [{OS: mac, V: [2, 1]}, {OS: linux, V: 1}]}}]",
            "build: [mac, 2]; build: [mac, 1]; build: [linux, 1]",
        ),
        ("['build: [linux, 2]']", "build: [linux, 2]"),
        (
            "[{job: 'build: [linux, 2]', optional: true}, {job: build, optional: true, parallel: {matrix: [{OS: bsd, V: 1}]}}]",
            "build: [linux, 2]",
        ),
        ("['n 2/2']", "n 2/2"),
    ] {
        let text = format!(
            "{BUILD}n: {{stage: build, script: [x], parallel: 2, artifacts: {{paths: [x]}}}}\nt: {{script: [x], needs: {needs}}}\n"
        );
        let plan = must_plan(GITLAB, &text);
        let job = job(&plan, "t");
        assert_eq!(plan.upstream(job).len(), job.waits_for.len(), "{needs}");
        assert_eq!(list(&job.artifacts_from), expected, "{needs}");
    }
    let text = format!("{BUILD}t: {{script: [x], needs: [{{job: build, artifacts: false, parallel: {{matrix: [{{OS: mac, V: 2}}]}}}}]}}\n");
    let plan = must_plan(GITLAB, &text);
    assert_eq!((job(&plan, "t").waits_for.len(), job(&plan, "t").artifacts_from.len()), (1, 0));
}

#[test]
fn matrix_expressions_pair_the_jobs_of_two_groups() {
    let text = format!(
        "{BUILD}test:
  script: [x]
  parallel: {{matrix: [{{V: [1, 2]}}, {{V: 2, EXTRA: [yes!]}}]}}
  needs:
    - job: build
      parallel:
        matrix:
          - OS: [linux, mac]
            V: ['$[[ matrix.V ]]']
last: {{script: [x], parallel: {{matrix: [{{OS: [mac], W: [1]}}]}}, needs: ['build: [$[[matrix.OS]], $[[ matrix.W ]]]']}}
"
    );
    let plan = must_plan(GITLAB, &text);
    for (name, expected) in [
        ("test: [1]", "build: [linux, 1]; build: [mac, 1]"),
        ("test: [2]", "build: [linux, 2]; build: [mac, 2]"),
        ("test: [2, yes!]", "build: [linux, 2]; build: [mac, 2]"),
        ("last: [mac, 1]", "build: [mac, 1]"),
    ] {
        assert_eq!(list(&job(&plan, name).artifacts_from), expected, "{name}");
    }
}

#[test]
fn dependencies_name_a_group_or_one_of_its_jobs() {
    for (keys, expected) in [
        ("dependencies: [build]", "build: [linux, 1]; build: [linux, 2]; build: [mac, 1]; build: [mac, 2]"),
        ("dependencies: ['build: [mac, 1]']", "build: [mac, 1]"),
        ("needs: [build], dependencies: [build]", "build: [linux, 1]; build: [linux, 2]; build: [mac, 1]; build: [mac, 2]"),
        ("needs: [{job: build, parallel: {matrix: [{OS: mac, V: 1}]}}], dependencies: [build]", "build: [mac, 1]"),
        ("needs: [build], dependencies: ['build: [mac, 1]']", "build: [mac, 1]"),
        ("dependencies: []", ""),
        ("stage: build, dependencies: [build]", ""),
    ] {
        let plan = must_plan(GITLAB, &format!("{BUILD}t: {{script: [x], {keys}}}\n"));
        assert_eq!(list(&job(&plan, "t").artifacts_from), expected, "{keys}");
    }
}

#[test]
fn names_of_combinations_are_checked_where_they_stand() {
    let rest = "one: {stage: build, script: [x]}\nmany: {stage: build, script: [x], parallel: 51}\nsome: {stage: build, script: [x], parallel: {matrix: [{V: [1, 2]}]}, rules: [{if: $V == '1'}]}\n";
    for (keys, expected) in [
        ("needs: [{job: build, parallel: {matrix: [^{OS: bsd, V: 1}]}}]", "t.needs: there is no job `build: [bsd, 1]`"),
        // GitLab goes by the order of the values
        ("needs: [{job: build, parallel: {matrix: [^{V: 1, OS: mac}]}}]", "t.needs: there is no job `build: [1, mac]`"),
        ("needs: [{job: build, parallel: {matrix: [^{OS: mac}]}}]", "t.needs: there is no job `build: [mac]`"),
        ("needs: [^'build: [mac,1]']", "t.needs: there is no job `build: [mac,1]`"),
        ("needs: [{job: build, parallel: ^2}]", "t.needs.parallel: combinations are expected here, not a number"),
        ("needs: [{job: build, parallel: {matrix: ^[]}}]", "t.needs.parallel.matrix: the matrix makes 0 jobs; 1 to 200 are possible"),
        (
            "needs: [{job: build, parallel: {matrix: [{OS: ^true}]}}]",
            "t.needs.parallel.matrix[0].OS: text or a whole number is expected here, and GitLab reads `true` as true or false",
        ),
        ("needs: [^{job: one, parallel: {matrix: [{OS: mac}]}}]", "t.needs: `one` has no `parallel: matrix`"),
        (
            "needs: [{job: build, parallel: {matrix: [^{OS: '$[[ matrix.OS ]]', V: 1}]}}]",
            "t.needs: `$[[ matrix.OS ]]` means nothing in a job without `parallel: matrix`",
        ),
        (
            "parallel: {matrix: [{A: b}]}, needs: [{job: build, parallel: {matrix: [^{OS: '$[[ matrix.OS ]]', V: 1}]}}]",
            "t.needs: the job's own matrix has no variable `OS`",
        ),
        ("needs: [build, ^'build: [mac, 1]']", "t.needs: `build: [mac, 1]` is needed twice"),
        ("needs: [one, ^one]", "t.needs: `one` is needed twice"),
        ("dependencies: [^'build: [bsd, 1]']", "t.dependencies: there is no job `build: [bsd, 1]`"),
        ("needs: [one], dependencies: [^'build: [mac, 1]']", "t.dependencies: the job does not wait for `build: [mac, 1]`"),
        ("needs: [^many]", "t.needs: a job may need at most 50 others, and each that `parallel` makes counts"),
        ("needs: [^some]", "t.needs: `some: [2]` is needed and its rules leave it out of this pipeline"),
        ("parallel: {matrix: [{A: b}]}, needs: [^t]", "t.needs: jobs need each other in a circle: t: [b] -> t: [b]"),
    ] {
        refused_at(&format!("{BUILD}t: {{script: [x], {keys}}}\n{rest}"), expected);
    }
    for keys in ["needs: [{job: some, optional: true}]", "needs: [{job: some, parallel: {matrix: [{V: 1}]}}]"] {
        refused(&format!("{BUILD}t: {{script: [x], {keys}}}\n{rest}"), "a plan of 58 jobs");
    }
    let error =
        planned(GITLAB, &format!("{BUILD}t: {{script: [x], needs: [{{job: build, parallel: {{matrix: [{{OS: mac}}]}}}}]}}\n"), &push())
            .unwrap_err();
    assert!(error.contains("there are `build: [linux, 1]`, `build: [linux, 2]`, `build: [mac, 1]`, `build: [mac, 2]`"), "{error}");
    refused(
        "'a: [x]': {script: [x]}\na: {script: [x], parallel: {matrix: [{A: x}]}}\n",
        "2:38 a: this makes a job `a: [x]`, and `a: [x]` made one already",
    );
    refused("a: {script: [x], parallel: 2}\n'a 1/2': {script: [y]}\n'b: [x]': {script: [y], needs: ['a 1/2']}\n", "a plan of 3 jobs");
}

#[test]
fn what_cannot_be_read_is_told_once_and_not_where_it_is_needed() {
    for keys in [
        "needs: [a]",
        "needs: ['a: [x]']",
        "needs: [{job: a, parallel: {matrix: [{A: x}]}}]",
        "dependencies: [a]",
        "dependencies: ['a: [x]']",
    ] {
        refused_at(
            &format!("a: {{stage: build, script: [x], parallel: {{matrix: ^[]}}}}\nb: {{script: [x], {keys}}}\n"),
            "a.parallel.matrix: the matrix makes 0 jobs; 1 to 200 are possible",
        );
    }
}
