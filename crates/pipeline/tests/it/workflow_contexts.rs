//! What GitHub's contexts and variables are here, where they may be asked for, and that the document says so.

use std::collections::BTreeSet;

use penstock_model::job::{EnvValue, NextStep};
use penstock_pipeline::{job_env, steps};

use crate::job_environment::context;
use crate::keywords::{Row, has_test, nothing_wrong, rows};
use crate::support::{WORKFLOW, must_plan, plan_finding, push};
use crate::workflow_actions::carried_out;

const DOCUMENT: &str = include_str!("../../../../docs/github-workflows.md");
const PROPERTIES: &str = include_str!("../keywords/github-contexts.txt");
const VARIABLES: &str = include_str!("../keywords/github-variables.txt");
const AVAILABILITY: &str = include_str!("../keywords/github-availability.txt");
const CONTEXTS: [&str; 12] =
    ["github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs", "inputs"];
const FUNCTIONS: [&str; 5] = ["always()", "cancelled()", "success()", "failure()", "hashFiles('x')"];

fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.starts_with('#'))
}

/// What is wrong with the workflow, if it is this that is wrong.
fn fault(text: &str, words: &[&str]) -> Option<String> {
    let other = "on: {workflow_call: {inputs: {x: {type: string}}, secrets: {x: {}}}}\njobs: {c: {runs-on: linux, steps: [{run: x}]}}\n";
    let (problems, _) = plan_finding(WORKFLOW, text, |_| Some(other.to_owned()), &push()).err()?;
    problems.into_iter().map(|problem| problem.message).find(|message| words.iter().any(|word| message.contains(word)))
}

/// A workflow with an expression at a key.
fn at(key: &str, asked: &str) -> String {
    let expression = format!("'${{{{ {} }}}}'", asked.replace('\'', "''"));
    let top = |keys: &str, on: &str| format!("on: {on}\n{keys}\njobs: {{a: {{runs-on: linux, steps: [{{run: x}}]}}}}\n");
    let job = |keys: String| {
        let runs = if keys.starts_with("runs-on") { "" } else { "runs-on: linux, " };
        let work = if keys.starts_with("steps") { "" } else { ", steps: [{run: x}]" };
        format!("on: push\njobs: {{n: {{runs-on: linux, steps: [{{run: x}}]}}, a: {{needs: n, {runs}{keys}{work}}}}}\n")
    };
    let call = |keys: String| format!("on: push\njobs: {{a: {{uses: ./.github/workflows/b.yml, {keys}}}}}\n");
    match key {
        "run-name" | "concurrency" => top(&format!("{key}: {expression}"), "push"),
        "env" => top(&format!("env: {{A: {expression}}}"), "push"),
        "on.workflow_call.inputs.<inputs_id>.default" => {
            top("", &format!("{{push: {{}}, workflow_call: {{inputs: {{x: {{type: string, default: {expression}}}}}}}}}"))
        }
        "on.workflow_call.outputs.<output_id>.value" => {
            top("", &format!("{{push: {{}}, workflow_call: {{outputs: {{x: {{value: {expression}}}}}}}}}"))
        }
        "jobs.<job_id>.secrets.<secrets_id>" => call(format!("secrets: {{x: {expression}}}")),
        "jobs.<job_id>.with.<with_id>" => call(format!("with: {{x: {expression}}}")),
        _ => {
            let key = key.strip_prefix("jobs.<job_id>.").unwrap();
            match key {
                "container.credentials" => job(format!("container: {{image: i, credentials: {{username: u, password: {expression}}}}}")),
                "container.env.<env_id>" => job(format!("container: {{image: i, env: {{A: {expression}}}}}")),
                "container.image" => job(format!("container: {{image: {expression}}}")),
                "defaults.run" => job(format!("defaults: {{run: {{working-directory: {expression}}}}}")),
                "env" => job(format!("env: {{A: {expression}}}")),
                "environment.url" => job(format!("environment: {{name: e, url: {expression}}}")),
                "outputs.<output_id>" => job(format!("outputs: {{x: {expression}}}")),
                "services" => job(format!("services: {{s: {{image: {expression}}}}}")),
                "services.<service_id>.credentials" => {
                    job(format!("services: {{s: {{image: i, credentials: {{username: u, password: {expression}}}}}}}"))
                }
                "services.<service_id>.env.<env_id>" => job(format!("services: {{s: {{image: i, env: {{A: {expression}}}}}}}")),
                "strategy" => job(format!("strategy: {{matrix: {{x: {expression}}}}}")),
                "steps.env" => job(format!("steps: [{{run: x, env: {{A: {expression}}}}}]")),
                "steps.run" => job(format!("steps: [{{run: {expression}}}]")),
                "steps.with" => job(format!("steps: [{{uses: actions/checkout@v4, with: {{ref: {expression}}}}}]")),
                step if step.starts_with("steps.") => job(format!("steps: [{{run: x, {}: {expression}}}]", &step[6..])),
                key => job(format!("{key}: {expression}")),
            }
        }
    }
}

#[test]
fn each_context_may_be_asked_for_where_github_allows_it_and_nowhere_else() {
    let mut faults = Vec::new();
    for line in listed(AVAILABILITY) {
        let (key, allowed) = line.split_once(" = ").unwrap();
        let (contexts, functions) = allowed.split_once(" : ").unwrap_or((allowed, ""));
        let allowed: BTreeSet<&str> = contexts.split(' ').collect();
        for name in CONTEXTS {
            let told = fault(&at(key, &format!("toJSON({name})")), &["is not known in"]);
            if told.is_none() != allowed.contains(name) {
                faults.push(format!("`{name}` in `{key}`: {told:?}"));
            }
        }
        let allowed: BTreeSet<&str> = functions.split(' ').collect();
        for name in FUNCTIONS {
            let told = fault(&at(key, name), &["is not known in", "is known only in"]);
            if told.is_none() != allowed.contains(name) {
                faults.push(format!("`{name}` in `{key}`: {told:?}"));
            }
        }
    }
    nothing_wrong(faults);
}

#[test]
fn the_document_says_where_each_context_is_allowed() {
    let table =
        DOCUMENT.lines().skip_while(|line| *line != "### Where contexts are allowed").skip(1).take_while(|line| !line.starts_with('#'));
    let said: Vec<(String, BTreeSet<String>)> = table
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
        .map(|(key, cells)| (key.to_owned(), cells.split('`').skip(1).step_by(2).map(str::to_owned).collect()))
        .collect();
    let wanted: Vec<(String, BTreeSet<String>)> = listed(AVAILABILITY)
        .map(|line| {
            let (key, allowed) = line.split_once(" = ").unwrap();
            let words = allowed.split(' ').filter(|word| *word != ":");
            (key.to_owned(), words.map(|word| word.split('(').next().unwrap_or(word).to_owned()).collect())
        })
        .collect();
    assert_eq!(said, wanted);
}

/// A workflow that asks for a property.
fn asking(property: &str) -> String {
    let property = property.replace("<output name>", "x");
    let named: String = property.split('.').map(|part| if part.starts_with('<') { "x" } else { part }).collect::<Vec<_>>().join(".");
    if named.starts_with("jobs.") {
        return at("on.workflow_call.outputs.<output_id>.value", &named.replacen("jobs.x", "jobs.a", 1));
    }
    format!(
        "on: push\njobs:\n  x: {{runs-on: linux, steps: [{{run: x}}]}}\n  a:\n    needs: x\n    runs-on: linux\n    strategy: {{matrix: {{x: [1]}}}}\n    services: {{x: {{image: i}}}}\n    steps: [{{run: x, id: x}}, {{run: '${{{{ {named} }}}}'}}]\n"
    )
}

/// What is wrong with a table of rows; `state` is what becomes of each.
fn check(list: &str, rows: &[Row<'_>], state: impl Fn(&str) -> &'static str) -> Vec<String> {
    let mut faults = Vec::new();
    for name in listed(list) {
        let state = state(name);
        match rows.iter().filter(|row| row.keyword == name).collect::<Vec<_>>()[..] {
            [row] if row.state != state && !(row.state == "narrow" && state == "carried out") => {
                faults.push(format!("`{name}` is {state}, and its row says {}", row.state));
            }
            [row] if row.state != "carried out" && row.text.is_empty() => faults.push(format!("`{name}`: why is it {}?", row.state)),
            [row] if !has_test(row.test) => faults.push(format!("`{name}`: there is no test {}", row.test)),
            [_] => {}
            _ => faults.push(format!("`{name}` needs one row")),
        }
    }
    let known: BTreeSet<&str> = listed(list).collect();
    faults.extend(rows.iter().filter(|row| !known.contains(row.keyword)).map(|row| format!("`{}` is not of the list", row.keyword)));
    faults
}

#[test]
fn every_property_of_a_context_has_its_row() {
    let rows = rows(DOCUMENT, "### Each property of a context");
    nothing_wrong(check(PROPERTIES, &rows, |name| match plan_finding(WORKFLOW, &asking(name), |_| None, &push()) {
        Ok(_) => "carried out",
        Err(_) => "refused",
    }));
}

#[test]
fn every_default_variable_has_its_row() {
    let plan = must_plan(WORKFLOW, "on: push\njobs: {a: {runs-on: linux, steps: [{uses: ./x}]}}".replace("uses: ./x", "run: x").as_str());
    let mut set: BTreeSet<String> = job_env(&plan, &plan.jobs[0].name, &context()).into_keys().collect();
    if let NextStep::Run(step) = steps(&plan, &plan.jobs[0].name, &context()).unwrap().next(None, false) {
        set.extend(step.env.into_keys());
    }
    // what the runner itself adds, and what is there in some steps alone
    let runner = ["GITHUB_ENV", "GITHUB_EVENT_PATH", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_ACTION_PATH"];
    let rows = rows(DOCUMENT, "### Each default variable");
    nothing_wrong(check(VARIABLES, &rows, |name| if set.contains(name) || runner.contains(&name) { "carried out" } else { "never set" }));
}

#[test]
fn a_step_knows_its_name_and_its_action() {
    let told = |expression: &str| {
        let steps = format!(
            "      - {{run: one}}\n      - {{id: mine, run: two}}\n      - {{uses: actions/checkout@v4, with: {{ref: \"${{{{ github.action_repository }}}}@${{{{ github.action_ref }}}}\"}}}}\n      - {{uses: actions/checkout@v4}}\n      - {{run: \"{expression}\"}}\n"
        );
        carried_out(&steps, &[])
    };
    let seen = told("${{ github.action }}|${{ github.action_ref }}|${{ github.action_repository }}|");
    assert!(seen.contains("Run __run_2||| |"), "{seen}");
    assert!(seen.contains("ref='actions/checkout@v4'"), "{seen}");
    let plan = must_plan(
        WORKFLOW,
        "on: push\njobs: {a: {runs-on: linux, steps: [{run: x}, {run: x, id: y}, {uses: actions/checkout@v4}, {uses: actions/checkout@v4}]}}",
    );
    let mut source = steps(&plan, &plan.jobs[0].name, &context()).unwrap();
    let (mut names, mut next) = (Vec::new(), source.next(None, false));
    while let NextStep::Run(step) = &next {
        if let Some(EnvValue::Plain(name)) = step.env.get("GITHUB_ACTION") {
            names.push(name.clone());
        }
        next = source.next(Some(&penstock_model::job::StepOutcome::exited(0)), false);
    }
    assert_eq!(names, ["__run", "y", "__actions_checkout", "__actions_checkout_2"]);
}

#[test]
fn the_repository_and_whoever_did_it_have_numbers_that_are_always_the_same() {
    let text = "on: push\njobs: {a: {runs-on: linux, steps: [{run: \"${{ github.repository_id == github.event.repository.id }} ${{ github.actor_id == github.event.sender.id }} ${{ github.repository_owner_id == github.event.repository.owner.id }} ${{ github.repository_id == github.actor_id }} ${{ github.event.repository.private }} ${{ github.ref_protected }} ${{ job.workflow_file_path }} ${{ job.workflow_ref == github.workflow_ref }}\"}]}}";
    let plan = must_plan(WORKFLOW, text);
    let NextStep::Run(step) = steps(&plan, &plan.jobs[0].name, &context()).unwrap().next(None, false) else { panic!("no step") };
    assert_eq!(step.name, format!("Run true true true false true true {WORKFLOW} true"));
}
