//! What else than a push starts a pipeline: GitLab's sources, their variables, and what `only`, `except` and `changes` make of them.

use penstock_pipeline::{EventFacts, MergeRequest, PushEvent, Trigger};

use crate::support::{GITLAB, WORKFLOW, planned, push, summary};

pub fn merge_request() -> MergeRequest {
    MergeRequest {
        action: "opened".into(),
        number: 7,
        title: "Add a thing".into(),
        description: "It was missing.".into(),
        source_branch: "feature/a".into(),
        target_branch: "main".into(),
        base: "c".repeat(40).parse().unwrap(),
        target: Some("d".repeat(40).parse().unwrap()),
        fork: None,
        draft: false,
        labels: vec!["bug".into(), "docs".into()],
        assignees: vec!["ada".into(), "bob".into(), "eve".into()],
        milestone: None,
        author: Some("ada".into()),
        label: None,
        of_target: false,
    }
}

/// An event of any kind but a push and a tag's.
pub fn event(trigger: Trigger) -> PushEvent {
    let reference = if trigger.merge_request().is_some() { "refs/heads/feature/a" } else { "refs/heads/main" };
    PushEvent { trigger, reference: reference.into(), before: None, ..push() }
}

fn triggers() -> Vec<(&'static str, Trigger)> {
    vec![
        ("push", Trigger::Push),
        ("merge_request", Trigger::MergeRequest(Box::new(merge_request()))),
        ("schedule", Trigger::Schedule { cron: "30 5 * * 1".into(), description: "nightly".into() }),
        ("web", Trigger::Manual { inputs: std::collections::BTreeMap::new() }),
        ("api", Trigger::Api { event_type: String::new(), payload: serde_json::Value::Null }),
        ("trigger", Trigger::Token),
        ("pipeline", Trigger::Pipeline { inputs: std::collections::BTreeMap::new() }),
        ("parent_pipeline", Trigger::Parent { origin: Box::new(Trigger::Token) }),
    ]
}

/// Whether a job with these keys is in the plan.
#[track_caller]
fn runs(keys: &str, event: &PushEvent) -> bool {
    let plan = planned(GITLAB, &format!("job:\n  script: make\n{keys}"), event).unwrap_or_else(|problems| panic!("{problems}"));
    !plan.is_empty()
}

#[test]
fn only_holds_for_the_source_that_it_names_and_no_other() {
    for (named, plural) in [
        ("push", "pushes"),
        ("merge_request", "merge_requests"),
        ("schedule", "schedules"),
        ("web", "webs"),
        ("api", "apis"),
        ("trigger", "triggers"),
        ("pipeline", "pipelines"),
        ("parent_pipeline", "parent_pipelines"),
    ] {
        for (source, trigger) in triggers() {
            let event = event(trigger);
            for word in [named, plural] {
                assert_eq!(runs(&format!("  only: [{word}]\n"), &event), source == named, "only {word} for {source}");
                assert_eq!(runs(&format!("  only: [branches, merge_requests]\n  except: [{word}]\n"), &event), source != named);
            }
        }
    }
}

#[test]
pub fn merge_requests_have_no_branch_and_take_no_job_that_does_not_ask_for_them() {
    let request = event(Trigger::MergeRequest(Box::new(merge_request())));
    for keys in
        ["", "  only: [branches, tags]\n", "  only: [feature/a]\n", "  only: [/./]\n", "  only: {variables: [$CI]}\n", "  except: [main]\n"]
    {
        assert!(!runs(keys, &request), "{keys}");
    }
    for keys in ["  only: [merge_requests]\n", "  rules: [{when: always}]\n", "  rules: [{if: $CI_MERGE_REQUEST_IID}]\n"] {
        assert!(runs(keys, &request), "{keys}");
    }
    assert!(!runs("  rules: [{if: $CI_COMMIT_BRANCH}]\n", &request));
    assert!(runs("  rules: [{if: $CI_COMMIT_BRANCH}]\n", &event(Trigger::Token)));
}

#[test]
fn rules_of_workflow_take_the_default_of_only_away() {
    let request = event(Trigger::MergeRequest(Box::new(merge_request())));
    let text = "workflow:\n  rules:\n    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\njob:\n  script: make\nother:\n  script: make\n  only: [branches]\n";
    let seen = summary(&planned(GITLAB, text, &request).unwrap());
    let why = "without other: `only` on line 8 does not hold: none of its refs is `merge_requests`\n";
    assert_eq!(seen, format!("job [test] after earlier stages\n{why}"));
}

#[test]
fn changes_hold_where_nothing_is_compared() {
    for (source, trigger) in triggers() {
        let event = event(trigger);
        let compared = ["push", "merge_request"].contains(&source);
        assert_eq!(runs("  rules: [{changes: [nothing]}]\n", &event), !compared, "{source}");
        assert!(runs("  rules: [{changes: [README.md]}]\n", &event), "{source}");
    }
}

#[test]
fn conditions_see_the_source_and_the_merge_request() {
    let request = event(Trigger::MergeRequest(Box::new(merge_request())));
    for condition in [
        "$CI_PIPELINE_SOURCE == 'merge_request_event'",
        "$CI_COMMIT_BRANCH == null",
        "$CI_COMMIT_REF_NAME == 'feature/a'",
        "$CI_COMMIT_BEFORE_SHA =~ /^0+$/",
        "$CI_MERGE_REQUEST_IID == '7'",
        "$CI_MERGE_REQUEST_TITLE == 'Add a thing'",
        "$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME == 'feature/a'",
        "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == $CI_DEFAULT_BRANCH",
        "$CI_MERGE_REQUEST_LABELS == 'bug,docs'",
        "$CI_MERGE_REQUEST_ASSIGNEES == 'ada, bob, and eve'",
        "$CI_MERGE_REQUEST_DRAFT == 'false'",
        "$CI_MERGE_REQUEST_EVENT_TYPE == 'detached'",
        "$CI_MERGE_REQUEST_MILESTONE == null",
        "$CI_MERGE_REQUEST_TARGET_BRANCH_SHA == ''",
        "$CI_MERGE_REQUEST_DIFF_BASE_SHA =~ /^c+$/",
        "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_PROJECT_PATH",
        "$CI_MERGE_REQUEST_REF_PATH == 'refs/merge-requests/7/head'",
    ] {
        assert!(runs(&format!("  rules:\n    - if: \"{condition}\"\n"), &request), "{condition}");
    }
    let nightly = event(Trigger::Schedule { cron: "30 5 * * 1".into(), description: "nightly".into() });
    assert!(runs("  rules: [{if: $CI_PIPELINE_SCHEDULE_DESCRIPTION == 'nightly'}]\n", &nightly));
    assert!(runs("  rules: [{if: $CI_PIPELINE_TRIGGERED == 'true'}]\n", &event(Trigger::Token)));
}

#[test]
fn a_pipeline_knows_four_open_merge_requests_of_its_branch() {
    let of = |open: &[u64]| PushEvent { open_merge_requests: open.to_vec(), ..push() };
    let rule = |condition: &str| format!("  rules:\n    - if: \"{condition}\"\n");
    assert!(runs(&rule("$CI_OPEN_MERGE_REQUESTS == null"), &of(&[])));
    assert!(runs(&rule("$CI_OPEN_MERGE_REQUESTS =~ /^[a-z]+!7$/"), &of(&[7])));
    assert!(runs(&rule("$CI_OPEN_MERGE_REQUESTS =~ /!9,[a-z]+!8,[a-z]+!7,[a-z]+!6$/"), &of(&[9, 8, 7, 6, 5])));
}

#[test]
fn what_a_merge_request_has_at_gitlab_alone_is_told_there() {
    let text = "job:\n  script: make\n  rules: [{if: $CI_MERGE_REQUEST_APPROVED}]\n";
    assert!(planned(GITLAB, text, &push()).is_ok());
    let problems = planned(GITLAB, text, &event(Trigger::MergeRequest(Box::new(merge_request())))).unwrap_err();
    assert!(problems.contains("GitLab's variable `CI_MERGE_REQUEST_APPROVED` is not known here"), "{problems}");
}

#[test]
fn gitlab_starts_nothing_for_what_it_does_not_know() {
    let release = Trigger::Release { action: "published".into(), name: String::new(), draft: false, prerelease: false };
    let plan = planned(GITLAB, "job:\n  script: make\n", &event(release)).unwrap();
    assert_eq!(plan.why_empty(), ["GitLab starts no pipeline for a release"]);
}

#[test]
fn an_event_is_read_as_it_was_written() {
    for (_, trigger) in triggers() {
        let event = event(trigger);
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<PushEvent>(&written).unwrap(), event);
        assert_eq!(written.contains("trigger"), !event.trigger.is_push(), "{written}");
    }
}

#[test]
fn a_commit_and_its_tag_are_known_to_rules_and_jobs() {
    let tag = |message: Option<&str>| PushEvent {
        reference: "refs/tags/v1".into(),
        facts: Box::new(EventFacts { tag_message: message.map(str::to_owned), ..*push().facts }),
        ..push()
    };
    for (condition, event, holds) in [
        ("$CI_COMMIT_AUTHOR == \"Ada <ada@example.org>\"", push(), true),
        ("$CI_COMMIT_TIMESTAMP =~ /^2025-11-24T17:00:00\\+01:00$/", push(), true),
        ("$CI_COMMIT_TAG_MESSAGE", push(), false),
        ("$CI_COMMIT_TAG_MESSAGE =~ /hotfix/", tag(Some("v1\n\nA hotfix")), true),
        ("$CI_COMMIT_TAG_MESSAGE == \"\"", tag(None), true),
    ] {
        assert_eq!(runs(&format!("  rules: [{{if: '{condition}'}}]\n"), &event), holds, "{condition}");
    }
    // before the first commit a condition on it would silently be false
    let nothing = PushEvent { facts: Box::default(), ..push() };
    let refused = planned(GITLAB, "a: {script: [x], rules: [{if: $CI_COMMIT_AUTHOR}, {when: always}]}", &nothing).unwrap_err();
    assert!(refused.contains("`CI_COMMIT_AUTHOR` is not known here"), "{refused}");
}

#[test]
fn a_commit_whose_message_wants_no_pipeline_starts_none_unless_somebody_asks_for_one() {
    let gitlab = "job:\n  script: make\n  rules: [{when: always}]\n";
    let workflow = "on: [push, pull_request, pull_request_target, workflow_dispatch]\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n";
    let whys = |path: &str, text: &str, trigger: Trigger, message: &str| {
        let event = PushEvent { message: message.to_owned(), ..event(trigger) };
        planned(path, text, &event).unwrap().why_empty().join("; ")
    };
    let request = || Trigger::MergeRequest(Box::new(merge_request()));
    let of_target = || Trigger::MergeRequest(Box::new(MergeRequest { of_target: true, ..merge_request() }));
    for trigger in [Trigger::Push, request()] {
        let why = whys(GITLAB, gitlab, trigger.clone(), "Fix [ci-skip]");
        assert_eq!(why, "the message of commit aaaaaaaa says `[ci-skip]`: nothing starts for it, as at GitLab");
        let why = whys(WORKFLOW, workflow, trigger.clone(), "Fix\n\nskip-checks: true\n");
        assert_eq!(why, "the message of commit aaaaaaaa says `skip-checks: true`: nothing starts for it, as at GitHub");
        assert_eq!(whys(WORKFLOW, workflow, trigger.clone(), "Fix [ci-skip]"), "", "GitLab's own word");
        assert_eq!(whys(GITLAB, gitlab, trigger, "Fix [no ci]"), "", "GitHub's own word");
        // whatever the file has: nobody reads it
        assert!(whys(GITLAB, "job: [", Trigger::Push, "[skip ci]").contains("[skip ci]"));
    }
    let manual = || Trigger::Manual { inputs: std::collections::BTreeMap::new() };
    let nightly = || Trigger::Schedule { cron: "30 5 * * 1".into(), description: String::new() };
    for trigger in [manual(), nightly(), Trigger::Token, Trigger::Parent { origin: Box::new(Trigger::Push) }] {
        assert_eq!(whys(GITLAB, gitlab, trigger, "Fix [skip ci]"), "");
    }
    for trigger in [manual(), of_target()] {
        assert_eq!(whys(WORKFLOW, workflow, trigger, "Fix [skip ci]"), "");
    }
}
