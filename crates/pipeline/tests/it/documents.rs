//! The documents say what plans and jobs are made of.

use std::collections::BTreeSet;

use penstock_pipeline::{MergeRequest, Plan, PushEvent, Trigger, job_env};

use crate::job_environment::context;
use crate::support::{planned, problems, push};
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

#[test]
fn every_predefined_variable_is_in_the_document() {
    let gitlab = "workflow: {name: n, rules: [{when: always}]}\na: {script: [x], when: manual, parallel: 2, image: i, environment: {name: e, url: u}}";
    let tag = PushEvent { reference: "refs/tags/v1".into(), ..push() };
    let workflow = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}";
    let request = MergeRequest { milestone: Some("1.0".into()), ..merge_request() };
    let request = event(Trigger::MergeRequest(Box::new(request)));
    let nightly = event(Trigger::Schedule { cron: "0 0 * * *".into(), description: "nightly".into() });
    let gitlabs = [push(), tag, request, nightly, event(Trigger::Token)].map(|event| (".gitlab-ci.yml", gitlab, event));
    let all = gitlabs.into_iter().chain([(".github/workflows/a.yml", workflow, push())]);
    let plans: Vec<Plan> = all.map(|(path, text, event)| planned(path, text, &event).unwrap()).collect();
    let unlisted: Vec<_> = variables(&plans).difference(&listed()).cloned().collect();
    assert!(unlisted.is_empty(), "the documents lack {unlisted:?}");
    let known = variables(&plans);
    let absent: Vec<_> = listed().into_iter().filter(|name| name.starts_with("CI_") && !known.contains(name)).collect();
    assert!(absent.is_empty(), "no job has {absent:?}");
}

#[track_caller]
fn refused(key: &str, text: &str) {
    assert!(WORKFLOWS.contains(&format!("`{key}`")), "docs/github-workflows.md lacks `{key}`");
    let path = ".github/workflows/a.yml";
    let told = problems(path, text);
    assert!(told.contains("is not carried out"), "{text}: {told}");
}

#[test]
fn what_a_workflow_is_refused_for_is_in_the_document_and_refused() {
    for key in ["container", "services", "uses", "with", "secrets", "snapshot"] {
        refused(key, &format!("on: push\njobs: {{a: {{runs-on: ubuntu-latest, {key}: x, steps: [{{run: x}}]}}}}"));
    }
}
