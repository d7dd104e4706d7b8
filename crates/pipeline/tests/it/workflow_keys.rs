//! Keys of workflows and jobs that say what a run may do, where, and beside what.

use std::time::Duration;

use penstock_pipeline::{Access, AllowFailure, Concurrency, JobEnvironment, Plan, TokenUse, Trigger};

use crate::support::{Driven, WORKFLOW, must_plan, planned, problems, run_id};
use crate::triggers::{event, merge_request};

/// A job with more lines.
fn job(lines: &str) -> String {
    format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{{run: x}}]\n{}\n", indented(lines, "    "))
}

fn indented(lines: &str, by: &str) -> String {
    lines.lines().map(|line| format!("{by}{line}")).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn plan_of(lines: &str) -> Plan {
    must_plan(WORKFLOW, &job(lines))
}

#[track_caller]
fn refused(lines: &str, expected: &str) {
    assert_eq!(problems(WORKFLOW, &job(lines)), expected, "{lines}");
}

#[test]
fn a_token_may_do_what_the_permissions_of_its_job_allow() {
    let all = [TokenUse::Build, TokenUse::Check, TokenUse::TestImage];
    for (own, may) in [
        ("permissions: {}", [false, false, false]),
        ("permissions: read-all", [false, true, true]),
        ("permissions: write-all", [true, true, true]),
        ("permissions: {contents: read}", [false, true, false]),
        ("permissions: {packages: read}", [false, false, true]),
        ("permissions: {packages: write}", [true, false, true]),
        ("permissions: {contents: write, id-token: write, actions: write}", [false, true, false]),
    ] {
        let plan = must_plan(WORKFLOW, &format!("on: push\njobs: {{a: {{runs-on: linux, {own}, steps: [{{run: x}}]}}}}"));
        let permissions = plan.jobs[0].permissions.as_ref().unwrap();
        assert_eq!(all.map(|what| permissions.allow(what).is_ok()), may, "{own}");
    }
}

#[test]
fn a_job_has_the_permissions_that_it_or_its_workflow_names_and_no_others() {
    for (top, own, scope, expected) in [
        ("", "permissions: {contents: read}", "contents", Some(Access::Read)),
        ("", "permissions: {contents: read}", "packages", Some(Access::None)),
        ("", "permissions: {}", "contents", Some(Access::None)),
        ("", "permissions: read-all", "packages", Some(Access::Read)),
        ("permissions: write-all\n", "", "packages", Some(Access::Write)),
        ("permissions: write-all\n", "permissions: {packages: none}", "packages", Some(Access::None)),
        ("permissions: {contents: read, packages: write}\n", "", "packages", Some(Access::Write)),
        ("", "", "packages", None),
    ] {
        let plan = must_plan(WORKFLOW, &format!("{top}{}", job(own)));
        assert_eq!(plan.jobs[0].permissions.as_ref().map(|permissions| permissions.of(scope)), expected, "{top}{own} {scope}");
    }
    // whoever asks from elsewhere changes nothing
    for own in ["", "permissions: write-all", "permissions: {packages: write}"] {
        let mut request = merge_request();
        request.fork = Some("eve/oran".into());
        let text = job(own).replace("on: push", "on: pull_request");
        let plan = planned(WORKFLOW, &text, &event(Trigger::MergeRequest(Box::new(request)))).unwrap();
        assert_eq!(plan.jobs[0].permissions.as_ref().unwrap().of("packages"), Access::Read, "{own}");
    }
}

#[test]
fn concurrency_is_kept_as_it_is_written() {
    let group =
        |line, group: &str, cancel: &str| Concurrency { line, group: group.into(), cancel_in_progress: cancel.into(), all_wait: false };
    assert_eq!(plan_of("concurrency: deploy").jobs[0].concurrency, Some(group(6, "deploy", "false")));
    let text =
        "concurrency:\n  group: ${{ github.workflow }}-${{ matrix.x }}\n  cancel-in-progress: ${{ github.ref != 'refs/heads/main' }}";
    let expected = group(7, "${{ github.workflow }}-${{ matrix.x }}", "${{ github.ref != 'refs/heads/main' }}");
    assert_eq!(plan_of(text).jobs[0].concurrency, Some(expected));
    let top = must_plan(WORKFLOW, &format!("concurrency: {{group: '${{{{ github.ref }}}}', cancel-in-progress: true}}\n{}", job("")));
    assert_eq!(top.concurrency, Some(group(1, "${{ github.ref }}", "true")));
    assert!(plan_of("concurrency: {group: x, queue: max}").jobs[0].concurrency.as_ref().unwrap().all_wait);
}

#[test]
fn a_concurrency_group_knows_the_run_and_nothing_else_of_it() {
    let text = format!("concurrency: '${{{{ github.head_ref || github.run_id }}}}'\n{}", job(""));
    let driven = Driven::new(must_plan(WORKFLOW, &text));
    assert_eq!(driven.run.turns()[0].turn.group.1, run_id().to_string().to_lowercase());
    refused(
        "concurrency: '${{ github.run_number }}'",
        "6:22 jobs.a.concurrency: `github.run_number` is not known yet: it is known only while a job runs",
    );
    refused("if: github.run_attempt == 1", "6:9 jobs.a.if: `github.run_attempt` is not known yet: it is known only while a job runs");
}

#[test]
fn a_run_is_named_by_the_event() {
    let named = |name: &str| must_plan(WORKFLOW, &format!("run-name: {name}\n{}", job(""))).run_name;
    assert_eq!(named("Deploy ${{ github.ref_name }} by @${{ github.actor }}").as_deref(), Some("Deploy main by @ada"));
    assert_eq!(named("' '"), None);
}

#[test]
fn an_environment_has_a_name_and_an_address() {
    let named = |name: &str, url: Option<&str>| {
        Some(JobEnvironment { name: name.into(), url: url.map(str::to_owned), ..JobEnvironment::default() })
    };
    assert_eq!(plan_of("environment: staging").jobs[0].environment, named("staging", None));
    let text = "environment: {name: '${{ matrix.to }}', url: '${{ steps.a.outputs.url }}', deployment: false}";
    assert_eq!(plan_of(text).jobs[0].environment, named("${{ matrix.to }}", Some("${{ steps.a.outputs.url }}")));
}

#[test]
fn what_a_matrix_gives_settles_each_job() {
    let text = "strategy:\n  matrix: {include: [{os: ubuntu-latest, time: 5, bad: true}, {os: [self-hosted, linux], time: 0.5}]}\n  fail-fast: ${{ github.ref == 'refs/heads/main' }}\n  max-parallel: ${{ fromJSON('1') }}\nname: ${{ strategy.job-index }} of ${{ strategy.job-total }}\ntimeout-minutes: ${{ matrix.time }}\ncontinue-on-error: ${{ matrix.bad || false }}";
    let text = job(text).replace("runs-on: linux", "runs-on: ${{ matrix.os }}");
    let plan = must_plan(WORKFLOW, &text);
    let seen: Vec<(&str, Duration)> = plan.jobs.iter().map(|job| (job.title.as_str(), job.timeout)).collect();
    assert_eq!(seen, [("0 of 2", Duration::from_secs(300)), ("1 of 2", Duration::from_secs(30))]);
    let matrix = plan.jobs[0].matrix.as_ref().unwrap();
    assert!(matrix.fail_fast && matrix.max_parallel == Some(1));
}

#[test]
fn a_job_runs_where_this_machine_serves() {
    for (asked, served) in [
        ("ubuntu-latest", true),
        ("ubuntu-24.04", true),
        ("[self-hosted, Linux, X64]", cfg!(target_arch = "x86_64")),
        ("{labels: ubuntu-latest}", true),
        ("{group: Default, labels: [self-hosted]}", true),
        ("{group: Default}", true),
        ("{group: big, labels: ubuntu-latest}", false),
        ("{labels: windows-latest}", false),
        ("[self-hosted, macOS]", false),
        ("ubuntu-24.04-arm", cfg!(target_arch = "aarch64")),
        ("\"${{ fromJSON('[\\\"self-hosted\\\", \\\"linux\\\"]') }}\"", true),
        ("\"${{ fromJSON('{\\\"group\\\": \\\"gpu\\\"}') }}\"", false),
        ("\"${{ github.ref == 'refs/heads/main' && 'ubuntu-latest' || 'gpu' }}\"", true),
    ] {
        let text = job("").replace("runs-on: linux", &format!("runs-on: {asked}"));
        let plan = planned(WORKFLOW, &text, &crate::support::push()).unwrap();
        assert_eq!(penstock_pipeline::unserved(plan.dialect, &plan.jobs[0], None).is_none(), served, "{asked}");
    }
    for asked in ["[]", "{}", "{label: linux}", "3", "''", "{group: ''}"] {
        let text = job("").replace("runs-on: linux", &format!("runs-on: {asked}"));
        assert!(planned(WORKFLOW, &text, &crate::support::push()).is_err(), "{asked}");
    }
}

#[test]
fn true_and_false_and_numbers_may_be_expressions_and_are_those_of_yaml() {
    let text = "on: push
jobs:
  a:
    runs-on: linux
    timeout-minutes: ${{ fromJSON(vars.NONE || 5) }}
    continue-on-error: ${{ true }}
    strategy: {fail-fast: FALSE, matrix: {depth: [0], known: [True]}}
    steps:
      - {uses: actions/checkout@v4, with: {fetch-depth: '${{ matrix.depth }}'}}
      - {run: x, timeout-minutes: '${{ matrix.depth }}', continue-on-error: True}
      - {run: x, timeout-minutes: 5, continue-on-error: '${{ matrix.known }}'}
";
    let plan = must_plan(WORKFLOW, text);
    let [job] = &plan.jobs[..] else { panic!("{}", plan.jobs.len()) };
    assert_eq!((job.timeout.as_secs(), &job.allow_failure), (300, &AllowFailure::Yes));
    let matrix = job.matrix.as_ref().unwrap();
    assert!(!matrix.fail_fast && matrix.values["known"] == true);
}

#[test]
fn as_many_jobs_of_a_matrix_as_there_are_may_run_at_once_if_the_bound_is_0() {
    let text = "on: push\njobs:\n  a:\n    runs-on: linux\n    strategy: {max-parallel: 0, matrix: {a: [1, 2]}}\n    steps: [{run: x}]\n";
    let plan = must_plan(WORKFLOW, text);
    assert!(plan.jobs.iter().all(|job| job.matrix.as_ref().unwrap().max_parallel.is_none()));
}

#[test]
fn what_is_wrong_with_these_keys_is_told_where_it_stands() {
    refused("permissions: all", "6:18 jobs.a.permissions: `all` is not carried out here");
    refused("permissions: {content: read}", "6:19 jobs.a.permissions.content: a token has no `content`");
    refused("permissions: {id-token: read}", "6:29 jobs.a.permissions.id-token: `read` is not carried out here");
    refused("permissions: {models: write}", "6:27 jobs.a.permissions.models: `write` is not carried out here");
    refused(
        "concurrency: {cancel-in-progress: true}",
        "6:18 jobs.a.concurrency: `concurrency` has no `group`\n6:18 jobs.a.concurrency: the group has no name",
    );
    refused("concurrency: ''", "6:18 jobs.a.concurrency: the group has no name");
    refused("concurrency: {group: '${{ secrets.X }}'}", "6:31 jobs.a.concurrency.group: `secrets` is not known in a job's `concurrency`");
    refused(
        "concurrency: {group: x, queue: max, cancel-in-progress: true}",
        "6:36 jobs.a.concurrency.queue: `queue: max` cannot stand beside `cancel-in-progress`",
    );
    refused(
        "concurrency: {group: x, cancel-in-progress: 'a ${{ true }}'}",
        "6:49 jobs.a.concurrency.cancel-in-progress: one expression and nothing else is expected here",
    );
    refused("environment: {url: x}", "6:18 jobs.a.environment: the environment has no `name`");
    refused("environment: '${{ steps.a.outputs.b }}'", "6:23 jobs.a.environment: `steps` is not known in the environment's name");
    refused(
        "environment: {name: x, url: '${{ secrets.A }}'}",
        "6:38 jobs.a.environment.url: `secrets` is not known in the environment's address",
    );
    refused("timeout-minutes: \"${{ 'x' }}\"", "6:22 jobs.a.timeout-minutes: a number of minutes, at most 31 days, is expected here");
    refused("cancel-timeout-minutes: 10", "6:29 jobs.a.cancel-timeout-minutes: a whole number from 5 to 5 is expected here");
    refused(
        "strategy: {max-parallel: 257, matrix: {a: [1]}}",
        "6:30 jobs.a.strategy.max-parallel: a whole number from 0 to 256 is expected here, not 257",
    );
    refused(
        "strategy: {fail-fast: 'no', matrix: {a: [1]}}",
        "6:27 jobs.a.strategy.fail-fast: `true` or `false` is expected here, not \"no\"",
    );
    refused("strategy: {failfast: true, matrix: {a: [1]}}", "6:16 jobs.a.strategy.failfast: `failfast` is not a key of this place");
    refused("outputs: {a: \"${{ hashFiles('x') }}\"}", "6:23 jobs.a.outputs.a: `hashFiles` is not known in a job's outputs");
    refused("snapshot: x", "6:5 jobs.a.snapshot: `snapshot` is not carried out");
    let top = |line: &str| problems(WORKFLOW, &format!("{line}\n{}", job("")));
    assert_eq!(
        top("run-name: ${{ vars.A }} ${{ secrets.A }}"),
        "1:29 run-name: `secrets` is not known in `run-name`: it is settled before any job runs"
    );
    assert_eq!(
        top("concurrency: '${{ needs.a }}'"),
        "1:19 concurrency: `needs` is not known in the workflow's `concurrency`: it is settled before any job runs"
    );
    assert_eq!(top("name: '${{ github.ref }}'"), "1:7 name: no expression is evaluated here");
}
