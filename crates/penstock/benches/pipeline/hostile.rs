//! What bad files cost: `penstock lint` of each, at most 100 ms and 64 MiB.

use std::process::Command;

use super::files::{Hostile, all};

/// How often each is looked at; the median counts.
const ROUNDS: &str = "5";
/// Prints the median time in milliseconds and the most memory in KiB of a program that is run so often.
const MEASURE: &str = "
import resource, subprocess, sys, time
times = []
for _ in range(int(sys.argv[1])):
    begun = time.perf_counter()
    subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times.append((time.perf_counter() - begun) * 1000)
print(sorted(times)[len(times) // 2], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

/// Measures all and prints the worst ones.
pub fn measure() {
    let mut seen: Vec<(f64, f64, &str)> = Vec::new();
    for hostile in all() {
        match cost(&hostile) {
            Some((time, memory)) => seen.push((time, memory, hostile.name)),
            None => println!("NOT MEASURED: {}", hostile.name),
        }
    }
    seen.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("`penstock lint` of {} bad files, at most 100 ms and 64 MiB; the slowest:", seen.len());
    for (time, memory, name) in seen.iter().take(5) {
        println!("  {time:>7.1} ms  {memory:>5.1} MiB  {name}");
    }
    if let Some((_, most, name)) = seen.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
        println!("the most memory: {most:.1} MiB, {name}");
    }
}

fn cost(hostile: &Hostile) -> Option<(f64, f64)> {
    let directory = tempfile::tempdir().ok()?;
    for (path, bytes) in &hostile.files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent()?).ok()?;
        std::fs::write(path, bytes).ok()?;
    }
    let output = Command::new("python3")
        .args(["-c", MEASURE, ROUNDS, env!("CARGO_BIN_EXE_penstock"), "lint", "."])
        .current_dir(directory.path())
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let (time, kib) = said.trim().split_once(' ')?;
    Some((time.parse().ok()?, kib.parse::<f64>().ok()? / 1024.0))
}
