//! Variables of the project in conditions: seen as GitLab has it, and kept nowhere.

use penstock_model::Secret;
use penstock_pipeline::{EventFacts, FileRef, ProjectVariable, ProjectVariables, PushEvent};

use crate::support::{GITLAB, plan_with, planned, push};

/// `NAME=value`, `NAME@environment=value`; a value in brackets is masked, one with `$` is expanded.
fn variables(all: &[&str]) -> ProjectVariables {
    let one = |text: &&str| {
        let (name, value) = text.split_once('=').unwrap();
        let (name, scope) = name.split_once('@').map_or((name, None), |(name, scope)| (name, Some(scope.to_owned())));
        let masked = value.starts_with('[');
        let value = value.trim_matches(['[', ']']);
        ProjectVariable { name: name.to_owned(), scope, value: Secret::new(value), masked, expand: !masked }
    };
    ProjectVariables::new(all.iter().map(one).collect())
}

fn event(all: &[&str]) -> PushEvent {
    PushEvent { facts: Box::new(EventFacts { variables: variables(all), ..*push().facts }), ..push() }
}

/// Whether the job `a` with these keys is in the plan.
#[track_caller]
fn runs(file: &str, keys: &str, all: &[&str]) -> bool {
    let plan = planned(GITLAB, &format!("{file}a: {{script: [x], {keys}}}\nlast: {{script: [x]}}\n"), &event(all));
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    plan.jobs.iter().any(|job| job.name.as_str() == "a")
}

#[test]
fn they_go_over_the_files_and_below_the_pipelines() {
    let rule = "rules: [{if: '$WHO == \"project\"'}]";
    assert!(!runs("", rule, &[]));
    assert!(runs("", rule, &["WHO=project"]));
    assert!(runs("variables: {WHO: file}\n", rule, &["WHO=project"]));
    assert!(runs("", &format!("variables: {{WHO: job}}, {rule}"), &["WHO=[project]"]));
    assert!(runs("", "variables: {FULL: 'of $WHO'}, rules: [{if: '$FULL == \"of project\"'}]", &["WHO=[project]"]));
    assert!(runs("", rule, &["WHO=$PART", "PART=project"]), "a variable may stand for another one");
    assert!(!runs("", rule, &["WHO=[$PART]", "PART=project"]), "but not in one that is masked");
    let over = PushEvent { variables: [("WHO".to_owned(), "pipeline".to_owned())].into(), ..event(&["WHO=project"]) };
    assert_eq!(planned(GITLAB, &format!("a: {{script: [x], {rule}}}"), &over).unwrap().jobs.len(), 0);
}

#[test]
fn the_one_for_the_jobs_environment_wins_and_workflow_sees_those_for_all() {
    let all = ["WHO=project", "WHO@review/*=review", "WHO@review/main=main", "ONLY@production=yes"];
    for (keys, expected) in [
        ("environment: test", "project"),
        ("environment: review/x", "review"),
        ("environment: 'review/$CI_COMMIT_BRANCH'", "main"),
        ("environment: {name: review/x, action: prepare}", "review"),
    ] {
        assert!(runs("", &format!("{keys}, rules: [{{if: '$WHO == \"{expected}\"'}}]"), &all), "{keys}");
    }
    assert!(runs("", "environment: production, rules: [{if: $ONLY}]", &all));
    assert!(!runs("", "rules: [{if: $ONLY}]", &all));
    let workflow = "workflow: {rules: [{if: '$WHO == \"project\" && $ONLY == null'}]}\n";
    assert!(runs(workflow, "when: always", &all));
}

#[test]
fn only_except_and_include_see_them() {
    assert!(runs("", "only: {variables: ['$WHO == \"project\"']}", &["WHO=[project]"]));
    assert!(!runs("", "except: {variables: [$WHO]}", &["WHO=project"]));
    let text = "include: [{local: '$DIR/a.yml', rules: [{if: '$KEY == \"k\"'}]}]\nb: {script: [x]}\n";
    let file = (FileRef::Local { path: "ci/a.yml".into() }, "a: {script: [x]}");
    let with = |all: &[&str]| {
        let event = PushEvent { files: vec!["ci/a.yml".into()], ..event(all) };
        plan_with(GITLAB, text, std::slice::from_ref(&file), &event).map(|plan| plan.jobs.len())
    };
    assert_eq!(with(&["DIR=ci", "KEY=[k]"]).unwrap(), 2);
    assert_eq!(with(&["DIR=ci", "KEY=other"]).unwrap(), 1);
    let (problems, _) = with(&["DIR=[ci]", "KEY=[k]"]).unwrap_err();
    assert_eq!(problems[0].message, "`$DIR/a.yml` has a masked variable in it, and plans and logs show it");
}

#[test]
fn no_plan_holds_what_is_masked_and_what_would_show_it_is_refused() {
    let all = ["KEY=[hunter22]", "LEVEL=deep"];
    let text = "workflow: {name: 'for $KEY at $LEVEL'}
a: {script: [x], variables: {URL: 'https://$KEY@x'}, rules: [{if: '$KEY == \"hunter2\"'}, {if: '$URL =~ /hunter22@x$/ && $LEVEL', exists: ['$KEY']}, {if: '$KEY && $LEVEL'}]}
b: {script: [x], only: {variables: ['$KEY == \"nothing\"']}}
";
    let plan = planned(GITLAB, text, &event(&all)).unwrap();
    let kept = format!("{} {plan:?}", serde_json::to_string(&plan).unwrap());
    assert!(!kept.contains("hunter22"), "{kept}");
    assert_eq!(plan.name, "for [MASKED] at deep");
    let because = plan.jobs[0].because.join(" ");
    assert!(because.contains("KEY is \"[MASKED]\"") && because.contains("LEVEL is \"deep\""), "{because}");
    assert_eq!(plan.event.facts.variables, ProjectVariables::default());
    for (keys, shown) in [
        ("resource_group: 'of $KEY'", "a.resource_group"),
        ("tags: [$KEY]", "a.tags"),
        ("rules: [{changes: {paths: [x], compare_to: $KEY}}]", "a.rules[0].changes.compare_to"),
        ("rules: [{exists: {paths: [x], project: $KEY}}]", "a.rules[0].exists.project"),
        ("resource_group: $MADE, rules: [{if: $KEY, variables: {MADE: $KEY}}]", "a.resource_group"),
    ] {
        let refused = planned(GITLAB, &format!("a: {{script: [x], {keys}}}"), &event(&all)).unwrap_err();
        assert!(refused.contains("masked variable") && refused.contains(shown) && !refused.contains("hunter"), "{keys}: {refused}");
    }
    let inputs = "spec: {inputs: {x: {default: $KEY}}}\n---\na: {script: ['$[[ inputs.x | expand_vars ]]']}\n";
    let refused = planned(GITLAB, inputs, &event(&all)).unwrap_err();
    assert!(refused.contains("no masked variable") && !refused.contains("hunter"), "{refused}");
}
