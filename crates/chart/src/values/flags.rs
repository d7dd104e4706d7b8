//! The values that a person gives: files, then flags, in Helm's order whatever the order on the command line.

use std::fmt;

use super::set::{Taken, set};
use crate::{
    budget::Budget,
    function::Fault,
    value::{Data, Str, Table},
    yaml,
};

/// A file of `--values`.
#[derive(Clone)]
pub struct ValuesFile {
    /// As it was named.
    pub name: String,
    /// What it holds.
    pub text: Str,
}

/// What is given for a chart's values.
#[derive(Clone, Default)]
pub struct Given {
    /// `--values`, a later one over an earlier one.
    pub files: Vec<ValuesFile>,
    /// `--set-json`
    pub json: Vec<String>,
    /// `--set`
    pub typed: Vec<String>,
    /// `--set-string`
    pub text: Vec<String>,
    /// `--set-file`
    pub file: Vec<String>,
    /// `--set-literal`
    pub literal: Vec<String>,
}

/// Its name, not what it holds.
impl fmt::Debug for ValuesFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ValuesFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The files' names, and how many flags there are.
impl fmt::Debug for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, json, typed, text, file, literal } = self;
        let flags = [json, typed, text, file, literal].map(Vec::len);
        formatter.debug_struct("Given").field("files", files).field("flags", &flags).finish()
    }
}

impl Given {
    /// All of it made into one; `read` gives what a file of `--set-file` holds.
    pub fn merge(&self, read: &mut dyn FnMut(&str) -> Result<Str, String>, budget: &mut Budget) -> Result<Table, Fault> {
        let mut values = Table::new();
        for file in &self.files {
            let rules = yaml::Rules::default();
            let table = yaml::read_by(rules, &file.text, budget).and_then(yaml::table).map_err(|why| match why {
                yaml::ReadError::Said(why) => Fault::said(format!("failed to parse {}: {why}", file.name)),
                yaml::ReadError::Limit(limit) => Fault::Limit(limit),
            })?;
            values = merge_files(values, table, budget)?;
        }
        for argument in &self.json {
            set(argument.as_bytes(), Taken::Json, &mut values, budget).map_err(|fault| match fault {
                Fault::Said(_) => Fault::said(format!("failed parsing --set-json data {argument}")),
                limit @ Fault::Limit(_) => limit,
            })?;
        }
        for argument in &self.typed {
            set(argument.as_bytes(), Taken::Typed, &mut values, budget).map_err(|fault| failed("--set", fault))?;
        }
        for argument in &self.text {
            set(argument.as_bytes(), Taken::Text, &mut values, budget).map_err(|fault| failed("--set-string", fault))?;
        }
        for argument in &self.file {
            let taken = Taken::File(&mut *read);
            set(argument.as_bytes(), taken, &mut values, budget).map_err(|fault| failed("--set-file", fault))?;
        }
        for argument in &self.literal {
            set(argument.as_bytes(), Taken::Literal, &mut values, budget).map_err(|fault| failed("--set-literal", fault))?;
        }
        Ok(values)
    }
}

fn failed(flag: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Said(text) => Fault::said(format!("failed parsing {flag} data: {text}")),
        limit @ Fault::Limit(_) => limit,
    }
}

/// One file over another: mappings are merged, everything else is replaced, and nulls stay to take effect on what a chart brings.
pub fn merge_files(below: Table, above: Table, budget: &mut Budget) -> Result<Table, Fault> {
    budget.enter()?;
    let mut merged = below;
    for (key, value) in above {
        budget.step(1)?;
        let value = match (merged.remove(&key), value) {
            (Some(Data::Map(below)), Data::Map(above)) => Data::Map(merge_files(below, above, budget)?),
            (_, value) => value,
        };
        merged.insert(key, value);
    }
    budget.leave();
    Ok(merged)
}
