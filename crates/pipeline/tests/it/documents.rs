//! The documents say what plans and jobs are made of.

use std::collections::BTreeSet;

use penstock_pipeline::{MergeRequest, Plan, PushEvent, Trigger, job_env};

use crate::job_environment::context;
use crate::keywords::{has_test, nothing_wrong, rows};
use crate::support::{planned, push};
use crate::triggers::{event, merge_request};

const COMMON: &str = include_str!("../../../../docs/pipelines.md");
const GITLAB: &str = include_str!("../../../../docs/gitlab-ci.md");
const WORKFLOWS: &str = include_str!("../../../../docs/github-workflows.md");

/// The predefined variables of every job of some plans.
fn variables(plans: &[Plan]) -> BTreeSet<String> {
    let jobs = plans.iter().flat_map(|plan| plan.jobs.iter().map(move |job| (plan, job)));
    let names = jobs.flat_map(|(plan, job)| job_env(plan, &job.name, &context()).into_keys());
    names.filter(|name| ["CI", "GITLAB_", "GITHUB_", "RUNNER_", "PENSTOCK_"].iter().any(|known| name.starts_with(known))).collect()
}

fn listed() -> BTreeSet<String> {
    let spans = [COMMON, GITLAB, WORKFLOWS].into_iter().flat_map(|document| document.split('`').skip(1).step_by(2));
    spans.filter(|span| span.contains('_') || *span == "CI").map(str::to_owned).collect()
}

/// The variables that some job has, of every kind of event.
fn known() -> BTreeSet<String> {
    let gitlab = "workflow: {name: n, rules: [{when: always}]}\na: {script: [x], when: manual, parallel: 2, image: i, environment: {name: e, url: u}}";
    let tag = PushEvent { reference: "refs/tags/v1".into(), ..push() };
    let workflow = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}";
    let request = MergeRequest { milestone: Some("1.0".into()), ..merge_request() };
    let request = PushEvent { open_merge_requests: vec![7], ..event(Trigger::MergeRequest(Box::new(request))) };
    let nightly = event(Trigger::Schedule { cron: "0 0 * * *".into(), description: "nightly".into() });
    let gitlabs = [push(), tag, request, nightly, event(Trigger::Token)].map(|event| (".gitlab-ci.yml", gitlab, event));
    let all = gitlabs.into_iter().chain([(".github/workflows/a.yml", workflow, push())]);
    let plans: Vec<Plan> = all.map(|(path, text, event)| planned(path, text, &event).unwrap()).collect();
    variables(&plans)
}

#[test]
fn every_predefined_variable_is_in_the_document() {
    let unlisted: Vec<_> = known().difference(&listed()).cloned().collect();
    assert!(unlisted.is_empty(), "the documents lack {unlisted:?}");
}

const VARIABLES: &str = include_str!("../keywords/gitlab-variables.txt");
const VARIABLES_TABLE: &str = "### Each predefined variable";

/// What becomes of a variable of GitLab's: jobs have it, a condition that asks for it is refused, or there is never one.
fn variable_state(name: &str, known: &BTreeSet<String>) -> &'static str {
    let asked = format!("a: {{script: [x], rules: [{{if: ${name}}}, {{when: always}}]}}");
    match planned(".gitlab-ci.yml", &asked, &push()) {
        _ if known.contains(name) => "carried out",
        Ok(_) => "never set",
        Err(_) => "refused",
    }
}

#[test]
fn every_predefined_variable_of_gitlab_has_its_row() {
    let (rows, known) = (rows(GITLAB, VARIABLES_TABLE), known());
    let mut faults = Vec::new();
    for name in VARIABLES.lines().filter(|line| !line.starts_with('#')) {
        let state = variable_state(name, &known);
        match rows.iter().filter(|row| row.keyword == name).collect::<Vec<_>>()[..] {
            [row] if row.state == state && (state == "carried out" || !row.text.is_empty()) && has_test(row.test) => {}
            [row] => faults.push(format!("`{name}` is {state}, and its row says {}: {} {}", row.state, row.text, row.test)),
            _ => faults.push(format!("`{name}` needs one row")),
        }
    }
    nothing_wrong(faults);
}
