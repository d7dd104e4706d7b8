//! Looks for differences between Helm and ours: `cargo run --example fuzz -- --minutes 60`.
//!
//! `--target` says what is compared: `templates` (the default), `texts`, `parser`, `archive`, `charts`, `warnings`, `schema`, `manifests`, `yaml`, `set` or `lint`. `--seed` says where to begin,
//! `--cases` or `--minutes` when to end, `--out` a directory that each difference is written to, cut down.

#![allow(missing_docs, dead_code, clippy::expect_used, clippy::disallowed_methods, reason = "a tool of the tests")]

#[path = "../tests/differential/mod.rs"]
mod differential;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use differential::{
    archives, charts,
    compare::{Case, Tally, Verdict, confirm, hush, kind_of, minimise, told},
    documents, flags, lints, manifests,
    oracle::Oracle,
    schemas, signatures, sources, templates, texts, warnings,
};

/// What the command line says.
struct Asked {
    target: String,
    seed: u64,
    cases: u64,
    time: Duration,
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Some(asked) = asked() else {
        eprintln!(
            "usage: fuzz [--target templates|texts|parser|archive|charts|warnings|schema|manifests|yaml|set|lint] [--seed N] [--cases N] [--minutes N] [--out DIRECTORY]"
        );
        return ExitCode::from(2);
    };
    hush();
    // the stack that a test's thread has: what holds in it holds everywhere
    let run = std::thread::Builder::new().stack_size(2 << 20).spawn(move || match asked.target.as_str() {
        "templates" => {
            let signatures = signatures::all();
            Some(look(&asked, |number| templates::case(number, &signatures)))
        }
        "texts" => {
            let signatures = signatures::all();
            let fitting = texts::fitting(&signatures);
            Some(look(&asked, |number| texts::grow(number, &fitting)))
        }
        "parser" => {
            let signatures = signatures::all();
            Some(look(&asked, |number| sources::grow(number, &signatures)))
        }
        "charts" => Some(look(&asked, charts::grow)),
        "warnings" => Some(look(&asked, warnings::grow)),
        "lint" => Some(look(&asked, lints::grow)),
        "archive" => Some(look(&asked, archives::grow)),
        "schema" => Some(look(&asked, schemas::grow)),
        "manifests" => Some(look(&asked, manifests::grow)),
        "yaml" => Some(look(&asked, documents::grow)),
        "set" => Some(look(&asked, flags::grow)),
        _ => None,
    });
    match run.expect("a thread starts").join() {
        Ok(Some(tally)) if tally.differ == 0 => ExitCode::SUCCESS,
        Ok(Some(_)) => ExitCode::FAILURE,
        _ => ExitCode::from(2),
    }
}

fn asked() -> Option<Asked> {
    let mut asked = Asked { target: "templates".to_owned(), seed: 0, cases: u64::MAX, time: Duration::MAX, out: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--target" => asked.target = value,
            "--seed" => asked.seed = value.parse().ok()?,
            "--cases" => asked.cases = value.parse().ok()?,
            "--minutes" => asked.time = Duration::from_secs_f64(value.parse::<f64>().ok()? * 60.0),
            "--out" => asked.out = Some(value.into()),
            _ => return None,
        }
    }
    if asked.cases == u64::MAX && asked.time == Duration::MAX {
        asked.cases = 2_000;
    }
    Some(asked)
}

/// Goes through cases until it is time, and says what came of them.
fn look<C: Case>(asked: &Asked, grow: impl Fn(u64) -> C) -> Tally {
    let mut oracle = Oracle::new();
    let mut tally = Tally::default();
    let mut seen = BTreeSet::new();
    let start = Instant::now();
    let mut number = asked.seed;
    while tally.cases() < asked.cases && start.elapsed() < asked.time {
        let case = grow(number);
        let verdict = confirm(&case, &mut oracle);
        tally.count(&case, &verdict);
        if matches!(verdict, Verdict::Differs(..)) {
            let least = minimise(case.clone(), &mut oracle);
            // of a smaller case Helm may say this or that: then the whole one is told
            let (least, verdict) = match confirm(&least, &mut oracle) {
                Verdict::Differs(ours, helm) => (least, Verdict::Differs(ours, helm)),
                _ => (case, verdict),
            };
            let text = format!("case {number}\n{}", told(&least, &verdict));
            if seen.insert((least.functions(), kind_of(&verdict))) {
                println!("{text}");
                if let Some(out) = &asked.out {
                    let name = format!("{}-{number}.txt", least.functions().first().unwrap_or(&"none"));
                    std::fs::create_dir_all(out)
                        .and_then(|()| std::fs::write(out.join(name), &text))
                        .expect("the directory can be written to");
                }
            }
        }
        number += 1;
    }
    conclude(&tally, start.elapsed());
    tally
}

fn conclude(tally: &Tally, time: Duration) {
    if !tally.functions.is_empty() {
        calls(tally);
    }
    for (why, count) in &tally.nothing {
        println!("without an answer: {count} times {why}");
    }
    let rate = tally.cases() as f64 / time.as_secs_f64().max(0.001);
    println!(
        "{} cases in {:.0} s ({rate:.0}/s): {} made by both ({} %), {} refused by both, {} differ",
        tally.cases(),
        time.as_secs_f64(),
        tally.made,
        tally.share_made(),
        tally.refused,
        tally.differ
    );
}

fn calls(tally: &Tally) {
    let names: BTreeSet<&str> = signatures::all().iter().map(|it| it.name).collect();
    let counted: Vec<String> = names.into_iter().map(|name| format!("{name} {}", tally.functions.get(name).unwrap_or(&0))).collect();
    println!("calls in cases that both made: {}", counted.join(", "));
}
