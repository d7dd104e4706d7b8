//! `penstock chart diff`: two versions of a chart, two sets of values, or a release and its upgrade, object by object.

use penstock_chart::{
    diff::{Difference, Fate, LineFate, Side, diff as differences},
    release::{Composed, Request},
    render::Release,
};
use penstock_cli::{
    CliError, Output,
    args::chart::{ChartSource, Diff, Values},
    exit, terminal,
};
use penstock_model::counted;
use serde_json::json;

use super::{given, release, source, template};

/// Compares, and gives the exit code: [`exit::NOT_GOOD`] where something differs, as `diff` does.
pub async fn diff(args: &Diff, output: Output) -> Result<u8, CliError> {
    if let Some(name) = &args.release {
        return upgraded(args, name, output).await;
    }
    let (older, newer) = match args.charts.as_slice() {
        [older, newer] => (older, newer),
        [chart] => (chart, chart),
        _ => return Err(CliError::other("one or two charts are compared", "penstock chart diff CHART [CHART]", exit::USAGE)),
    };
    let older_source = ChartSource { version: args.from_version.clone().or_else(|| args.source.version.clone()), ..args.source.clone() };
    let older = side(args, older, &older_source, &older_values(args)).await?;
    let newer = side(args, newer, &args.source, &args.values).await?;
    let sides = [&older, &newer].map(|composed| Side { manifests: &composed.manifests, hooks: &composed.hooks });
    compared(args, sides, "both render the same objects", output)
}

/// Compares a release with what an upgrade would make of it.
async fn upgraded(args: &Diff, name: &str, output: Output) -> Result<u8, CliError> {
    let [reference] = args.charts.as_slice() else {
        let message = "a release is compared with one chart";
        return Err(CliError::other(message, "penstock chart diff --release RELEASE CHART", exit::USAGE));
    };
    let proposed = release::proposed(args, name, reference).await?;
    let sides = [&proposed.current, &proposed.next].map(|sorted| Side { manifests: &sorted.manifests, hooks: &sorted.hooks });
    compared(args, sides, &format!("an upgrade would leave all objects of revision {} as they are", proposed.revision), output)
}

fn compared(args: &Diff, [older, newer]: [Side<'_>; 2], equal: &str, output: Output) -> Result<u8, CliError> {
    let found = differences(older, newer, args.context, args.show_secrets)
        .map_err(|why| CliError::other(why, "`penstock chart template` shows the documents", exit::NOT_GOOD))?;
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&json!({ "differences": found })).unwrap_or_default()),
        Output::Text => show(&found, equal),
    }
    Ok(if found.is_empty() { exit::OK } else { exit::NOT_GOOD })
}

/// The older side's values: its own where some are given, else those of both. Where one chart is compared with itself and nothing is
/// said of the older side, it is the chart as it comes.
fn older_values(args: &Diff) -> Values {
    let as_it_comes = args.charts.len() == 1 && args.from_version.is_none() && args.from_values.is_empty() && args.from_set.is_empty();
    let mut values = if as_it_comes { Values::default() } else { args.values.clone() };
    if !args.from_values.is_empty() {
        values.values.clone_from(&args.from_values);
    }
    if !args.from_set.is_empty() {
        values.set.clone_from(&args.from_set);
    }
    values
}

async fn side(args: &Diff, reference: &str, source: &ChartSource, values: &Values) -> Result<Composed, CliError> {
    let chart = source::whole(reference, source, args.render.dependency_update).await?;
    let namespace = release::namespace(args.render.namespace.as_ref());
    let release = Release { name: args.name.clone(), namespace, revision: 1, is_upgrade: false };
    let request = Request { release, ..template::request(given::values(values, &source.credentials).await?, &args.render)? };
    // both sides are drawn from the same seed and time, so that what is random is no difference
    template::rendered_with(&chart, &request, &args.render, [0; 32], &super::start_of_time()).map_err(template::refused)
}

fn show(found: &[Difference], equal: &str) {
    for one in found {
        let object = &one.object;
        let place = if object.namespace.is_empty() { String::new() } else { format!("{}/", object.namespace) };
        let hook = if object.hook { " (hook)" } else { "" };
        let head = format!("{} {place}{}{hook}", object.kind, object.name);
        let head = match one.fate {
            Fate::Added => terminal::green(&format!("+ {head}")),
            Fate::Removed => terminal::red(&format!("- {head}")),
            Fate::Changed => terminal::yellow(&format!("~ {head}")),
        };
        println!("{head} {}", terminal::dim(&one.source));
        for (at, hunk) in one.hunks.iter().enumerate() {
            if at > 0 {
                println!("{}", terminal::dim("    …"));
            }
            for (fate, line) in hunk {
                match fate {
                    LineFate::Same => println!("    {line}"),
                    LineFate::Added => println!("{}", terminal::green(&format!("  + {line}"))),
                    LineFate::Removed => println!("{}", terminal::red(&format!("  - {line}"))),
                }
            }
        }
        println!();
    }
    let count = |fate| found.iter().filter(|one| one.fate == fate).count();
    match found.len() {
        0 => println!("{} {equal}", terminal::green("equal:")),
        all => eprintln!(
            "{}",
            terminal::dim(&format!(
                "{}: {} added, {} removed, {} changed",
                counted(all, "difference"),
                count(Fate::Added),
                count(Fate::Removed),
                count(Fate::Changed)
            ))
        ),
    }
}
