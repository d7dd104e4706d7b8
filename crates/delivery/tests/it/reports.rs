//! What report files of jobs become.

use std::sync::Arc;

use penstock_delivery::effects::carry_out;
use penstock_delivery::orders::{self, RunOrder};
use penstock_delivery::wanted::Effect;
use penstock_model::evidence::{Subject, Witness, predicate};
use penstock_model::job::{JobEnd, ReportFile};
use penstock_model::{CommitId, RunId};
use penstock_testkit::FakeRunner;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, user};

const CODE_QUALITY: &str = r#"[{"description": "too long", "check_name": "E501", "fingerprint": "1", "severity": "minor", "location": {"path": "a.py", "lines": {"begin": 2}}}]"#;
const SAST: &str = r#"{"version": "15.0.7", "scan": {"type": "sast", "status": "success", "scanner": {"id": "s", "name": "Semgrep", "version": "1.2"}},
    "vulnerabilities": [{"id": "1", "name": "eval", "severity": "High", "identifiers": [{"type": "r", "name": "r", "value": "no-eval"}], "location": {"file": "a.py", "start_line": 3}}]}"#;
const SARIF: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL"}}, "results": [{"ruleId": "js/xss", "message": {"text": "bad"}}]}]}"#;

/// A run of one job that leaves such reports: its commit.
async fn left(house: &mut House, reports: &[(&str, &str)]) -> CommitId {
    let mut files = Vec::new();
    for (kind, text) in reports {
        let digest = house.parts.blobs.put_bytes((*text).to_owned().into()).await.unwrap();
        files.push(ReportFile { kind: (*kind).to_owned(), path: format!("{kind}.report"), digest });
    }
    let runner = FakeRunner::default().leaving(move |_, report| report.reports.clone_from(&files));
    Arc::get_mut(&mut house.parts).unwrap().runner = Arc::new(runner);
    let commit = house.git.push(&oran().into(), "main", &[(".gitlab-ci.yml", Some("test:\n  script: make\n"))], "ada", "change");
    let run = orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/main", &commit).await.unwrap().unwrap();
    for which in [|effect: &Effect| matches!(effect, Effect::Plan { .. }), |effect: &Effect| matches!(effect, Effect::Job { .. })] {
        for effect in house.wanted(which) {
            carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }
    let world = house.world();
    let report = world.runs[&run].times[&"test".parse().unwrap()].report.clone().unwrap();
    assert_eq!((report.end, report.reports.len()), (JobEnd::Exited { code: 0 }, reports.len()));
    commit
}

#[tokio::test]
async fn what_a_jobs_own_scanners_found_is_reported_on_the_commit() {
    let mut house = House::new().await;
    let commit = left(&mut house, &[("codequality", CODE_QUALITY), ("sast", SAST), ("sarif", SARIF), ("metrics", "{}")]).await;
    let world = house.world();
    let said = &world.evidence[&oran()].by_subject[&Subject::Commit(commit)];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = said.iter().map(|said| {
        assert_eq!((said.predicate_type.as_str(), said.witness, said.name.as_str()), (predicate::FINDINGS, Witness::Reported, "test"));
        let of = |pointer: &str| text(said.predicate.pointer(pointer).unwrap());
        (of("/scanner/name"), of("/scanner/version"), of("/findings/0/rule"), of("/findings/0/level"))
    });
    let wanted =
        [("codequality", "", "E501", "note"), ("sast", "Semgrep 1.2", "no-eval", "error"), ("sarif", "CodeQL", "js/xss", "warning")];
    let wanted = wanted.map(|(name, version, rule, level)| (name.to_owned(), version.to_owned(), rule.to_owned(), level.to_owned()));
    assert_eq!(found.collect::<Vec<_>>(), wanted);
}

/// A `JUnit` file: which tests pass, and which fail.
fn junit(passed: &[&str], failed: &[&str]) -> String {
    let passed = passed.iter().map(|name| format!("<testcase name='{name}' time='0.5'/>"));
    let failed = failed.iter().map(|name| format!("<testcase name='{name}' time='0.5'><failure message='no'/></testcase>"));
    format!("<testsuite>{}</testsuite>", passed.chain(failed).collect::<String>())
}

/// Pushes a change; gives its run.
async fn pushed(house: &House, title: &str) -> RunId {
    let files = [(".gitlab-ci.yml", Some("test:\n  script: make\n")), ("CHANGES", Some(title))];
    let commit = house.git.push(&oran().into(), "main", &files, "ada", title);
    orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/main", &commit).await.unwrap().unwrap()
}

/// Carries out what is to be done, the job leaving such tests.
async fn tested(house: &mut House, report: &str) {
    let digest = house.parts.blobs.put_bytes(report.to_owned().into()).await.unwrap();
    let file = ReportFile { kind: "junit".to_owned(), path: "r.xml".to_owned(), digest };
    let runner = FakeRunner::default().leaving(move |_, report| report.reports = vec![file.clone()]);
    Arc::get_mut(&mut house.parts).unwrap().runner = Arc::new(runner);
    for which in [|effect: &Effect| matches!(effect, Effect::Plan { .. }), |effect: &Effect| matches!(effect, Effect::Job { .. })] {
        for effect in house.wanted(which) {
            carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }
}

fn flaky(house: &House) -> Vec<(String, u32)> {
    house.world().projects[&oran()].flaky.iter().map(|(test, seen)| (test.clone(), seen.times)).collect()
}

#[tokio::test]
async fn a_test_that_ends_otherwise_at_the_same_commit_is_flaky_whichever_came_first() {
    let mut house = House::new().await;
    let run = pushed(&house, "change").await;
    tested(&mut house, &junit(&["steady", "first-good"], &["first-bad", "broken"])).await;
    assert_eq!(flaky(&house), []);
    orders::order_run(&house.parts, &user("ada"), &run, RunOrder::Retry("test".parse().unwrap())).await.unwrap();
    tested(&mut house, &junit(&["steady", "first-bad"], &["first-good", "broken"])).await;
    assert_eq!(flaky(&house), [("first-bad".to_owned(), 1), ("first-good".to_owned(), 1)]);
    let world = house.world();
    let attempts = &world.runs[&run].tests[&"test".parse().unwrap()];
    let figures: Vec<_> =
        attempts.iter().map(|tested| (tested.attempt, tested.totals.passed, tested.totals.failed, tested.totals.millis)).collect();
    assert_eq!(figures, [(1, 2, 2, 2_000), (2, 2, 2, 2_000)]);
}

#[tokio::test]
async fn a_test_that_a_commit_repairs_is_not_flaky() {
    let mut house = House::new().await;
    pushed(&house, "break").await;
    tested(&mut house, &junit(&[], &["broken"])).await;
    pushed(&house, "repair").await;
    tested(&mut house, &junit(&["broken"], &[])).await;
    assert_eq!(flaky(&house), []);
    assert_eq!(house.world().runs.values().map(|run| run.tests.len()).sum::<usize>(), 2, "both were read");
}
