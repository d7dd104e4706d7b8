//! `values.schema.json`: whether values are as a chart wants them, in the words that Helm 3.18 has from xeipuuv's `gojsonschema` 1.2.
//!
//! Drafts 4, 6 and 7 by `$schema`, and a mixture of them without it. Nothing is read but the schema itself and the drafts' own schemas:
//! a `$ref` to a file or another host is refused. Where the peer walks a map in random order, the order here is that of the keys.

mod check;
mod combine;
mod compile;
mod decimal;
mod formats;
mod kept;
mod keywords;
mod node;
mod reference;
#[cfg(test)]
mod tests;

pub use kept::ValuesSchema;
use thiserror::Error;

use crate::{
    budget::{Budget, Exhausted},
    chart::Chart,
    value::{Data, Table},
};

/// Why values do not pass.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unfit {
    /// They are not what a schema wants, or a schema is none. Of one schema, a line `- FIELD: TEXT` for each; of a chart, those below the
    /// charts' names.
    #[error("{0}")]
    Said(String),
    /// It takes too much to say.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

impl Unfit {
    fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }
}

/// Holds the values of a chart against its schema, and those of the charts inside against theirs. The error is Helm's whole text.
pub fn check(chart: &Chart, values: &Table, budget: &mut Budget) -> Result<(), Unfit> {
    let mut found = String::new();
    collect(chart, values, budget, &mut found)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(Unfit::Said(format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{found}")))
}

fn collect(chart: &Chart, values: &Table, budget: &mut Budget, found: &mut String) -> Result<(), Unfit> {
    if let Some(schema) = &chart.schema {
        match schema.check(values, budget) {
            Ok(()) => {}
            Err(Unfit::Said(text)) => *found += &format!("{}:\n{text}", chart.metadata.name),
            Err(limit) => return Err(limit),
        }
    }
    budget.enter()?;
    let none = Table::new();
    for inner in &chart.dependencies {
        let values = values.get(inner.metadata.name.as_bytes()).and_then(Data::as_map).unwrap_or(&none);
        collect(inner, values, budget, found)?;
    }
    budget.leave();
    Ok(())
}

/// Holds values against one schema, as it was written.
pub fn check_one(values: &Table, schema: &[u8], budget: &mut Budget) -> Result<(), Unfit> {
    held(values, &compile::compile(schema, budget)?, budget)
}

fn held(values: &Table, schema: &compile::Schema, budget: &mut Budget) -> Result<(), Unfit> {
    let values = node::Node::of_table(values, budget)?;
    let problems = check::check(schema, &values, budget)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Unfit::Said(problems.iter().map(|problem| format!("- {problem}\n")).collect::<Vec<_>>().concat()))
}
