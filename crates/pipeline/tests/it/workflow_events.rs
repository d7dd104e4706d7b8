//! Which events start a workflow, what they give it, and what is wrong with `on`.

use penstock_pipeline::{EventFacts, MergeRequest, PushEvent, PushFacts, Trigger};
use serde_json::{Value, json};

use crate::support::{WORKFLOW, planned, problems, push};
use crate::triggers::{event, merge_request};

const JOB: &str = "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n";

fn request(change: impl FnOnce(&mut MergeRequest)) -> PushEvent {
    let mut request = merge_request();
    change(&mut request);
    event(Trigger::MergeRequest(Box::new(request)))
}

fn named(name: &str, action: &str, payload: Value) -> PushEvent {
    event(Trigger::Named { name: name.into(), action: action.into(), payload })
}

fn manual(inputs: Value) -> PushEvent {
    let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
    event(Trigger::Manual { inputs: inputs.into_iter().collect() })
}

fn release(action: &str) -> PushEvent {
    let trigger = Trigger::Release { action: action.into(), name: "First".into(), draft: false, prerelease: true };
    PushEvent { reference: "refs/tags/v1".into(), ..event(trigger) }
}

fn schedule(cron: &str) -> PushEvent {
    event(Trigger::Schedule { cron: cron.into(), description: String::new() })
}

/// Why a workflow is started or not.
#[track_caller]
fn why(on: &str, event: &PushEvent) -> String {
    let plan = planned(WORKFLOW, &format!("on: {on}\n{JOB}"), event).unwrap_or_else(|problems| panic!("{problems}"));
    match plan.jobs.first() {
        Some(job) => format!("starts: {}", job.because[0]),
        None => format!("not: {}", plan.left_out[0].because[0]),
    }
}

#[test]
fn patterns_that_only_take_back_let_nothing_in() {
    for (on, warned) in
        [("{push: {tags: ['!**']}}", false), ("{push: {branches: ['!x', '!y']}}", true), ("{push: {branches: ['!dev']}}", true)]
    {
        let text = format!("on: {on}\njobs: {{a: {{runs-on: linux, steps: [{{run: x}}]}}}}\n");
        let plan = crate::support::must_plan(WORKFLOW, &text);
        let told: Vec<&str> = plan.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!((plan.jobs.len(), told.contains(&"no pattern lets anything in: all start with `!`")), (0, warned), "{on}: {told:?}");
    }
}

#[test]
fn a_pull_request_starts_the_workflows_that_let_it_in() {
    each_is_told(&[
        ("pull_request", request(|_| ()), "starts: `on: pull_request` (line 1) names this event"),
        ("pull_request", push(), "not: `on` (line 1) does not name `push`, which this is"),
        ("push", request(|_| ()), "not: `on` (line 1) does not name `pull_request`, which this is"),
        ("[push, pull_request]", push(), "starts: `on: push` (line 1) names this push"),
        ("pull_request_target", request(|_| ()), "not: `on` (line 1) does not name `pull_request`, which this is"),
        ("pull_request_target", request(|request| request.of_target = true), "starts: `on: pull_request_target` (line 1) names this event"),
        (
            "pull_request",
            request(|request| request.action = "labeled".into()),
            "not: `on: pull_request` (line 1) means the types opened, synchronize, reopened, and this is `labeled`",
        ),
        (
            "{pull_request: {types: [labeled]}}",
            request(|request| request.action = "labeled".into()),
            "starts: `on: pull_request` (line 1) names this event",
        ),
        ("{pull_request: {types: labeled}}", request(|_| ()), "not: the types on line 1 do not name `opened`"),
        ("{pull_request: {branches: [main]}}", request(|_| ()), "starts: the patterns on line 1 let the target branch `main` in"),
        (
            "{pull_request: {branches: ['releases/**']}}",
            request(|_| ()),
            "not: the patterns on line 1 do not let in the target branch `main`",
        ),
        ("{pull_request: {branches-ignore: [main]}}", request(|_| ()), "not: the patterns on line 1 keep out the target branch `main`"),
        (
            "{pull_request: {paths: ['src/**']}}",
            request(|_| ()),
            "starts: `on: pull_request` (line 1) names this event, and `src/main.rs` changed, which the patterns on line 1 let in",
        ),
        ("{pull_request: {paths: ['docs/**']}}", request(|_| ()), "not: nothing changed that the patterns on line 1 let in"),
        ("{pull_request: {paths-ignore: ['**']}}", request(|_| ()), "not: nothing changed that the patterns on line 1 let in"),
    ]);
}

#[test]
fn an_event_starts_the_workflows_that_name_it() {
    each_is_told(&[
        ("{schedule: [{cron: '0 5 * * *'}]}", schedule("0  5 * * *"), "starts: it is the time on line 1: `0  5 * * *`"),
        ("{schedule: [{cron: '0 5 * * *'}]}", schedule("0 6 * * *"), "not: no time of `on: schedule` (line 1) is `0 6 * * *`"),
        ("workflow_dispatch", manual(json!({})), "starts: `on: workflow_dispatch` (line 1) names this event"),
        ("workflow_call", push(), "not: `on` (line 1) does not name `push`, which this is"),
        ("push", event(Trigger::Parent { origin: Box::default() }), "not: GitHub starts no workflow for a parent pipeline"),
        ("release", release("published"), "starts: `on: release` (line 1) names this event"),
        ("{release: {types: [released]}}", release("published"), "not: the types on line 1 do not name `published`"),
        ("issues", named("issues", "opened", Value::Null), "starts: `on: issues` (line 1) names this event"),
        ("{issues: {types: [closed]}}", named("issues", "opened", Value::Null), "not: the types on line 1 do not name `opened`"),
        (
            "{repository_dispatch: {types: [deploy]}}",
            event(Trigger::Api { event_type: "deploy".into(), payload: Value::Null }),
            "starts: `on: repository_dispatch` (line 1) names this event",
        ),
        (
            "{repository_dispatch: {types: [deploy]}}",
            event(Trigger::Api { event_type: "test".into(), payload: Value::Null }),
            "not: the types on line 1 do not name `test`",
        ),
        (
            "{workflow_run: {workflows: [CI], branches: [main]}}",
            named("workflow_run", "completed", json!({"workflow_run": {"name": "CI", "head_branch": "main"}})),
            "starts: the patterns on line 1 let the branch `main` in",
        ),
        (
            "{workflow_run: {workflows: [CI]}}",
            named("workflow_run", "completed", json!({"workflow_run": {"name": "Docs", "head_branch": "main"}})),
            "not: the names on line 1 do not let in the workflow `Docs`",
        ),
        (
            "{merge_group: {branches: [main]}}",
            named("merge_group", "checks_requested", json!({"merge_group": {"base_ref": "refs/heads/main"}})),
            "starts: the patterns on line 1 let the target branch `main` in",
        ),
    ]);
}

/// Looks whether workflows with these `on` are told this of these events.
fn each_is_told(cases: &[(&str, PushEvent, &str)]) {
    for (on, event, expected) in cases {
        assert_eq!(why(on, event), *expected, "{on}");
    }
}

#[test]
fn every_event_of_github_may_be_named_and_no_other() {
    let names = "branch_protection_rule check_run check_suite create delete deployment deployment_status discussion discussion_comment fork \
        gollum image_version issue_comment issues label merge_group milestone page_build project project_card project_column public \
        pull_request pull_request_comment pull_request_review pull_request_review_comment pull_request_target push registry_package release \
        repository_dispatch status watch workflow_call workflow_dispatch workflow_run";
    for name in names.split_whitespace() {
        assert_eq!(problems(WORKFLOW, &format!("on: {name}\n{JOB}")), format!("a plan of {} jobs", u8::from(name == "push")), "{name}");
        assert!(why(&format!("{{{name}: }}"), &named(name, "", Value::Null)).starts_with("starts: "), "{name}");
    }
    assert_eq!(problems(WORKFLOW, &format!("on: {{team_add: }}\n{JOB}")), "1:6 on.team_add: there is no event `team_add`");
}

#[test]
fn what_is_wrong_with_on_is_told_where_it_stands() {
    for (on, expected) in [
        ("schedule", "1:5 on.schedule: `schedule` has no time"),
        ("{schedule: }", "1:14 on.schedule: times are a list, not nothing"),
        ("{schedule: [{cron: '0 0 * *'}]}", "1:24 on.schedule[0].cron: `0 0 * *` is no time: it has 4 fields and not 5"),
        ("{schedule: [{cron: '* * * * *'}]}", "1:24 on.schedule[0].cron: GitHub starts nothing more often than every 5 minutes"),
        (
            "{schedule: [{crom: '0 0 * * *'}]}",
            "1:17 on.schedule[0]: the time has no `cron`\n1:18 on.schedule[0].crom: `crom` is not a key of this place",
        ),
        ("{schedule: [{cron: '0 0 * * *', timezone: Europe/Berlin}]}", "a plan of 0 jobs"),
        ("{pull_request: {types: [opend]}}", "1:29 on.pull_request.types: `pull_request` has no type `opend`"),
        ("{pull_request: {tags: [v1]}}", "1:21 on.pull_request.tags: `tags` is not a key of this place"),
        ("{push: {types: [x]}}", "1:13 on.push.types: `types` is not a key of this place"),
        ("{create: {branches: [x]}}", "1:15 on.create.branches: `branches` is not a key of this place"),
        ("{workflow_dispatch: {inputs: {a: {type: text}}}}", "1:45 on.workflow_dispatch.inputs.a.type: `text` is not carried out here"),
        ("{workflow_dispatch: {inputs: {a: {type: choice}}}}", "1:35 on.workflow_dispatch.inputs.a.options: a choice has no `options`"),
        ("{workflow_dispatch: {inputs: {a: {options: [x]}}}}", "1:48 on.workflow_dispatch.inputs.a.options: only a choice has `options`"),
        (
            "{workflow_dispatch: {inputs: {a: {type: boolean, default: 'yes'}}}}",
            "1:63 on.workflow_dispatch.inputs.a.default: `a` is `true` or `false`, and this is the text `yes`",
        ),
        (
            "{workflow_dispatch: {inputs: {a: {type: choice, options: [x, y], default: z}}}}",
            "1:79 on.workflow_dispatch.inputs.a.default: `a` is one of x, y, and not `z`",
        ),
        (
            "{workflow_dispatch: {inputs: {a: {default: \"${{ github.ref }}\"}}}}",
            "1:48 on.workflow_dispatch.inputs.a.default: no expression is evaluated here",
        ),
        ("{workflow_call: {inputs: {a: {}}}}", "1:31 on.workflow_call.inputs.a.type: the input has no `type`"),
        ("{workflow_call: {inputs: {a: {type: choice}}}}", "1:41 on.workflow_call.inputs.a.type: `choice` is not carried out here"),
        (
            "{workflow_call: {inputs: {a: {type: string, default: \"${{ secrets.X }}\"}}}}",
            "1:63 on.workflow_call.inputs.a.default: `secrets` is not known in the default of an input: it is settled before any job runs",
        ),
        ("{workflow_call: {outputs: {a: {description: x}}}}", "1:32 on.workflow_call.outputs.a: the output has no `value`"),
        (
            "{workflow_call: {outputs: {a: {value: \"${{ needs.x }}\"}}}}",
            "1:48 on.workflow_call.outputs.a.value: `needs` is not known in an output of a workflow",
        ),
        ("{workflow_call: {secrets: {github_token: }}}", "1:32 on.workflow_call.secrets.github_token: every workflow has `GITHUB_TOKEN`"),
        (
            "{workflow_call: {inputs: {a: {type: string}, A: {type: string}}}}",
            "1:50 : `A` is given twice, whatever its case; the first time is on line 1",
        ),
    ] {
        let told = problems(WORKFLOW, &format!("on: {on}\n{JOB}"));
        assert_eq!(told, expected, "{on}");
    }
}

/// What jobs see, as their outputs would.
#[track_caller]
fn seen(on: &str, event: &PushEvent, expression: &str) -> Result<bool, String> {
    let text = format!("on: {on}\njobs:\n  a:\n    runs-on: linux\n    if: {expression}\n    steps: [{{run: x}}]\n");
    planned(WORKFLOW, &text, event).map(|plan| !plan.is_empty())
}

#[test]
fn a_person_gives_inputs_of_the_types_that_are_asked_for() {
    let on = "{workflow_dispatch: {inputs: {text: {default: d}, flag: {type: boolean}, size: {type: number, default: 3}, to: {type: choice, options: [dev, prod]}, env: {type: environment, required: true}}}}";
    let given = manual(json!({"flag": "true", "to": "prod", "ENV": "staging", "size": "4.5"}));
    for expression in [
        "inputs.text == 'd'",
        "inputs.flag",
        "inputs.size > 4 && inputs.size < 5",
        "inputs.to == 'prod'",
        "inputs.env == 'staging'",
        "github.event.inputs.flag == 'true'",
        "github.event_name == 'workflow_dispatch'",
    ] {
        assert_eq!(seen(on, &given, expression), Ok(true), "{expression}");
    }
    let bare = manual(json!({"env": "staging"}));
    for expression in ["inputs.flag == false && !inputs.flag", "inputs.size == 3", "inputs.to == ''"] {
        assert_eq!(seen(on, &bare, expression), Ok(true), "{expression}");
    }
    for (given, expected) in [
        (json!({}), "the input `env` is required, and was not given"),
        (json!({"env": "e", "flag": "yes"}), "`flag` is `true` or `false`, and this is the text `yes`"),
        (json!({"env": "e", "size": "x"}), "`size` is a number, and this is the text `x`"),
        (json!({"env": "e", "to": "qa"}), "`to` is one of dev, prod, and not `qa`"),
        (json!({"env": "e", "flg": true}), "the workflow has no input `flg`"),
    ] {
        let told = seen(on, &manual(given), "true").unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
    // a push gives none
    assert_eq!(seen("[push, workflow_dispatch]", &push(), "inputs.text == null"), Ok(true));
}

#[test]
fn the_event_is_what_github_tells_of_it() {
    let opened = request(|request| request.fork = Some("eve/oran".into()));
    for expression in [
        "github.event_name == 'pull_request'",
        "github.ref == 'refs/pull/7/merge' && github.ref_name == '7/merge'",
        "github.head_ref == 'feature/a' && github.base_ref == 'main'",
        "github.event.action == 'opened'",
        "github.event.number == 7 && github.event.pull_request.number == 7",
        "github.event.pull_request.title == 'Add a thing'",
        "github.event.pull_request.draft == false",
        "github.event.pull_request.head.ref == 'feature/a' && github.event.pull_request.base.ref == 'main'",
        "github.event.pull_request.head.sha == github.sha",
        "github.event.pull_request.head.repo.full_name == 'eve/oran'",
        "github.event.pull_request.head.repo.full_name != github.repository && github.event.pull_request.head.repo.fork",
        "contains(github.event.pull_request.labels.*.name, 'bug')",
        "github.event.pull_request.user.login == 'ada'",
        "github.event.commits == null",
    ] {
        assert_eq!(seen("pull_request", &opened, expression), Ok(true), "{expression}");
    }
    assert_eq!(
        seen("release", &release("published"), "github.event.release.tag_name == 'v1' && github.event.release.prerelease"),
        Ok(true)
    );
    assert_eq!(seen("{schedule: [{cron: '0 5 * * *'}]}", &schedule("0 5 * * *"), "github.event.schedule == '0 5 * * *'"), Ok(true));
    let sent = event(Trigger::Api { event_type: "deploy".into(), payload: json!({"to": {"env": "prod"}}) });
    assert_eq!(
        seen("repository_dispatch", &sent, "github.event.client_payload.to.env == 'prod' && github.event.action == 'deploy'"),
        Ok(true)
    );
    let commented = named("issue_comment", "created", json!({"comment": {"body": "/deploy"}}));
    assert_eq!(seen("issue_comment", &commented, "startsWith(github.event.comment.body, '/deploy')"), Ok(true));
}

#[test]
fn a_push_tells_of_its_commits_as_github_does() {
    let before = "b".repeat(12);
    let compare = format!("github.event.compare == 'http://127.0.0.1:7070/projects/oran/compare/{before}...{}'", "a".repeat(12));
    for expression in [
        "github.event.head_commit.id == github.sha && github.event.head_commit.distinct",
        "startsWith(github.event.head_commit.message, 'Add a thing')",
        "!contains(github.event.head_commit.message, '[skip deploy]')",
        "github.event.head_commit.timestamp == '2025-11-24T17:00:00+01:00'",
        "github.event.head_commit.author.name == 'Ada' && github.event.head_commit.author.email == 'ada@example.org'",
        "github.event.head_commit.committer.name == 'Bob'",
        "github.event.head_commit.tree_id == '4444444444444444444444444444444444444444'",
        "github.event.head_commit.url == format('http://127.0.0.1:7070/projects/oran/commit/{0}', github.sha)",
        // GitHub does not tell workflows which files a commit changed
        "github.event.head_commit.added == null",
        "join(github.event.commits.*.message, '|') == format('Prepare|{0}', github.event.head_commit.message)",
        "github.event.commits[1].id == github.event.after && github.event.commits[0].author.name == 'Ada'",
        "github.event.commits[2] == null",
        "!github.event.forced && !github.event.created && !github.event.deleted",
        "github.event.pusher.name == github.actor",
        &compare,
    ] {
        assert_eq!(seen("push", &push(), &format!("${{{{ {expression} }}}}")), Ok(true), "{expression}");
    }
    let forced = |facts: EventFacts| EventFacts { push: facts.push.map(|push| Box::new(PushFacts { forced: true, ..*push })), ..facts };
    let event = PushEvent { before: None, facts: Box::new(forced(*push().facts)), ..push() };
    let made = "github.event.forced && github.event.created && endsWith(github.event.compare, '/compare/main')";
    assert_eq!(seen("push", &event, made), Ok(true));
    // what an older Penstock kept of an event
    let bare = PushEvent { facts: Box::default(), ..push() };
    assert_eq!(seen("push", &bare, "github.event.head_commit.id == github.sha && !github.event.commits[0]"), Ok(true));
}

#[test]
fn what_is_not_told_of_an_event_is_refused_where_it_is_asked_for() {
    let cases: &[(&str, PushEvent, &str, &str)] = &[
        ("push", push(), "github.event.base_ref", "github.event.base_ref"),
        ("push", push(), "github.event.head_commit.author.username", "github.event.head_commit.author.username"),
        ("pull_request", request(|_| ()), "github.event.pull_request.head.user.login", "github.event.pull_request.head.user"),
        ("pull_request", request(|_| ()), "github.event.pull_request.mergeable", "github.event.pull_request.mergeable"),
        (
            "pull_request_target",
            request(|request| request.of_target = true),
            "github.event.pull_request.head.sha",
            "github.event.pull_request.head.sha",
        ),
        ("release", release("published"), "github.event.release.body", "github.event.release.body"),
        ("issues", named("issues", "opened", Value::Null), "github.event.issue.title", "github.event.issue"),
    ];
    for (on, event, asked, absent) in cases {
        for expression in [format!("{asked} == 'x'"), format!("${{{{ {asked} }}}}")] {
            let told = seen(on, event, &expression).unwrap_err();
            assert!(told.starts_with(&format!("error: `{absent}` is not known here\n")), "{told}");
        }
        // elsewhere it is nothing at GitHub, too
        if *on != "push" {
            assert!(seen(&format!("[push, {on}]"), &push(), &format!("{asked} == null")).unwrap(), "{asked}");
        }
    }
}
