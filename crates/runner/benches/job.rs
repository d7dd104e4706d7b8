//! What a job costs besides its own work: `cargo bench -p penstock-runner`.

#[path = "../tests/it/support.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "shared with the tests, which use all of it")]
mod support;

use std::time::{Duration, Instant};

use penstock_testkit::median;
use support::{House, Job};

const ROUNDS: usize = 30;

fn main() {
    // `cargo test --benches` passes no `--bench`: nothing is measured then
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let house = House::new();
    let (mut over, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let (report, _) = runtime.block_on(house.run(Job::new("true")));
        over.push(started.elapsed().saturating_sub(Duration::from_millis(report.busy_ms)));
        let started = Instant::now();
        std::process::Command::new("/bin/bash").args(["--norc", "-e", "-c", "true"]).status().expect("bash starts");
        bare.push(started.elapsed());
    }
    println!("a job of one step, besides the step: median {:?} of {ROUNDS}", median(over));
    println!("for comparison, `bash -c true` alone: median {:?}", median(bare));
    let secret = "s3cr3t-value";
    let bytes = 200_000_000_u64;
    let script = format!("head -c {bytes} /dev/zero | tr '\\0' x");
    let started = Instant::now();
    runtime.block_on(house.run(Job::new(&script).secret("S", secret)));
    println!("a line of 200 MB, masked: {:?}", started.elapsed());
}
