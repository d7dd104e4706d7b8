//! What a pipeline costs besides its jobs, from process start to process end, beside act and gitlab-ci-local:
//! `cargo bench -p penstock`. `setup/setup.sh peers` installs those two.

#![allow(clippy::expect_used, clippy::disallowed_methods, missing_docs, reason = "a bench")]

mod cases;
#[allow(dead_code, reason = "where the fault is told is the test's business")]
#[path = "../../tests/it/hostile/files.rs"]
mod files;
mod hostile;
mod programs;
mod table;
mod timing;

use self::cases::Case;
use self::programs::Program;
use self::table::Table;
use self::timing::Timing;

fn main() {
    // `cargo test --benches` passes no `--bench`: nothing is measured then
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (programs, absent) = programs::found();
    println!("on {}", machine());
    for program in &programs {
        println!("  {}, {}", program.name, program.executor);
    }
    for why in &absent {
        println!("  NOT MEASURED: {why}");
    }
    let mut table = Table::default();
    for case in cases::all() {
        measure(&case, &programs, &mut table);
    }
    println!("\n{table}");
    hostile::measure();
    for why in &absent {
        println!("NOT MEASURED: {why}");
    }
}

/// One case by every program that reads its dialect, Penstock first: the others' ratios are to it.
fn measure(case: &Case, programs: &[Program], table: &mut Table) {
    for dialect in &case.dialects {
        let mut ours: Option<Timing> = None;
        for program in programs.iter().filter(|program| program.dialects.contains(dialect)) {
            let timing = case.figure(program, *dialect);
            table.add(case, program, *dialect, &timing, ours.as_ref());
            if program.is_ours {
                ours = timing.ok();
            }
        }
    }
}

/// The processor, and how many of it there are.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default().trim_start_matches([' ', '\t', ':']);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{} × {model}, load {load} at the start", std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}
