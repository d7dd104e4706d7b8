//! What planning costs: `cargo bench -p penstock-pipeline`. Medians and 95th percentiles.

#![allow(clippy::expect_used, clippy::disallowed_methods, missing_docs, reason = "a bench")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use penstock_pipeline::{Dialect, Library, PushEvent, Source, WorkflowContexts, eval_gitlab, plan};

/// How often each is measured.
const ROUNDS: usize = 50;
/// How often a short one is carried out in a round.
const REPEATED: u32 = 2_000;
/// How many jobs the large file has.
const JOBS: usize = 1_000;

fn event() -> PushEvent {
    let files: Vec<String> = (0..1_000).map(|n| format!("src/part{n}/main.rs")).collect();
    let json = serde_json::json!({
        "project": "oran", "repository": "oran", "reference": "refs/heads/main", "commit": "a".repeat(40), "before": "b".repeat(40),
        "default_branch": "main", "message": "Add a thing", "pusher": "ada", "changed": ["src/part7/main.rs"], "files": files,
        "variables": {"LEVEL": "3"}, "server_url": "http://127.0.0.1", "registry": "127.0.0.1",
    });
    serde_json::from_value(json).expect("the event is whole")
}

/// A file as large projects have them: templates, needs beside stages, rules, variables.
fn gitlab() -> String {
    let mut out = "stages: [build, test, deploy]\nvariables: {REGION: eu, IMAGE: $CI_REGISTRY_IMAGE/app}\n.job:\n  retry: 1\n  \
                   before_script: [echo begin]\n  rules:\n    - if: $CI_COMMIT_BRANCH == \"main\" || $CI_COMMIT_TAG =~ /^v\\d+/\n    - when: manual\n"
        .to_owned();
    for n in 0..JOBS {
        let stage = ["build", "test", "deploy"][n % 3];
        let needs = if n % 3 > 0 { format!("\n  needs: [job-{}]", n - 1) } else { String::new() };
        let _ = write!(
            out,
            "job-{n}:\n  extends: .job\n  stage: {stage}{needs}\n  variables: {{PART: part{n}, PLACE: $REGION/$PART}}\n  \
             script:\n    - make $PART\n    - echo \"$PLACE of $CI_COMMIT_SHORT_SHA\"\n  artifacts: {{paths: [out/$PART]}}\n"
        );
    }
    out
}

fn workflow() -> String {
    let mut out = "on: push\nenv: {REGION: eu}\njobs:\n".to_owned();
    for n in 0..JOBS {
        let needs = if n % 3 > 0 { format!("needs: job-{}", n - 1) } else { "env: {A: b}".to_owned() };
        let _ = write!(
            out,
            "  job-{n}:\n    runs-on: ubuntu-latest\n    {needs}\n    if: github.ref == 'refs/heads/main' && github.event_name == 'push'\n    \
             steps:\n      - uses: actions/checkout@v4\n      - name: Make ${{{{ github.sha }}}}\n        run: |\n          make part{n}\n          \
             echo \"${{{{ env.REGION }}}}\"\n        env: {{PART: 'part{n}'}}\n"
        );
    }
    out
}

fn measured(name: &str, bound: Duration, repeated: u32, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..=ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            (0..repeated).for_each(|_| work());
            begun.elapsed() / repeated
        })
        .skip(1)
        .collect();
    times.sort();
    let (median, p95) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
    println!("{name:<52} median {median:>10.1?}  p95 {p95:>10.1?}  (at most {bound:?})");
}

fn main() {
    // `cargo test --benches` passes no `--bench`: nothing is measured then
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let contexts = serde_json::json!({"github": {"ref": "refs/heads/main", "event_name": "push", "event": {"labels": [{"name": "bug"}]}}});
    let contexts = WorkflowContexts::new(contexts.as_object().expect("a mapping"), None);
    let little = Duration::from_micros(2);
    for expression in [
        "github.ref == 'refs/heads/main' && github.event_name == 'push'",
        "contains(github.event.labels.*.name, 'bug')",
        "format('{0}-{1}', github.ref, github.event_name)",
    ] {
        measured(expression, little, REPEATED, || drop(black_box(contexts.eval(black_box(expression)))));
    }
    let variables: BTreeMap<String, Option<String>> =
        [("CI_COMMIT_BRANCH", "main"), ("A", "")].map(|(k, v)| (k.to_owned(), Some(v.to_owned()))).into();
    for condition in ["$CI_COMMIT_BRANCH == \"main\" && $A != null", "$CI_COMMIT_BRANCH == \"main\" || ($A && $CI_COMMIT_TAG)"] {
        measured(condition, little, REPEATED, || drop(black_box(eval_gitlab(black_box(condition), &variables))));
    }
    let (event, library) = (event(), Library::new());
    for (dialect, path, text) in
        [(Dialect::GitlabCi, ".gitlab-ci.yml", gitlab()), (Dialect::GithubWorkflow, ".github/workflows/ci.yml", workflow())]
    {
        let planned = plan(dialect, &Source { path, text: &text }, &event, &library).expect("the file is sound");
        let name = format!("{path}: {} jobs of {} KiB", planned.jobs.len(), text.len() >> 10);
        measured(&name, Duration::from_millis(50), 1, || {
            drop(black_box(plan(dialect, &Source { path, text: &text }, &event, &library)));
        });
    }
}
