//! How long a container takes from the order to its end: `cargo bench -p penstock-container`. Needs root.
//!
//! Beside it, where it is installed, the same by runc.

#![allow(missing_docs, clippy::expect_used, clippy::disallowed_methods, reason = "a bench")]

#[path = "../tests/it/machine.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "shared with the tests, which use all of it")]
mod machine;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use machine::{Kept, Machine};
use penstock_model::container::ContainerRuntime;
use penstock_testkit::median;

const ROUNDS: usize = 30;

fn runc() -> Option<Duration> {
    let bundle = tempfile::tempdir().expect("a directory");
    let root = bundle.path().join("rootfs/bin");
    std::fs::create_dir_all(&root).expect("a root");
    std::fs::copy("/bin/busybox", root.join("true")).expect("busybox-static is installed");
    Command::new("runc").arg("spec").current_dir(bundle.path()).status().ok()?;
    let path = bundle.path().join("config.json");
    let config =
        std::fs::read_to_string(&path).ok()?.replace("\"terminal\": true", "\"terminal\": false").replace("\"sh\"", "\"/bin/true\"");
    std::fs::write(&path, config).ok()?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let begun = Instant::now();
        let id = format!("bench-{}-{round}", std::process::id());
        let ran = Command::new("runc").args(["run", &id]).current_dir(bundle.path()).stdin(Stdio::null()).stderr(Stdio::null()).status();
        if !ran.ok()?.success() {
            return None;
        }
        times.push(begun.elapsed());
    }
    Some(median(times))
}

fn main() {
    // `cargo test --benches` passes no `--bench`: nothing is measured then
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let machine = Machine::new().await;
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let spec = machine.spec(&format!("b{round}"), &["/bin/true"]);
            let begun = Instant::now();
            let ended = machine.runtime.run(&spec, Duration::from_mins(1), Arc::new(Kept::default())).await.expect("it runs");
            times.push(begun.elapsed());
            assert_eq!(ended, 0, "it ends well");
        }
        println!("a container run: median {:?} of {ROUNDS}", median(times));
        machine.tear_down().await;
    });
    match runc() {
        Some(time) => println!("for comparison, runc: median {time:?}"),
        None => println!("for comparison, runc: not measured, it is not there or cannot run here"),
    }
}
