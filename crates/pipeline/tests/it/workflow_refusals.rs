//! What is refused in workflow files: with line, column, key and what to do.

use crate::support::{WORKFLOW, must_plan, planned, problems, push};

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(problems(WORKFLOW, text), expected);
}

/// A job with one more line, and what is wrong with it.
#[track_caller]
fn check_job(line: &str, expected: &str) {
    check(&format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{{run: x}}]\n    {line}\n"), expected);
}

/// A job with one step, and what is wrong with it.
#[track_caller]
fn check_step(step: &str, expected: &str) {
    check(&format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - {step}\n"), expected);
}

#[test]
fn an_action_is_refused_where_it_stands() {
    let text = "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - uses: acme/setup-cobol@v5\n        with: {version: '3.11'}\n";
    insta::assert_snapshot!(planned(WORKFLOW, text, &push()).unwrap_err(), @"
    error: `acme/setup-cobol@v5` may become something else, since a branch or tag can be moved
     --> .github/workflows/ci.yml:7:15 (jobs.build.steps[1].uses)
      |
    7 |       - uses: acme/setup-cobol@v5
      |               ^^^^
      = help: `penstock actions lock` keeps the commit that it stands for in .github/penstock-actions.lock; or write the whole commit after the `@`
    ");
}

#[test]
fn every_other_key_of_the_dialect_is_refused() {
    for key in ["with", "secrets", "snapshot"] {
        check_job(&format!("{key}: x"), &format!("6:5 jobs.a.{key}: `{key}` is not carried out"));
    }
    check_job("neds: a", "6:5 jobs.a.neds: `neds` is not a key of this place");
    check_step("{run: x, with: {a: b}}", "6:18 jobs.a.steps[0].with: `with` is not carried out");
    check_step("{run: x, shell: zsh}", "6:25 jobs.a.steps[0].shell: `zsh` is no shell that Penstock knows");
    check_step("{run: x, shell: 'zsh {0}'}", "a plan of 1 jobs");
    check_step(
        "{run: x, timeout-minutes: 'a${{ 1 }}'}",
        "6:35 jobs.a.steps[0].timeout-minutes: one expression and nothing else is expected here",
    );
}

#[test]
fn what_starts_a_workflow_is_checked() {
    let job = "jobs: {a: {runs-on: linux, steps: [{run: x}]}}\n";
    check(&format!("on: [push, pull_requests]\n{job}"), "1:12 on.pull_requests: there is no event `pull_requests`");
    check(
        &format!("on: {{push: {{branches: [x], branches-ignore: [y]}}}}\n{job}"),
        "1:6 on.push: `branches` and `branches-ignore` cannot stand together",
    );
    check(&format!("on: {{push: {{types: [x]}}}}\n{job}"), "1:13 on.push.types: `types` is not a key of this place");
    check(job, "1:1 on: the workflow has no `on`");
}

#[test]
fn steps_are_checked() {
    check_step("{name: x}", "6:9 jobs.a.steps[0]: the step has neither `run` nor `uses`");
    check_step("{run: x, uses: actions/checkout@v4}", "6:9 jobs.a.steps[0]: a step has `run` or `uses`, not both");
    check_step("{uses: ./local}", "6:16 jobs.a.steps[0].uses: `local/action.yml` is not there: nobody has it");
    check_step("{uses: ./../local}", "6:16 jobs.a.steps[0].uses: `./../local` leaves the repository");
    check_step("{uses: 'docker://Alpine:3'}", "6:16 jobs.a.steps[0].uses: `Alpine:3` names no image");
    check_step("{uses: 'docker://${{ github.ref_name }}'}", "6:16 jobs.a.steps[0].uses: `${{ github.ref_name }}` names no image");
    check_step("{uses: actions/checkout}", "6:16 jobs.a.steps[0].uses: `actions/checkout` names no action");
    check_step("{uses: actions/checkout@v4, with: {path: ../x}}", "6:44 jobs.a.steps[0].with.path: `path` leaves the checkout");
    check_step(
        "{uses: actions/checkout@v4, with: {fetch-depth: -1}}",
        "6:44 jobs.a.steps[0].with.fetch-depth: `fetch-depth` is a whole number",
    );
    check_step(
        "{uses: actions/checkout@v4, with: {fetch-depth: all}}",
        "6:44 jobs.a.steps[0].with.fetch-depth: `fetch-depth` is a whole number",
    );
    check_step("{uses: actions/checkout@v4, with: {lfs: maybe}}", "6:44 jobs.a.steps[0].with.lfs: `lfs: maybe` is not known");
    check_step("{uses: actions/checkout@v99}", "6:16 jobs.a.steps[0].uses: `v99` names no version of actions/checkout that Penstock has");
    // the history is whole, which holds every part of it
    for depth in ["0", "1", "'0'", "50", "0, fetch-tags: true"] {
        check_step(&format!("{{uses: actions/checkout@v4, with: {{fetch-depth: {depth}}}}}"), "a plan of 1 jobs");
    }
    check_step(
        "{uses: actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3, with: {fetch-depth: 1, persist-credentials: false}}",
        "a plan of 1 jobs",
    );
    check_step("{run: x, id: 1a}", "6:22 jobs.a.steps[0].id: `1a` cannot be a step's id");
}

#[test]
fn expressions_are_checked_to_the_character() {
    check_step("run: echo ${{ github.ref", "6:19 jobs.a.steps[0].run: the expression cannot be read: `${{` is not closed with `}}`");
    check_step("run: echo ${{ nope.ref }}", "6:23 jobs.a.steps[0].run: `nope` is not known in a step");
    check_step(
        "run: echo ${{ github.ref = 'x' }}",
        "6:34 jobs.a.steps[0].run: the expression cannot be read: `=` is no operator; use `==`",
    );
    check_step("run: echo ${{ hashFiles('x') }}", "a plan of 1 jobs");
    check_step("run: echo ${{ success() }}", "6:23 jobs.a.steps[0].run: this function is known only in `if`");
    check_step("{run: x, if: secrets.A}", "6:22 jobs.a.steps[0].if: `secrets` is not known in a step's `if`");
    check_step("{run: x, if: 'a ${{ secrets.A }}'}", "6:29 jobs.a.steps[0].if: `secrets` is not known in a step's `if`");
    check_step("{run: x, if: 'a ${{ true'}", "6:25 jobs.a.steps[0].if: the expression cannot be read: `${{` is not closed with `}}`");
    check_job("if: steps.x.outputs.y", "6:9 jobs.a.if: `steps` is not known in a job's `if`");
    check_job("if: matrix.x", "6:9 jobs.a.if: `matrix` is not known in a job's `if`");
    check_job("name: ${{ steps.b.outcome }}", "6:15 jobs.a.name: `steps` is not known in a job's keys: it is settled before any job runs");
    check_job(
        "name: run ${{ github.run_id }}",
        "6:18 jobs.a.name: `github.run_id` is not known yet: this is settled before the run is there",
    );
    check_job(
        "strategy: {matrix: {a: \"${{ fromJSON(secrets.B) }}\"}}",
        "6:42 jobs.a.strategy.matrix.a: `secrets` is not known in `strategy`: it is settled before any job runs",
    );
    check_job("env: {A: \"${{ contains('a') }}\"}", "6:19 jobs.a.env.A: the expression cannot be read: `contains` takes 2 arguments");
    check_job("env: {A: \"${{ nope('a') }}\"}", "6:19 jobs.a.env.A: the expression cannot be read: there is no function `nope`");
}

#[test]
fn jobs_are_checked() {
    check("on: push\njobs: {a: {runs-on: 1, steps: [{run: x}]}}\n", "2:21 jobs.a.runs-on: a runner is named by text");
    check("on: push\njobs: {a: {steps: [{run: x}]}}\n", "2:8 jobs.a: the job has no `runs-on`");
    check("on: push\njobs: {a: {runs-on: linux}}\n", "2:8 jobs.a: the job has no `steps`");
    check("on: push\njobs: {1a: {runs-on: linux, steps: [{run: x}]}}\n", "2:8 jobs.1a: `1a` cannot be a job's id");
    check("on: push\njobs: {}\n", "2:7 jobs: the workflow has no job");
    check_job("needs: b", "6:12 jobs.a.needs: there is no job `b`");
    check_job("needs: a", "3:3 jobs.a.needs: jobs need each other in a circle: a -> a");
    check_job("timeout-minutes: 0", "6:22 jobs.a.timeout-minutes: a whole number from 1 to 44640 is expected here");
    check_job("strategy: {matrix: {py: 3}}", "6:24 jobs.a.strategy.matrix.py: `py` must be a list");
    check(
        "on: push\njobs:\n  a: {needs: b, runs-on: linux, steps: [{run: x}]}\n  b: {needs: c, runs-on: linux, steps: [{run: x}]}\n  c: {needs: b, runs-on: linux, steps: [{run: x}]}\n",
        "3:3 jobs.a.needs: jobs need each other in a circle: b -> c -> b",
    );
    check("on: push\n<<: {}\njobs: {}\n", "2:1 : workflows know no merge keys (`<<`)");
}

#[test]
fn what_a_context_lacks_is_refused_and_not_silently_nothing() {
    let step = |expression: &str| {
        let text = format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - run: x ${{{{ {expression} }}}}\n");
        problems(WORKFLOW, &text)
    };
    for (expression, absent) in [
        ("github.retention_days", "github.retention_days"),
        ("github['event_path']", "github.event_path"),
        ("github.event.head_commit.author.username", "github.event.head_commit.author.username"),
        ("github.event.head_commit.signature", "github.event.head_commit.signature"),
        ("github.event.pusher.email", "github.event.pusher.email"),
        ("github.event.repository.stargazers_count", "github.event.repository.stargazers_count"),
        ("job.container.id", "job.container"),
    ] {
        assert_eq!(step(expression), format!("6:20 jobs.a.steps[0].run: `{absent}` is not known here"), "{expression}");
    }
    for expression in [
        "github.event.head_commit.message",
        "github.event.head_commit.author.name",
        "github.event.commits[0].id",
        "github.event.commits.*.message",
        "github.event.repository.full_name",
        "github.event.pull_request.head.ref",
        "github.event.inputs.x",
        "toJSON(github.event)",
        "github.head_ref",
        "github.run_id",
        "github.token",
        "runner.temp",
        "runner.debug",
        "job.status",
        "strategy.job-index",
        "steps.x.outputs.y",
        "matrix.github",
    ] {
        assert_eq!(step(expression), "a plan of 1 jobs", "{expression}");
    }
}

#[test]
fn variables_that_github_sets_keep_their_value() {
    let warned = |env: &str| {
        let plan = must_plan(WORKFLOW, &format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{{run: x, env: {env}}}]\n"));
        plan.warnings.iter().map(|one| format!("{}:{} {}: {}", one.line, one.column, one.key, one.message)).collect::<Vec<_>>()
    };
    for name in ["GITHUB_SHA", "RUNNER_TEMP", "GITHUB_ACTION_PATH"] {
        let told = format!("5:28 jobs.a.steps[0].env.{name}: `{name}` is set for every job and keeps its value, as at GitHub");
        assert_eq!(warned(&format!("{{{name}: x}}")), [told]);
    }
    for same in ["RUNNER_OS: '${{ runner.os }}'", "GITHUB_REF_NAME: '${{github.REF_NAME}}'", "GITHUB_TOKEN: x", "CI: x"] {
        assert!(warned(&format!("{{{same}}}")).is_empty(), "{same}");
    }
}

#[test]
fn a_shell_by_expression_stands_only_where_github_allows_one() {
    check_step("{run: x, shell: '${{ matrix.shell }}'}", "6:30 jobs.a.steps[0].shell: `matrix` is not known in a step's `shell`");
    check(
        "on: push\ndefaults: {run: {shell: '${{ github.ref }}'}}\njobs:\n  a: {runs-on: linux, steps: [{run: x}]}\n",
        "2:30 defaults.run.shell: `github` is not known in the workflow's `defaults`",
    );
    check_job("defaults: {run: {shell: '${{ steps.x }}'}}", "6:34 jobs.a.defaults.run.shell: `steps` is not known in a job's `defaults`");
    check_job("defaults: {run: {shell: '${{ github.ref }}', working-directory: '${{ env.X }}'}}", "a plan of 1 jobs");
    check_step("{run: x, shell: fish}", "6:25 jobs.a.steps[0].shell: `fish` is no shell that Penstock knows");
}
