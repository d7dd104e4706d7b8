//! What of a job's output comes into the log, and how.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::Secret;
use penstock_model::blob::{BlobError, Channel, LogLine, LogSink};
use penstock_model::job::{JobEnd, JobRunner};
use tokio_util::sync::CancellationToken;

use crate::support::{House, Job, Log, until};

#[tokio::test]
async fn a_secret_is_masked_however_it_is_written() {
    let house = House::new();
    let script = "echo whole $TOKEN; printf 'cut %s' ${TOKEN:0:5}; sleep 0.4; echo ${TOKEN:5}; echo -n $TOKEN | base64; echo err $TOKEN >&2; echo $OTHER";
    let job = Job::new(script)
        .secret("TOKEN", "tok-12345678")
        .env("OTHER", "job-token-9")
        .with(|spec| spec.masks.push(Secret::new("job-token-9")));
    let (_, log) = house.run(job).await;
    assert_eq!(log.out(), "whole [MASKED]\ncut [MASKED]\n[MASKED]\n[MASKED]\n");
    assert_eq!(log.err(), "err [MASKED]\n");
}

#[tokio::test]
async fn standard_output_and_error_are_told_apart_and_stamped() {
    let house = House::new();
    let (_, log) = house.run(Job::new("echo a; echo b >&2")).await;
    let pieces = log.pieces();
    assert!(pieces.iter().any(|line| line.channel == Channel::Out && line.text == "a" && line.at.0 > 0));
    assert!(pieces.iter().any(|line| line.channel == Channel::Err && line.text == "b"));
}

#[tokio::test]
async fn a_line_that_waits_for_its_end_is_shown_meanwhile() {
    let (house, log) = (House::new(), Log::default());
    let never = CancellationToken::new();
    let running = house.start(Job::new("printf 'working '; sleep 1.5; echo done"), &log, &never);
    let looking = async {
        until("the beginning is there", || log.out() == "working ").await;
    };
    let (report, ()) = tokio::join!(running, looking);
    assert_eq!((report.unwrap().end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "working done\n"));
}

/// Keeps no text, so that the memory that is used is the runner's.
#[derive(Default)]
struct Counter {
    bytes: AtomicU64,
    longest: AtomicU64,
    ends: AtomicU64,
}

#[async_trait]
impl LogSink for Counter {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        for line in lines.iter().filter(|line| line.channel == Channel::Out) {
            self.bytes.fetch_add(line.text.len() as u64, Ordering::Relaxed);
            self.longest.fetch_max(line.text.len() as u64, Ordering::Relaxed);
            self.ends.fetch_add(u64::from(line.ends), Ordering::Relaxed);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_line_of_200_mb_comes_whole_and_in_pieces() {
    let (house, counter) = (House::new(), Arc::new(Counter::default()));
    let before = resident();
    let job =
        Job::new("head -c 200000000 /dev/zero | tr '\\0' x").secret("S", "not-in-there").with(|spec| spec.timeout = Duration::from_mins(5));
    let report = house.runner.run(job.spec, Box::new(job.steps), counter.clone(), CancellationToken::new()).await.unwrap();
    assert_eq!(report.end, JobEnd::Exited { code: 0 });
    assert_eq!(counter.bytes.load(Ordering::Relaxed), 200_000_000);
    assert_eq!(counter.longest.load(Ordering::Relaxed), LogLine::MAX as u64);
    assert_eq!(counter.ends.load(Ordering::Relaxed), 1);
    assert!(resident().saturating_sub(before) < 100_000, "{before} kB before, {} kB after", resident());
}

/// The most memory that this process has ever had, in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").parse().unwrap()
}

/// A disk that is full.
struct Full;

#[async_trait]
impl LogSink for Full {
    async fn write(&self, _: Vec<LogLine>) -> Result<(), BlobError> {
        Err(BlobError::Io { what: "writing the log".to_owned(), source: std::io::ErrorKind::StorageFull.into() })
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_written_fails_the_job_and_says_why() {
    let house = House::new();
    let job = Job::new("echo a");
    let report = house.runner.run(job.spec, Box::new(job.steps), Arc::new(Full), CancellationToken::new()).await.unwrap();
    assert!(matches!(report.end, JobEnd::SystemFailure { why } if why.contains("no storage space")));
}
