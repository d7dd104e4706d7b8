//! Renders charts beside Helm, and says which are equal: `cargo run --example charts -- CHART…`, each a directory or a `.tgz`.
//!
//! The values files below a chart's `ci/` are tried, too. `--verbose` shows where two renders part.

#![allow(missing_docs, dead_code, clippy::expect_used, clippy::disallowed_methods, reason = "a tool of the tests")]

#[path = "../tests/differential/mod.rs"]
mod differential;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use differential::{
    directory,
    oracle::{Oracle, Outcome},
    render,
};
use penstock_chart::load;
use serde_json::{Value as Json, json};

fn main() -> ExitCode {
    let (flags, charts): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let verbose = flags.iter().any(|flag| flag == "--verbose");
    let mut oracle = Oracle::new();
    let mut total = Row::default();
    println!("{:44} {:>12} {:>6} {:>7} {:>8} {:>10} {:>10}", "chart", "version", "equal", "refused", "differs", "helm", "ours");
    for path in charts.iter().map(PathBuf::from) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut row = Row::default();
        for values in cases(&path) {
            row.add(one(&path, values.as_deref(), &mut oracle, verbose));
        }
        println!("{}", row.shown(&name, &version(&path)));
        total.sum(&row);
    }
    println!("{}", total.shown("all", ""));
    if total.differs == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a chart's cases came to.
#[derive(Debug, Default)]
struct Row {
    equal: u32,
    refused: u32,
    differs: u32,
    helm: Duration,
    ours: Duration,
}

/// What one case came to.
struct Case {
    ours: Outcome,
    helm: Outcome,
    took: (Duration, Duration),
}

impl Row {
    fn add(&mut self, case: Case) {
        match (&case.ours, &case.helm) {
            (Outcome::Made(ours), Outcome::Made(helm)) if ours == helm => self.equal += 1,
            (Outcome::Refused(ours), Outcome::Refused(helm)) if ours == helm => self.refused += 1,
            _ => self.differs += 1,
        }
        self.ours += case.took.0;
        self.helm += case.took.1;
    }

    fn sum(&mut self, other: &Self) {
        self.equal += other.equal;
        self.refused += other.refused;
        self.differs += other.differs;
        self.helm += other.helm;
        self.ours += other.ours;
    }

    fn shown(&self, name: &str, version: &str) -> String {
        let (helm, ours) = (self.helm.as_secs_f64() * 1e3, self.ours.as_secs_f64() * 1e3);
        format!("{name:44} {version:>12} {:6} {:7} {:8} {helm:7.1} ms {ours:7.1} ms", self.equal, self.refused, self.differs)
    }
}

/// Without values, and with each values file of the chart's own tests.
fn cases(chart: &Path) -> Vec<Option<String>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(chart.join("ci"))
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    std::iter::once(None).chain(files.into_iter().filter_map(|path| std::fs::read_to_string(path).ok()).map(Some)).collect()
}

fn version(chart: &Path) -> String {
    let text = std::fs::read_to_string(chart.join("Chart.yaml")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("version:"));
    line.unwrap_or_default().split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']).chars().take(12).collect()
}

fn one(chart: &Path, values: Option<&str>, oracle: &mut Oracle, verbose: bool) -> Case {
    let mut question =
        json!({ "op": "render", "goVersion": "go1.24.4", "kubeVersion": "1.33.0", "release": { "name": "web", "namespace": "apps" } });
    if let Some(values) = values {
        question["values"] = json!([values]);
    }
    let asked = Instant::now();
    let (helm, read): (Outcome, fn(&Path) -> _) = if chart.is_dir() {
        question["directory"] = json!(chart.canonicalize().unwrap_or_default());
        (oracle.outcome(&question, "*"), |chart| load::files(directory::files(chart).unwrap_or_default()))
    } else {
        question["archive"] = json!(BASE64_STANDARD.encode(std::fs::read(chart).unwrap_or_default()));
        (oracle.outcome(&question, "*"), |chart| load::archive(&std::fs::read(chart).unwrap_or_default()))
    };
    let helm_took = asked.elapsed();
    let asked = Instant::now();
    let ours = render::chart(&question, read(chart));
    let took = (asked.elapsed(), helm_took);
    let helm = without_log(helm);
    let ours = if ours == helm { ours } else { with_chance(ours, &helm, &without_log(oracle.outcome(&question, "*"))) };
    let case = Case { ours, helm, took };
    if verbose {
        parting(&case);
    }
    case
}

/// Ours with Helm's lines where two renders of Helm's are not the same either: passwords, keys, and digests of them.
fn with_chance(ours: Outcome, once: &Outcome, again: &Outcome) -> Outcome {
    let (Outcome::Made(made), Outcome::Made(once), Outcome::Made(again)) = (&ours, once, again) else { return ours };
    if once == again {
        return ours;
    }
    let read = |answer: &[u8]| -> Json { serde_json::from_slice(answer).unwrap_or_default() };
    let (mut made, once, again) = (read(made), read(once), read(again));
    for (name, text) in made["files"].as_object_mut().into_iter().flatten() {
        let (Some(here), Some(one), Some(two)) = (text.as_str(), once["files"][name].as_str(), again["files"][name].as_str()) else {
            continue;
        };
        let lines =
            here.split('\n').zip(one.split('\n')).zip(two.split('\n')).map(|((here, one), two)| if one == two { here } else { one });
        if here.split('\n').count() == one.split('\n').count() && one != two {
            *text = json!(lines.collect::<Vec<_>>().join("\n"));
        }
    }
    Outcome::Made(made.to_string().into_bytes())
}

/// Warnings are compared elsewhere.
fn without_log(outcome: Outcome) -> Outcome {
    let Outcome::Made(answer) = &outcome else { return outcome };
    let mut answer: Json = serde_json::from_slice(answer).unwrap_or_default();
    answer.as_object_mut().and_then(|answer| answer.remove("log"));
    Outcome::Made(answer.to_string().into_bytes())
}

/// Shows where two renders part.
fn parting(case: &Case) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(1_000).collect::<String>();
    match (&case.ours, &case.helm) {
        (Outcome::Made(ours), Outcome::Made(helm)) if ours != helm => {
            let (ours, helm): (Json, Json) =
                (serde_json::from_slice(ours).unwrap_or_default(), serde_json::from_slice(helm).unwrap_or_default());
            for (name, helm) in helm["files"].as_object().into_iter().flatten() {
                let (ours, helm) = (ours["files"][name].as_str().unwrap_or("(none)"), helm.as_str().unwrap_or("(bytes)"));
                let mut lines = ours.lines().zip(helm.lines()).enumerate().filter(|(_, (ours, helm))| ours != helm);
                if ours != helm {
                    println!("  {name}: {} and {} bytes", ours.len(), helm.len());
                    if let Some((at, (ours, helm))) = lines.next() {
                        println!("    line {}\n    ours {ours}\n    helm {helm}", at + 1);
                    }
                }
            }
        }
        (Outcome::Made(_), Outcome::Made(_)) => {}
        (Outcome::Refused(ours), Outcome::Refused(helm)) if ours == helm => {}
        (ours, helm) => {
            for (who, outcome) in [("ours", ours), ("helm", helm)] {
                match outcome {
                    Outcome::Made(_) => println!("  {who}: made"),
                    Outcome::Refused(why) => println!("  {who}: refused {}", text(why)),
                    Outcome::None(why) => println!("  {who}: {why}"),
                }
            }
        }
    }
}
