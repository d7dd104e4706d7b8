//! What jobs find in their environment.

use std::collections::BTreeMap;

use penstock_model::job::{Checkout, EnvValue};
use penstock_model::{Secret, Timestamp};
use penstock_pipeline::{JobContext, JobInputs, checkout, clone_path, job_container, job_env};

use crate::support::{GITLAB, WORKFLOW, must_plan, name, run_id};

pub fn context() -> JobContext {
    JobContext {
        run: run_id(),
        number: 12,
        attempt: 2,
        workspace: "/builds/oran".into(),
        created_at: Timestamp(1_764_000_000_000),
        started_at: Timestamp(1_764_000_001_000),
        secrets: BTreeMap::from([("PASSWORD".to_owned(), Secret::new("hunter2"))]),
        plain: BTreeMap::new(),
        files: BTreeMap::new(),
        token: Some(Secret::new("job-token")),
        id_tokens: BTreeMap::new(),
        tags: vec!["docker".into(), "big one".into()],
        inputs: JobInputs { dotenv: BTreeMap::from([("FROM_DOTENV".to_owned(), "dotenv $CI".to_owned())]), ..JobInputs::default() },
    }
}

fn shown(env: &BTreeMap<String, EnvValue>, names: &[&str]) -> String {
    let line = |name: &&str| match env.get(*name) {
        Some(EnvValue::Plain(text)) => format!("{name}={text}"),
        Some(EnvValue::Secret(secret)) => format!("{name}=secret {}", secret.expose()),
        None => format!("{name} is not set"),
    };
    names.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn gitlab_jobs_find_predefined_and_own_variables_in_their_precedence() {
    let text = "
variables: {WHO: file, DIR: $CI_PROJECT_DIR/out, RAW: {value: $WHO, expand: false}, PROJECT: file, CI_JOB_STAGE: mine}
deploy app:
  stage: deploy
  parallel: 2
  script: [x]
  image: $CI_REGISTRY_IMAGE/$WHO
  environment: {name: review/$CI_COMMIT_REF_SLUG, url: 'https://$CI_ENVIRONMENT_SLUG.example.org'}
  variables: {WHO: job, URL: 'https://x:$PASSWORD@host', FROM_DOTENV: job}
";
    let plan = must_plan(GITLAB, text);
    let env = job_env(&plan, &name("deploy app 2/2"), &context());
    insta::assert_snapshot!(shown(&env, &[
        "WHO", "DIR", "RAW", "PROJECT", "URL", "PASSWORD", "FROM_DOTENV", "CI_JOB_STAGE", "CI_JOB_NAME", "CI_JOB_NAME_SLUG", "CI_NODE_INDEX", "CI_NODE_TOTAL", "CI_COMMIT_BRANCH",
        "CI_COMMIT_TAG", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TITLE", "CI_COMMIT_DESCRIPTION", "CI_COMMIT_AUTHOR", "CI_COMMIT_TIMESTAMP", "CI_PIPELINE_SOURCE", "CI_PIPELINE_IID", "CI_REGISTRY_IMAGE", "CI_SERVER_HOST", "CI_SERVER_PORT",
        "CI_ENVIRONMENT_NAME", "CI_ENVIRONMENT_SLUG", "CI_ENVIRONMENT_URL", "CI_JOB_IMAGE", "CI_JOB_TOKEN", "PENSTOCK_URL", "PENSTOCK_TOKEN", "GITLAB_USER_LOGIN", "CI_JOB_STARTED_AT",
        "GITLAB_USER_EMAIL", "CI_PROJECT_DESCRIPTION", "CI_RUNNER_TAGS", "CI_BUILDS_DIR", "CI_REPOSITORY_URL",
    ]), @r#"
    WHO=job
    DIR=/builds/oran/out
    RAW=$WHO
    PROJECT=from project
    URL=secret https://x:hunter2@host
    PASSWORD=secret hunter2
    FROM_DOTENV=dotenv $CI
    CI_JOB_STAGE=mine
    CI_JOB_NAME=deploy app 2/2
    CI_JOB_NAME_SLUG=deploy-app-2-2
    CI_NODE_INDEX=2
    CI_NODE_TOTAL=2
    CI_COMMIT_BRANCH=main
    CI_COMMIT_TAG is not set
    CI_COMMIT_SHORT_SHA=aaaaaaaa
    CI_COMMIT_TITLE=Add a thing
    CI_COMMIT_DESCRIPTION=
    Because.
    CI_COMMIT_AUTHOR=Ada <ada@example.org>
    CI_COMMIT_TIMESTAMP=2025-11-24T17:00:00+01:00
    CI_PIPELINE_SOURCE=push
    CI_PIPELINE_IID=12
    CI_REGISTRY_IMAGE=127.0.0.1:7070/oran
    CI_SERVER_HOST=127.0.0.1
    CI_SERVER_PORT=7070
    CI_ENVIRONMENT_NAME=review/main
    CI_ENVIRONMENT_SLUG=review-main-yi2y9f
    CI_ENVIRONMENT_URL=https://review-main-yi2y9f.example.org
    CI_JOB_IMAGE=127.0.0.1:7070/oran/job
    CI_JOB_TOKEN=secret job-token
    PENSTOCK_URL=http://127.0.0.1:7070
    PENSTOCK_TOKEN=secret job-token
    GITLAB_USER_LOGIN=ada
    CI_JOB_STARTED_AT=2025-11-24T16:00:01.000Z
    GITLAB_USER_EMAIL=ada@example.org
    CI_PROJECT_DESCRIPTION=A shop
    CI_RUNNER_TAGS=["docker", "big one"]
    CI_BUILDS_DIR=/builds
    CI_REPOSITORY_URL=file:///penstock/origin
    "#);
    let text = |name: &str| shown(&env, &[name]).split_once('=').unwrap().1.to_owned();
    let numbers = ["MAJOR", "MINOR", "PATCH"].map(|part| text(&format!("CI_SERVER_VERSION_{part}"))).join(".");
    assert_eq!((numbers, text("CI_RUNNER_VERSION")), (env!("CARGO_PKG_VERSION").to_owned(), text("CI_SERVER_VERSION")));
    assert_eq!(job_container(&plan, &name("deploy app 2/2"), &context()).unwrap().unwrap().image, "127.0.0.1:7070/oran/job");
}

#[test]
fn workflow_jobs_find_the_github_context_and_their_env() {
    let text = "
name: CI
on: push
env: {WHO: workflow, TOP: \"${{ github.ref_name }}\"}
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ['3.11']}}
    env: {WHO: job, GITHUB_SHA: forged, PY: \"${{ matrix.python }}\", KEY: \"${{ secrets.PASSWORD }}\", VAR: \"${{ vars.PROJECT }}\"}
    steps: [{run: x}]
";
    let plan = must_plan(WORKFLOW, text);
    let env = job_env(&plan, &name("test (3.11)"), &context());
    insta::assert_snapshot!(shown(&env, &[
        "WHO", "TOP", "PY", "KEY", "VAR", "CI", "GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_TYPE", "GITHUB_REPOSITORY", "GITHUB_RUN_NUMBER", "GITHUB_RUN_ATTEMPT",
        "GITHUB_WORKSPACE", "GITHUB_JOB", "GITHUB_WORKFLOW", "GITHUB_ACTOR", "GITHUB_TOKEN", "GITHUB_EVENT_NAME", "RUNNER_OS", "RUNNER_WORKSPACE", "PENSTOCK_TOKEN",
    ]), @"
    WHO=job
    TOP=main
    PY=3.11
    KEY=secret hunter2
    VAR=from project
    CI=true
    GITHUB_ACTIONS=true
    GITHUB_SHA=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    GITHUB_REF=refs/heads/main
    GITHUB_REF_NAME=main
    GITHUB_REF_TYPE=branch
    GITHUB_REPOSITORY=oran/oran
    GITHUB_RUN_NUMBER=12
    GITHUB_RUN_ATTEMPT=2
    GITHUB_WORKSPACE=/builds/oran
    GITHUB_JOB=test
    GITHUB_WORKFLOW=CI
    GITHUB_ACTOR=ada
    GITHUB_TOKEN is not set
    GITHUB_EVENT_NAME=push
    RUNNER_OS=Linux
    RUNNER_WORKSPACE=/builds
    PENSTOCK_TOKEN=secret job-token
    ");
}

#[test]
fn a_job_that_is_not_there_has_no_variables_and_no_steps() {
    let plan = must_plan(GITLAB, "a: {script: [x]}\n");
    assert!(job_env(&plan, &name("b"), &context()).is_empty());
    assert!(penstock_pipeline::steps(&plan, &name("b"), &context()).is_err());
}

#[test]
fn a_gitlab_job_is_without_the_source_if_its_variables_say_so() {
    let strategy = |text: &str, inputs: JobInputs| {
        let plan = must_plan(GITLAB, text);
        checkout(plan.dialect, &job_env(&plan, &name("a"), &JobContext { inputs, ..context() }))
    };
    for (text, expected) in [
        ("a: {script: [x]}", Checkout::Commit),
        ("a: {script: [x], variables: {GIT_STRATEGY: ''}}", Checkout::Commit),
        ("a: {script: [x], variables: {GIT_STRATEGY: none}}", Checkout::Empty),
        ("variables: {GIT_STRATEGY: empty}\na: {script: [x]}", Checkout::Empty),
        ("variables: {GIT_STRATEGY: none}\na: {script: [x], variables: {GIT_STRATEGY: fetch}}", Checkout::Commit),
        ("variables: {GIT_STRATEGY: none}\na: {script: [x], inherit: {variables: false}}", Checkout::Commit),
        ("a: {script: [x], rules: [{variables: {GIT_STRATEGY: none}}]}", Checkout::Empty),
        ("a: {script: [x]}\nworkflow: {rules: [{variables: {GIT_STRATEGY: none}}]}", Checkout::Empty),
    ] {
        assert_eq!(strategy(text, JobInputs::default()), Ok(expected), "{text}");
    }
    let dotenv = BTreeMap::from([("GIT_STRATEGY".to_owned(), "other".to_owned())]);
    let inputs = JobInputs { dotenv, ..JobInputs::default() };
    assert!(strategy("a: {script: [x]}", inputs).unwrap_err().contains("`GIT_STRATEGY`"));
    // of a workflow it is a variable like any other
    let plan = must_plan(WORKFLOW, "on: push\nenv: {GIT_STRATEGY: none}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n");
    assert_eq!(checkout(plan.dialect, &job_env(&plan, &name("a"), &context())), Ok(Checkout::Commit));
}

#[test]
fn a_gitlab_job_says_where_below_the_builds_its_checkout_is() {
    let place = |value: &str| {
        let plan = must_plan(GITLAB, &format!("a: {{script: [x], variables: {{GIT_CLONE_PATH: '{value}'}}}}"));
        clone_path(plan.dialect, &job_env(&plan, &name("a"), &context()))
    };
    for (value, expected) in [
        ("", None),
        ("$CI_BUILDS_DIR", Some("/builds")),
        ("$CI_BUILDS_DIR/$CI_CONCURRENT_ID/$CI_PROJECT_PATH/", Some("/builds/0/oran")),
        ("/builds/go//src/./x", Some("/builds/go/src/x")),
    ] {
        assert_eq!(place(value), Ok(expected.map(str::to_owned)), "{value}");
    }
    for elsewhere in ["$HOME/x", "$CI_PROJECT_PATH", "$CI_BUILDS_DIR$CI_PROJECT_PATH", "$FROM_DOTENV"] {
        assert!(place(elsewhere).unwrap_err().contains("not within `$CI_BUILDS_DIR`"), "{elsewhere}");
    }
    assert!(place("$CI_BUILDS_DIR/$PASSWORD").unwrap_err().contains("masked"));
}
