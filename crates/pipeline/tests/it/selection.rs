//! Some jobs of a plan instead of all.

use penstock_pipeline::{NotChosen, Plan, Selection, When};

use crate::support::{GITLAB, must_plan};

const FILE: &str = "stages: [build, test, deploy]
build: {stage: build, script: make}
docs: {stage: build, script: make docs}
unit: {stage: test, script: test, needs: [build]}
lint: {stage: test, script: lint}
split: {stage: test, script: test, parallel: 2, needs: []}
ship: {stage: deploy, script: ship, when: manual, needs: [unit]}
later: {stage: deploy, script: later, rules: [{if: $NEVER}]}
";

fn chosen(jobs: &[&str], alone: bool, manual: &[&str]) -> Result<Plan, NotChosen> {
    let mut plan = must_plan(GITLAB, FILE);
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    plan.select(&Selection { jobs: own(jobs), alone, manual: own(manual) }).map(|()| plan)
}

#[track_caller]
fn check(jobs: &[&str], alone: bool, expected: &[&str]) {
    let plan = chosen(jobs, alone, &[]).unwrap();
    let names: Vec<_> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, expected, "{jobs:?}");
}

#[test]
fn a_job_brings_what_it_needs_or_runs_alone() {
    check(&["unit"], false, &["build", "unit"]);
    check(&["unit"], true, &["unit"]);
    check(&["lint"], false, &["build", "docs", "lint"]);
    check(&["ship"], false, &["build", "unit", "ship"]);
    check(&["unit", "docs"], false, &["build", "docs", "unit"]);
}

#[test]
fn a_key_of_the_file_stands_for_all_jobs_that_it_became() {
    check(&["split"], false, &["split 1/2", "split 2/2"]);
    check(&["split 2/2"], false, &["split 2/2"]);
}

#[test]
fn a_job_alone_waits_for_nothing_and_gets_nothing() {
    let plan = chosen(&["unit"], true, &[]).unwrap();
    assert!(plan.upstream(&plan.jobs[0]).is_empty() && plan.jobs[0].artifacts_from.is_empty() && plan.jobs[0].waits_for.is_empty());
}

#[test]
fn what_was_not_asked_for_is_left_out_and_says_so() {
    let plan = chosen(&["build"], false, &[]).unwrap();
    let docs = plan.left_out.iter().find(|left| left.name == "docs").unwrap();
    assert_eq!(docs.because, ["it was not asked for"]);
}

#[test]
fn a_manual_job_that_is_named_starts_by_itself_and_others_do_not() {
    let when = |plan: &Plan| plan.jobs.iter().find(|job| job.name.as_str() == "ship").unwrap().when;
    assert_eq!(when(&chosen(&[], false, &[]).unwrap()), When::Manual);
    assert_eq!(when(&chosen(&["ship"], false, &[]).unwrap()), When::OnSuccess);
    let played = chosen(&[], false, &["ship"]).unwrap();
    assert_eq!((when(&played), played.jobs.len()), (When::OnSuccess, 7));
    assert!(matches!(chosen(&[], false, &["unit"]), Err(NotChosen::NotManual { name }) if name == "unit"));
}

#[test]
fn a_name_that_stands_for_nothing_suggests_the_near_one_and_one_left_out_says_why() {
    let near = |name: &str| match chosen(&[name], false, &[]) {
        Err(NotChosen::Unknown { near, .. }) => near,
        other => panic!("{other:?}"),
    };
    assert_eq!(near("biuld").as_deref(), Some("build"));
    assert_eq!(near("Unit").as_deref(), Some("unit"));
    assert_eq!(near("nothing like it"), None);
    assert_eq!(near("x"), None);
    let why = chosen(&["later"], false, &[]).unwrap_err().to_string();
    assert!(why.starts_with("job `later` is not in the plan: the rule on line 8 does not match"), "{why}");
}
