//! `penstock chart explain`: which file or flag sets a value, and where templates use it.

use penstock_chart::{
    budget::{Budget, Limits},
    chart::{Chart, Dependency},
    function::Fault,
    json,
    origins::{Setting, origins},
    uses::{Use, decisions, dotted, uses},
    value::{Data, Str, Table},
    values::{GLOBAL, Nulls, coalesce, settle, table_of},
};
use penstock_cli::{CliError, Output, args::chart::ExplainValue, exit, terminal};
use penstock_model::counted;
use serde_json::json;

use super::{given, source};

/// What there is to say of a value.
struct Explained {
    name: String,
    path: Vec<Str>,
    /// What templates see; none where it is not set, or taken away.
    value: Option<Data>,
    settings: Vec<Setting>,
    uses: Vec<Use>,
    /// A chart inside that the value is for, and that is not rendered.
    left_out: Option<String>,
    /// Of a `global` value that is not set for all: the charts inside that have one of their own.
    own: Vec<String>,
}

/// Explains a value.
pub async fn explain(args: &ExplainValue, output: Output) -> Result<(), CliError> {
    let name = args.value.trim_start_matches(".Values.").trim_start_matches('.');
    let path: Vec<Str> = name.split('.').map(Str::from).collect();
    if path.iter().any(|key| key.is_empty()) {
        let message = format!("{:?} names no value", args.value);
        return Err(CliError::other(message, "a value is named as in templates: image.tag", exit::USAGE));
    }
    let chart = source::find(&args.chart, &args.source).await?;
    let (given, layers) = given::layers(&args.values, &args.source.credentials).await?;
    let wrong = |fault: Fault| CliError::other(fault.to_string(), "", exit::NOT_GOOD);
    let budget = &mut Budget::new(Limits::default());
    let settled = settle(&chart, &given, Nulls::Keep, budget).map_err(wrong)?.chart;
    let (values, _) = coalesce(&settled, &given, budget).map_err(wrong)?;
    let values = Data::Map(table_of(&values, budget).map_err(wrong)?);
    let mut found =
        uses(&settled, &layers).map_err(|fault| CliError::other(fault.to_string(), "`penstock chart lint` tells more", exit::NOT_GOOD))?;
    found.splice(..0, decisions(&chart));
    let explained = Explained {
        name: name.to_owned(),
        value: values.at(&path).filter(|value| **value != Data::Null).cloned(),
        settings: origins(&settled, &layers, &path, budget).map_err(wrong)?,
        uses: found.iter().filter(|one| path.starts_with(&one.path) || one.path.starts_with(&path)).cloned().collect(),
        left_out: left_out(&chart, &settled, &path),
        own: if path[0] == GLOBAL && values.at(&path).is_none() { own(&settled, &values, &path, "") } else { Vec::new() },
        path,
    };
    if explained.settings.is_empty() && explained.uses.is_empty() && explained.own.is_empty() && explained.left_out.is_none() {
        let hint = match near(name, &values, &found) {
            Some(near) => format!("did you mean {near}?"),
            None => "`penstock chart show values` shows what there is".to_owned(),
        };
        return Err(CliError::other(format!("nothing sets {name}, and no template uses it"), hint, exit::ABSENT));
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&as_json(&explained)).unwrap_or_default()),
        Output::Text => show(&explained),
    }
    Ok(())
}

/// The chart inside that a path leads into, if it does not take part with these values.
fn left_out(chart: &Chart, settled: &Chart, path: &[Str]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let declared = chart.metadata.dependencies.iter().find(|one| *first == one.goes_by());
    let name = declared.map_or_else(|| first.to_string(), |one| one.name.clone());
    let there = chart.dependencies.iter().find(|inner| inner.name() == name)?;
    match settled.dependencies.iter().find(|inner| *first == inner.name()) {
        Some(inner) => left_out(there, inner, rest).map(|deeper| format!("{first}.{deeper}")),
        None => declared.map(Dependency::goes_by).map(str::to_owned),
    }
}

/// The charts inside that have a value of their own where none comes from above.
fn own(chart: &Chart, values: &Data, path: &[Str], prefix: &str) -> Vec<String> {
    let inner = |inner: &Chart| {
        let Some(values) = values.at([inner.name()]) else { return Vec::new() };
        let name = format!("{prefix}{}", inner.name());
        if values.at(path).is_some() { vec![name] } else { own(inner, values, path, &format!("{name}.")) }
    };
    chart.dependencies.iter().flat_map(inner).collect()
}

/// The value that was probably meant: one of that name elsewhere, or one of about that name.
fn near(name: &str, values: &Data, uses: &[Use]) -> Option<String> {
    let mut known = Vec::new();
    if let Data::Map(table) = values {
        names(table, "", &mut known);
    }
    known.extend(uses.iter().map(|one| dotted(&one.path)));
    let below = format!(".{name}");
    let distance = |known: &String| if known.ends_with(&below) { 0 } else { strsim::levenshtein(known, name) };
    known.into_iter().map(|known| (distance(&known), known)).min().filter(|(distance, _)| *distance <= 2).map(|(_, known)| known)
}

fn names(table: &Table, prefix: &str, known: &mut Vec<String>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        if let Data::Map(inner) = value {
            names(inner, &format!("{name}."), known);
        }
        known.push(name);
    }
}

fn place(setting: &Setting) -> String {
    terminal::plain(&setting.line.map_or_else(|| setting.from.clone(), |line| format!("{}:{line}", setting.from)))
}

fn short(value: &Data) -> String {
    let text = json::value(value).to_string();
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

fn show(of: &Explained) {
    let name = terminal::bold(&terminal::plain(&of.name));
    match (&of.value, of.settings.first()) {
        (Some(value), _) => println!("{name} = {}", short(value)),
        (None, Some(_)) => println!("{name} is taken away"),
        (None, None) => println!("{name} is set nowhere"),
    }
    let is_mapping = matches!(of.value, Some(Data::Map(_)));
    for (number, setting) in of.settings.iter().enumerate() {
        let how = match (number, &of.value) {
            (0, None) => "by     ",
            (0, _) => "set by ",
            _ if is_mapping && matches!(setting.value, Data::Map(_)) => "with   ",
            _ => "over   ",
        };
        let wins = number == 0 && of.value.as_ref() == Some(&setting.value);
        let value = if wins { String::new() } else { format!("  {}", terminal::dim(&short(&setting.value))) };
        println!("  {how} {}{value}", place(setting));
    }
    if of.value.is_some() && of.settings.is_empty() {
        println!("  set by  the charts inside, by what each has below `global`");
    }
    for chart in &of.own {
        println!("  {chart} has one of its own: `penstock chart explain {chart}.{}`", of.name);
    }
    if let Some(chart) = &of.left_out {
        println!(
            "  {}",
            terminal::yellow(&format!("{chart} is not rendered with these values: its condition or its tags in Chart.yaml are off"))
        );
    } else if of.uses.is_empty() {
        println!("  {}", terminal::yellow("no template uses it"));
    }
    if of.uses.is_empty() {
        return;
    }
    println!("  used in {}:", counted(of.uses.len(), "place"));
    for one in &of.uses {
        let how = if one.path.len() < of.path.len() { terminal::dim("  (with all around it)") } else { String::new() };
        println!("    {}:{}  {}{how}", terminal::plain(&one.file), one.line, terminal::plain(&one.text));
    }
}

fn as_json(of: &Explained) -> serde_json::Value {
    let one = |setting: &Setting| json!({ "from": setting.from, "line": setting.line, "value": json::value(&setting.value) });
    json!({
        "value": of.name,
        "is": of.value.as_ref().map(json::value),
        "settings": of.settings.iter().map(one).collect::<Vec<_>>(),
        "uses": of.uses,
        "left_out": of.left_out,
        "own": of.own,
    })
}
