//! A schema that is read once, however often its chart is rendered.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use super::{Unfit, compile, held};
use crate::{
    budget::{Budget, Cost},
    value::{Str, Table},
};

/// What reading a schema may have made for it to be kept: far more than any schema needs that people write.
const MOST_KEPT: u64 = 64 << 20;

/// `values.schema.json`, as it was written. It is read when values are first held against it; copies share what was read.
#[derive(Clone)]
pub struct ValuesSchema {
    text: Str,
    read: Arc<OnceLock<Read>>,
}

/// What came of reading it. A limit that was met is not kept: another render may have more to spend.
struct Read {
    outcome: Result<Arc<compile::Schema>, String>,
    cost: Cost,
}

impl ValuesSchema {
    /// Holds values against it. What it takes is the same whether it was read before or not.
    pub(super) fn check(&self, values: &Table, budget: &mut Budget) -> Result<(), Unfit> {
        held(values, &*self.compiled(budget)?, budget)
    }

    fn compiled(&self, budget: &mut Budget) -> Result<Arc<compile::Schema>, Unfit> {
        if let Some(read) = self.read.get()
            && budget.take_again(read.cost)?
        {
            return read.outcome.clone().map_err(Unfit::Said);
        }
        // for the first time, or to the limit that it meets
        let (outcome, cost) = budget.measured(|budget| compile::compile(&self.text, budget));
        let outcome = match outcome {
            Ok(schema) => Ok(Arc::new(schema)),
            Err(Unfit::Said(text)) => Err(text),
            Err(limit) => return Err(limit),
        };
        if cost.memory <= MOST_KEPT {
            self.read.get_or_init(|| Read { outcome: outcome.clone(), cost });
        }
        outcome.map_err(Unfit::Said)
    }
}

impl<T: Into<Str>> From<T> for ValuesSchema {
    fn from(text: T) -> Self {
        Self { text: text.into(), read: Arc::default() }
    }
}

impl Deref for ValuesSchema {
    type Target = Str;

    fn deref(&self) -> &Str {
        &self.text
    }
}

impl PartialEq for ValuesSchema {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for ValuesSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "values.schema.json of {} bytes", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        budget::{Exhausted, Limits},
        value::Data,
    };

    const SCHEMA: &str = r##"{"definitions":{"a":{"type":"string","pattern":"^[a-z]+$"}},"properties":{"a":{"$ref":"#/definitions/a"}}}"##;

    fn values() -> Table {
        Table::from([("a".into(), Data::Text("1".into()))])
    }

    #[test]
    fn a_schema_is_read_once_for_a_chart_and_its_copies() {
        let schema = ValuesSchema::from(SCHEMA);
        let copy = schema.clone();
        let mut budget = Budget::new(Limits::default());
        let first = schema.check(&values(), &mut budget);
        assert_eq!(first.clone().unwrap_err().to_string(), "- a: Does not match pattern '^[a-z]+$'\n");
        assert!(Arc::ptr_eq(&schema.compiled(&mut budget).unwrap(), &copy.compiled(&mut budget).unwrap()));
        assert_eq!(copy.check(&values(), &mut budget), first);
    }

    #[test]
    fn what_is_no_schema_is_refused_alike_each_time() {
        let schema = ValuesSchema::from(r#"{"type":"text"}"#);
        let mut budget = Budget::new(Limits::default());
        let first = schema.check(&values(), &mut budget);
        assert!(first.clone().unwrap_err().to_string().starts_with("has a primitive type that is NOT VALID"));
        assert_eq!((schema.read.get().is_some(), schema.check(&values(), &mut budget)), (true, first));
    }

    #[test]
    fn a_schema_that_was_read_before_takes_what_it_took() {
        let read_before = ValuesSchema::from(SCHEMA);
        assert!(read_before.check(&values(), &mut Budget::new(Limits::default())).is_err());
        let outcome = |schema: &ValuesSchema, limits: Limits| schema.check(&values(), &mut Budget::new(limits));
        let mut seen = Vec::new();
        for few in (0..400).chain((400..20_000).step_by(97)) {
            let depth = u32::try_from(few).unwrap();
            for limits in [
                Limits { steps: few, ..Limits::default() },
                Limits { memory: few, ..Limits::default() },
                Limits { depth, ..Limits::default() },
                Limits { steps: few, memory: 8 * few, depth, ..Limits::default() },
            ] {
                let expected = outcome(&ValuesSchema::from(SCHEMA), limits);
                assert_eq!(outcome(&read_before, limits), expected, "{limits:?}");
                seen.push(expected);
            }
        }
        for wanted in [Exhausted::Steps(10), Exhausted::Memory(10), Exhausted::Depth(10)] {
            assert!(seen.contains(&Err(wanted.into())), "{wanted:?}");
        }
        assert!(seen.iter().any(|outcome| matches!(outcome, Err(Unfit::Said(_)))));
    }
}
