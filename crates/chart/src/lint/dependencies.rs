//! What `Chart.yaml` asks for, and what stands in `charts/`.

use std::collections::BTreeSet;

use super::{
    Directory, Linter,
    Severity::{Error, Warning},
};
use crate::{chart::Chart, load};

pub(super) fn check(linter: &mut Linter, directory: &Directory) {
    let loaded = load::files(directory.files.clone()).map_err(|why| format!("unable to load chart\n\t{why}"));
    let Some(loaded) = linter.rule(Error, "", loaded) else { return };
    let chart = &loaded.chart;
    linter.rule(Error, &directory.path, all_asked_for(chart));
    linter.rule(Error, &directory.path, each_once(chart));
    linter.rule(Warning, &directory.path, all_there(chart));
}

fn outcome(what: &str, names: &[&str]) -> Result<(), String> {
    if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(","))) }
}

fn all_asked_for(chart: &Chart) -> Result<(), String> {
    let asked: BTreeSet<&str> = chart.metadata.dependencies.iter().map(|it| it.name.as_str()).collect();
    let missing: Vec<&str> = chart.dependencies.iter().map(Chart::name).filter(|name| !asked.contains(name)).collect();
    outcome("chart metadata is missing these dependencies", &missing)
}

fn each_once(chart: &Chart) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let names = chart.metadata.dependencies.iter().map(|it| if it.alias.is_empty() { &it.name } else { &it.alias });
    let twice: Vec<&str> = names.map(String::as_str).filter(|name| !seen.insert(*name)).collect();
    outcome("multiple dependencies with name or alias", &twice)
}

fn all_there(chart: &Chart) -> Result<(), String> {
    let there: BTreeSet<&str> = chart.dependencies.iter().map(Chart::name).collect();
    let asked = chart.metadata.dependencies.iter().map(|it| it.name.as_str());
    outcome("chart directory is missing these dependencies", &asked.filter(|name| !there.contains(name)).collect::<Vec<_>>())
}
