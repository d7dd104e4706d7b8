//! Releases as Helm shows them: its texts, and its keys for programs.

use penstock_chart::{
    budget::{Budget, Limits},
    functions::dates,
    json,
    release::{HookEvent, HookPhase, Record},
    value::Table,
    values::{Nulls, lay_over},
};
use penstock_cli::{CliError, Form, exit, terminal};
use serde_json::{Map, Value, json};

use super::super::document;

/// Go's `time.ANSIC`.
const ANSIC: &str = "Mon Jan _2 15:04:05 2006";
/// How Go writes a time where nobody says how.
const PLAIN: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
const RFC_3339: &str = "2006-01-02T15:04:05Z07:00";
/// What Helm calls a chart that a record lacks.
const MISSING: &str = "MISSING";

/// How much is shown of what a revision is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Nothing.
    #[default]
    Nothing,
    /// The values, the hooks and the documents.
    Content,
    /// The chart's name and versions, too.
    Whole,
}

/// What is shown of a revision beside where it stands, in text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    /// What is written beside the revision.
    pub description: bool,
    /// How much of what the revision is made of.
    pub extent: Extent,
    /// No notes.
    pub no_notes: bool,
    /// What the cluster has of it, as text.
    pub resources: &'a str,
}

/// Prints a value in a form for programs, or lets `text` speak to a person.
pub fn print(form: Form, value: impl FnOnce() -> Value, text: impl FnOnce() -> Result<String, CliError>) -> Result<(), CliError> {
    match form {
        Form::Text => print!("{}", text()?),
        Form::Json => println!("{}", serde_json::to_string_pretty(&value()).unwrap_or_default()),
        Form::Yaml => print!("{}", document(&value())?),
    }
    Ok(())
}

/// A revision, whole, as Helm shows one for programs; the chart is not always part of it.
pub fn release(record: &Record, with_chart: bool) -> Value {
    let mut shown = serde_json::to_value(record).unwrap_or_default();
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|key, value| match key.as_str() {
            "chart" => with_chart && !value.is_null(),
            "manifest" => value != "",
            "config" => value.as_object().is_some_and(|values| !values.is_empty()),
            _ => true,
        });
    }
    shown
}

/// Where a revision stands, in words.
pub fn status(record: &Record, parts: Parts<'_>) -> Result<String, CliError> {
    let Record { name, namespace, revision, info, .. } = record;
    let mut text = format!("NAME: {name}\n");
    if let Some(at) = time(&info.last_deployed, ANSIC) {
        text.push_str(&format!("LAST DEPLOYED: {at}\n"));
    }
    text.push_str(&format!("NAMESPACE: {namespace}\nSTATUS: {}\nREVISION: {revision}\n", info.status));
    if parts.extent == Extent::Whole {
        let of = |key| metadata(record, key).unwrap_or_default();
        text.push_str(&format!("CHART: {}\nVERSION: {}\nAPP_VERSION: {}\n", of("name"), of("version"), of("appVersion")));
    }
    if parts.description {
        text.push_str(&format!("DESCRIPTION: {}\n", terminal::plain(&info.description)));
    }
    text.push_str(parts.resources);
    text.push_str(&tests(record));
    if parts.extent >= Extent::Content {
        let (given, computed) = (document(&given(record))?, document(&computed(record)?)?);
        text.push_str(&format!("USER-SUPPLIED VALUES:\n{given}\nCOMPUTED VALUES:\n{computed}\n"));
    }
    if parts.extent >= Extent::Content || info.description.eq_ignore_ascii_case("Dry run complete") {
        text.push_str(&format!("HOOKS:\n{}MANIFEST:\n{}\n", hooks(record), record.manifest));
    }
    if !parts.no_notes && !info.notes.is_empty() {
        let notes: Vec<String> = info.notes.trim().lines().map(terminal::plain).collect();
        text.push_str(&format!("NOTES:\n{}\n", notes.join("\n")));
    }
    Ok(text)
}

/// How a revision's tests ended, if it has any.
fn tests(record: &Record) -> String {
    let mut tests = record.hooks.iter().filter(|hook| hook.events.contains(&HookEvent::Test)).peekable();
    if tests.peek().is_none() {
        return "TEST SUITE: None\n".to_owned();
    }
    let one = |hook: &penstock_chart::release::RecordedHook| {
        let run = &hook.last_run;
        let started = time(&run.started_at, ANSIC)?;
        let completed = time(&run.completed_at, ANSIC).unwrap_or_else(|| "Mon Jan  1 00:00:00 0001".to_owned());
        let phase = if run.phase == HookPhase::None { String::new() } else { format!("{:?}", run.phase) };
        Some(format!("TEST SUITE:     {}\nLast Started:   {started}\nLast Completed: {completed}\nPhase:          {phase}\n", hook.name))
    };
    tests.filter_map(one).collect()
}

/// A revision's hooks, one document after the other.
pub fn hooks(record: &Record) -> String {
    let documents: Vec<String> = record.hooks.iter().map(|hook| format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest)).collect();
    documents.concat()
}

/// The values that were given; where none were, nothing.
pub fn given(record: &Record) -> Value {
    record.config.clone().map_or(Value::Null, Value::Object)
}

/// The values that were given, over those of the chart.
pub fn computed(record: &Record) -> Result<Value, CliError> {
    let table = |object: Option<&Map<String, Value>>| object.map_or_else(Table::new, json::table);
    let (given, chart) = (table(record.config.as_ref()), table(record.chart.get("values").and_then(Value::as_object)));
    let merged = lay_over(&given, &chart, Nulls::Remove, &mut Budget::new(Limits::default()));
    let merged = merged.map_err(|fault| CliError::other(fault.to_string(), "", exit::FAILED))?.0;
    Ok(Value::Object(json::object(&merged)))
}

/// A release among others, by Helm's keys.
pub fn listed(record: &Record, layout: &str) -> Value {
    let (chart, app_version) = chart(record);
    let layout = if layout.is_empty() { PLAIN } else { layout };
    json!({
        "name": record.name,
        "namespace": record.namespace,
        "revision": record.revision.to_string(),
        "updated": time(&record.info.last_deployed, layout).unwrap_or_else(|| "-".to_owned()),
        "status": record.info.status,
        "chart": chart,
        "app_version": app_version,
    })
}

/// A revision among others, by Helm's keys.
pub fn revision(record: &Record) -> Value {
    let (chart, app_version) = chart(record);
    json!({
        "revision": record.revision,
        "updated": record.info.last_deployed,
        "status": record.info.status,
        "chart": chart,
        "app_version": app_version,
        "description": record.info.description,
    })
}

/// The same in text, its time as Helm shows it.
pub fn revision_row(record: &Record) -> Vec<String> {
    let (chart, app_version) = chart(record);
    let updated = time(&record.info.last_deployed, ANSIC).unwrap_or_default();
    [record.revision.to_string(), updated, record.info.status.to_string(), chart, app_version, terminal::plain(&record.info.description)]
        .to_vec()
}

/// What a revision says of its chart and itself, by Helm's keys.
pub fn described(record: &Record) -> Value {
    let of = |key| metadata(record, key).unwrap_or_default();
    let mut shown = json!({
        "name": record.name,
        "chart": of("name"),
        "version": of("version"),
        "appVersion": of("appVersion"),
        "namespace": record.namespace,
        "revision": record.revision,
        "status": record.info.status,
        "deployedAt": time(&record.info.last_deployed, RFC_3339).unwrap_or_else(|| "0001-01-01T00:00:00Z".to_owned()),
    });
    for key in ["annotations", "dependencies"] {
        let part = record.chart.pointer(&format!("/metadata/{key}"));
        let there =
            |part: &&Value| part.as_object().is_some_and(|map| !map.is_empty()) || part.as_array().is_some_and(|list| !list.is_empty());
        if let Some(part) = part.filter(there) {
            shown[key] = part.clone();
        }
    }
    shown
}

/// The same in text.
pub fn described_text(record: &Record) -> String {
    let shown = described(record);
    let of = |key: &str| shown.get(key).and_then(Value::as_str).unwrap_or_default();
    let annotations = shown.get("annotations").and_then(Value::as_object).into_iter().flatten();
    let annotations: Vec<String> = annotations.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let dependencies = shown.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let mut dependencies: Vec<&str> = dependencies.filter_map(|one| one.get("name")?.as_str()).collect();
    dependencies.sort_unstable();
    format!(
        "NAME: {}\nCHART: {}\nVERSION: {}\nAPP_VERSION: {}\nANNOTATIONS: {}\nDEPENDENCIES: {}\nNAMESPACE: {}\nREVISION: {}\nSTATUS: {}\nDEPLOYED_AT: {}\n",
        of("name"),
        of("chart"),
        of("version"),
        of("appVersion"),
        annotations.join(","),
        dependencies.join(","),
        of("namespace"),
        record.revision,
        of("status"),
        of("deployedAt"),
    )
}

fn metadata<'a>(record: &'a Record, key: &str) -> Option<&'a str> {
    record.chart.get("metadata")?.get(key)?.as_str()
}

/// The chart with its version, and the version of what it installs.
fn chart(record: &Record) -> (String, String) {
    if record.chart.get("metadata").is_none_or(Value::is_null) {
        return (MISSING.to_owned(), MISSING.to_owned());
    }
    let of = |key| metadata(record, key).unwrap_or_default();
    (format!("{}-{}", of("name"), of("version")), of("appVersion").to_owned())
}

fn time(recorded: &str, layout: &str) -> Option<String> {
    dates::recorded(recorded, layout, &super::super::now())
}
