//! Deep copies.

use crate::{
    function::{Fault, Scope},
    functions::arguments::{ENTRY, any, spend_items},
    value::{List, Map, Value},
};

/// What the copying of nil ends in.
const ZERO_VALUE: &str = "reflect: call of reflect.Value.Type on zero Value";

pub fn deep_copy(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    must_deep_copy(scope, arguments)
}

pub fn must_deep_copy(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    match any(arguments, 0) {
        Value::Nil => Err(Fault::said(ZERO_VALUE)),
        value => copied(scope, &value),
    }
}

/// A copy that shares no list and no map with its original.
fn copied(scope: &mut Scope<'_>, value: &Value) -> Result<Value, Fault> {
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let items = list.items();
            spend_items(scope, items.len(), items.len())?;
            scope.budget.enter()?;
            let items = items.iter().map(|item| copied(scope, item)).collect::<Result<Vec<_>, _>>()?;
            scope.budget.leave();
            Value::List(List::new(list.ty(), items))
        }
        Value::Map(map) if !map.is_nil() => {
            scope.budget.step(1 + map.len() as u64)?;
            scope.budget.make(map.len().saturating_mul(ENTRY))?;
            scope.budget.enter()?;
            let entries = map.entries().into_iter().map(|(key, value)| Ok((key, copied(scope, &value)?)));
            let entries = entries.collect::<Result<_, Fault>>()?;
            scope.budget.leave();
            Value::Map(Map::new(map.ty(), entries))
        }
        other => other.clone(),
    })
}
