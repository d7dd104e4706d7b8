//! `import-values`: what a chart takes of the values of those inside it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    coalesce::{Merger, Nulls, table_of},
    dependencies::{NodeId, Tree},
    path::table,
};
use crate::{
    function::Fault,
    value::{Map, Str, Value, types},
};

/// From where of a subchart to where of its parent.
pub(crate) struct Import {
    /// The path in the subchart.
    pub(crate) child: String,
    /// The path in its parent, `.` for the top.
    pub(crate) parent: String,
    /// What Helm's warning says between `table` and the reason, when nothing is there.
    whose: &'static str,
}

impl Import {
    /// As it is written: a pair of paths, or the name of something below `exports` that goes to the top.
    pub(crate) fn read(written: &serde_json::Value, chart: &str) -> Result<Option<Self>, Fault> {
        match written {
            serde_json::Value::Object(pair) => {
                let path = |key: &str| match pair.get(key) {
                    Some(serde_json::Value::String(path)) => Ok(path.clone()),
                    other => {
                        let is = match other {
                            None | Some(serde_json::Value::Null) => "nil",
                            Some(serde_json::Value::Bool(_)) => "bool",
                            Some(serde_json::Value::Number(_)) => "float64",
                            Some(serde_json::Value::Array(_)) => "[]interface {}",
                            Some(_) => "map[string]interface {}",
                        };
                        // Helm does not get over this: it ends with a stack trace
                        Err(Fault::said(format!(
                            "import-values of {chart}: {key}: interface conversion: interface {{}} is {is}, not string"
                        )))
                    }
                };
                Ok(Some(Self { child: path("child")?, parent: path("parent")?, whose: " from chart" }))
            }
            serde_json::Value::String(name) => Ok(Some(Self { child: format!("exports.{name}"), parent: ".".to_owned(), whose: "" })),
            _ => Ok(None),
        }
    }
}

impl Tree<'_> {
    /// Takes up the imports of a chart and, before it, of those inside.
    pub(super) fn import_all(&mut self, id: NodeId, nulls: Nulls, merger: &mut Merger<'_>) -> Result<(), Fault> {
        merger.budget.enter()?;
        for inside in self.nodes[id].inside.clone() {
            self.import_all(inside, nulls, merger)?;
        }
        merger.budget.leave();
        self.import(id, nulls, merger)
    }

    fn import(&mut self, id: NodeId, nulls: Nulls, merger: &mut Merger<'_>) -> Result<(), Fault> {
        let Some(needs) = self.nodes[id].needs.clone() else { return Ok(()) };
        let values = Map::new(&types::MAP, BTreeMap::new());
        merger.chart(&self.layer(id), &values, "", nulls)?;
        let imported = Map::new(&types::MAP, BTreeMap::new());
        for need in needs {
            let need = &mut self.needs[need];
            let mut taken = Vec::new();
            let written = std::mem::take(&mut need.declared.import_values);
            // a chart with two names imports for the first of them only
            for written in written.iter().filter(|_| !need.is_imported) {
                let Some(import) = Import::read(written, &need.declared.name)? else { continue };
                taken.push(json!({ "child": import.child, "parent": import.parent }));
                merger.budget.step((need.declared.name.len() + import.child.len()) as u64 / 16 + 1)?;
                match table(&values, &format!("{}.{}", need.declared.name, import.child)) {
                    Ok(found) => {
                        // an empty mapping is not shared with what is imported after it
                        let found = if found.is_empty() { Map::new(&types::MAP, BTreeMap::new()) } else { found };
                        let found = placed(found, &import.parent);
                        merger.tables(&imported, &found, "", nulls)?;
                    }
                    Err(why) => {
                        let whose =
                            if import.whose.is_empty() { String::new() } else { format!("{} {}", import.whose, need.declared.name) };
                        merger.warn(format!("Warning: ImportValues missing table{whose}: {why}"))?;
                    }
                }
            }
            need.declared.import_values = taken;
            need.is_imported = true;
        }
        let values = match nulls {
            Nulls::Keep if imported.is_empty() => values,
            Nulls::Keep => merger.copy(&values)?,
            Nulls::Remove => merger.without_nulls(&values)?,
        };
        merger.tables(&values, &imported, "", nulls)?;
        let values = table_of(&values, merger.budget)?;
        self.nodes[id].values = std::borrow::Cow::Owned(values);
        Ok(())
    }
}

/// A mapping with the keys of a path around it.
fn placed(map: Map, path: &str) -> Map {
    if path == "." {
        return map;
    }
    path.rsplit('.').fold(map, |inner, key| Map::new(&types::MAP, BTreeMap::from([(Str::from(key), Value::Map(inner))])))
}
