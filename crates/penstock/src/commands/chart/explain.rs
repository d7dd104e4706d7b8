//! `penstock chart explain`: which file or flag sets a value, and where templates use it.

use penstock_chart::{
    json,
    uses::{Use, uses},
    value::{Data, Str, Table},
    yaml,
};
use penstock_cli::{CliError, Output, args::chart::ExplainValue, exit, terminal};
use penstock_model::counted;
use serde_json::{Value, json};

use super::{
    given::{self, Layer},
    source,
};

/// A file or flag that sets the value.
struct Setting {
    from: String,
    line: Option<usize>,
    value: Data,
}

/// Explains a value.
pub async fn explain(args: &ExplainValue, output: Output) -> Result<(), CliError> {
    let path: Vec<&str> = args.value.trim_start_matches(".Values.").trim_start_matches('.').split('.').collect();
    if path.iter().any(|key| key.is_empty()) {
        return Err(CliError::other(
            format!("{:?} names no value", args.value),
            "a value is named as in templates: image.tag",
            exit::USAGE,
        ));
    }
    let chart = source::find(&args.chart, &args.source).await?;
    let mut settings = Vec::new();
    // a chart's own values first, then what the charts around it say of it, then the user's: who comes last wins
    for layer in chart_layers(&chart, &path)
        .into_iter()
        .rev()
        .chain(given::layers(&args.values, &args.source.credentials).await?.into_iter().map(|layer| (layer, path.clone())))
    {
        let (layer, path) = layer;
        if let Some(value) = Data::Map(layer.values).at(path.iter().copied()) {
            let line = layer.text.as_ref().and_then(|text| yaml::line_of(text.as_bytes(), &path));
            settings.push(Setting { from: layer.from, line, value: value.clone() });
        }
    }
    let keys: Vec<Str> = path.iter().map(|key| Str::from(*key)).collect();
    let found = uses(&chart).map_err(|fault| CliError::other(fault.to_string(), "`penstock chart lint` tells more", exit::NOT_GOOD))?;
    let touches = |one: &&Use| keys.starts_with(&one.path) || one.path.starts_with(&keys);
    let found: Vec<&Use> = found.iter().filter(touches).collect();
    if settings.is_empty() && found.is_empty() {
        let message = format!("nothing sets {}, and no template uses it", args.value);
        return Err(CliError::other(message, "`penstock chart show values` shows what there is", exit::ABSENT));
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&as_json(&args.value, &settings, &found)).unwrap_or_default()),
        Output::Text => show(&args.value, &settings, &found, &keys),
    }
    Ok(())
}

/// The values files of a chart and of the charts inside that the path leads into, the outermost first, with the path from there.
fn chart_layers<'a>(chart: &penstock_chart::chart::Chart, path: &[&'a str]) -> Vec<(Layer, Vec<&'a str>)> {
    let text = chart.raw.iter().find(|file| file.name == "values.yaml").map(|file| file.data.clone());
    let values: Table = chart.values.clone();
    let mut layers = vec![(Layer { from: format!("{}/values.yaml", chart.path), text, values }, path.to_vec())];
    let inner = path.split_first().and_then(|(first, rest)| {
        let named = |one: &&penstock_chart::chart::Chart| one.name() == *first;
        (!rest.is_empty()).then(|| chart.dependencies.iter().find(named).map(|inner| (inner, rest)))?
    });
    if let Some((inner, rest)) = inner {
        layers.extend(chart_layers(inner, rest));
    }
    layers
}

fn place(setting: &Setting) -> String {
    setting.line.map_or_else(|| setting.from.clone(), |line| format!("{}:{line}", setting.from))
}

fn short(value: &Data) -> String {
    let text = json::value(value).to_string();
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

fn show(name: &str, settings: &[Setting], found: &[&Use], keys: &[Str]) {
    match settings.split_last() {
        None => println!("{} is set nowhere", terminal::bold(name)),
        Some((wins, over)) => {
            println!("{} = {}", terminal::bold(name), short(&wins.value));
            println!("  set by  {}", place(wins));
            for one in over.iter().rev() {
                let merged = matches!((&wins.value, &one.value), (Data::Map(_), Data::Map(_)));
                println!("  {} {}  {}", if merged { "with   " } else { "over   " }, place(one), terminal::dim(&short(&one.value)));
            }
        }
    }
    if found.is_empty() {
        println!("  {}", terminal::yellow("no template uses it"));
        return;
    }
    println!("  used in {}:", counted(found.len(), "place"));
    for one in found {
        let how = if one.path.len() < keys.len() { terminal::dim("  (with all around it)") } else { String::new() };
        println!("    {}:{}  {}{how}", one.file, one.line, terminal::plain(&one.text));
    }
}

fn as_json(name: &str, settings: &[Setting], found: &[&Use]) -> Value {
    let one = |setting: &Setting| json!({ "from": setting.from, "line": setting.line, "value": json::value(&setting.value) });
    json!({
        "value": name,
        "settings": settings.iter().rev().map(one).collect::<Vec<_>>(),
        "uses": found,
    })
}
