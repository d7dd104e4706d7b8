//! Actions of a workflow's steps, as a runner is told to carry them out.

use std::collections::BTreeMap;

use penstock_model::Secret;
use penstock_model::job::{Chore, EnvValue, NextStep, StepOutcome, StepSpec, Work};
use penstock_pipeline::{Plan, steps};

use crate::job_environment::context;
use crate::support::{WORKFLOW, must_plan, problems};

/// The variables of a step, but for its name, at which a test of its own looks.
pub fn variables(step: &StepSpec) -> Vec<String> {
    let env =
        step.env.iter().filter(|(name, _)| !["GITHUB_ACTION", "GITHUB_ACTION_REF", "GITHUB_ACTION_REPOSITORY"].contains(&name.as_str()));
    env.map(|(name, value)| match value {
        EnvValue::Plain(text) => format!("{name}={text}"),
        EnvValue::Secret(_) => format!("{name}=***"),
    })
    .collect()
}

/// What a step is, in few words.
fn words(step: &StepSpec) -> String {
    let work = match &step.work {
        Work::Script { text, .. } => format!("script {}", text.trim_end().replace('\n', "; ")),
        Work::Program(argv) => format!("program {}", argv.join(" ")),
        Work::Container(container) => {
            let entrypoint = container.entrypoint.as_ref().map(|program| format!(" entrypoint {program}")).unwrap_or_default();
            let args = container.args.as_ref().map(|args| format!(" {args:?}")).unwrap_or_default();
            format!("container {}{entrypoint}{args}", container.image)
        }
        Work::Chore(Chore::Nothing) => "nothing".to_owned(),
        Work::Chore(Chore::KeepArtifact { name, paths, hidden, overwrite }) => format!("keep {name} {paths:?} {hidden} {overwrite}"),
        Work::Chore(Chore::FetchArtifacts { which, into, merge }) => format!("fetch {which:?} {into} {merge}"),
        Work::Chore(Chore::RestoreCache { key, restore_keys, paths, lookup_only }) => {
            format!("restore {key} {restore_keys:?} {paths:?} {lookup_only}")
        }
        Work::Chore(Chore::Report { kind, paths }) => format!("report {kind} {paths:?}"),
        Work::Chore(Chore::SaveCache { key, paths }) => format!("save {key} {paths:?}"),
    };
    let env = variables(step);
    let heading = if step.goes_on { "…".to_owned() } else { step.name.clone() };
    let parts = [heading, work, env.join(" "), step.notes.join("; ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | ")
}

/// What the runner is told, given how each thing ends; what is not given ends well.
#[track_caller]
pub fn carried_out(steps_text: &str, ends: &[StepOutcome]) -> String {
    let text = format!(
        "on: push\njobs:\n  a:\n    runs-on: linux\n    outputs: {{out: \"${{{{ steps.s.outputs.v }}}}\"}}\n    steps:\n{steps_text}"
    );
    told(&must_plan(WORKFLOW, &text), ends)
}

/// The same of a plan's first job.
#[track_caller]
pub fn told(plan: &Plan, ends: &[StepOutcome]) -> String {
    let mut source = steps(plan, &plan.jobs[0].name, &context()).unwrap();
    let (mut seen, mut ends, mut next) = (Vec::new(), ends.iter(), source.next(None, false));
    while let NextStep::Run(step) = &next {
        seen.push(words(step));
        let end = ends.next().cloned().unwrap_or_else(|| StepOutcome::exited(0));
        next = source.next(Some(&end), false);
        assert!(seen.len() < 100);
    }
    if let NextStep::Done { exit_code, outputs } = next {
        seen.push(format!("done {exit_code} {}", outputs.get("out").map_or("", String::as_str)));
    }
    seen.join("\n")
}

pub fn gives(outputs: &[(&str, &str)]) -> StepOutcome {
    let outputs = outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    StepOutcome { outputs, ..StepOutcome::exited(0) }
}

#[test]
fn a_checkout_is_there_from_the_beginning_and_says_which() {
    let seen = carried_out(
        "      - {id: s, uses: actions/checkout@v4, with: {fetch-depth: 0, token: x}}\n      - run: echo ${{ steps.s.outputs.commit }} ${{ steps.s.outputs.ref }} ${{ steps.s.outcome }}\n",
        &[],
    );
    let commit = "a".repeat(40);
    assert_eq!(
        seen,
        format!(
            "Run actions/checkout@v4 | nothing | the job has been in a checkout of {commit} from its beginning, with the whole history\nRun echo {commit} refs/heads/main success | script echo {commit} refs/heads/main success\ndone 0 "
        )
    );
}

#[test]
fn a_checkout_after_something_ran_makes_the_files_as_they_were() {
    let seen = carried_out("      - run: make\n      - uses: actions/checkout@v4\n", &[]);
    let script = seen.lines().nth(1).unwrap();
    assert!(script.contains("git clean -ffdxq; git reset --quiet --hard; git checkout --quiet --force 'main'"), "{seen}");
}

#[test]
fn another_ref_or_folder_is_checked_out_from_the_same_history() {
    let seen = carried_out("      - {uses: actions/checkout@v4, with: {ref: it's, path: sub}}\n", &[]);
    assert!(seen.contains("git clone --quiet --no-checkout \"$(git remote get-url origin)\" 'sub'; cd 'sub'; ref='it'\\''s'"), "{seen}");
    let seen =
        carried_out("      - {id: s, uses: actions/checkout@v4, with: {repository: \"${{ 'other/thing' }}\"}}\n      - run: two\n", &[]);
    assert!(seen.contains("##[error]the repository `other/thing` cannot be checked out"), "{seen}");
    assert!(seen.ends_with("done 1 "), "{seen}");
}

#[test]
fn a_cache_is_asked_for_and_kept_at_the_end_unless_it_was_there() {
    let steps = "      - {id: c, uses: actions/cache@v4, with: {path: \"a\\n b\", key: \"k-${{ github.ref_name }}\", restore-keys: k-}}\n      - run: \"hit=${{ steps.c.outputs.cache-hit }}\"\n";
    let restore = "Run actions/cache@v4 | restore k-main [\"k-\"] [\"a\", \"b\"] false";
    let exact = carried_out(steps, &[gives(&[("cache-matched-key", "k-main")])]);
    assert_eq!(exact, format!("{restore}\nRun hit=true | script hit=true\ndone 0 "));
    let near = carried_out(steps, &[gives(&[("cache-matched-key", "k-old")])]);
    assert_eq!(near, format!("{restore}\nRun hit=false | script hit=false\nPost actions/cache@v4 | save k-main [\"a\", \"b\"]\ndone 0 "));
    let miss = carried_out(steps, &[gives(&[("cache-matched-key", "")])]);
    assert_eq!(miss, format!("{restore}\nRun hit= | script hit=\nPost actions/cache@v4 | save k-main [\"a\", \"b\"]\ndone 0 "));
    let failed = carried_out(steps, &[gives(&[("cache-matched-key", "")]), StepOutcome::exited(2)]);
    assert_eq!(failed, format!("{restore}\nRun hit= | script hit=\ndone 2 "), "what a failed job left is not kept");
}

#[test]
fn a_cache_that_must_be_there_fails_its_step_and_its_halves_stand_alone() {
    let seen = carried_out("      - {uses: actions/cache/restore@v4, with: {path: a, key: k, fail-on-cache-miss: true}}\n", &[gives(&[])]);
    assert_eq!(
        seen,
        "Run actions/cache/restore@v4 | restore k [] [\"a\"] false\n… | nothing | ##[error]there is no cache of the key `k`, nor of another that was asked for\ndone 1 "
    );
    let seen = carried_out("      - {uses: actions/cache/save@v4, with: {path: a, key: k}}\n", &[]);
    assert_eq!(seen, "Run actions/cache/save@v4 | save k [\"a\"]\ndone 0 ");
}

#[test]
fn artifacts_are_kept_and_fetched_by_name_pattern_or_all() {
    let kept = [gives(&[("artifact-id", "12")])];
    let seen = carried_out(
        "      - {id: s, uses: actions/upload-artifact@v4, with: {name: n, path: dist}}\n      - run: ${{ steps.s.outputs.artifact-id }}\n",
        &kept,
    );
    assert_eq!(seen, "Run actions/upload-artifact@v4 | keep n [\"dist\"] false false\nRun 12 | script 12\ndone 0 ");
    for (with, expected) in [
        ("{name: n}", "fetch Name(\"n\") /builds/oran false"),
        ("{path: x, pattern: 'a-*', merge-multiple: true}", "fetch Pattern(\"a-*\") x true"),
        ("{}", "fetch All /builds/oran false"),
        ("{artifact-ids: '1, 2'}", "fetch Ids([\"1\", \"2\"]) /builds/oran false"),
    ] {
        let seen = carried_out(&format!("      - {{uses: actions/download-artifact@v4, with: {with}}}\n"), &[]);
        assert!(seen.contains(expected), "{seen}");
    }
}

#[test]
fn a_file_that_is_kept_as_it_is_has_its_own_name() {
    let seen = carried_out(
        "      - {uses: actions/upload-artifact@v7, with: {name: n, path: dist/a.whl, archive: false}}\n",
        &[gives(&[("artifact-id", "1")])],
    );
    assert!(seen.contains("keep a.whl [\"dist/a.whl\"]"), "{seen}");
    for (action, with, expected) in [
        ("upload-artifact@v7", "{path: 'dist/*', archive: false}", "without an archive there is one file, named whole"),
        ("upload-artifact@v7", "{path: a, name: 'a/b'}", "`a/b` cannot be an artifact's name"),
        ("download-artifact@v8", "{skip-decompress: true}", "`skip-decompress` is not carried out"),
    ] {
        let text = format!("on: push\njobs: {{a: {{runs-on: linux, steps: [{{uses: actions/{action}, with: {with}}}]}}}}");
        let told = problems(WORKFLOW, &text);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn an_artifact_without_files_is_what_the_step_says_it_is() {
    for (with, expected) in [
        ("", "… | nothing | ##[warning]no files were found at dist: no artifact is kept\ndone 0 "),
        (", if-no-files-found: ignore", "… | nothing | no files were found at dist: no artifact is kept\ndone 0 "),
        (", if-no-files-found: error", "… | nothing | ##[error]no files were found at dist: no artifact is kept\ndone 1 "),
    ] {
        let seen = carried_out(&format!("      - {{uses: actions/upload-artifact@v4, with: {{path: dist{with}}}}}\n"), &[]);
        assert_eq!(seen, format!("Run actions/upload-artifact@v4 | keep artifact [\"dist\"] false false\n{expected}"));
    }
}

#[test]
fn an_input_that_an_action_does_not_have_is_said_and_one_that_it_needs_is_an_error() {
    let seen = carried_out("      - {uses: actions/cache@v4, with: {path: a, key: k, pth: b}}\n", &[gives(&[("cache-matched-key", "k")])]);
    assert!(seen.contains("##[warning]actions/cache has no input `pth`; it has path, key"), "{seen}");
    let seen = carried_out("      - {uses: actions/cache@v4, with: {path: a}, continue-on-error: true}\n      - run: two\n", &[]);
    assert_eq!(seen, "Evaluate expressions | nothing | ##[error]the input `key` is missing\nRun two | script two\ndone 0 ");
}

#[test]
fn what_a_step_masked_is_a_secret_for_later_steps_and_leaves_by_no_output() {
    let outcome = StepOutcome { masks: vec![Secret::new("w0rd")], ..gives(&[("v", "a w0rd")]) };
    let seen = carried_out("      - {id: s, run: one}\n      - {run: two, env: {A: \"${{ steps.s.outputs.v }}\", B: b}}\n", &[outcome]);
    assert_eq!(seen, "Run one | script one\nRun two | script two | A=*** B=b\ndone 0 ");
}

#[test]
fn the_event_is_handed_on_whole() {
    let plan = must_plan(WORKFLOW, "on: push\njobs: {a: {runs-on: linux, steps: [{run: x}]}}");
    let event = steps(&plan, &plan.jobs[0].name, &context()).unwrap().event().unwrap();
    let event: serde_json::Value = serde_json::from_str(&event).unwrap();
    assert_eq!((&event["ref"], &event["repository"]["full_name"]), (&"refs/heads/main".into(), &"oran/oran".into()));
    let names: BTreeMap<String, serde_json::Value> = serde_json::from_value(event).unwrap();
    assert!(names.contains_key("after"));
}
