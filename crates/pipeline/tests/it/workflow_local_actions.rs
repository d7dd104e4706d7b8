//! Actions of the repository itself, read while planning and carried out within their step.

use std::collections::BTreeMap;

use penstock_model::job::{EnvValue, NextStep, Shell, StepOutcome, StepSpec, Work};
use penstock_pipeline::{FileRef, Plan, PushEvent, steps};

use crate::job_environment::context;
use crate::support::{WORKFLOW, plan_with, push};
use crate::workflow_actions::{gives, told};

/// A plan of these steps, with these files in the repository; or what is wrong, with its file and line.
pub fn planned(steps: &str, files: &[(&str, &str)]) -> Result<Plan, String> {
    let text = format!(
        "on: push\nenv: {{TOP: top}}\njobs:\n  a:\n    runs-on: linux\n    outputs: {{out: \"${{{{ steps.s.outputs.v }}}}\"}}\n    steps:\n{steps}"
    );
    let event = PushEvent { files: files.iter().map(|(path, _)| (*path).to_owned()).collect(), ..push() };
    let library: Vec<(FileRef, &str)> = files.iter().map(|(path, text)| (FileRef::Local { path: (*path).to_owned() }, *text)).collect();
    plan_with(WORKFLOW, &text, &library, &event).map_err(|(problems, _)| {
        problems.iter().map(|one| format!("{}:{} {}", one.path, one.line, one.message)).collect::<Vec<_>>().join("\n")
    })
}

#[track_caller]
fn check(steps: &str, files: &[(&str, &str)], ends: &[StepOutcome], expected: &str) {
    let plan = planned(steps, files).unwrap_or_else(|why| panic!("{why}"));
    // what is kept is what was planned
    let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
    assert_eq!(told(&plan, ends), expected);
}

const GREET: &str = "name: Greet\ndescription: x\ninputs:\n  who: {description: x, default: world}\n  Loud: {required: true}\noutputs:\n  v: {description: x, value: \"${{ steps.in.outputs.said }}\"}\nruns:\n  using: composite\n  steps:\n    - {id: in, run: \"say ${{ inputs.who }} ${{ env.MINE }} ${{ github.action_path }}\", shell: bash}\n    - {run: two, shell: sh, if: \"inputs.loud == 'yes'\"}\n";

#[test]
fn an_action_of_steps_runs_within_its_step_and_gives_its_outputs() {
    check(
        "      - {id: s, uses: ./.github/actions/greet, with: {who: \"${{ env.TOP }}\", loud: 'yes'}, env: {MINE: m}}\n      - run: got ${{ steps.s.outputs.v }} ${{ steps.in.outcome }}\n",
        &[(".github/actions/greet/action.yml", GREET)],
        &[StepOutcome::exited(0), gives(&[("said", "hi")])],
        "Run ./.github/actions/greet | nothing\nRun say top m /builds/oran/.github/actions/greet | script say top m /builds/oran/.github/actions/greet | GITHUB_ACTION_PATH=/builds/oran/.github/actions/greet MINE=m\nRun two | script two | GITHUB_ACTION_PATH=/builds/oran/.github/actions/greet MINE=m\nRun got hi  | script got hi\ndone 0 hi",
    );
}

#[test]
fn what_an_action_wants_and_is_not_given_and_what_it_does_not_know_is_said() {
    let plan = planned("      - {uses: ./a, with: {whom: x}}\n", &[("a/action.yaml", GREET)]).unwrap();
    let seen = told(&plan, &[]);
    assert!(seen.contains("##[warning]the action wants the input `Loud`, which is not given"), "{seen}");
    assert!(seen.contains("##[warning]the action has no input `whom`; it has Loud, who"), "{seen}");
    assert!(seen.contains("script say world  /builds/oran/a"), "{seen}");
}

#[test]
fn a_step_that_fails_in_an_action_fails_its_step_and_what_may_fail_does_not() {
    let text = "runs:\n  using: composite\n  steps:\n    - {run: one, shell: bash}\n    - {run: two, shell: bash}\n    - {run: three, shell: bash, if: failure()}\n";
    check(
        "      - {id: s, uses: ./a, continue-on-error: true}\n      - run: ${{ steps.s.outcome }} ${{ steps.s.conclusion }} ${{ job.status }}\n",
        &[("a/action.yml", text)],
        &[StepOutcome::exited(0), StepOutcome::exited(3)],
        "Run ./a | nothing\nRun one | script one | GITHUB_ACTION_PATH=/builds/oran/a\nRun three | script three | GITHUB_ACTION_PATH=/builds/oran/a\nRun failure success success | script failure success success\ndone 0 ",
    );
    let may = text.replace("{run: one, shell: bash}", "{run: one, shell: bash, continue-on-error: true}");
    check(
        "      - uses: ./a\n",
        &[("a/action.yml", &may)],
        &[StepOutcome::exited(0), StepOutcome::exited(3)],
        "Run ./a | nothing\nRun one | script one | GITHUB_ACTION_PATH=/builds/oran/a\nRun two | script two | GITHUB_ACTION_PATH=/builds/oran/a\ndone 0 ",
    );
}

#[test]
fn actions_lie_in_actions_and_what_they_leave_for_the_end_comes_last_first() {
    let outer = "runs:\n  using: composite\n  steps:\n    - {uses: actions/cache@v4, with: {path: a, key: outer}}\n    - uses: ./inner\n";
    let inner = "runs:\n  using: composite\n  steps:\n    - {uses: actions/cache@v4, with: {path: b, key: inner}}\n";
    let miss = || gives(&[("cache-matched-key", "")]);
    let ends = [StepOutcome::exited(0), miss(), StepOutcome::exited(0), miss()];
    let plan = planned("      - uses: ./outer\n      - run: main\n", &[("outer/action.yml", outer), ("inner/action.yml", inner)]).unwrap();
    let seen: Vec<String> = told(&plan, &ends).lines().map(|line| line.split(" | ").take(2).collect::<Vec<_>>().join(" | ")).collect();
    assert_eq!(
        seen,
        [
            "Run ./outer | nothing",
            "Run actions/cache@v4 | restore outer [] [\"a\"] false",
            "Run ./inner | nothing",
            "Run actions/cache@v4 | restore inner [] [\"b\"] false",
            "Run main | script main",
            "Post actions/cache@v4 | save inner [\"b\"]",
            "Post actions/cache@v4 | save outer [\"a\"]",
            "done 0 "
        ]
    );
}

const NODE: &str = "name: n\ninputs: {some name: {default: d}, KEY: {}}\nruns: {using: node20, main: dist/main.js, post: dist/post.js, post-if: success()}\n";

#[test]
fn a_script_of_node_gets_its_inputs_and_its_state_at_the_end() {
    let state = StepOutcome { state: BTreeMap::from([("k".to_owned(), "v".to_owned())]), ..gives(&[("v", "1")]) };
    let plan =
        planned("      - {id: s, uses: ./n, with: {key: \"${{ secrets.PASSWORD }}\"}}\n      - run: main\n", &[("n/action.yml", NODE)])
            .unwrap();
    let seen = told(&plan, &[state]);
    let lines: Vec<&str> = seen.lines().collect();
    assert!(lines[0].contains("exec node '/builds/oran/n/dist/main.js' | INPUT_KEY=*** INPUT_SOME_NAME=d"), "{seen}");
    assert!(lines[2].starts_with("Post ./n | ") && lines[2].contains("exec node '/builds/oran/n/dist/post.js'"), "{seen}");
    assert!(lines[2].ends_with("INPUT_KEY=*** INPUT_SOME_NAME=d STATE_k=v"), "{seen}");
    assert_eq!(lines[3], "done 0 1");
    let failed = told(&plan, &[StepOutcome::exited(0), StepOutcome::exited(1)]);
    assert!(!failed.contains("Post"), "its condition does not hold: {failed}");
}

#[test]
fn what_is_wrong_with_an_action_is_told_with_its_file_and_line() {
    let step = "      - uses: ./a\n";
    for (file, text, expected) in [
        ("b/action.yml", "x", ".github/workflows/ci.yml:8 `a/action.yml` is not there: nobody has it"),
        ("a/action.yml", "name: x\n", "a/action.yml:1 the action has no `runs`"),
        ("a/action.yml", "runs:\n  using: deno\n", "a/action.yml:2 an action that runs by `deno` is not carried out"),
        (
            "a/action.yml",
            "runs:\n  using: composite\n  steps:\n    - run: x\n",
            "a/action.yml:4 a step with `run` in an action names its `shell`",
        ),
        ("a/action.yml", "runs:\n  using: node20\n  main: ../../x.js\n", "a/action.yml:3 `../../x.js` leaves the action's repository"),
        ("a/action.yml", "runs:\n  using: composite\n  steps: []\n  main: x\n", "a/action.yml:4 `main` is not a key of this place"),
    ] {
        let told = planned(step, &[(file, text)]).unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
    let itself = "runs:\n  using: composite\n  steps:\n    - uses: ./a\n";
    assert!(planned(step, &[("a/action.yml", itself)]).unwrap_err().contains("lies more than 10 actions deep"));
}

/// What the runner is handed, every step ending well.
fn handed(plan: &Plan) -> Vec<StepSpec> {
    let mut source = steps(plan, &plan.jobs[0].name, &context()).unwrap();
    let (mut seen, mut next) = (Vec::new(), source.next(None, false));
    while let NextStep::Run(step) = next {
        seen.push(step);
        next = source.next(Some(&StepOutcome::exited(0)), false);
    }
    seen
}

#[test]
fn a_shell_may_come_of_an_expression_in_an_action_and_by_a_jobs_defaults() {
    let with = |shell: &str| {
        let text = format!("inputs: {{shell: {{}}}}\nruns: {{using: composite, steps: [{{run: x, shell: {shell}}}]}}\n");
        handed(&planned("      - {uses: ./a, with: {shell: python}}\n", &[("a/action.yml", &text)]).unwrap())
    };
    for (shell, expected) in [
        ("'${{ inputs.shell }}'", Shell::Python),
        ("\"${{ runner.os == 'Windows' && 'pwsh' || 'bash' }}\"", Shell::Bash),
        // as in GitHub's runner, nothing is the shell that a step has which names none
        ("'${{ inputs.none }}'", Shell::BashOrSh),
        ("'${{ inputs.shell }} -x {0}'", Shell::Custom("python -x {0}".to_owned())),
    ] {
        let work = with(shell).pop().unwrap().work;
        assert_eq!(work, Work::Script { text: "x".to_owned(), shell: expected }, "{shell}");
    }
    let fish = with("'fish${{ inputs.none }}'").pop().unwrap();
    assert!(fish.notes[0].starts_with("##[error]`fish` is no shell that Penstock knows: use one of: bash"), "{fish:?}");

    let text = "on: push\njobs:\n  a:\n    runs-on: linux\n    strategy: {matrix: {shell: [sh]}}\n    defaults: {run: {shell: '${{ matrix.shell }}'}}\n    steps: [{run: x}]\n";
    let plan = crate::support::must_plan(WORKFLOW, text);
    assert_eq!(handed(&plan)[0].work, Work::Script { text: "x".to_owned(), shell: Shell::Sh });
}

#[test]
fn what_is_set_for_every_job_keeps_its_value_in_an_action_too() {
    let text = "runs: {using: composite, steps: [{run: x, shell: bash, env: {RUNNER_OS: '${{ runner.os }}', GITHUB_ACTION_PATH: y, GITHUB_ENV: z, RUNNER_TEMP: forged, OWN: o}}]}\n";
    let plan = planned("      - uses: ./a\n", &[("a/action.yml", text)]).unwrap();
    let told: Vec<_> = plan.warnings.iter().map(|one| format!("{}:{} {}", one.path, one.line, one.key)).collect();
    let keys = ["GITHUB_ACTION_PATH", "GITHUB_ENV", "RUNNER_TEMP"];
    assert_eq!(told, keys.map(|name| format!("a/action.yml:1 runs.steps[0].env.{name}")));
    let env = handed(&plan).pop().unwrap().env;
    let told = |name: &str| env.get(name).cloned();
    for (name, value) in [("GITHUB_ACTION_PATH", "/builds/oran/a"), ("OWN", "o"), ("RUNNER_OS", "Linux"), ("RUNNER_TEMP", "/tmp")] {
        assert_eq!(told(name), Some(EnvValue::Plain(value.to_owned())), "{name}");
    }
    assert_eq!(told("GITHUB_ENV"), None, "the runner says where it is");
}
