//! `penstock plan`, `explain` and `lint`: no server, no root, and for a file no repository.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::house::{PENSTOCK, directory, git};

const PIPELINE: &str = "stages: [build, test]
build: {stage: build, script: make}
unit: {stage: test, script: test, needs: [build], rules: [{if: $LEVEL == \"deep\"}, {changes: ['src/**']}]}
docs: {stage: test, script: docs, rules: [{if: $CI_PIPELINE_SOURCE == \"merge_request_event\"}]}
";

/// What it printed on standard output and standard error, and its exit code.
fn penstock(at: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(PENSTOCK).args(arguments).current_dir(at).env("GIT_CEILING_DIRECTORIES", "/tmp").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[track_caller]
fn json_of(at: &Path, arguments: &[&str]) -> Value {
    let (said, wrong, code) = penstock(at, &[arguments, &["--output", "json"]].concat());
    assert_eq!(code, 0, "{arguments:?}: {wrong}");
    serde_json::from_str(&said).unwrap()
}

fn names(plan: &Value) -> Vec<&str> {
    plan["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect()
}

#[test]
fn a_file_outside_of_any_repository_is_planned_for_the_event_that_is_asked_for() {
    let dir = directory();
    std::fs::write(dir.path().join("ci.yml"), PIPELINE).unwrap();
    let plan = |arguments: &[&str]| json_of(dir.path(), &[&["plan", "ci.yml"], arguments].concat());
    assert_eq!(names(&plan(&[])), ["build", "unit"], "a new branch: `changes` holds");
    assert_eq!(names(&plan(&["--changed", "README"])), ["build"]);
    assert_eq!(names(&plan(&["--changed", "README", "src/a"])), ["build", "unit"]);
    assert_eq!(names(&plan(&["--changed", "README", "--var", "LEVEL=deep"])), ["build", "unit"]);
    let merge = plan(&["--event", "merge_request_event", "--branch", "topic", "--target", "main", "--changed", "x"]);
    assert_eq!(
        (names(&merge), &merge["event"]["name"], &merge["event"]["ref"]),
        (vec!["docs"], &json!("merge_request_event"), &json!("refs/heads/topic"))
    );
    assert_eq!(plan(&["--tag", "v1"])["event"]["ref"], "refs/tags/v1");
    let (said, _, code) = penstock(dir.path(), &["plan", "ci.yml", "--graph"]);
    assert_eq!((said.as_str(), code), ("[ build ]────▶[ unit ]\n", 0));
    assert!(penstock(dir.path(), &["plan", "ci.yml", "--graph=mermaid"]).0.contains("j0 --> j1"));
    assert_eq!(penstock(dir.path(), &["plan", "absent.yml"]).2, 6);
}

#[test]
fn a_workflow_hears_of_the_commits_that_a_push_would_bring() {
    let dir = directory();
    git(dir.path(), &["init", "--quiet", "--initial-branch=main", "."]);
    let commits = |messages: &str| format!("join(github.event.commits.*.message, '|') == '{messages}'");
    let job = |name: &str, asked: &str| format!("  {name}: {{runs-on: linux, if: \"{asked}\", steps: [{{run: x}}]}}\n");
    let asked = [
        ("two", commits("second|third")),
        ("one", commits("third")),
        ("by-ada", "github.event.head_commit.author.name == 'Ada' && github.event.commits[0].author.name == 'Ada'".to_owned()),
        ("here", "github.event.head_commit.id == github.sha".to_owned()),
        ("lost", "github.event.forced".to_owned()),
    ];
    let jobs: String = asked.iter().map(|(name, asked)| job(name, asked)).collect();
    std::fs::create_dir_all(dir.path().join(".github/workflows")).unwrap();
    std::fs::write(dir.path().join(".github/workflows/ci.yml"), format!("on: push\njobs:\n{jobs}")).unwrap();
    git(dir.path(), &["add", "."]);
    for message in ["first", "second", "third"] {
        git(dir.path(), &["-c", "user.name=Ada", "commit", "--quiet", "--allow-empty", &format!("--message={message}")]);
    }
    let planned = |arguments: &[&str]| {
        let plan = json_of(dir.path(), &[&["plan"], arguments].concat());
        names(&plan).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(planned(&["--since", "HEAD~2"]), ["two", "by-ada", "here"]);
    assert_eq!(planned(&[]), ["one", "by-ada", "here"]);
    // what is not committed yet is part of the last commit
    std::fs::write(dir.path().join("more"), "x").unwrap();
    assert_eq!(planned(&[]), ["one", "by-ada", "here"]);
    git(dir.path(), &["branch", "aside"]);
    git(dir.path(), &["reset", "--quiet", "--soft", "HEAD~1"]);
    assert_eq!(planned(&["--since", "aside"]), ["by-ada", "here", "lost"]);
    git(dir.path(), &["-c", "user.name=Ada", "commit", "--quiet", "--allow-empty", "--message=fourth [skip ci]"]);
    let plan = json_of(dir.path(), &["plan"]);
    assert_eq!(names(&plan), [""; 0], "{plan}");
    assert!(plan.to_string().contains("says `[skip ci]`: nothing starts for it, as at GitHub"), "{plan}");
}

#[test]
fn rules_see_who_wrote_the_commit_and_what_the_tag_says() {
    let dir = directory();
    git(dir.path(), &["init", "--quiet", "--initial-branch=main", "."]);
    let rules = "by-ada: {script: x, rules: [{if: '$CI_COMMIT_AUTHOR =~ /^Ada /'}]}
dated: {script: x, rules: [{if: '$CI_COMMIT_TIMESTAMP == \"2026-01-31T16:47:55+01:00\"'}]}
hotfix: {script: x, rules: [{if: '$CI_COMMIT_TAG_MESSAGE =~ /hotfix/'}]}
";
    std::fs::write(dir.path().join(".gitlab-ci.yml"), rules).unwrap();
    git(dir.path(), &["add", "."]);
    let commit = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "--message=first"];
    let status = Command::new("git").args(commit).current_dir(dir.path()).env("GIT_COMMITTER_DATE", "2026-01-31T16:47:55+01:00").status();
    assert!(status.unwrap().success());
    git(dir.path(), &["tag", "--annotate", "--message=v1, a hotfix", "v1"]);
    std::fs::write(dir.path().join("more"), "not committed").unwrap();
    assert_eq!(names(&json_of(dir.path(), &["plan"])), ["by-ada", "dated"]);
    assert_eq!(names(&json_of(dir.path(), &["plan", "--tag", "v1"])), ["by-ada", "dated", "hotfix"]);
    assert_eq!(names(&json_of(dir.path(), &["plan", "--tag", "v2"])), ["by-ada", "dated"]);
}

#[test]
fn a_workflow_is_known_by_its_place_or_its_first_keys() {
    let dir = directory();
    let workflow = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: make}]}\n";
    std::fs::create_dir_all(dir.path().join("x/.github/workflows")).unwrap();
    for path in ["w.yml", "x/.github/workflows/ci.yml"] {
        std::fs::write(dir.path().join(path), workflow).unwrap();
        let plan = json_of(dir.path(), &["plan", path]);
        assert_eq!(
            (&plan["dialect"], &plan["jobs"][0]["id"], &plan["jobs"][0]["steps"][0]["run"]),
            (&json!("github"), &json!("a"), &json!("make"))
        );
    }
    assert_eq!(json_of(dir.path(), &["plan", "x"])["path"], ".github/workflows/ci.yml");
}

#[test]
fn a_job_of_the_working_tree_is_explained_without_a_server() {
    let dir = directory();
    std::fs::write(dir.path().join(".gitlab-ci.yml"), PIPELINE).unwrap();
    let (said, _, code) = penstock(dir.path(), &["explain", "docs"]);
    assert_eq!(code, 0);
    for part in [
        "job `docs` (.gitlab-ci.yml:4)",
        "not in the plan of a push",
        "the rule on line 4 does not match",
        "CI_PIPELINE_SOURCE is \"push\"",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let explained = json_of(dir.path(), &["explain", "unit", "--changed", "src/a"]);
    assert_eq!(explained["verdict"], "in the plan of a push");
    let reasons = explained["reasons"].to_string();
    assert!(
        reasons.contains("does not match: `$LEVEL ==") && reasons.contains("LEVEL is not set") && reasons.contains("`src/a` changed"),
        "{reasons}"
    );
    let (_, wrong, code) = penstock(dir.path(), &["explain", "unti"]);
    assert!(code == 6 && wrong.contains("did you mean `unit`?"), "{wrong}");
}

#[test]
fn lint_shows_each_fault_under_its_caret_and_warns() {
    let dir = directory();
    std::fs::create_dir_all(dir.path().join(".github/workflows")).unwrap();
    std::fs::write(dir.path().join(".gitlab-ci.yml"), PIPELINE).unwrap();
    assert_eq!(penstock(dir.path(), &["lint"]).2, 0);
    std::fs::write(dir.path().join(".github/workflows/ci.yml"), "on: push\njobs:\n  a:\n    runs_on: x\n    steps: [{run: a}]\n").unwrap();
    let (said, summary, code) = penstock(dir.path(), &["lint"]);
    assert_eq!(code, 1);
    assert!(said.contains("4 |     runs_on: x\n  |     ^^^^^^^\n  = help: did you mean `runs-on`?"), "{said}");
    assert!(summary.contains("in 2 files"), "{summary}");
    let (told, _, _) = penstock(dir.path(), &["lint", "--output", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told[0]["errors"], &told[1]["errors"][1]["line"], &told[1]["errors"][1]["column"]), (&json!([]), &json!(4), &json!(5)));
    std::fs::write(dir.path().join("odd.yml"), "a: {script: x, rules: [{when: always}]}\n").unwrap();
    let (said, _, code) = penstock(dir.path(), &["lint", "odd.yml"]);
    assert!(code == 0 && said.contains("warning: `a` may run twice"), "{said}");
    assert_eq!(penstock(dir.path(), &["lint", "odd.yml", "--strict"]).2, 1);
    std::fs::remove_dir_all(dir.path().join(".github")).unwrap();
    std::fs::remove_file(dir.path().join(".gitlab-ci.yml")).unwrap();
    assert_eq!(penstock(dir.path(), &["lint"]).2, 6);
}

#[test]
fn what_is_beyond_a_job_is_refused_with_its_place_unless_the_project_says_that_it_is_meant() {
    let dir = directory();
    std::fs::write(dir.path().join(".gitlab-ci.yml"), "pack:\n  script:\n    - docker build -t x .\n").unwrap();
    let (_, wrong, code) = penstock(dir.path(), &["plan"]);
    assert_eq!(code, 1);
    assert!(
        wrong.contains("3 |     - docker build -t x .\n  |       ^^^^^^") && wrong.contains("`penstock build --image NAME`"),
        "{wrong}"
    );
    assert_eq!(penstock(dir.path(), &["lint"]).2, 1);
    let file = "version: 1\nproject: {name: shop, config: shop-config, pipeline: .gitlab-ci.yml}\n";
    std::fs::write(dir.path().join("penstock.yaml"), format!("{file}jobs: {{pack: {{allows: [docker]}}}}\n")).unwrap();
    assert_eq!(penstock(dir.path(), &["plan"]).2, 0);
    assert_eq!(penstock(dir.path(), &["lint"]).2, 0);
}

#[test]
fn of_two_kinds_of_file_the_project_names_the_one_that_counts_or_both() {
    let dir = directory();
    std::fs::create_dir_all(dir.path().join(".github/workflows")).unwrap();
    std::fs::write(dir.path().join(".gitlab-ci.yml"), "a: {script: make}\n").unwrap();
    std::fs::write(dir.path().join(".github/workflows/ci.yml"), "on: push\njobs: {b: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n")
        .unwrap();
    let (_, wrong, code) = penstock(dir.path(), &["plan"]);
    assert!(code == 6 && wrong.contains("two pipelines for one commit are a decision"), "{wrong}");
    let name = |pipelines: &str| {
        let file = format!("version: 1\nproject: {{name: shop, config: shop-config, pipeline: {pipelines}}}\n");
        std::fs::write(dir.path().join("penstock.yaml"), file).unwrap();
        let (said, wrong, code) = penstock(dir.path(), &["plan", "--output", "json"]);
        assert_eq!(code, 0, "{wrong}");
        let plans = serde_json::Deserializer::from_str(&said).into_iter::<Value>().map(Result::unwrap);
        plans.map(|plan| plan["dialect"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(name(".github/workflows/ci.yml"), ["github"]);
    assert_eq!(name("[.gitlab-ci.yml, .github/workflows/ci.yml]"), ["gitlab", "github"]);
}
