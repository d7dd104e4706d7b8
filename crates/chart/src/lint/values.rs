//! `values.yaml`, alone and against the schema.

use super::{
    Directory, Linter, Options,
    Severity::{Error, Info},
};
use crate::{
    budget::Budget,
    schema,
    values::{Nulls, lay_over},
    yaml,
};

const FILE: &str = "values.yaml";

pub(super) fn check(linter: &mut Linter, directory: &Directory, options: &Options, budget: &mut Budget) {
    let text = directory.values.as_deref().ok_or("file does not exist");
    let Some(text) = linter.rule(Info, FILE, text) else { return };
    let read = yaml::read_table(text).map_err(|why| {
        // as Helm calls the type that it reads them into
        let why = why.to_string().replace("map[string]interface {}", "chartutil.Values");
        format!("unable to parse YAML: {why}")
    });
    let Some(values) = linter.rule(Error, FILE, read) else { return };
    let Some(schema) = directory.schema.as_ref().filter(|schema| !schema.is_empty()) else { return };
    let outcome = match lay_over(&options.values, &values, Nulls::Remove, budget) {
        Ok((values, _)) => schema::check_one(&values, schema, budget).map_err(|why| why.to_string()),
        Err(fault) => Err(fault.to_string()),
    };
    linter.rule(Error, FILE, outcome);
}
