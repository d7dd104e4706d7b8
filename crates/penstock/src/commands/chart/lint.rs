//! `penstock chart lint`.

use std::path::{Path, PathBuf};

use penstock_chart::{
    lint::{Directory, Message, Options, Severity, lint as judge, unused},
    load,
    random::Seeded,
    render::{KubeVersion, Surroundings},
    value::Str,
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Credentials, LintChart},
    exit, terminal,
};
use serde_json::json;

use super::{folder, given, source};

/// Says what is wrong with charts: by Helm's rules, and which values no template uses.
pub async fn lint(args: &LintChart, output: Output) -> Result<u8, CliError> {
    let kube_version = args.kube_version.as_deref().map(KubeVersion::parse).transpose();
    let (values, layers) = given::layers(&args.values, &Credentials::default()).await?;
    let options = Options {
        values,
        namespace: args.namespace.clone(),
        kube_version: kube_version.map_err(|why| CliError::other(why, "a version is written 1.32.0", exit::USAGE))?,
        skip_schema: args.skip_schema_validation,
    };
    let (now, mut random) = (super::now(), Seeded::new(super::seed()));
    let (mut told, mut failed) = (Vec::new(), 0);
    let mut charts = args.charts.clone();
    if args.with_subcharts {
        for chart in &args.charts {
            charts.extend(inside(chart)?);
        }
    }
    for chart in &charts {
        let messages = if !chart.exists() || chart.is_dir() && !chart.join("Chart.yaml").exists() {
            vec![no_chart(chart)]
        } else {
            match directory(chart) {
                Ok(directory) => {
                    let around = &mut Surroundings { time: Some(super::time_limit()), ..Surroundings::new(&now, &mut random) };
                    judge(&directory, &options, around).into_iter().chain(unused(&directory, &layers)).collect()
                }
                // one that cannot be read keeps none of the others from being looked at
                Err(error) => vec![Message { severity: Severity::Error, path: String::new(), text: error.to_string() }],
            }
        };
        let bad = |message: &Message| message.severity == Severity::Error || (args.strict && message.severity == Severity::Warning);
        failed += usize::from(messages.iter().any(bad));
        if output == Output::Text {
            show(chart, &messages, args.quiet);
        }
        let list: Vec<_> =
            messages.iter().map(|one| json!({ "severity": one.severity.to_string(), "path": one.path, "text": one.text })).collect();
        told.push(json!({ "chart": chart.display().to_string(), "messages": list }));
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&told).unwrap_or_default()),
        Output::Text if failed == 0 && args.quiet => {}
        Output::Text => println!("{} chart(s) linted, {failed} chart(s) failed", charts.len()),
    }
    Ok(if failed == 0 { exit::OK } else { exit::NOT_GOOD })
}

fn show(chart: &Path, messages: &[Message], quiet: bool) {
    let shown: Vec<&Message> = messages.iter().filter(|message| !quiet || message.severity > Severity::Info).collect();
    if quiet && shown.is_empty() {
        return;
    }
    println!("==> Linting {}", chart.display());
    for message in shown {
        let line = message.to_string().lines().map(terminal::plain).collect::<Vec<_>>().join("\n");
        println!(
            "{}",
            match message.severity {
                Severity::Error => terminal::red(&line),
                Severity::Warning => terminal::yellow(&line),
                Severity::Info => line,
            }
        );
    }
    println!();
}

/// What Helm says of a folder that is none of a chart.
fn no_chart(folder: &Path) -> Message {
    let place = folder.join("Chart.yaml");
    let text = format!("unable to check Chart.yaml file in chart: stat {}: no such file or directory", place.display());
    Message { severity: Severity::Error, path: String::new(), text }
}

/// A chart's folder, or the files of its archive.
fn directory(chart: &Path) -> Result<Directory, CliError> {
    let path = std::path::absolute(chart).unwrap_or_else(|_| chart.to_owned()).display().to_string();
    if !chart.is_dir() {
        let bytes = source::archive(chart)?;
        let files = load::unpack(&bytes).map_err(|error| CliError::other(format!("{path}: {error}"), "", exit::USAGE))?;
        return Ok(Directory::of(&path, files));
    }
    // what is ignored is no part of the chart, but lint looks at these as they lie there
    let own = |name: &str| std::fs::read(chart.join(name)).ok().map(Str::from);
    Ok(Directory {
        chart_yaml: own("Chart.yaml").unwrap_or_default(),
        values: own("values.yaml"),
        schema: own("values.schema.json"),
        templates_is_file: chart.join("templates").is_file(),
        ..Directory::of(&path, folder::read(chart)?)
    })
}

/// The charts below a chart's `charts/`.
fn inside(chart: &Path) -> Result<Vec<PathBuf>, CliError> {
    let below = chart.join("charts");
    let Ok(entries) = std::fs::read_dir(&below) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| CliError::Io { what: format!("reading {}", below.display()), source })?.path();
        if path.join("Chart.yaml").is_file() || path.extension().is_some_and(|end| end == "tgz") {
            if path.is_dir() {
                found.extend(inside(&path)?);
            }
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
