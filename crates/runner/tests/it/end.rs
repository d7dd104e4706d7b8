//! How jobs end, and that nothing of them is left.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use penstock_model::job::{JobEnd, JobRunner};
use tokio_util::sync::CancellationToken;

use crate::support::{House, Job, Log, alive, marker, step, until};

/// A process that has left its group and session and ignores SIGTERM.
fn escapee(marker: &str) -> String {
    format!(
        "setsid bash -c \"trap '' TERM; while :; do sleep 1; done # {marker}\" & until pgrep -f 'sleep 1' >/dev/null; do sleep 0.02; done"
    )
}

#[tokio::test]
async fn nothing_outlives_its_job() {
    let (house, marker) = (House::new(), marker());
    let (report, log) = house.run(Job::new(&format!("{}; pgrep -f {marker} | wc -l", escapee(&marker)))).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.err());
    assert_ne!(log.out(), "0\n", "the test's own process never ran");
    assert_eq!(alive(&marker), [] as [i32; 0]);
}

#[tokio::test]
async fn a_cancelled_job_is_ended_after_a_grace_and_cleans_up() {
    let (house, marker, log, cancel) = (House::new(), marker(), Log::default(), CancellationToken::new());
    let job = Job::new(&format!("{}; trap '' TERM; echo ready; while :; do sleep 1; done", escapee(&marker)))
        .then("echo never")
        .at_last("echo cleaned");
    let running = house.start(job, &log, &cancel);
    let cancelling = async {
        until("the job runs", || log.out().contains("ready")).await;
        cancel.cancel();
        Instant::now()
    };
    let (report, cancelled) = tokio::join!(running, cancelling);
    assert_eq!(report.unwrap().end, JobEnd::Cancelled);
    assert!(cancelled.elapsed() < Duration::from_secs(20), "{:?}", cancelled.elapsed());
    assert_eq!(log.out(), "ready\ncleaned\n");
    assert_eq!(alive(&marker), [] as [i32; 0]);
}

#[tokio::test]
async fn a_job_over_its_time_is_ended_at_once_if_it_listens() {
    let (house, marker) = (House::new(), marker());
    let started = Instant::now();
    let job =
        Job::new(&format!("sleep 100 & : {marker}; wait")).at_last("echo cleaned").with(|spec| spec.timeout = Duration::from_millis(300));
    let (report, log) = house.run(job).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::TimedOut, "cleaned\n"));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(log.notes().contains("the job's time limit"), "{}", log.notes());
}

#[tokio::test]
async fn a_step_is_told_apart_by_what_ended_it() {
    let job = Job::new("sleep 100").at_last("true").with(|spec| spec.timeout = Duration::from_millis(300));
    let seen = job.steps.seen.clone();
    House::new().run(job).await;
    let ends: Vec<_> = seen.lock().unwrap().iter().map(|outcome| (outcome.exit_code, outcome.timed_out)).collect();
    assert_eq!(ends, [(None, true), (Some(0), false)]);
}

#[tokio::test]
async fn a_step_over_its_time_fails_and_the_job_goes_on() {
    let house = House::new();
    let mut job = Job::new("true").at_last("echo after");
    let mut slow = step("sleep 100");
    slow.timeout = Some(Duration::from_millis(200));
    job.steps.steps.push_back(slow);
    let seen = job.steps.seen.clone();
    let (report, log) = house.run(job).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 1 }, "after\n"));
    assert_eq!(seen.lock().unwrap()[1].exit_code, None);
}

#[tokio::test]
async fn a_job_cancelled_while_it_waits_for_a_cache_ends_at_once() {
    use penstock_model::job::{CachePolicy, CacheSpec};
    let house = House::new();
    let cached = |job: Job| {
        job.with(|spec| {
            spec.caches =
                vec![CacheSpec { key: "k".into(), paths: vec!["c".into()], policy: CachePolicy::PullPush, ..CacheSpec::default() }];
        })
    };
    let (first_log, log, cancel) = (Log::default(), Log::default(), CancellationToken::new());
    let never = CancellationToken::new();
    let first = house.start(cached(Job::new("echo in; sleep 2")), &first_log, &never);
    let second = async {
        until("the first is in", || first_log.out() == "in\n").await;
        let running = house.start(cached(Job::new("echo no")), &log, &cancel);
        let cancelling = async {
            until("the second waits", || log.notes().contains("waiting for the cache `k`")).await;
            cancel.cancel();
        };
        tokio::join!(running, cancelling).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.unwrap().end, second.unwrap().end), (JobEnd::Exited { code: 0 }, JobEnd::Cancelled));
    assert_eq!(log.out(), "");
}

#[tokio::test]
async fn a_sandbox_that_is_killed_is_not_the_jobs_fault() {
    let (house, log) = (House::new(), Log::default());
    let never = CancellationToken::new();
    let running = house.start(Job::new("echo in; sleep 100"), &log, &never);
    let killing = async {
        until("the job runs", || log.out() == "in\n").await;
        for pid in alive(&format!("test-{}", house.dir.path().display())) {
            Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status().unwrap();
        }
    };
    let (report, ()) = tokio::join!(running, killing);
    assert!(matches!(report.unwrap().end, JobEnd::SystemFailure { .. }));
}

const CHILD: &str = "PENSTOCK_TEST_SERVER_THAT_DIES";

/// Does nothing unless the test below starts it as a process of its own.
#[tokio::test]
async fn in_a_server_that_dies() {
    let Ok(marker) = std::env::var(CHILD) else { return };
    let house = House::new();
    println!("DIR {}", house.dir.path().display());
    let _ = house.run(Job::new(&format!("{}; sleep 1000", escapee(&marker)))).await;
}

struct Server {
    child: std::process::Child,
    dir: std::path::PathBuf,
}

fn server(marker: &str) -> Server {
    use std::io::BufRead;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "end::in_a_server_that_dies", "--nocapture"])
        .env(CHILD, marker)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let dir = lines.map_while(Result::ok).find_map(|line| line.split_once("DIR ").map(|(_, dir)| dir.into())).unwrap();
    Server { child, dir }
}

impl Server {
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[tokio::test]
async fn the_death_of_the_server_ends_its_jobs() {
    let marker = marker();
    let mut server = server(&marker);
    until("the job runs", || !alive(&marker).is_empty()).await;
    server.kill();
    until("the job is gone", || alive(&marker).is_empty()).await;
}

#[tokio::test]
async fn what_a_dead_server_left_is_ended_before_the_next_attempt() {
    let (house, marker) = (House::new(), marker());
    let mut server = server(&marker);
    let instance = format!("test-{}", server.dir.display());
    until("the job runs", || !alive(&marker).is_empty()).await;
    // stopped, they do not notice that the server dies
    let left = alive(&instance);
    for pid in &left {
        Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
    }
    server.kill();
    assert!(!alive(&marker).is_empty());
    assert_eq!(house.runner.end_orphans().await.unwrap(), 0, "what another instance left is not ours");
    let mut settings = crate::support::settings(&server.dir);
    settings.dir = server.dir.join("data/runner");
    let hands = penstock_runner::Hands {
        git: house.git.clone(),
        blobs: house.blobs.clone(),
        containers: None,
        clock: std::sync::Arc::new(penstock_model::clock::SystemClock),
    };
    std::fs::create_dir_all(server.dir.join("data/runner/gone/an-attempt-that-had-ended/home")).unwrap();
    let next = penstock_runner::Runner::new(settings, hands, server.dir.join("tools"), std::collections::BTreeMap::new()).unwrap();
    let ended = next.end_orphans().await.unwrap();
    assert!((1..=2).contains(&ended), "{ended}: the job's sandbox, and one that may have waited for the next job");
    assert_eq!(alive(&marker), [] as [i32; 0]);
    assert!(alive(&instance).iter().all(|pid| !left.contains(pid)));
    for name in ["scratch", "gone"] {
        assert_eq!(std::fs::read_dir(server.dir.join("data/runner").join(name)).unwrap().count(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_job_leaves_no_mount_and_no_directory_of_its_own() {
    let house = House::new();
    house.run(Job::new("dd if=/dev/zero of=/tmp/x bs=1k count=1; mkdir -p ~/a/b")).await;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(house.dir.path().to_str().unwrap()));
    assert_eq!(std::fs::read_dir(house.dir.path().join("data/runner/scratch")).unwrap().count(), 0);
    until("its directories are removed", || std::fs::read_dir(house.dir.path().join("data/runner/gone")).unwrap().count() == 0).await;
}
