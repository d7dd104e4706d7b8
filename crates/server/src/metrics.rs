//! Prometheus metrics, in its text format 0.0.4, read off the world.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::App;
use crate::views;

/// All metrics.
pub(crate) fn text(app: &App) -> String {
    let world = app.parts.journal.world();
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, samples: Vec<(String, f64)>| {
        // writing to a String cannot fail
        let _ = writeln!(out, "# HELP penstock_{name} {help}\n# TYPE penstock_{name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(out, "penstock_{name}{labels} {value}");
        }
    };
    gauge("info", "The program's version.", vec![(format!("{{version=\"{}\"}}", app.version), 1.0)]);
    gauge("log_position", "Events in the log.", vec![(String::new(), count(world.position))]);
    gauge("troubles", "Effects that fail and will be tried again.", vec![(String::new(), count(app.parts.troubles.list().len() as u64))]);
    let mut runs: BTreeMap<(String, &str), f64> = BTreeMap::new();
    for record in world.runs.values() {
        *runs.entry((record.project.to_string(), views::status_word(record))).or_default() += 1.0;
    }
    let runs = runs.into_iter().map(|((project, status), number)| (format!("{{project=\"{project}\",status=\"{status}\"}}"), number));
    gauge("runs", "Runs by project and status.", runs.collect());
    let mut steps: BTreeMap<String, f64> = BTreeMap::new();
    for project in world.projects.keys() {
        let environments = world.config(project).map(|config| config.environments.clone()).unwrap_or_default();
        for record in world.releases_of(project) {
            for environment in &environments {
                let step = views::step_word(world.step(record, environment));
                let labels = format!("{{project=\"{project}\",environment=\"{}\",step=\"{step}\"}}", environment.name);
                *steps.entry(labels).or_default() += 1.0;
            }
        }
    }
    gauge("releases", "Releases by project, environment and how far they got.", steps.into_iter().collect());
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for project in world.projects.keys() {
        let Some(newest) = world.releases_of(project).next() else { continue };
        let clocks = views::clocks(&world, newest);
        let labels = format!("{{project=\"{project}\"}}");
        first.extend(clocks.push_to_first_ms.map(|millis| (labels.clone(), seconds(millis))));
        last.extend(clocks.approval_to_last_ms.map(|millis| (labels, seconds(millis))));
    }
    gauge("push_to_first_environment_seconds", "Of the newest release.", first);
    gauge("approval_to_last_environment_seconds", "Of the newest release, less bakes.", last);
    out
}

#[allow(clippy::cast_precision_loss, reason = "2^53 events and milliseconds are out of reach")]
fn count(number: u64) -> f64 {
    number as f64
}

fn seconds(millis: u64) -> f64 {
    count(millis) / 1000.0
}
