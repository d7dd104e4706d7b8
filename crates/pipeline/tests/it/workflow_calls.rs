//! Workflows that call others: what they come to in the plan and in the run.

use std::collections::BTreeMap;

use penstock_model::Secret;
use penstock_model::job::{EnvValue, JobEnd, JobReport};
use penstock_pipeline::{Access, CallSecrets, FileRef, JobInputs, Plan, RunEffect, job_env};

use crate::job_environment::context;
use crate::support::{Driven, WORKFLOW, name, plan_with, push, summary};

fn local(name: &str) -> FileRef {
    FileRef::Local { path: format!(".github/workflows/{name}.yml") }
}

/// A plan of a workflow and those that it calls.
#[track_caller]
fn plan_of(text: &str, files: &[(&str, &str)]) -> Plan {
    let files: Vec<(FileRef, &str)> = files.iter().map(|(name, text)| (local(name), *text)).collect();
    plan_with(WORKFLOW, text, &files, &push()).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"))
}

/// What is wrong with them: `file:line:column key: message`.
#[track_caller]
fn refused(text: &str, files: &[(&str, &str)], expected: &str) {
    let files: Vec<(FileRef, &str)> = files.iter().map(|(name, text)| (local(name), *text)).collect();
    let told = match plan_with(WORKFLOW, text, &files, &push()) {
        Ok(plan) => format!("a plan of {} jobs", plan.jobs.len()),
        Err((problems, _)) => problems
            .iter()
            .map(|problem| {
                let file = problem.path.trim_start_matches(".github/workflows/");
                format!("{file}:{}:{} {}: {}", problem.line, problem.column, problem.key, problem.message)
            })
            .collect::<Vec<_>>()
            .join("\n"),
    };
    assert_eq!(told, expected, "{text}");
}

#[test]
fn what_is_wrong_with_an_action_that_a_called_workflow_names_is_told_there() {
    refused(
        "on: push\njobs: {b: {uses: ./.github/workflows/called.yml}}\n",
        &[("called", "on: workflow_call\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - run: x\n      - uses: ./a\n")],
        "called.yml:7:15 jobs.a.steps[1].uses: `a/action.yml` is not there: nobody has it",
    );
}

const BUILD: &str = "on:
  workflow_call:
    inputs: {target: {type: string, required: true}, fast: {type: boolean}}
    secrets: {key: {required: true}}
    outputs: {version: {value: '${{ jobs.make.outputs.version }}'}}
env: {WHERE: '${{ inputs.target }}'}
jobs:
  make:
    runs-on: linux
    outputs: {version: '${{ steps.v.outputs.v }}'}
    steps: [{run: make}]
  test:
    needs: make
    if: ${{ !inputs.fast }}
    runs-on: linux
    strategy: {matrix: {n: [1, 2]}}
    steps: [{run: test}]
";
const CALLER: &str = "on: push
env: {WHERE: caller}
jobs:
  lint: {runs-on: linux, steps: [{run: lint}]}
  build:
    needs: lint
    uses: ./.github/workflows/build.yml
    with: {target: web}
    secrets: {key: '${{ secrets.PASSWORD }}'}
  ship:
    needs: build
    runs-on: linux
    steps: [{run: 'ship ${{ needs.build.outputs.version }}'}]
";

#[test]
fn the_jobs_of_a_called_workflow_are_jobs_of_the_plan() {
    let plan = plan_of(CALLER, &[("build", BUILD)]);
    assert_eq!(
        summary(&plan),
        "lint [jobs] at once\nbuild / make [jobs] after lint\nbuild / test (1) [jobs] after build / make, lint\nbuild / test (2) [jobs] after build / make, lint\nship [jobs] after build / make, build / test (1), build / test (2)\n"
    );
    assert_eq!(plan.jobs[1].file.as_deref(), Some(".github/workflows/build.yml"));
    assert_eq!(plan.jobs[1].key(), "make");
    assert_eq!(plan.jobs[1].because.last().unwrap(), "it has no `if` (line 8)");
    // nothing is late, so no file is kept
    assert!(plan.sources.is_empty());
    assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
}

fn given(outputs: &[(&str, &str)]) -> JobReport {
    let outputs = outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    JobReport { outputs, ..JobReport::bare(JobEnd::Exited { code: 0 }) }
}

/// What the job that should start now gets from those before it.
#[track_caller]
fn inputs(driven: &Driven, job: &str) -> JobInputs {
    let wanted = driven.run.wanted();
    let found = wanted.iter().find_map(|effect| match effect {
        RunEffect::StartJob { job: own, inputs, .. } if own.as_str() == job => Some(inputs.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{job} should not start: {wanted:?}"))
}

#[test]
fn what_a_called_workflow_gives_is_what_its_call_gives() {
    let mut driven = Driven::new(plan_of(CALLER, &[("build", BUILD)]));
    driven.start("lint");
    driven.finish("lint", given(&[]));
    driven.start("build / make");
    driven.finish("build / make", given(&[("version", "1.2")]));
    for job in ["build / test (1)", "build / test (2)"] {
        assert_eq!(inputs(&driven, job).needs["make"].outputs["version"], "1.2");
        driven.start(job);
        driven.finish(job, given(&[]));
    }
    let ship = inputs(&driven, "ship");
    assert_eq!(ship.needs.keys().collect::<Vec<_>>(), ["build"]);
    assert_eq!((ship.needs["build"].result.as_str(), ship.needs["build"].outputs["version"].as_str()), ("success", "1.2"));
}

#[test]
fn a_call_fails_as_its_jobs_do_and_is_skipped_with_them() {
    let mut driven = Driven::new(plan_of(CALLER, &[("build", BUILD)]));
    assert_eq!(driven.drive(&["lint"]), "lint");
    assert!(driven.state().starts_with("failed: lint failed, build / make skipped"), "{}", driven.state());
    let always = CALLER.replace("    needs: build\n", "    needs: build\n    if: always() && needs.build.result == 'failure'\n");
    let mut driven = Driven::new(plan_of(&always, &[("build", BUILD)]));
    assert_eq!(driven.drive(&["build / make"]), "lint build / make ship");
}

#[test]
fn the_if_of_a_call_is_asked_in_its_callers_workflow() {
    let decided = CALLER.replace("    needs: lint\n", "    needs: lint\n    if: github.ref == 'refs/heads/dev'\n");
    let plan = plan_of(&decided, &[("build", BUILD)]);
    assert_eq!(plan.left_out[0].name, "build");
    assert_eq!(Driven::new(plan).drive(&[]), "lint");
    let later = CALLER.replace("    needs: lint\n", "    needs: lint\n    if: always() && needs.lint.result == 'failure'\n");
    let mut driven = Driven::new(plan_of(&later, &[("build", BUILD)]));
    // within the call, what failed before it is not asked for
    assert_eq!(driven.drive(&["lint"]), "lint build / make build / test (1) build / test (2)");
    let mut driven = Driven::new(plan_of(&later, &[("build", BUILD)]));
    driven.drive(&[]);
    let state = driven.run.job(&name("build / make")).unwrap();
    assert!(format!("{state:?}").contains("the `if` on line 7 of the call `build` is false"), "{state:?}");
}

#[test]
fn a_called_workflow_knows_its_own_inputs_variables_and_secrets_and_no_others() {
    let plan = plan_of(CALLER, &[("build", BUILD)]);
    let mut driven = Driven::new(plan.clone());
    driven.start("lint");
    driven.finish("lint", given(&[]));
    let text = BUILD.replace("    steps: [{run: make}]", "    env: {K: '${{ secrets.key }}', P: '${{ secrets.PASSWORD }}', J: '${{ github.job }}', T: '${{ secrets.GITHUB_TOKEN }}'}\n    steps: [{run: make}]");
    let plan = plan_of(CALLER, &[("build", &text)]);
    let mut context = context();
    context.secrets = BTreeMap::from([("PASSWORD".to_owned(), Secret::new("hunter2")), ("OTHER".to_owned(), Secret::new("x"))]);
    context.inputs = inputs(&driven, "build / make");
    let env = job_env(&plan, &name("build / make"), &context);
    let seen = |name: &str| match &env[name] {
        EnvValue::Plain(text) => text.clone(),
        EnvValue::Secret(secret) => format!("secret {}", secret.expose()),
    };
    assert_eq!((seen("WHERE"), seen("K"), seen("P"), seen("J")), ("web".into(), "secret hunter2".into(), String::new(), "make".into()));
    assert!(seen("T").starts_with("secret "));
    let inherits = CALLER.replace("    secrets: {key: '${{ secrets.PASSWORD }}'}", "    secrets: inherit");
    let plan = plan_of(&inherits, &[("build", &text)]);
    assert_eq!(plan.calls[0].secrets, CallSecrets::Inherit);
    assert_eq!(job_env(&plan, &name("build / make"), &context)["P"], EnvValue::Secret(Secret::new("hunter2")));
}

#[test]
fn inputs_may_come_from_jobs_before_the_call() {
    let caller = CALLER
        .replace("with: {target: web}", "with: {target: '${{ needs.lint.outputs.to }}', fast: \"${{ needs.lint.outputs.to == 'x' }}\"}");
    let plan = plan_of(&caller, &[("build", BUILD)]);
    let mut driven = Driven::new(plan);
    driven.start("lint");
    driven.finish("lint", given(&[("to", "x")]));
    let calls = inputs(&driven, "build / make").calls;
    assert_eq!(calls["build"].inputs["target"], "x");
    assert_eq!(calls["build"].inputs["fast"], true);
    // `test` is left out by its `if`, which asks for an input
    assert_eq!(driven.drive(&[]), "build / make ship");
    // what does not fit fails the call
    let wrong = CALLER.replace("with: {target: web}", "with: {target: web, fast: '${{ needs.lint.outputs.to }}'}");
    let mut driven = Driven::new(plan_of(&wrong, &[("build", BUILD)]));
    driven.start("lint");
    driven.finish("lint", given(&[("to", "yes")]));
    let state = format!("{:?}", driven.run.job(&name("build / make")).unwrap());
    assert!(state.contains("the call `build` cannot be made: its input `fast` is `true` or `false`, and this is `yes`"), "{state}");
}

#[test]
fn a_matrix_of_calls_has_each_workflow_once_for_each_combination() {
    let caller = "on: push
jobs:
  deploy:
    strategy: {max-parallel: 1, matrix: {to: [dev, prod]}}
    name: To ${{ matrix.to }}
    uses: ./.github/workflows/deploy.yml
    with: {to: '${{ matrix.to }}'}
";
    let deploy = "on: {workflow_call: {inputs: {to: {type: string}}}}
jobs:
  a: {runs-on: linux, steps: [{run: a}]}
  b: {needs: a, name: 'b of ${{ inputs.to }}', runs-on: linux, steps: [{run: b}]}
";
    let plan = plan_of(caller, &[("deploy", deploy)]);
    let seen: Vec<(&str, &str)> = plan.jobs.iter().map(|job| (job.name.as_str(), job.title.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("deploy (dev) / a", "To dev / a"),
            ("deploy (dev) / b", "To dev / b of dev"),
            ("deploy (prod) / a", "To prod / a"),
            ("deploy (prod) / b", "To prod / b of prod"),
        ]
    );
    // one after the other
    assert_eq!(Driven::new(plan.clone()).drive(&[]), "deploy (dev) / a deploy (dev) / b deploy (prod) / a deploy (prod) / b");
    let mut driven = Driven::new(plan);
    assert_eq!(driven.startable(), ["deploy (dev) / a"]);
    // a failure cancels the others
    driven.drive(&["deploy (dev) / a"]);
    assert!(driven.state().contains("deploy (prod) / a cancelled"), "{}", driven.state());
}

#[test]
fn calls_nest_and_hand_on_no_more_than_they_have() {
    let top = "on: push
permissions: {contents: read, packages: write}
jobs:
  outer: {uses: ./.github/workflows/outer.yml, permissions: {contents: read}, with: {n: 3}}
";
    let outer = "on: {workflow_call: {inputs: {n: {type: number}}, outputs: {o: {value: '${{ jobs.inner.outputs.o }}'}}}}
permissions: write-all
jobs:
  inner: {uses: ./.github/workflows/inner.yml, with: {text: 'n is ${{ inputs.n }}'}}
";
    let inner = "on: {workflow_call: {inputs: {text: {type: string}}, outputs: {o: {value: '${{ jobs.a.outputs.o }}'}}}}
jobs:
  a: {name: '${{ inputs.text }}', runs-on: linux, outputs: {o: x}, steps: [{run: a}]}
";
    let plan = plan_of(top, &[("outer", outer), ("inner", inner)]);
    assert_eq!((plan.jobs[0].name.as_str(), plan.jobs[0].title.as_str()), ("outer / inner / a", "outer / inner / n is 3"));
    let permissions = plan.jobs[0].permissions.as_ref().unwrap();
    assert_eq!((permissions.of("contents"), permissions.of("packages")), (Access::Read, Access::None));
    let mut driven = Driven::new(plan);
    driven.start("outer / inner / a");
    let calls = driven.run.wanted();
    assert!(calls.is_empty());
    driven.finish("outer / inner / a", given(&[("o", "deep")]));
    assert_eq!(driven.run.status(), penstock_pipeline::RunStatus::Success);
}

#[test]
fn what_is_wrong_with_a_call_is_told_in_the_file_where_it_stands() {
    let call = |more: &str| format!("on: push\njobs:\n  a: {{uses: ./.github/workflows/b.yml{more}}}\n");
    let callee = "on: {workflow_call: {inputs: {n: {type: number}, t: {type: string, required: true}}, secrets: {s: {required: true}}}}\njobs: {x: {runs-on: linux, steps: [{run: x}]}}\n";
    let good = ", with: {t: x}, secrets: {s: y}";
    refused(&call(good), &[("b", callee)], "a plan of 1 jobs");
    refused(&call(good), &[], "ci.yml:3:13 jobs.a.uses: `.github/workflows/b.yml` is not there: nobody has it");
    refused(
        &call(", with: {n: 1}, secrets: inherit"),
        &[("b", callee)],
        "ci.yml:3:13 jobs.a.with: the called workflow must get the input `t`",
    );
    refused(
        &call(", with: {t: x, u: 1}, secrets: inherit"),
        &[("b", callee)],
        "ci.yml:3:53 jobs.a.with.u: the called workflow has no input `u`",
    );
    refused(
        &call(", with: {t: x, n: y}, secrets: inherit"),
        &[("b", callee)],
        "ci.yml:3:56 jobs.a.with.n: `n` is a number, and this is the text `y`",
    );
    refused(&call(", with: {t: x}"), &[("b", callee)], "ci.yml:3:13 jobs.a.secrets: the called workflow must get the secret `s`");
    refused(
        &call(", with: {t: x}, secrets: {s: y, z: y}"),
        &[("b", callee)],
        "ci.yml:3:70 jobs.a.secrets.z: the called workflow takes no secret `z`",
    );
    refused(
        &call(", with: {t: '${{ secrets.A }}'}, secrets: inherit"),
        &[("b", callee)],
        "ci.yml:3:55 jobs.a.with.t: `secrets` is not known in `with` of a call",
    );
    refused(
        &call(&format!("{good}, runs-on: linux")),
        &[("b", callee)],
        "ci.yml:3:71 jobs.a.runs-on: `runs-on` cannot stand beside `uses`",
    );
    refused(
        &call(good),
        &[("b", "on: push\njobs: {x: {runs-on: linux, steps: [{run: x}]}}\n")],
        "ci.yml:3:13 jobs.a.uses: `.github/workflows/b.yml` is not to be called: it has no `workflow_call`",
    );
    refused(
        &call(""),
        &[("b", "on: workflow_call\njobs: {x: {runs-on: '', steps: [{run: x}]}}\n")],
        "b.yml:2:21 jobs.x.runs-on: a runner is named by text",
    );
    refused(
        &call(""),
        &[("b", "on: workflow_call\nconcurrency: x\njobs: {x: {runs-on: linux, steps: [{run: x}]}}\n")],
        "b.yml:2:1 concurrency: `concurrency` of a called workflow is not carried out",
    );
    refused(
        &call(""),
        &[("b", "on: workflow_call\njobs: {x: {uses: ./.github/workflows/b.yml}}\n")],
        "b.yml:2:18 jobs.x.uses: workflows call each other in a circle: .github/workflows/ci.yml -> .github/workflows/b.yml -> .github/workflows/b.yml",
    );
}

#[test]
fn what_is_called_is_a_workflow_that_nobody_can_move() {
    for (uses, why) in [
        ("./build.yml", "`./build.yml` is no workflow: they lie in `.github/workflows` and end with .yml or .yaml"),
        ("./.github/workflows/b.yml@main", "`./.github/workflows/b.yml@main` is of this repository, and so of this commit"),
        ("a/b/.github/workflows/c.yml", "`a/b/.github/workflows/c.yml` names no commit"),
        ("a/b/.github/workflows/c.yml@v1", "`a/b@v1` may become something else, since a branch or tag can be moved"),
        (
            "a/.github/workflows/c.yml@v1",
            "`a/.github/workflows/c.yml@v1` is no workflow: they lie in `.github/workflows` and end with .yml or .yaml",
        ),
    ] {
        refused(&format!("on: push\njobs:\n  a: {{uses: {uses}}}\n"), &[], &format!("ci.yml:3:13 jobs.a.uses: {why}"));
    }
}

#[test]
fn a_workflow_of_another_repository_is_of_one_commit_and_so_is_what_it_calls() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let at = |path: &str| FileRef::Action { repository: "acme/ci".into(), reference: commit.into(), path: path.into() };
    let text = format!("on: push\njobs:\n  a: {{uses: acme/ci/.github/workflows/b.yml@{commit}}}\n");
    let files = [
        (at(".github/workflows/b.yml"), "on: workflow_call\njobs: {c: {uses: ./.github/workflows/c.yml}}\n"),
        (at(".github/workflows/c.yml"), "on: workflow_call\njobs: {x: {runs-on: linux, steps: [{run: x}]}}\n"),
    ];
    let plan = plan_with(WORKFLOW, &text, &files, &push()).unwrap();
    assert_eq!(plan.jobs[0].name.as_str(), "a / c / x");
}

#[test]
fn workflows_call_each_other_ten_deep_and_no_deeper() {
    let level = |n: usize| {
        let job = if n == 12 {
            "{runs-on: linux, steps: [{run: x}]}".to_owned()
        } else {
            format!("{{uses: ./.github/workflows/w{}.yml}}", n + 1)
        };
        format!("on: [push, workflow_call]\njobs: {{j: {job}}}\n")
    };
    let texts: Vec<(String, String)> = (1..=12).map(|n| (format!("w{n}"), level(n))).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let of = |n: usize| format!("on: push\njobs: {{j: {{uses: ./.github/workflows/w{n}.yml}}}}\n");
    refused(&of(4), &files, "a plan of 1 jobs");
    refused(&of(3), &files, "w11.yml:2:18 jobs.j.uses: more than 10 workflows call each other in a row");
}
