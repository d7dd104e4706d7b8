//! `penstock chart show`.

use std::io::Write as _;

use penstock_chart::{
    budget::{Budget, Limits},
    chart::{Chart, File, Metadata},
    json,
    jsonpath::{PathError, jsonpath},
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Show, ShowPart},
    exit,
};
use serde_json::json;

use super::source;

/// Shows what a chart holds.
pub async fn show(args: &Show, output: Output) -> Result<(), CliError> {
    if args.jsonpath.is_some() && (args.part != ShowPart::Values || output != Output::Text) {
        let message = "--jsonpath is for `show values` alone, and gives text";
        return Err(CliError::other(message, "penstock chart show values CHART --jsonpath '{.image.tag}'", exit::USAGE));
    }
    let chart = source::find(&args.chart, &args.source).await?;
    if let Some(path) = &args.jsonpath {
        return by_path(&chart, path);
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&as_json(&chart, args.part)).unwrap_or_default()),
        Output::Text => print!("{}", text(&chart, args.part)?),
    }
    Ok(())
}

/// Shows what a path finds in the values, to the byte.
fn by_path(chart: &Chart, path: &str) -> Result<(), CliError> {
    let found = jsonpath(path, &chart.values, &mut Budget::new(Limits::default())).map_err(|error| match error {
        PathError::Parse { .. } => CliError::other(error.to_string(), "a path is written {.image.tag}", exit::USAGE),
        error => CliError::other(error.to_string(), "`penstock chart show values` shows what there is", exit::NOT_GOOD),
    })?;
    std::io::stdout().write_all(&found).map_err(|source| CliError::Io { what: "writing to standard output".to_owned(), source })
}

fn wants(part: ShowPart, one: ShowPart) -> bool {
    part == one || part == ShowPart::All
}

/// The parts as Helm prints them.
fn text(chart: &Chart, part: ShowPart) -> Result<String, CliError> {
    let mut shown = String::new();
    let all = part == ShowPart::All;
    let rule = |shown: &mut String| {
        if all {
            shown.push_str("---\n");
        }
    };
    if wants(part, ShowPart::Chart) {
        shown.push_str(&metadata(chart)?);
        shown.push('\n');
    }
    if wants(part, ShowPart::Values) {
        rule(&mut shown);
        for file in chart.raw.iter().filter(|file| file.name == "values.yaml") {
            shown.push_str(&file.data.lossy());
            shown.push('\n');
        }
    }
    if let (true, Some(readme)) = (wants(part, ShowPart::Readme), readme(chart)) {
        rule(&mut shown);
        shown.push_str(&readme.data.lossy());
        shown.push('\n');
    }
    if wants(part, ShowPart::Crds) {
        for (at, crd) in chart.crds().iter().enumerate() {
            let text = crd.file.data.lossy();
            // Helm parts them from what stands before, and not from each other, which nobody can read
            if (all || at > 0) && !text.starts_with("---") {
                shown.push_str("---\n");
            }
            shown.push_str(&text);
            shown.push('\n');
        }
    }
    Ok(shown)
}

/// `Chart.yaml` as Helm writes it.
fn metadata(chart: &Chart) -> Result<String, CliError> {
    let value = serde_json::to_value(&chart.metadata).map_err(|error| CliError::other(error.to_string(), "", exit::FAILED))?;
    super::document(&value)
}

/// `Chart.yaml` as JSON, as Go's encoder writes it: a registry keeps it beside the archive.
pub fn config(metadata: &Metadata) -> Result<String, CliError> {
    let json = serde_json::to_string(metadata).map_err(|error| CliError::other(error.to_string(), "", exit::FAILED))?;
    let escapes = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    Ok(escapes.into_iter().fold(json, |json, (letter, escape)| json.replace(letter, escape)))
}

fn readme(chart: &Chart) -> Option<&File> {
    let is = |file: &&File| ["readme.md", "readme.txt", "readme"].iter().any(|name| file.name.eq_ignore_ascii_case(name.as_bytes()));
    chart.files.iter().find(is)
}

fn as_json(chart: &Chart, part: ShowPart) -> serde_json::Value {
    let mut shown = serde_json::Map::new();
    let parts = [
        (ShowPart::Chart, "chart", serde_json::to_value(&chart.metadata).unwrap_or_default()),
        (ShowPart::Values, "values", json::object(&chart.values).into()),
        (ShowPart::Readme, "readme", json!(readme(chart).map(|file| file.data.lossy()))),
        (
            ShowPart::Crds,
            "crds",
            json!(chart.crds().iter().map(|crd| json!({ "path": crd.path.lossy(), "text": crd.file.data.lossy() })).collect::<Vec<_>>()),
        ),
    ];
    for (one, name, value) in parts {
        if wants(part, one) {
            shown.insert(name.to_owned(), value);
        }
    }
    serde_json::Value::Object(shown)
}
