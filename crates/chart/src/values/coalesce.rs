//! The values of a chart and of the charts inside it, made into one: what is given wins over what a chart brings, a parent
//! over its subcharts, and `global` goes down to all.
//!
//! Mappings are shared where Helm shares them. That can be seen: a mapping of `global` that a subchart's own `global` adds to is
//! the parent's too, and a template that sets something in it sets it for both.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    budget::{Budget, Exhausted},
    chart::Chart,
    format,
    function::Fault,
    value::{Data, List, Map, Str, Table, Value, types},
};

/// The key of values that every chart sees.
pub const GLOBAL: &str = "global";

/// What becomes of a value that is set to `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// It takes the key away.
    Remove,
    /// It stays, for a later merge to see.
    Keep,
}

/// A chart as far as its values go.
#[derive(Clone, Debug)]
pub(super) struct Layer<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) values: Cow<'a, Table>,
    pub(super) inside: Vec<Layer<'a>>,
}

impl<'a> Layer<'a> {
    pub(super) fn of(chart: &'a Chart) -> Self {
        Self {
            name: Cow::Borrowed(&chart.metadata.name),
            values: Cow::Borrowed(&chart.values),
            inside: chart.dependencies.iter().map(Self::of).collect(),
        }
    }
}

/// The values that a chart's templates see, from those that are given for it; and what Helm would warn of.
pub fn coalesce(chart: &Chart, given: &Table, budget: &mut Budget) -> Result<(Map, Vec<String>), Fault> {
    let mut merger = Merger::new(budget);
    let values = merger.map_of(given)?;
    merger.chart(&Layer::of(chart), &values, "", Nulls::Remove)?;
    Ok((values, merger.warnings))
}

/// The values below with those above laid over them (Helm's `CoalesceTables`, of `--reuse-values` for example); and what Helm would warn of.
pub fn lay_over(above: &Table, below: &Table, nulls: Nulls, budget: &mut Budget) -> Result<(Table, Vec<String>), Fault> {
    let mut merger = Merger::new(budget);
    let (above, below) = (merger.map_of(above)?, merger.map_of(below)?);
    merger.tables(&above, &below, "", nulls)?;
    let table = table_of(&above, merger.budget)?;
    Ok((table, merger.warnings))
}

/// Merges values, and notes what Helm would warn of.
pub(super) struct Merger<'a> {
    pub(super) budget: &'a mut Budget,
    pub(super) warnings: Vec<String>,
}

impl<'b> Merger<'b> {
    pub(super) fn new(budget: &'b mut Budget) -> Self {
        Self { budget, warnings: Vec::new() }
    }

    /// One more warning, charged for: a long name may be told of again and again.
    pub(super) fn warn(&mut self, text: impl Into<String>) -> Result<(), Exhausted> {
        let text = text.into();
        self.budget.make(text.len() + size_of::<String>())?;
        self.warnings.push(text);
        Ok(())
    }

    fn plain(&mut self, value: &Value) -> Result<Str, Fault> {
        Ok(format::plain(value, self.budget)?)
    }

    /// A copy that shares nothing.
    pub(super) fn map_of(&mut self, table: &Table) -> Result<Map, Fault> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            entries.insert(key.clone(), self.value_of(value)?);
        }
        self.budget.make(32 + entries.len() * 64)?;
        Ok(Map::new(&types::MAP, entries))
    }

    fn value_of(&mut self, data: &Data) -> Result<Value, Fault> {
        self.budget.step(1)?;
        self.budget.enter()?;
        let value = match data {
            Data::List(items) => {
                self.budget.make(size_of_val(items.as_slice()))?;
                Value::List(List::grown(&types::LIST, items.iter().map(|item| self.value_of(item)).collect::<Result<_, _>>()?))
            }
            Data::Map(table) => Value::Map(self.map_of(table)?),
            scalar => Value::from(scalar),
        };
        self.budget.leave();
        Ok(value)
    }

    /// A copy of a mapping that shares no mapping with it. What no values file can hold is nil in it.
    pub(super) fn copy(&mut self, map: &Map) -> Result<Map, Fault> {
        self.budget.enter()?;
        self.budget.make(32 + map.len() * 128)?;
        let mut entries = BTreeMap::new();
        for (key, value) in map.entries() {
            entries.insert(key, self.copy_of(&value)?);
        }
        self.budget.leave();
        Ok(Map::new(&types::MAP, entries))
    }

    fn copy_of(&mut self, value: &Value) -> Result<Value, Fault> {
        self.budget.step(2)?;
        Ok(match value {
            Value::Bool(_) | Value::Float(_) | Value::Str(_) => value.clone(),
            Value::Int(it, _) => Value::int64(*it),
            Value::Map(map) => Value::Map(self.copy(map)?),
            Value::List(list) => {
                self.budget.enter()?;
                self.budget.make(2 * size_of_val(list.items()))?;
                let items = list.items().iter().map(|item| self.copy_of(item)).collect::<Result<_, _>>()?;
                self.budget.leave();
                Value::List(List::grown(&types::LIST, items))
            }
            _ => Value::Nil,
        })
    }

    /// A copy without the keys, at any depth of mappings, that hold null.
    pub(super) fn without_nulls(&mut self, map: &Map) -> Result<Map, Fault> {
        self.budget.enter()?;
        let copy = self.first_level(map)?;
        for (key, value) in map.entries() {
            match value {
                Value::Nil => copy.remove(&key),
                Value::Map(inner) => {
                    let inner = self.without_nulls(&inner)?;
                    copy.insert(key, Value::Map(inner));
                }
                _ => {}
            }
        }
        self.budget.leave();
        Ok(copy)
    }

    /// Gives a chart's values, and those of the charts inside it, to what is there.
    pub(super) fn chart(&mut self, chart: &Layer<'_>, dest: &Map, prefix: &str, nulls: Nulls) -> Result<(), Fault> {
        let prefix = below(prefix, &chart.name);
        self.own(chart, dest, &prefix, nulls)?;
        for inside in &chart.inside {
            let key = Str::from(inside.name.as_ref());
            let values = match dest.get(&key) {
                Some(Value::Map(values)) => values,
                None => {
                    let values = Map::new(&types::MAP, BTreeMap::new());
                    dest.insert(key, Value::Map(values.clone()));
                    values
                }
                Some(other) => {
                    let shown = format::sprintf(b"%t", &[other], self.budget)?;
                    return Err(Fault::said(format!("type mismatch on {}: {shown}", inside.name)));
                }
            };
            self.globals(&values, dest, &prefix)?;
            self.chart(inside, &values, &prefix, nulls)?;
        }
        Ok(())
    }

    fn own(&mut self, chart: &Layer<'_>, dest: &Map, prefix: &str, nulls: Nulls) -> Result<(), Fault> {
        for (key, value) in chart.values.iter() {
            self.budget.step(1)?;
            match dest.get(key) {
                None => {
                    let value = self.value_of(value)?;
                    dest.insert(key.clone(), value);
                }
                Some(Value::Nil) if nulls == Nulls::Remove => dest.remove(key),
                Some(Value::Map(there)) => match value {
                    Data::Map(table) => {
                        // what goes to a subchart keeps its nulls, for them to meet the subchart's own values
                        let is_inside = chart.inside.iter().any(|inside| *key == *inside.name);
                        let nulls = if is_inside { Nulls::Keep } else { nulls };
                        let brought = self.map_of(table)?;
                        self.tables(&there, &brought, &below(prefix, &key.lossy()), nulls)?;
                    }
                    Data::Null => {}
                    _ => self.warn(format!("warning: skipped value for {prefix}.{key}: Not a table."))?,
                },
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Gives a chart's globals to the chart inside it.
    fn globals(&mut self, dest: &Map, source: &Map, prefix: &str) -> Result<(), Fault> {
        let to = match dest.get(GLOBAL) {
            None => Map::new(&types::MAP, BTreeMap::new()),
            Some(Value::Map(map)) => map,
            Some(_) => {
                self.warn("warning: skipping globals because destination global is not a table.")?;
                return Ok(());
            }
        };
        let from = match source.get(GLOBAL) {
            None => Map::new(&types::MAP, BTreeMap::new()),
            Some(Value::Map(map)) => map,
            Some(_) => {
                self.warn("warning: skipping globals because source global is not a table.")?;
                return Ok(());
            }
        };
        for (key, value) in from.entries() {
            self.budget.step(1)?;
            match (value, to.get(&key)) {
                (Value::Map(brought), None) => {
                    to.insert(key, Value::Map(self.first_level(&brought)?));
                }
                (Value::Map(brought), Some(Value::Map(there))) => {
                    let copy = self.first_level(&brought)?;
                    self.tables(&copy, &there, &below(prefix, &key.lossy()), Nulls::Keep)?;
                    to.insert(key, Value::Map(copy));
                }
                (Value::Map(_), Some(_)) => {
                    let key = format::quoted(key.as_bytes());
                    self.warn(format!("Conflict: cannot merge map onto non-map for {key}. Skipping."))?;
                }
                (_, Some(Value::Map(_))) => self.warn(format!("key {key} is table. Skipping"))?,
                (value, _) => {
                    to.insert(key, value);
                }
            }
        }
        dest.insert(Str::from(GLOBAL), Value::Map(to));
        Ok(())
    }

    /// A copy whose inner mappings are the same ones.
    fn first_level(&mut self, map: &Map) -> Result<Map, Fault> {
        self.budget.make(32 + map.len() * 64)?;
        Ok(Map::new(&types::MAP, map.entries().into_iter().collect()))
    }

    /// Lays one mapping under another: what is there stays.
    pub(super) fn tables(&mut self, dest: &Map, source: &Map, prefix: &str, nulls: Nulls) -> Result<(), Fault> {
        self.budget.enter()?;
        for (key, value) in source.entries() {
            self.budget.step(1)?;
            match (dest.get(&key), value) {
                (None, value) => {
                    self.budget.make(64)?;
                    dest.insert(key, value);
                }
                (Some(Value::Nil), _) if nulls == Nulls::Remove => dest.remove(&key),
                (Some(Value::Map(there)), Value::Map(brought)) => {
                    self.tables(&there, &brought, &below(prefix, &key.lossy()), nulls)?;
                }
                (Some(_), value @ Value::Map(_)) => {
                    let (key, value) = (below(prefix, &key.lossy()), self.plain(&value)?);
                    self.warn(format!("warning: cannot overwrite table with non table for {key} ({value})"))?;
                }
                (Some(Value::Map(_)), Value::Nil) => {}
                (Some(Value::Map(_)), value) => {
                    let (key, value) = (below(prefix, &key.lossy()), self.plain(&value)?);
                    self.warn(format!("warning: destination for {key} is a table. Ignoring non-table value ({value})"))?;
                }
                (Some(_), _) => {}
            }
        }
        self.budget.leave();
        Ok(())
    }
}

/// A key with what it stands below.
fn below(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

/// Values as plain data, nothing shared any more. What no values file can hold is left out as `null`.
pub fn table_of(map: &Map, budget: &mut Budget) -> Result<Table, Fault> {
    budget.enter()?;
    budget.make(map.len() * 64)?;
    let mut table = Table::new();
    for (key, value) in map.entries() {
        let value = data_of(&value, budget)?;
        table.insert(key, value);
    }
    budget.leave();
    Ok(table)
}

fn data_of(value: &Value, budget: &mut Budget) -> Result<Data, Fault> {
    budget.step(1)?;
    Ok(match value {
        Value::Bool(it) => Data::Bool(*it),
        Value::Int(it, _) => Data::Int(*it),
        Value::Float(it) => Data::Float(*it),
        Value::Str(it) => Data::Text(it.clone()),
        Value::Map(map) => Data::Map(table_of(map, budget)?),
        Value::List(list) => {
            budget.enter()?;
            budget.make(size_of::<Data>().saturating_mul(list.items().len()))?;
            let items = list.items().iter().map(|item| data_of(item, budget)).collect::<Result<_, _>>()?;
            budget.leave();
            Data::List(items)
        }
        _ => Data::Null,
    })
}
