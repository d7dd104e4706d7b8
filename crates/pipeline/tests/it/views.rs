//! Plans as programs read them, and jobs as people have them explained.

use serde_json::{Value, json};

use crate::support::{GITLAB, WORKFLOW, must_plan, warned_of};

const FILE: &str = "variables: {WHO: all, LEVEL: '1'}
stages: [build, test]
build: {stage: build, script: make, before_script: [prepare], environment: {name: staging, url: 'http://x'}}
unit:
  stage: test
  needs: [build]
  script: [test]
  after_script: [tidy]
  allow_failure: {exit_codes: 3}
  variables: {LEVEL: '2'}
  rules: [{if: $WHO == \"all\", variables: {RULE: 'yes'}}]
hand: {stage: test, script: go, when: manual}
split: {stage: test, script: go, parallel: {matrix: [{OS: [a, b]}]}, inherit: {variables: false}}
none: {stage: test, script: go, rules: [{if: $NOT}], parallel: {matrix: [{OS: [a, b]}]}}
";

fn job<'v>(view: &'v Value, key: &str, name: &str) -> &'v Value {
    view["jobs"].as_array().unwrap().iter().find(|job| job[key] == name).unwrap()
}

#[test]
fn a_gitlab_plan_has_gitlab_s_keys() {
    let view = must_plan(GITLAB, FILE).view();
    assert_eq!((&view["dialect"], &view["event"]["name"]), (&json!("gitlab"), &json!("push")));
    let unit = job(&view, "name", "unit");
    let part = |name: &str| unit[name].clone();
    assert_eq!(part("needs"), json!([{ "job": "build", "artifacts": true }]));
    assert_eq!(part("allow_failure"), json!({ "exit_codes": [3] }));
    assert_eq!(part("variables"), json!({ "WHO": "all", "LEVEL": "2", "RULE": "yes" }));
    assert_eq!(
        (part("stage"), part("when"), part("after_script"), part("environment")),
        (json!("test"), json!("on_success"), json!(["tidy"]), Value::Null)
    );
    let build = job(&view, "name", "build");
    assert_eq!(build["environment"], json!({ "name": "staging", "url": "http://x" }));
    assert_eq!((&build["needs"], &build["script"]), (&Value::Null, &json!(["prepare", "make"])));
    let hand = job(&view, "name", "hand");
    assert_eq!((&hand["when"], &hand["allow_failure"]), (&json!("manual"), &json!(true)));
    let split = job(&view, "name", "split: [b]");
    assert_eq!((&split["parallel"]["matrix"], &split["variables"]), (&json!({ "OS": "b" }), &json!({ "OS": "b" })));
    assert_eq!(view["left_out"][0]["name"], "none");
}

#[test]
fn a_workflow_s_plan_has_github_s_keys() {
    let view = must_plan(
        WORKFLOW,
        "on: push
env: {A: x}
jobs:
  test:
    name: Test it
    runs-on: ubuntu-latest
    strategy: {matrix: {v: [1, 2]}, fail-fast: false}
    steps:
      - {id: one, run: echo, shell: sh, if: always()}
  ship:
    needs: [test]
    if: needs.test.result == 'success'
    runs-on: [self-hosted, linux]
    steps: [{run: go}]
",
    )
    .view();
    let all = view["jobs"].as_array().unwrap();
    assert_eq!((all.len(), &view["env"]), (3, &json!({ "A": "x" })));
    let second = &all[1];
    assert_eq!((&second["id"], &second["name"], &second["runs-on"]), (&json!("test"), &json!("Test it (2)"), &json!("ubuntu-latest")));
    assert_eq!(
        second["strategy"],
        json!({ "matrix": { "v": 2 }, "fail-fast": false, "max-parallel": null, "job-index": 1, "job-total": 2 })
    );
    let step = &second["steps"][0];
    assert_eq!((&step["id"], &step["run"], &step["shell"], &step["if"]), (&json!("one"), &json!("echo"), &json!("sh"), &json!("always()")));
    let ship = job(&view, "id", "ship");
    assert_eq!((&ship["needs"], &ship["strategy"], &ship["runs-on"]), (&json!(["test"]), &Value::Null, &json!(["self-hosted", "linux"])));
    assert!(ship["if"].as_str().unwrap().contains("needs.test.result == 'success'"));
}

#[test]
fn a_job_is_explained_by_its_name_or_key_whether_it_is_in_the_plan_or_not() {
    let plan = must_plan(GITLAB, FILE);
    let told = |name: &str| {
        let explained = plan.explain(name).unwrap();
        explained.iter().map(|one| format!("{} {}: {:?}", one.subject, one.verdict, one.reasons)).collect::<Vec<_>>().join("\n")
    };
    assert!(told("unit").contains("the rule on line 11 matches: `$WHO == \\\"all\\\"` is true (WHO is \\\"all\\\")"), "{}", told("unit"));
    assert!(told("unit").contains("(\"waits for\", \"build\")"));
    assert!(told("hand").contains("the stages before its own: build") && told("hand").contains("manual"));
    assert_eq!(told("split").lines().count(), 2);
    for name in ["none", "none: [a]"] {
        assert!(told(name).contains("not in the plan of a push") && told(name).contains("NOT is not set"), "{}", told(name));
    }
    assert!(plan.explain("nobody").is_err());
}

#[test]
fn what_gitlab_warns_of_is_a_warning() {
    let warned = warned_of(
        GITLAB,
        "a: {script: x, rules: [{if: $X}, {when: always}]}\nb: {script: x, rules: [{when: never}]}\nc: {script: x, rules: [{if: $X, when: always}]}\n",
    );
    assert_eq!(warned, ["1:34 a.rules: `a` may run twice for one push: in a pipeline of the branch and in one of its merge request"]);
    assert!(warned_of(GITLAB, "workflow: {rules: [{if: $CI_COMMIT_BRANCH}]}\na: {script: x, rules: [{when: always}]}\n").is_empty());
    assert!(warned_of(WORKFLOW, "on: push\njobs: {}\n").is_empty() && warned_of(GITLAB, "a: [").is_empty());
}
