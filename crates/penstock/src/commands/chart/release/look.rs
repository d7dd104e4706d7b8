//! Releases, looked at.

use penstock_chart::{
    budget::{Budget, Limits},
    json,
    release::{HookEvent, Record},
    value::Table,
    values::{Nulls, lay_over},
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Get, GetPart, History, ListReleases, StatusOf},
    exit, terminal,
};
use penstock_helm::Statuses;
use serde_json::{Value, json};

use super::{connect, failed, told};

/// Lists releases.
pub async fn list(args: &ListReleases, output: Output) -> Result<u8, CliError> {
    let mut there = connect(&args.cluster).await?;
    if args.all_namespaces {
        there.namespace = String::new();
    }
    let statuses = if args.all { Statuses::All } else { Statuses::Usual };
    let found = there.releases(&told).list(statuses).await.map_err(failed)?;
    match output {
        Output::Json => println!("{}", pretty(&Value::Array(found.iter().map(summary).collect()))),
        Output::Text if args.short => found.iter().for_each(|record| println!("{}", record.name)),
        Output::Text => {
            let row = |record: &Record| {
                let Record { name, namespace, revision, info, .. } = record;
                let (chart, app) = chart(record);
                [name.clone(), namespace.clone(), revision.to_string(), info.last_deployed.clone(), info.status.to_string(), chart, app]
                    .to_vec()
            };
            let rows: Vec<_> = found.iter().map(row).collect();
            terminal::table(&["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"], &rows);
        }
    }
    Ok(exit::OK)
}

/// Shows a release's revisions.
pub async fn history(args: &History, output: Output) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let mut found = there.releases(&told).history(&args.name).await.map_err(failed)?;
    found.drain(..found.len().saturating_sub(args.max));
    match output {
        Output::Json => println!("{}", pretty(&Value::Array(found.iter().map(summary).collect()))),
        Output::Text => {
            let row = |record: &Record| {
                let Record { revision, info, .. } = record;
                let (chart, app) = chart(record);
                [revision.to_string(), info.last_deployed.clone(), info.status.to_string(), chart, app, info.description.clone()].to_vec()
            };
            let rows: Vec<_> = found.iter().map(row).collect();
            terminal::table(&["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"], &rows);
        }
    }
    Ok(exit::OK)
}

/// Shows where a release stands.
pub async fn status(args: &StatusOf, output: Output) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let record = there.releases(&told).revision(&args.name, args.revision).await.map_err(failed)?;
    show(&record, output);
    Ok(exit::OK)
}

/// Shows a revision as Helm does after it was made.
pub fn show(record: &Record, output: Output) {
    if output == Output::Json {
        let mut shown = summary(record);
        shown["notes"] = json!(record.info.notes);
        shown["manifest"] = json!(record.manifest);
        shown["hooks"] = json!(record.hooks);
        println!("{}", pretty(&shown));
        return;
    }
    let Record { name, namespace, revision, info, .. } = record;
    println!("NAME: {name}\nLAST DEPLOYED: {}\nNAMESPACE: {namespace}", info.last_deployed);
    println!("STATUS: {}\nREVISION: {revision}\nDESCRIPTION: {}", info.status, terminal::plain(&info.description));
    for hook in record.hooks.iter().filter(|hook| hook.events.contains(&HookEvent::Test) && !hook.last_run.started_at.is_empty()) {
        let run = &hook.last_run;
        println!("TEST SUITE:     {}", hook.name);
        println!("Last Started:   {}\nLast Completed: {}\nPhase:          {:?}", run.started_at, run.completed_at, run.phase);
    }
    if !info.notes.is_empty() {
        println!("NOTES:\n{}", info.notes.lines().map(terminal::plain).collect::<Vec<_>>().join("\n").trim_end());
    }
}

/// Shows what a release is made of.
pub async fn get(args: &Get, output: Output) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let record = there.releases(&told).revision(&args.name, args.revision).await.map_err(failed)?;
    let values = values(&record, args.all)?;
    let hooks =
        || -> Vec<String> { record.hooks.iter().map(|hook| format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest)).collect() };
    let as_json = match args.part {
        GetPart::Values => values.clone(),
        GetPart::Manifest => json!(record.manifest),
        GetPart::Hooks => json!(record.hooks),
        GetPart::Notes => json!(record.info.notes),
        GetPart::Metadata => summary(&record),
        GetPart::All => {
            let mut all = summary(&record);
            all["values"] = values.clone();
            all["manifest"] = json!(record.manifest);
            all["hooks"] = json!(record.hooks);
            all["notes"] = json!(record.info.notes);
            all
        }
    };
    if output == Output::Json {
        println!("{}", pretty(&as_json));
        return Ok(exit::OK);
    }
    match args.part {
        GetPart::Values => print!("USER-SUPPLIED VALUES:\n{}", super::super::document(&values)?),
        GetPart::Manifest => println!("{}", record.manifest),
        GetPart::Hooks => print!("{}", hooks().concat()),
        GetPart::Notes => println!("NOTES:\n{}", record.info.notes),
        GetPart::Metadata => print!("{}", super::super::document(&summary(&record))?),
        GetPart::All => {
            show(&record, output);
            print!(
                "USER-SUPPLIED VALUES:\n{}\nHOOKS:\n{}MANIFEST:\n{}\n",
                super::super::document(&values)?,
                hooks().concat(),
                record.manifest
            );
        }
    }
    Ok(exit::OK)
}

/// The values that were given, or with `all` those of the chart, too.
fn values(record: &Record, all: bool) -> Result<Value, CliError> {
    if !all {
        return Ok(record.config.clone().map_or(Value::Null, Value::Object));
    }
    let table = |object: Option<&serde_json::Map<String, Value>>| object.map_or_else(Table::new, json::table);
    let (given, chart) = (table(record.config.as_ref()), table(record.chart.get("values").and_then(Value::as_object)));
    let mut budget = Budget::new(Limits::default());
    let merged = lay_over(&given, &chart, Nulls::Remove, &mut budget);
    let merged = merged.map_err(|fault| CliError::other(fault.to_string(), "", exit::FAILED))?.0;
    Ok(Value::Object(json::object(&merged)))
}

fn chart(record: &Record) -> (String, String) {
    let text = |path: &str| record.chart.pointer(path).and_then(Value::as_str).unwrap_or_default();
    (format!("{}-{}", text("/metadata/name"), text("/metadata/version")), text("/metadata/appVersion").to_owned())
}

/// A revision in a few words, by Helm's own keys.
fn summary(record: &Record) -> Value {
    let (chart, app) = chart(record);
    json!({
        "name": record.name,
        "namespace": record.namespace,
        "revision": record.revision,
        "updated": record.info.last_deployed,
        "status": record.info.status,
        "chart": chart,
        "app_version": app,
        "description": record.info.description,
    })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
