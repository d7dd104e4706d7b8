//! Actions that are containers: images that steps name, and `action.yml` with `using: docker`.

use std::collections::BTreeMap;

use penstock_model::job::StepOutcome;
use penstock_pipeline::{ContainerAction, PlannedStep};

use crate::support::{WORKFLOW, beyond_of};
use crate::workflow_actions::{carried_out, gives, told};
use crate::workflow_elsewhere;
use crate::workflow_local_actions::planned;

#[test]
fn a_step_may_name_an_image_with_arguments_and_a_program() {
    for (step, expected) in [
        ("uses: 'docker://alpine:3.20'", "Run docker://alpine:3.20 | container docker://alpine:3.20"),
        (
            "uses: 'docker://ghcr.io/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000', with: {args: \"-c 'x y' \\\"a b\\\" ${{ github.ref_name }}\", entrypoint: /bin/x}",
            "entrypoint /bin/x [\"-c\", \"'x\", \"y'\", \"a b\", \"main\"] | INPUT_ARGS=-c 'x y' \"a b\" main INPUT_ENTRYPOINT=/bin/x",
        ),
        (
            "uses: 'docker://a', with: {some word: v, args: ''}, env: {E: e}, name: N",
            "N | container docker://a | E=e INPUT_ARGS= INPUT_SOME_WORD=v",
        ),
        ("uses: 'docker://a', with: {args: \"${{ secrets.PASSWORD }}\"}", " | INPUT_ARGS=***"),
    ] {
        let seen = carried_out(&format!("      - {{{step}}}\n"), &[]);
        assert!(seen.lines().next().unwrap().contains(expected), "{seen}");
    }
    let steps = "      - {id: s, uses: 'docker://a'}\n      - {if: failure(), run: \"${{ steps.s.outcome }} ${{ steps.s.outputs.v }}\"}\n";
    let failed = StepOutcome { exit_code: Some(7), ..gives(&[("v", "1")]) };
    assert!(carried_out(steps, &[failed]).ends_with("script failure 1\ndone 1 1"), "{}", carried_out(steps, &[gives(&[("v", "1")])]));
    assert!(carried_out(steps, &[gives(&[("v", "1")])]).ends_with("done 0 1"));
}

const LINT: &str = "name: Lint\ninputs:\n  level: {default: high}\n  Path: {required: true}\noutputs: {v: {description: x}}\nruns:\n  using: docker\n  image: Dockerfile\n  entrypoint: /lint.sh\n  args: ['--level', '${{ inputs.level }}', 'in ${{ inputs.path }}', '']\n  env: {LEVEL: '${{ inputs.level }}', TOP: own, GITHUB_SHA: x}\n  post-entrypoint: /after.sh\n  pre-entrypoint: /before.sh\n";

#[test]
fn an_action_of_a_dockerfile_runs_with_its_arguments_and_has_its_end() {
    let files = [("ci/lint/action.yml", LINT), ("ci/lint/Dockerfile", "FROM scratch\n")];
    let step = "      - {id: s, uses: ./ci/lint, with: {path: src, level: low}, env: {MINE: m}}\n      - run: main\n";
    let plan = planned(step, &files).unwrap();
    let names: Vec<_> = plan.jobs[0].steps.iter().flat_map(PlannedStep::containers).map(ContainerAction::image_name).collect();
    assert_eq!(names, ["./ci/lint/Dockerfile"]);
    let state = StepOutcome { state: BTreeMap::from([("k".to_owned(), "v".to_owned())]), ..gives(&[("v", "1")]) };
    let (args, env) = ("[\"--level\", \"low\", \"in src\", \"\"]", "INPUT_LEVEL=low INPUT_PATH=src LEVEL=low MINE=m");
    assert_eq!(
        told(&plan, &[state]),
        format!(
            "Run ./ci/lint | container ./ci/lint/Dockerfile entrypoint /lint.sh {args} | {env}\nRun main | script main\nPost ./ci/lint | container ./ci/lint/Dockerfile entrypoint /after.sh {args} | {env} STATE_k=v\ndone 0 1"
        )
    );
    // what never began has no end
    let skipped = planned("      - {uses: ./ci/lint, if: false}\n      - run: main\n", &files).unwrap();
    assert_eq!(told(&skipped, &[]), "Run main | script main\ndone 0 ");
    let only = LINT.replace("  post-entrypoint", "  post-if: failure()\n  post-entrypoint");
    let plan = planned(step, &[("ci/lint/action.yml", &only), files[1]]).unwrap();
    assert!(!told(&plan, &[]).contains("Post"));
    assert!(told(&plan, &[StepOutcome::exited(0), StepOutcome::exited(1)]).contains("Post"));
}

#[test]
fn what_an_action_leaves_open_a_step_may_say_and_a_dockerfile_alone_is_an_action() {
    let open = "runs: {using: Docker, image: 'docker://alpine:3', env: {A: b}}\n";
    let step = "      - {uses: ./a, with: {args: 'x y', entryPoint: /e, other: o}}\n";
    let seen = told(&planned(step, &[("a/action.yml", open)]).unwrap(), &[]);
    let expected = "Run ./a | container docker://alpine:3 entrypoint /e [\"x\", \"y\"] | A=b INPUT_ARGS=x y INPUT_ENTRYPOINT=/e";
    assert!(seen.starts_with(expected) && seen.contains("no input `other`") && !seen.contains("`args`"), "{seen}");
    let seen = told(&planned(step, &[("a/Dockerfile", "FROM x")]).unwrap(), &[]);
    assert!(
        seen.starts_with(
            "Run ./a | container ./a/Dockerfile entrypoint /e [\"x\", \"y\"] | INPUT_ARGS=x y INPUT_ENTRYPOINT=/e INPUT_OTHER=o"
        ),
        "{seen}"
    );
    // what the action says is so whatever the step says
    let fixed = "runs: {using: docker, image: '../Dockerfile', entrypoint: /own, args: [own]}\n";
    let seen = told(&planned(step, &[("a/action.yml", fixed), ("Dockerfile", "")]).unwrap(), &[]);
    assert!(seen.starts_with("Run ./a | container ./Dockerfile entrypoint /own [\"own\"]"), "{seen}");
}

#[test]
fn a_container_in_an_action_of_steps_sees_the_inputs_of_its_own() {
    let outer = "inputs: {word: {default: outer}}\noutputs: {v: {value: '${{ steps.in.outputs.v }}'}}\nruns:\n  using: composite\n  steps:\n    - {id: in, uses: ./a, with: {path: '${{ inputs.word }}'}}\n    - {uses: 'docker://b', with: {args: '${{ inputs.word }}'}}\n";
    let plan =
        planned("      - {id: s, uses: ./outer}\n", &[("outer/action.yml", outer), ("a/action.yml", LINT), ("a/Dockerfile", "")]).unwrap();
    let seen = told(&plan, &[StepOutcome::exited(0), gives(&[("v", "1")])]);
    assert!(seen.contains("Run ./a | container ./a/Dockerfile entrypoint /lint.sh [\"--level\", \"high\", \"in outer\", \"\"]"), "{seen}");
    assert!(seen.contains("Run docker://b | container docker://b [\"outer\"]") && seen.ends_with("done 0 1"), "{seen}");
    let names: Vec<_> = plan.jobs[0].steps.iter().flat_map(PlannedStep::containers).map(ContainerAction::image_name).collect();
    assert_eq!(names, ["./a/Dockerfile", "docker://b"]);
}

#[test]
fn an_action_of_another_repository_has_a_beginning_too() {
    let commit = workflow_elsewhere::COMMIT;
    let files = [(workflow_elsewhere::action("o/lint", "action.yml"), LINT)];
    let steps = format!("      - run: first\n      - {{uses: o/lint@{commit}, with: {{path: p}}}}\n");
    let plan = workflow_elsewhere::planned(&steps, "", &files).unwrap();
    let seen = told(&plan, &[]);
    let (image, args) = (format!("o/lint@{commit}:Dockerfile"), "[\"--level\", \"high\", \"in p\", \"\"]");
    let lines: Vec<&str> = seen.lines().map(|line| line.rsplit_once(" | ").map_or(line, |(start, _)| start)).collect();
    assert_eq!(
        lines,
        [
            format!("Pre o/lint@{commit} | container {image} entrypoint /before.sh {args}"),
            "Run first".to_owned(),
            format!("Run o/lint@{commit} | container {image} entrypoint /lint.sh {args}"),
            format!("Post o/lint@{commit} | container {image} entrypoint /after.sh {args}"),
            "done 0 ".to_owned(),
        ]
    );
    assert_eq!(plan.jobs[0].steps.iter().flat_map(PlannedStep::origins).count(), 1, "its tree is needed");
    // nobody knows before looking that a Dockerfile is all there is
    let files = [(workflow_elsewhere::action("o/lint", "sub/Dockerfile"), "FROM x")];
    let plan = workflow_elsewhere::planned(&format!("      - uses: o/lint/sub@{commit}\n"), "", &files).unwrap();
    assert!(told(&plan, &[]).contains(&format!("container o/lint@{commit}:sub/Dockerfile")), "{}", told(&plan, &[]));
}

#[test]
fn what_is_wrong_with_an_action_of_a_container_is_told_with_its_file_and_line() {
    let step = "      - uses: ./a\n";
    for (text, expected) in [
        ("runs:\n  using: docker\n", "a/action.yml:2 an action of a container has an `image`"),
        ("runs:\n  using: docker\n  image: Dockerfile\n", "a/action.yml:3 the commit has no `a/Dockerfile`"),
        ("runs:\n  using: docker\n  image: ../../Dockerfile\n", "a/action.yml:3 `../../Dockerfile` leaves the action's repository"),
        ("runs:\n  using: docker\n  image: docker://A\n", "a/action.yml:3 `A` names no image"),
        ("runs:\n  using: docker\n  image: docker://a\n  args: x\n", "a/action.yml:4 arguments are a list, not text"),
        (
            "runs:\n  using: docker\n  image: docker://a\n  args: ['${{ github.sha }}']\n",
            "a/action.yml:4 `github` is not known in an action's container",
        ),
        ("runs:\n  using: docker\n  image: docker://a\n  main: x\n", "a/action.yml:4 `main` is not a key of this place"),
    ] {
        let told = planned(step, &[("a/action.yml", text)]).unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_container_that_asks_for_a_docker_daemon_calls_for_what_is_not_there() {
    let beyond = |step: &str| beyond_of(WORKFLOW, &format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - {step}\n"), &[]);
    let none: [&str; 0] = [];
    let why = "calls for a Docker daemon, which jobs do not have";
    assert_eq!(beyond("{uses: 'docker://docker:24-cli'}"), [format!("6:26 a: `docker://docker:24-cli` {why}")]);
    assert_eq!(beyond("{uses: 'docker://a', with: {args: '-H unix:///var/run/docker.sock'}}"), [format!("6:44 a: `docker.sock` {why}")]);
    assert_eq!(beyond("{uses: 'docker://a', env: {DOCKER_HOST: x}}"), [format!("6:36 a: `DOCKER_HOST` {why}")]);
    assert_eq!(beyond("{uses: 'docker://hadolint/hadolint', with: {args: docker}}"), none);
}
