//! `changes` and `exists` of rules, where they look elsewhere than at the push and at the commit.

use penstock_pipeline::{FileRef, PushEvent};

use crate::gitlab_include::{local, planned};
use crate::support::push;

/// As GitLab's `changes_spec.rb` and `exists_spec.rb` have it: `compare_to` counts for a new branch and a tag too, and
/// `project` and `ref` take variables.
#[test]
fn a_rule_looks_at_paths_of_another_place() {
    let changes = |since: &str| FileRef::Changes { since: since.to_owned() };
    let paths =
        |project: &str, reference: Option<&str>| FileRef::Paths { project: project.to_owned(), reference: reference.map(str::to_owned) };
    let files = [
        (changes("main"), "docs/a.md\0src/b.rs\0"),
        (changes("refs/heads/next"), "src/b.rs\0"),
        (paths("g/p", None), "Dockerfile\0"),
        (paths("oran", Some("v1")), "old/a.yml\0"),
    ];
    let new = PushEvent { before: None, changed: None, ..push() };
    let tag = PushEvent { reference: "refs/tags/v1".to_owned(), ..new.clone() };
    for (rule, stays) in [
        ("{changes: {paths: [docs/*], compare_to: main}}", true),
        ("{changes: {paths: ['docs/*'], compare_to: $CI_DEFAULT_BRANCH}}", true),
        ("{changes: {paths: [docs/*], compare_to: refs/heads/next}}", false),
        ("{exists: {paths: [Dockerfile], project: g/p}}", true),
        ("{exists: {paths: [Cargo.toml], project: g/p}}", false),
        ("{exists: {paths: ['old/*.yml'], project: $CI_PROJECT_PATH, ref: $REF}}", true),
    ] {
        for event in [&push(), &new, &tag] {
            let text = format!(
                "variables: {{REF: v1}}\nworkflow: {{rules: [{{when: always}}]}}\na:\n  script: x\n  rules:\n  - {rule}\nb: {{script: x}}"
            );
            assert_eq!(planned(&text, &files, event), if stays { "a: x\nb: x" } else { "b: x" }, "{rule}");
        }
    }
    let text = "include:\n- {local: a.yml, rules: [{changes: {paths: [docs/*], compare_to: main}}]}\nb: {script: x}";
    let with = [(local("a.yml"), "a: {script: x}"), (changes("main"), "docs/a.md\0")];
    assert_eq!(planned(text, &with, &push()), "a: x\nb: x");
    assert_eq!(
        planned("a: {script: x, rules: [{changes: {paths: [a], compare_to: nope}}]}", &[], &push()),
        ".gitlab-ci.yml:1:59 a.rules[0].changes.compare_to: `changes since nope` is not there: nobody has it"
    );
}
