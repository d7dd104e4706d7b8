//! Actions of other repositories: by commit, or by what the repository locks.

use std::collections::BTreeSet;

use penstock_model::job::{EnvValue, NextStep, StepOutcome, Work};
use penstock_model::{Digest, Secret};
use penstock_pipeline::{ActionsLock, FileRef, Plan, PlannedStep, PushEvent};

use crate::job_environment::context;
use crate::support::{WORKFLOW, plan_with, push};

pub const COMMIT: &str = "0123456789012345678901234567890123456789";
const OTHER: &str = "9876543210987654321098765432109876543210";

pub fn action(repository: &str, path: &str) -> FileRef {
    FileRef::Action { repository: repository.to_owned(), reference: COMMIT.to_owned(), path: path.to_owned() }
}

fn tag(repository: &str, name: &str) -> FileRef {
    FileRef::Tag { repository: repository.to_owned(), name: name.to_owned() }
}

fn lock(actions: &[&str]) -> String {
    actions.iter().map(|action| format!("{action} {COMMIT} {}\n", Digest::of("x"))).collect()
}

/// A job of these steps, planned with these files; `lock` is what the repository locks.
pub fn planned(steps: &str, lock: &str, files: &[(FileRef, &str)]) -> Result<Plan, String> {
    let text = format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n{steps}");
    let mut library = files.to_vec();
    let mut event = push();
    if !lock.is_empty() {
        event = PushEvent { files: vec![ActionsLock::PATH.to_owned()], ..event };
        library.push((FileRef::Local { path: ActionsLock::PATH.to_owned() }, lock));
    }
    let plan = plan_with(WORKFLOW, &text, &library, &event).map_err(|(problems, _)| {
        problems.iter().map(|one| format!("{}:{}:{} {} | {}", one.path, one.line, one.column, one.message, one.help)).collect::<Vec<_>>()
    });
    let plan = plan.map_err(|told| told.join("\n"))?;
    // what is kept is what was planned
    let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
    Ok(plan)
}

/// What each thing that is done is called, its script, and its environment as far as actions speak by it.
#[track_caller]
fn done(plan: &Plan, ends: &[StepOutcome]) -> Vec<String> {
    let (mut steps, mut last, mut seen) = (penstock_pipeline::steps(plan, &plan.jobs[0].name, &context()).unwrap(), None, Vec::new());
    for index in 0.. {
        match steps.next(last.as_ref(), false) {
            NextStep::Done { exit_code, .. } => {
                seen.push(format!("done {exit_code}"));
                return seen;
            }
            NextStep::Run(step) => {
                let text = match &step.work {
                    Work::Script { text, .. } => text.lines().last().unwrap_or_default().to_owned(),
                    _ => step.notes.join("; "),
                };
                let env = step.env.iter().filter(|(name, value)| {
                    **value != EnvValue::Plain(String::new()) && ["GITHUB_", "INPUT_", "STATE_"].iter().any(|of| name.starts_with(of))
                });
                let env = env.map(|(name, value)| match value {
                    EnvValue::Plain(text) => format!(" {name}={text}"),
                    EnvValue::Secret(_) => format!(" {name}=***"),
                });
                seen.push(format!("{}: {text}{}", step.name, env.collect::<String>()));
                last = Some(ends.get(index).cloned().unwrap_or_else(|| StepOutcome::exited(0)));
            }
        }
    }
    unreachable!("it ends")
}

const SCRIPT: &str = "name: x\nauthor: y\nbranding: {icon: z}\nmore: whatever\ninputs: {word: {default: '${{ github.repository }}', type: string}}\nruns: {using: node20, pre: pre.js, pre-if: runner.os == 'Linux', main: ../dist/main.js, post: post.js}\n";
const STEPS: &str = "runs:\n  using: composite\n  steps:\n    - {run: 'in ${{ github.action_path }} ${{ github.action_repository }} ${{ github.action_ref }} ${{ github.action }}', shell: sh}\n    - {uses: o/script/sub@v2, with: {word: '${{ inputs.w }}'}}\ninputs: {w: {default: deep}}\n";

#[test]
fn an_action_of_another_repository_is_carried_out_at_its_commit_with_what_it_does_before_and_after() {
    let steps = format!("      - run: first\n      - uses: o/script/sub@{COMMIT}\n");
    let plan = planned(&steps, "", &[(action("o/script", "sub/action.yml"), SCRIPT)]).unwrap();
    let origins: BTreeSet<_> = plan.jobs[0].steps.iter().flat_map(PlannedStep::origins).collect();
    let origins: Vec<_> = origins.iter().map(|origin| (origin.place(), origin.commit.as_str(), origin.digest)).collect();
    assert_eq!(origins, [(format!("o/script/{COMMIT}"), COMMIT, None)]);
    let kept = |name: &str| StepOutcome { state: [(name.to_owned(), "1".to_owned())].into(), ..StepOutcome::exited(0) };
    let folder = format!("/penstock/_actions/o/script/{COMMIT}/sub");
    let own = format!("GITHUB_ACTION_REF={COMMIT} GITHUB_ACTION_REPOSITORY=o/script INPUT_WORD=oran/oran");
    assert_eq!(
        done(&plan, &[kept("a"), StepOutcome::exited(0), kept("b")]),
        [
            format!("Pre o/script/sub@{COMMIT}: exec node '{folder}/pre.js' {own}"),
            "Run first: first GITHUB_ACTION=__run".to_owned(),
            format!("Run o/script/sub@{COMMIT}: exec node '{folder}/../dist/main.js' GITHUB_ACTION=__o_script {own} STATE_a=1"),
            format!("Post o/script/sub@{COMMIT}: exec node '{folder}/post.js' GITHUB_ACTION=__o_script {own} STATE_a=1 STATE_b=1"),
            "done 0".to_owned(),
        ]
    );
}

#[test]
fn a_tag_stands_for_what_is_locked_and_so_do_the_tags_within_its_actions() {
    let files = [
        (action("O/steps", "action.yaml"), STEPS),
        (action("o/script", "sub/action.yml"), SCRIPT),
        (tag("o/script", "v2"), COMMIT),
        (tag("O/steps", "main"), ""),
    ];
    let plan = planned("      - {id: s, uses: O/steps@main, with: {w: given}}\n", &lock(&["o/steps@main", "o/script@v2"]), &files).unwrap();
    let origins: BTreeSet<_> = plan.jobs[0].steps.iter().flat_map(PlannedStep::origins).collect();
    assert!(origins.iter().all(|origin| origin.digest == Some(Digest::of("x"))), "{origins:?}");
    let seen = done(&plan, &[]);
    let at = "GITHUB_ACTION_PATH=/penstock/_actions/O/steps/main";
    let inner = "/penstock/_actions/o/script/v2/sub";
    assert_eq!(
        seen,
        [
            format!(
                "Pre o/script/sub@v2: exec node '{inner}/pre.js' {at} GITHUB_ACTION_REF=v2 GITHUB_ACTION_REPOSITORY=o/script INPUT_WORD=given"
            ),
            "Run O/steps@main: ".to_owned(),
            format!("Run in /penstock/_actions/O/steps/main   __run: in /penstock/_actions/O/steps/main   __run GITHUB_ACTION=__run {at}"),
            format!(
                "Run o/script/sub@v2: exec node '{inner}/../dist/main.js' GITHUB_ACTION=__o_script {at} GITHUB_ACTION_REF=v2 GITHUB_ACTION_REPOSITORY=o/script INPUT_WORD=given"
            ),
            format!(
                "Post o/script/sub@v2: exec node '{inner}/post.js' GITHUB_ACTION=__o_script {at} GITHUB_ACTION_REF=v2 GITHUB_ACTION_REPOSITORY=o/script INPUT_WORD=given"
            ),
            "done 0".to_owned(),
        ]
    );
}

#[test]
fn what_an_action_does_before_fails_the_job_unless_its_step_may_fail_and_happens_only_on_its_condition() {
    let files = [(action("o/script", "action.yml"), SCRIPT)];
    for (more, condition, names, code) in [
        ("", "runner.os == 'Linux'", "Pre Post", 3),
        (", continue-on-error: true", "runner.os == 'Linux'", "Pre Run Post", 0),
        ("", "runner.os == 'Windows'", "Run Post", 1),
    ] {
        let text = SCRIPT.replace("runner.os == 'Linux'", condition).replace("../dist", "dist");
        let steps = format!("      - {{uses: o/script@{COMMIT}, if: success(){more}}}\n");
        let plan = planned(&steps, "", &[(files[0].0.clone(), &text)]).unwrap();
        let ends = [StepOutcome::exited(3), StepOutcome::exited(0)];
        let seen = done(&plan, &ends);
        let done: Vec<&str> = seen.iter().filter(|line| !line.contains("##[error]")).map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(done.join(" "), format!("{names} done"), "{seen:?}");
        assert_eq!(seen.last().unwrap() == "done 0", code == 0, "{seen:?}");
    }
}

#[test]
fn what_is_not_locked_was_moved_or_is_not_there_is_refused_with_what_to_do() {
    let file = (action("o/a", "action.yml"), STEPS);
    let locked = lock(&["o/a@v1"]);
    let wrong = format!("{locked}nonsense\n");
    for (uses, lock, files, expected) in [
        ("o/a@v1", "", vec![], ".github/workflows/ci.yml:6:15 `o/a@v1` may become something else, since a branch or tag can be moved | `penstock actions lock` keeps the commit that it stands for in .github/penstock-actions.lock; or write the whole commit after the `@`".to_owned()),
        ("o/a@V1", &locked, vec![], ".github/workflows/ci.yml:6:15 `o/a@V1` may become something else".to_owned()),
        ("o/a@v1", &wrong, vec![file.clone()], ".github/penstock-actions.lock:2:1 a line is `OWNER/NAME@REF COMMIT sha256:DIGEST`".to_owned()),
        (
            "o/a@v1",
            &locked,
            vec![file.clone(), (tag("o/a", "v1"), OTHER)],
            format!(".github/workflows/ci.yml:6:15 the tag `o/a@v1` was moved: it is locked to {COMMIT}, and stands for {OTHER} now"),
        ),
        // within an action: told where that names it
        ("o/a@v1", &locked, vec![file, (tag("o/a", "v1"), COMMIT)], format!("o/a@{COMMIT}:action.yml:5:14 `o/script@v2` may become something else")),
        ("o/a@v1", &locked, vec![(tag("o/a", "v1"), "")], format!(".github/workflows/ci.yml:6:15 `o/a@{COMMIT}:action.yml` is not there")),
    ] {
        let told = planned(&format!("      - uses: {uses}\n"), lock, &files).unwrap_err();
        assert!(told.contains(&expected), "{uses}: {told}\nnot {expected}");
    }
}

#[test]
fn a_workflow_of_another_repository_is_called_by_a_locked_tag() {
    let text = "on: workflow_call\njobs: {in: {runs-on: linux, steps: [{run: x}]}}\n";
    let file = (action("o/w", ".github/workflows/c.yml"), text);
    let event = PushEvent { files: vec![ActionsLock::PATH.to_owned()], ..push() };
    let lock = lock(&["o/w@v1"]);
    let library = [file, (FileRef::Local { path: ActionsLock::PATH.to_owned() }, &*lock), (tag("o/w", "v1"), COMMIT)];
    let caller = "on: push\njobs: {a: {uses: o/w/.github/workflows/c.yml@v1}}\n";
    let plan = plan_with(WORKFLOW, caller, &library, &event).unwrap();
    assert_eq!(plan.jobs[0].name.as_str(), "a / in");
}

#[test]
fn an_input_that_holds_a_secret_is_one_for_what_is_done_before_too() {
    let files = [(action("o/script", "action.yml"), SCRIPT.replace("../dist", "dist"))];
    let steps = format!("      - {{uses: o/script@{COMMIT}, with: {{word: '${{{{ secrets.TOKEN }}}}'}}}}\n");
    let plan = planned(&steps, "", &[(files[0].0.clone(), &files[0].1)]).unwrap();
    let mut context = context();
    context.secrets.insert("TOKEN".to_owned(), Secret::new("hunter2"));
    let mut steps = penstock_pipeline::steps(&plan, &plan.jobs[0].name, &context).unwrap();
    let NextStep::Run(step) = steps.next(None, false) else { panic!("nothing is done") };
    assert_eq!((step.name.starts_with("Pre "), &step.env["INPUT_WORD"]), (true, &EnvValue::Secret(Secret::new("hunter2"))));
}

/// What carries the first step out: Penstock itself, or a copy, and why.
fn carried(plan: &Plan) -> (bool, Option<String>) {
    match &plan.jobs[0].steps[0] {
        PlannedStep::Uses { action, instead, .. } => (action.origin().is_none(), instead.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_penstocks_own_action_lacks_a_copy_of_the_action_may_have() {
    const COPY: &str = "inputs: {debug: {}, brand-new: {}}\nruns: {using: composite, steps: [{run: x, shell: sh}]}\n";
    let python =
        |reference: &str| format!("      - {{uses: deadsnakes/action@{reference}, with: {{python-version: '3.14', debug: 'true'}}}}\n");
    let copy = [(action("deadsnakes/action", "action.yml"), COPY), (tag("deadsnakes/action", "v3.2.0"), COMMIT)];

    // by commit
    let plan = planned(&python(COMMIT), "", &copy).unwrap();
    let why = "a copy of `deadsnakes/action@0123456789012345678901234567890123456789` at 01234567 is carried out, and not what Penstock has of its own: `debug` is not carried out";
    assert_eq!(carried(&plan), (false, Some(why.to_owned())));
    assert_eq!(plan.warnings.iter().map(|one| (one.line, one.message.as_str())).collect::<Vec<_>>(), [(6, why)]);
    let explained = plan.explain("a").unwrap();
    assert!(explained[0].reasons.contains(&("action".to_owned(), why.to_owned())), "{explained:?}");

    // by a tag, which has to be locked
    let refused = planned(&python("v3.2.0"), "", &copy).unwrap_err();
    let expected = ".github/workflows/ci.yml:6:73 `debug` is not carried out | run the job in an image that has such a Python; or have the action itself carried out: put a copy of deadsnakes/action into the mirror, and `penstock actions lock`";
    assert_eq!(refused, expected);
    assert!(!carried(&planned(&python("v3.2.0"), &lock(&["deadsnakes/action@v3.2.0"]), &copy).unwrap()).0);
    let moved = [copy[0].clone(), (tag("deadsnakes/action", "v3.2.0"), OTHER)];
    assert!(planned(&python("v3.2.0"), &lock(&["deadsnakes/action@v3.2.0"]), &moved).unwrap_err().contains("was moved"));

    // nobody has a copy
    let refused = planned(&python(COMMIT), "", &[]).unwrap_err();
    assert!(refused.ends_with("put a copy of deadsnakes/action into the mirror"), "{refused}");
    // what is not asked for is not looked for
    let plain = format!("      - {{uses: deadsnakes/action@{COMMIT}, with: {{python-version: '3.14'}}}}\n");
    assert_eq!(carried(&planned(&plain, "", &copy).unwrap()), (true, None));
}

#[test]
fn an_input_that_only_a_copy_knows_is_the_copys_and_what_nobody_knows_is_passed_over() {
    const NEWER: &str = "inputs: {Brand-New: {}}\nruns: {using: node24, main: x.js}\n";
    const OLDER: &str = "inputs: {key: {}}\nruns: {using: node24, main: x.js}\n";
    let cache = format!("      - {{uses: actions/cache@{COMMIT}, with: {{path: a, key: b, brand-new: c}}}}\n");
    for (copy, own) in [(Some(NEWER), false), (Some(OLDER), true), (None, true)] {
        let files: Vec<_> = copy.map(|text| (action("actions/cache", "action.yml"), text)).into_iter().collect();
        assert_eq!(carried(&planned(&cache, "", &files).unwrap()).0, own, "{copy:?}");
    }
    // a version that Penstock does not have
    let newest = "      - uses: actions/cache@v99\n";
    let locked = lock(&["actions/cache@v99"]);
    let files = [(action("actions/cache", "action.yml"), NEWER), (tag("actions/cache", "v99"), COMMIT)];
    assert!(!carried(&planned(newest, &locked, &files).unwrap()).0);
    assert!(planned(newest, "", &files).unwrap_err().contains("`v99` names no version of actions/cache that Penstock has"));
}

#[test]
fn no_copy_is_taken_of_what_would_not_do_it_either() {
    let copy = "inputs: {egress-policy: {}, target: {}, context: {}}\nruns: {using: node24, main: x.js}\n";
    for (uses, with) in [("step-security/harden-runner", "egress-policy: block"), ("docker/build-push-action", "target: x")] {
        let steps = format!("      - {{uses: {uses}@{COMMIT}, with: {{{with}}}}}\n");
        let refused = planned(&steps, "", &[(action(uses, "action.yml"), copy)]).unwrap_err();
        assert!(refused.contains("is not carried out") && !refused.contains("copy"), "{refused}");
    }
}
