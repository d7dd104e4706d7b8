//! What a workflow's steps say by commands in their output and by files.

use penstock_model::blob::BlobStore;
use penstock_model::job::{AnnotationLevel, JobEnd};

use crate::support::{House, Job};

#[tokio::test]
async fn a_text_that_a_step_masks_is_seen_nowhere_after_it() {
    let house = House::new();
    let script = "w=$(printf s3cr3t-%s word); echo \"::add-mask::$w\"; printf s3cr3t; sleep 0.5; printf -- '-word\\n'; sleep 0.5; echo \"err $w\" >&2; echo \"::warning::$w\"; echo \"sum $w\" >> $GITHUB_STEP_SUMMARY";
    let job = Job::workflow(script).then("printf s3cr3t-; echo word; printf s3cr3t-word | base64");
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
    assert!(log.out().starts_with("[MASKED]\n##[warning][MASKED]\n[MASKED]\n[MASKED]"), "{}", log.out());
    assert_eq!(log.err(), "err [MASKED]\n");
    assert_eq!(report.annotations[0].message, "[MASKED]");
    let summary = house.blobs.get_bytes(report.reports[0].digest, 1024).await.unwrap();
    assert_eq!((report.reports[0].kind.as_str(), &*summary), ("summary", b"sum [MASKED]\n".as_slice()));
    assert!(log.notes().contains("summary:\nsum [MASKED]"), "{}", log.notes());
}

#[tokio::test]
async fn commands_are_carried_out_and_shown_as_github_shows_them() {
    let house = House::new();
    let script = "echo '::group::first'; echo inside; echo '  ::error file=src/a.txt,line=2,title=T::it%0Afails'; echo '::endgroup::'; echo '::set-output name=o::1'; echo '::save-state name=s::2'; echo '::debug::hidden'; echo '::nothing::text'; printf '::notice::last'";
    let job = Job::workflow(script);
    let seen = job.steps.seen.clone();
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    assert_eq!(log.out(), "##[group]first\ninside\n##[error]it\nfails\n##[endgroup]\n::nothing::text\n##[notice]last\n");
    let annotations: Vec<_> = report.annotations.iter().map(|one| (one.level, &*one.message, one.file.as_deref(), one.line)).collect();
    assert_eq!(
        annotations,
        [(AnnotationLevel::Error, "it\nfails", Some("src/a.txt"), Some(2)), (AnnotationLevel::Notice, "last", None, None)]
    );
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].outputs["o"].as_str(), seen[0].state["s"].as_str()), ("1", "2"));
}

#[tokio::test]
async fn a_job_that_is_no_workflows_says_what_it_likes() {
    let house = House::new();
    let (report, log) =
        house.run(Job::new("echo '::error::x'; echo '::add-mask::x'; echo ${GITHUB_EVENT_PATH:-none} ${GITHUB_ENV:-none}")).await;
    assert_eq!((log.out().as_str(), report.annotations.len()), ("::error::x\n::add-mask::x\nnone none\n", 0));
}

#[tokio::test]
async fn a_command_that_cannot_be_carried_out_fails_its_step() {
    let house = House::new();
    let (report, log) = house.run(Job::workflow("echo '::set-env name=A::b'").then("echo not reached")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 1 });
    assert!(log.out().contains("##[error]the command `::set-env name=A::b` cannot be carried out"), "{}", log.out());
    let job = Job::workflow("echo '::set-env name=A::b'; echo '::add-path::/x/y'").then("echo $A; echo ${PATH%%:*}");
    let (report, log) = house.run(job.env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true")).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "b\n/x/y\n"));
}

#[tokio::test]
async fn a_problem_matcher_of_the_checkout_finds_faults_in_what_later_steps_print() {
    let house = House::new();
    let pattern =
        r#"{"regexp": "^(.+):(\\d+):(\\d+): (warning|error): (.+)$", "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5}"#;
    let matcher = format!(r#"{{"problemMatcher": [{{"owner": "cc", "pattern": [{pattern}]}}]}}"#);
    house.git.0.lock().unwrap().insert(".github/cc.json".into(), matcher);
    let job = Job::workflow("echo '::add-matcher::.github/cc.json'")
        .then("echo \"$PWD/src/a.c:3:7: warning: unused\"; echo '::remove-matcher owner=cc::'")
        .then("echo 'b.c:1:1: error: nobody looks'");
    let (report, log) = house.run(job).await;
    assert_eq!(report.annotations.len(), 1, "{}", log.out());
    let one = &report.annotations[0];
    assert_eq!((one.level, one.file.as_deref(), one.line, one.column), (AnnotationLevel::Warning, Some("src/a.c"), Some(3), Some(7)));
    assert_eq!(one.message, "unused");
    let (report, log) = house.run(Job::workflow("echo ::add-matcher::/etc/passwd")).await;
    assert!(report.end == JobEnd::Exited { code: 1 } && log.out().contains("`/etc/passwd` is no file of the job"), "{}", log.out());
}

#[tokio::test]
async fn a_step_finds_the_event_and_keeps_state_and_cannot_change_how_node_starts() {
    let house = House::new();
    let script =
        "cat $GITHUB_EVENT_PATH; echo; echo k=v >> $GITHUB_STATE; echo NODE_OPTIONS=--inspect >> $GITHUB_ENV; echo B=c >> $GITHUB_ENV";
    let job = Job::workflow(script).then("echo ${NODE_OPTIONS:-unset} $B; echo x >> $GITHUB_EVENT_PATH");
    let seen = job.steps.seen.clone();
    let (report, log) = house.run(job).await;
    let expected = "{\"ref\":\"refs/heads/main\"}\nunset c\n";
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 1 }, expected), "{}", log.err());
    assert_eq!(seen.lock().unwrap()[0].state["k"], "v");
    assert!(log.notes().contains("NODE_OPTIONS cannot be set"), "{}", log.notes());
}
