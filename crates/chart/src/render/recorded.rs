//! A template that is carried out on the record of a release: what `helm get all --template` does.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{
    RenderError, Surroundings, carried_out,
    seen::{DEPENDENCIES, dependency, field, made, metadata, several},
};
use crate::{
    chart::{Lock, Metadata},
    function::{Fault, Scope},
    functions::dates,
    json,
    release::{HookRun, Info, Record, RecordedHook},
    template::{self, Failure, Language, MissingKey, Parsed, Set},
    value::{Field, Kind, List, Map, Method, Str, Type, Value, types},
};

const fn pointer(name: &'static str) -> Type {
    Type { name, kind: Kind::Pointer, elem: None, methods: &[], named: false }
}

static RELEASE: Type = pointer("*release.Release");
static INFO: Type = pointer("*release.Info");
static HOOK: Type = pointer("*release.Hook");
static HOOKS: Type = Type::of("[]*release.Hook", Kind::Slice, &HOOK);
static HOOK_RUN: Type = Type::plain("release.HookExecution", Kind::Struct);
static METADATA: Type = pointer("*chart.Metadata");
static LOCK: Type = pointer("*chart.Lock");
static FILE: Type = pointer("*chart.File");
static FILES: Type = Type::of("[]*chart.File", Kind::Slice, &FILE);
static RESOURCES: Type = Type::of("map[string][]runtime.Object", Kind::Map, &types::LIST);
static CHART: Type = Type {
    methods: &[
        Method { name: "Name", takes: &[], rest: None, call: |_, chart, _| Ok(of_metadata(chart, "Name")) },
        Method { name: "AppVersion", takes: &[], rest: None, call: |_, chart, _| Ok(of_metadata(chart, "AppVersion")) },
        // the charts inside are not recorded, so that none stands in another
        Method { name: "ChartPath", takes: &[], rest: None, call: |_, chart, _| Ok(of_metadata(chart, "Name")) },
        Method { name: "ChartFullPath", takes: &[], rest: None, call: |_, chart, _| Ok(of_metadata(chart, "Name")) },
        Method { name: "IsRoot", takes: &[], rest: None, call: |_, _, _| Ok(Value::Bool(true)) },
        Method { name: "Root", takes: &[], rest: None, call: |_, chart, _| Ok(chart.clone()) },
        Method { name: "Dependencies", takes: &[], rest: None, call: |_, _, _| Ok(Value::List(List::nil(&CHARTS))) },
        Method { name: "CRDs", takes: &[], rest: None, call: definitions },
    ],
    ..pointer("*chart.Chart")
};
static CHARTS: Type = Type::of("[]*chart.Chart", Kind::Slice, &CHART);

fn of_metadata(chart: &Value, name: &str) -> Value {
    let Value::Struct(chart) = chart else { return Value::Nil };
    match chart.field("Metadata") {
        Some(Value::Struct(metadata)) => metadata.field(name).cloned().unwrap_or(Value::Nil),
        _ => Value::str(""),
    }
}

fn definitions(scope: &mut Scope<'_>, chart: &Value, _: &[Value]) -> Result<Value, Fault> {
    let Value::Struct(chart) = chart else { return Ok(Value::Nil) };
    let Some(Value::List(files)) = chart.field("Files") else { return Ok(Value::Nil) };
    scope.budget.step(files.items().len() as u64)?;
    let is_one = |file: &&Value| match file {
        Value::Struct(file) => match file.field("Name") {
            Some(Value::Str(name)) => crate::chart::is_definition(name),
            _ => false,
        },
        _ => false,
    };
    let found: Vec<Value> = files.items().iter().filter(is_one).cloned().collect();
    Ok(Value::List(List::grown(&FILES, found)))
}

/// Carries a template out that sees `.Release`: the record, by the names of Helm's own types. Only the language's functions are known, and its
/// errors are text/template's, in full.
pub fn render_record(record: &Record, text: &str, around: &mut Surroundings<'_>) -> Result<Vec<u8>, RenderError> {
    let name = Str::from("_");
    let parsed = Parsed::of(&name, &Str::from(text), Language::Go).map_err(|fault| RenderError::Template(fault.to_string()))?;
    let mut set = Set::default();
    set.add(&parsed);
    let sees = Value::map(BTreeMap::from([(Str::from("Release"), release(record, around.now))]));
    let mut budget = around.budget();
    let written = carried_out(around, &mut budget, false, MissingKey::Nothing, |run| template::execute(&set, &name, &sees, run));
    written.map_err(|failure| match failure {
        Failure::Limit(limit) => RenderError::Limit(limit),
        said => RenderError::Template(said.to_string()),
    })
}

/// A field, which no function of this language writes as JSON.
fn plain(name: &'static str, value: Value) -> Field {
    field(name, name, false, value)
}

fn text(name: &'static str, value: &str) -> Field {
    plain(name, Value::str(value))
}

fn release(record: &Record, now: &jiff::ZonedDateTime) -> Value {
    let labels = record.labels.iter().map(|(key, value)| (Str::from(key.as_str()), Value::str(value.as_str())));
    let labels: BTreeMap<Str, Value> = labels.collect();
    let labels = if labels.is_empty() { Map::nil(&types::STRING_MAP) } else { Map::new(&types::STRING_MAP, labels) };
    let config = record.config.as_ref().map(|config| serde_json::Value::Object(config.clone()));
    made(
        &RELEASE,
        vec![
            text("Name", &record.name),
            plain("Info", info(&record.info, now)),
            plain("Chart", chart(&record.chart, now)),
            plain("Config", map(config.as_ref())),
            text("Manifest", &record.manifest),
            plain("Hooks", several(&HOOKS, &record.hooks, |one| hook(one, now))),
            plain("Version", Value::int(record.revision.into())),
            text("Namespace", &record.namespace),
            plain("Labels", Value::Map(labels)),
        ],
    )
}

fn info(info: &Info, now: &jiff::ZonedDateTime) -> Value {
    made(
        &INFO,
        vec![
            time("FirstDeployed", &info.first_deployed, now),
            time("LastDeployed", &info.last_deployed, now),
            time("Deleted", &info.deleted, now),
            text("Description", &info.description),
            text("Status", &info.status.to_string()),
            text("Notes", &info.notes),
            plain("Resources", Value::Map(Map::nil(&RESOURCES))),
        ],
    )
}

fn hook(hook: &RecordedHook, now: &jiff::ZonedDateTime) -> Value {
    let HookRun { started_at, completed_at, phase } = &hook.last_run;
    let phase = serde_json::to_value(phase).unwrap_or_default();
    let run =
        vec![time("StartedAt", started_at, now), time("CompletedAt", completed_at, now), text("Phase", phase.as_str().unwrap_or_default())];
    let events: Vec<String> = hook.events.iter().map(ToString::to_string).collect();
    made(
        &HOOK,
        vec![
            text("Name", &hook.name),
            text("Kind", &hook.kind),
            text("Path", &hook.path),
            text("Manifest", &hook.manifest),
            texts("Events", &events),
            plain("LastRun", made(&HOOK_RUN, run)),
            plain("Weight", Value::int(hook.weight)),
            texts("DeletePolicies", &hook.delete_policies),
            texts("OutputLogPolicies", &hook.output_log_policies),
        ],
    )
}

fn texts(name: &'static str, values: &[String]) -> Field {
    plain(name, several(&types::STRINGS, values, |value| Value::str(value.as_str())))
}

fn time(name: &'static str, text: &str, now: &jiff::ZonedDateTime) -> Field {
    plain(name, dates::of_record(text, now))
}

/// The chart as it is recorded. What cannot be read of it is not there.
fn chart(recorded: &serde_json::Value, now: &jiff::ZonedDateTime) -> Value {
    if recorded.is_null() {
        return Value::Nil;
    }
    fn read<T: for<'de> Deserialize<'de>>(part: Option<&serde_json::Value>) -> Option<T> {
        T::deserialize(part.filter(|part| !part.is_null())?).ok()
    }
    let files = |key: &str| several(&FILES, recorded.get(key).and_then(|files| files.as_array()).map_or(&[], Vec::as_slice), file);
    let lock = read::<Lock>(recorded.get("lock")).map(|lock| {
        let dependencies = several(&DEPENDENCIES, &lock.dependencies, dependency);
        let digest = text("Digest", &lock.digest);
        made(&LOCK, vec![time("Generated", &lock.generated, now), digest, plain("Dependencies", dependencies)])
    });
    let known = read::<Metadata>(recorded.get("metadata")).map(|known| metadata(&METADATA, &known));
    made(
        &CHART,
        vec![
            plain("Raw", Value::List(List::nil(&FILES))),
            plain("Metadata", known.unwrap_or(Value::Nil)),
            plain("Lock", lock.unwrap_or(Value::Nil)),
            plain("Templates", files("templates")),
            plain("Values", map(recorded.get("values"))),
            plain("Schema", bytes(recorded.get("schema"))),
            plain("Files", files("files")),
        ],
    )
}

fn file(recorded: &serde_json::Value) -> Value {
    let name = recorded.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
    made(&FILE, vec![text("Name", name), plain("Data", bytes(recorded.get("data")))])
}

/// Bytes as Go writes them into JSON.
fn bytes(recorded: Option<&serde_json::Value>) -> Value {
    let decoded = recorded.and_then(|text| STANDARD.decode(text.as_str()?).ok());
    Value::Bytes(Str::from(decoded.unwrap_or_default()))
}

fn map(recorded: Option<&serde_json::Value>) -> Value {
    match recorded {
        Some(object @ serde_json::Value::Object(_)) => Value::from(&json::data(object)),
        _ => Value::Map(Map::nil(&types::MAP)),
    }
}
