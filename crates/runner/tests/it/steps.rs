//! What a job finds, and how its steps follow one another.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::job::{EnvValue, JobEnd, Shell, StepSpec, variable_file};

use tokio_util::sync::CancellationToken;

use crate::support::{House, Job, Log, step};

#[tokio::test]
async fn a_job_runs_in_its_checkout_with_its_variables() {
    let house = House::new();
    house.git.0.lock().unwrap().insert("src/a.txt".into(), "hello".into());
    let (report, log) = house
        .run(Job::new("pwd; cat src/a.txt; echo; echo \"$GREETING\"; touch new; whoami; echo $HOME; echo ~").env("GREETING", "a b"))
        .await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.err());
    assert_eq!(log.out(), "/builds/shop\nhello\na b\njob\n/home/job\n/home/job\n");
}

#[tokio::test]
async fn the_file_of_a_variable_is_the_jobs_own_and_goes_with_it() {
    let house = House::new();
    let path = variable_file("KEY");
    let mut job = Job::new(&format!("cat {path}; stat -c '%a %U' {path}; chmod 400 {path}; rm {path}; ls /penstock/files/variables"));
    job.spec.files.insert("KEY".to_owned(), Secret::new("one\ntwo\n"));
    job.spec.masks.push(Secret::new("two"));
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.err());
    assert_eq!(log.out(), "one\n[MASKED]\n600 job\n");
    let left: Vec<_> = std::fs::read_dir(house.dir.path().join("data/runner/scratch")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let mut outside = Job::new("true");
    outside.spec.files.insert("../KEY".to_owned(), Secret::new("x"));
    assert!(house.start(outside, &Log::default(), &CancellationToken::new()).await.is_err(), "no name leads elsewhere");
}

#[tokio::test]
async fn a_step_that_fails_ends_the_job_with_its_code() {
    let house = House::new();
    let (report, log) = house.run(Job::new("false | true; echo not here").then("echo nor here")).await;
    assert_eq!((report.end, log.out()), (JobEnd::Exited { code: 1 }, String::new()));
    let (report, _) = house.run(Job::new("exit 42")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 42 });
}

#[tokio::test]
async fn a_script_may_hold_anything_and_other_shells_read_theirs() {
    let house = House::new();
    let mut job = Job::new("cat <<'EOF'\n'\"$(x) `y` \\\nEOF\n");
    let script = |text: &str, shell| StepSpec::script("a step", text, shell);
    let python = script("import sys\nprint(sys.argv, 'p')\n", Shell::Python);
    let sh = script("echo \"$0\"", Shell::Sh);
    job.steps.steps.extend([python, sh]);
    let (_, log) = house.run(job).await;
    assert_eq!(log.out(), "'\"$(x) `y` \\\n['/penstock/scripts/step-1'] p\n/penstock/scripts/step-2\n", "{}", log.err());
}

#[tokio::test]
async fn steps_speak_to_later_ones_by_their_files() {
    let house = House::new();
    let job = Job::workflow("echo word=hi >> $GITHUB_OUTPUT; printf 'A<<E\\n1\\n2\\nE\\n' >> $GITHUB_ENV; mkdir bin; echo 'echo from bin' > bin/mine; chmod +x bin/mine; echo $PWD/bin >> $GITHUB_PATH")
        .then("echo \"$A\"; mine");
    let seen = job.steps.seen.clone();
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
    assert_eq!(log.out(), "1\n2\nfrom bin\n");
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].outputs["word"].as_str(), seen[0].env["A"].as_str(), seen[0].path.len()), ("hi", "1\n2", 1));
}

#[tokio::test]
async fn a_step_has_files_of_its_own_once_somebody_wrote_or_still_could() {
    let house = House::new();
    let job = Job::workflow("echo $GITHUB_STATE")
        .then("echo $GITHUB_STATE; sleep 60 >/dev/null 2>&1 3>>$GITHUB_OUTPUT & echo $! > pid")
        .then("echo $GITHUB_STATE; kill $(cat pid); chmod 000 $GITHUB_ENV")
        .then("echo $GITHUB_STATE; echo a=b >> $GITHUB_STATE")
        .then("echo $GITHUB_STATE; cat $GITHUB_STATE $GITHUB_ENV");
    let seen = job.steps.seen.clone();
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.err());
    assert_eq!(log.out(), [0, 0, 2, 3, 4].map(|of| format!("/penstock/files/GITHUB_STATE-{of}\n")).concat());
    assert_eq!(seen.lock().unwrap()[3].state["a"], "b");
}

#[tokio::test]
async fn a_malformed_file_fails_the_step_and_is_told() {
    let house = House::new();
    let (report, log) = house.run(Job::workflow("echo nonsense >> $GITHUB_OUTPUT")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 1 });
    assert!(log.notes().contains("GITHUB_OUTPUT, line 1"), "{}", log.notes());
}

#[tokio::test]
async fn a_steps_own_variables_and_directory_are_its_own() {
    let house = House::new();
    house.git.0.lock().unwrap().insert("sub/x".into(), String::new());
    let mut inner = step("pwd; echo $A");
    inner.working_directory = Some("sub".into());
    inner.env = BTreeMap::from([("A".into(), EnvValue::Plain("step".into()))]);
    let mut job = Job::new("echo $A").env("A", "job");
    job.steps.steps.push_back(inner);
    let (_, log) = house.run(job).await;
    assert_eq!(log.out(), "job\n/builds/shop/sub\nstep\n");
}

#[tokio::test]
async fn a_step_may_work_wherever_its_user_may_go_and_a_missing_directory_is_named() {
    let house = House::new();
    house.git.0.lock().unwrap().insert("sub/x".into(), String::new());
    for (directory, expected) in
        [("/tmp", "/tmp\n"), ("/builds/shop", "/builds/shop\n"), ("/builds/shop/sub", "/builds/shop/sub\n"), ("./sub/..", "/builds/shop\n")]
    {
        let mut job = Job::new("pwd -P");
        job.steps.steps[0].working_directory = Some(directory.into());
        assert_eq!(house.run(job).await.1.out(), expected, "{directory}");
    }
    let mut job = Job::new("pwd");
    job.steps.steps[0].working_directory = Some("nowhere".into());
    let (report, log) = house.run(job.at_last("echo cleaned up")).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 127 }, "cleaned up\n"));
    assert!(log.notes().contains("/builds/shop/nowhere: No such file"), "{}", log.notes());
}

#[tokio::test]
async fn what_is_written_at_a_steps_end_stands_before_the_next_one() {
    let house = House::new();
    let (_, log) = house.run(Job::new("echo one; printf two").then("echo three")).await;
    let lines = log.pieces().into_iter().map(|line| line.text).skip_while(|text| !text.starts_with("step"));
    let texts: Vec<String> = lines.filter(|text| !text.starts_with("exit code")).collect();
    assert_eq!(texts, ["step: a step", "one", "two", "step: a step", "three"]);
}

#[tokio::test]
async fn two_attempts_of_a_job_at_once_do_not_share_a_checkout() {
    let house = House::new();
    let script = "test ! -e mine; touch mine; sleep 0.3";
    let ((one, _), (two, _)) = tokio::join!(house.run(Job::new(script)), house.run(Job::new(script)));
    assert_eq!((one.end, two.end), (JobEnd::Exited { code: 0 }, JobEnd::Exited { code: 0 }));
}

#[tokio::test]
async fn the_time_of_a_jobs_own_processes_is_told() {
    let house = House::new();
    let (report, _) = house.run(Job::new("sleep 0.3").with(|spec| spec.timeout = Duration::from_secs(5))).await;
    assert!((300..3_000).contains(&report.busy_ms), "{}", report.busy_ms);
}
