//! What a pipeline costs besides its jobs, from process start to process end: `cargo bench -p penstock`.
//!
//! Beside it, where it is installed, the same file by gitlab-ci-local.

#![allow(clippy::expect_used, clippy::disallowed_methods, missing_docs, reason = "a bench")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use penstock_testkit::median;

const ROUNDS: usize = 15;
const CHAIN: u32 = 100;

fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"];
    let done = Command::new("git").current_dir(directory).args(identity).args(arguments).status();
    assert!(done.expect("git starts").success(), "git {arguments:?}");
}

fn repository(pipeline: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join(".gitlab-ci.yml"), pipeline).expect("the pipeline file");
    std::fs::write(directory.path().join(".gitignore"), ".penstock/\n.gitlab-ci-local/\n").expect("the ignored");
    git(directory.path(), &["init", "--quiet", "--initial-branch", "main"]);
    git(directory.path(), &["add", "."]);
    git(directory.path(), &["commit", "--quiet", "--message", "Begin"]);
    directory
}

/// The median time of the program there, or why there is none.
fn measured(program: &str, arguments: &[&str], directory: &Path, rounds: usize) -> Result<Duration, String> {
    let mut times = Vec::new();
    // the first one makes what later ones find
    for round in 0..=rounds {
        let begun = Instant::now();
        let status = Command::new(program).args(arguments).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("it ended with {status}"));
        }
        if round > 0 {
            times.push(begun.elapsed());
        }
    }
    Ok(median(times))
}

fn chain() -> String {
    let job = |number: u32| match number.checked_sub(1) {
        Some(before) => format!("job-{number}:\n  needs: [job-{before}]\n  script: [\"true\"]\n"),
        None => "job-0:\n  needs: []\n  script: [\"true\"]\n".to_owned(),
    };
    (0..CHAIN).map(job).collect()
}

fn main() {
    // `cargo test --benches` passes no `--bench`: nothing is measured then
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let one = repository("one:\n  script: [\"true\"]\n");
    let many = repository(&chain());
    for (name, program) in [("penstock run", env!("CARGO_BIN_EXE_penstock")), ("gitlab-ci-local", "gitlab-ci-local")] {
        let arguments: &[&str] = if name == "penstock run" { &["run"] } else { &[] };
        let alone = measured(program, arguments, one.path(), ROUNDS);
        let all = measured(program, arguments, many.path(), 3);
        match (alone, all) {
            (Ok(alone), Ok(all)) => {
                println!("{name}: one job {alone:?}; {CHAIN} jobs in a chain {all:?}, {:?} a job", all.saturating_sub(alone) / (CHAIN - 1));
            }
            (Err(why), _) | (_, Err(why)) => println!("{name}: not measured: {why}"),
        }
    }
    let bare = measured("bash", &["--norc", "-e", "-c", "true"], one.path(), ROUNDS).expect("bash is there");
    println!("for comparison, the job's own work, `bash -c true`: {bare:?}");
}
