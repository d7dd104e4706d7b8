//! Where a value comes from: the files and flags that set it, in the order in which they win.
//!
//! What a user gives wins over every chart, a chart over those inside it; `global` comes down from above over what a chart says of
//! its own, and what a chart imports lies below what it sets itself.

#[cfg(test)]
mod tests;

use crate::{
    budget::Budget,
    chart::Chart,
    function::Fault,
    value::{Data, Str, Table},
    values::{GLOBAL, Import},
    yaml,
};

/// One file or flag of a user, and the values that it alone gives.
#[derive(Clone)]
pub struct Layer {
    /// `production.yaml`, `--set image.tag=1`.
    pub from: String,
    /// The text of a file.
    pub text: Option<Str>,
    /// What it gives.
    pub values: Table,
}

/// A file or flag that has a say in a value.
#[derive(Clone, PartialEq)]
pub struct Setting {
    /// `production.yaml`, `--set image.tag=1`, `web/charts/db/values.yaml`.
    pub from: String,
    /// The line of a file, from 1.
    pub line: Option<usize>,
    /// Whether all keys lead to it. If not, it stands above the value, is no mapping, and takes the value away.
    pub is_whole: bool,
    /// What is set there.
    pub value: Data,
}

/// Every file and flag that says something of the value at `path`, the one that wins first. Below the first whose value is no
/// mapping, none counts.
///
/// `chart` is [settled](crate::values::settle) for the values that the layers give, the last of which wins; `path` is from its
/// templates' `.Values` on.
pub fn origins(chart: &Chart, layers: &[Layer], path: &[Str], budget: &mut Budget) -> Result<Vec<Setting>, Fault> {
    let mut search = Search { layers, budget, found: Vec::new() };
    search.look(chart, path, From::User)?;
    Ok(search.found)
}

/// Where a search begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// With what the user gives.
    User,
    /// With what the chart brings, before it has imported anything: imports see nothing else.
    Chart,
}

struct Search<'a> {
    layers: &'a [Layer],
    budget: &'a mut Budget,
    found: Vec<Setting>,
}

impl Search<'_> {
    fn look(&mut self, chart: &Chart, path: &[Str], from: From) -> Result<(), Fault> {
        self.budget.enter()?;
        let line = line_to(chart, path);
        self.budget.step(1 + line.len() as u64)?;
        let (above, own) = path.split_at(line.len() - 1);
        if let Some((_, outer)) = above.split_last()
            && own.first().is_some_and(|key| *key == GLOBAL)
        {
            self.look(chart, &[outer, own].concat(), from)?;
        }
        if from == From::User {
            self.given(path);
        }
        for (depth, chart) in line.into_iter().enumerate() {
            let path = path.get(depth..).unwrap_or_default();
            self.brought(chart, path)?;
            if depth > 0 || from == From::User {
                self.imported(chart, path)?;
            }
        }
        self.budget.leave();
        Ok(())
    }

    /// What the user's files and flags say. They are made into one first, and there a mapping replaces what is none.
    fn given(&mut self, path: &[Str]) {
        let mut is_mapping_above = 0;
        for layer in self.layers.iter().rev() {
            match standing(&layer.values, path) {
                Standing::At(depth, _) if depth <= is_mapping_above => return,
                Standing::At(depth, value) => {
                    self.found.push(setting(layer.from.clone(), layer.text.as_ref(), path, depth, value));
                    if !matches!(value, Data::Map(_)) && depth < path.len() {
                        return;
                    }
                }
                Standing::Missing(depth) => is_mapping_above = is_mapping_above.max(depth),
            }
        }
    }

    /// What a chart's own `values.yaml` says.
    fn brought(&mut self, chart: &Chart, path: &[Str]) -> Result<(), Fault> {
        let Some(text) = chart.values_text() else { return Ok(()) };
        let values = match yaml::read_by(yaml::Rules::default(), text, self.budget).and_then(yaml::table) {
            Ok(values) => values,
            // it was read before
            Err(yaml::ReadError::Said(why)) => return Err(Fault::said(format!("cannot load values.yaml: {why}"))),
            Err(yaml::ReadError::Limit(limit)) => return Err(limit.into()),
        };
        let from = format!("{}/values.yaml", chart.path);
        match standing(&values, path) {
            Standing::At(depth, value) => self.found.push(setting(from, Some(text), path, depth, value)),
            Standing::Missing(_) if path.is_empty() => {
                self.found.push(Setting { from, line: None, is_whole: true, value: Data::Map(values) });
            }
            Standing::Missing(_) => {}
        }
        Ok(())
    }

    /// What a chart takes of those inside it.
    fn imported(&mut self, chart: &Chart, path: &[Str]) -> Result<(), Fault> {
        for dependency in &chart.metadata.dependencies {
            for import in &dependency.import_values {
                let Some(Import { child, parent, .. }) = Import::read(import, &dependency.name)? else { continue };
                let parent: Vec<Str> = if parent == "." { Vec::new() } else { parent.split('.').map(Str::from).collect() };
                let Some(rest) = path.strip_prefix(parent.as_slice()) else { continue };
                let mut there: Vec<Str> = vec![Str::from(dependency.name.as_str())];
                there.extend(child.split('.').map(Str::from));
                there.extend_from_slice(rest);
                self.look(chart, &there, From::Chart)?;
            }
        }
        Ok(())
    }
}

/// A chart and those inside it that a path leads through, down to the one that the value is for.
fn line_to<'a>(chart: &'a Chart, path: &[Str]) -> Vec<&'a Chart> {
    let mut line = vec![chart];
    let mut at = chart;
    for key in path {
        let Some(inner) = at.dependencies.iter().find(|inner| *key == inner.name()) else { break };
        line.push(inner);
        at = inner;
    }
    line
}

/// Where keys lead.
enum Standing<'a> {
    /// To a value, by so many of them: all, or those up to something that is no mapping.
    At(usize, &'a Data),
    /// Nowhere, past so many mappings.
    Missing(usize),
}

fn standing<'a>(values: &'a Table, path: &[Str]) -> Standing<'a> {
    let (mut table, mut depth) = (values, 0);
    for key in path {
        let Some(value) = table.get(key) else { return Standing::Missing(depth) };
        depth += 1;
        match value {
            Data::Map(inner) if depth < path.len() => table = inner,
            _ => return Standing::At(depth, value),
        }
    }
    Standing::Missing(depth)
}

fn setting(from: String, text: Option<&Str>, path: &[Str], depth: usize, value: &Data) -> Setting {
    let keys: Vec<String> = path.iter().take(depth).map(ToString::to_string).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    Setting { from, line: text.and_then(|text| yaml::line_of(text, &keys)), is_whole: depth == path.len(), value: value.clone() }
}
