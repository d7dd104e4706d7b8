//! Deep copies.

use crate::{
    function::{Fault, Scope},
    functions::{
        arguments::{ENTRY, ITEM, any},
        semver,
    },
    value::{List, Map, Str, Value},
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

/// A list or map that is being copied.
struct Copying {
    original: Value,
    keys: Vec<Str>,
    left: std::vec::IntoIter<Value>,
    copied: Vec<Value>,
}

impl Copying {
    fn of(value: Value) -> Self {
        let (keys, left) = match &value {
            Value::List(list) => (Vec::new(), list.items().to_vec()),
            Value::Map(map) => map.entries().into_iter().unzip(),
            _ => (Vec::new(), Vec::new()),
        };
        Self { original: value, keys, copied: Vec::with_capacity(left.len()), left: left.into_iter() }
    }

    fn finish(self) -> Value {
        match &self.original {
            Value::List(list) => Value::List(List::with_capacity(list.ty(), self.copied, list.capacity())),
            Value::Map(map) => Value::Map(Map::new(map.ty(), self.keys.into_iter().zip(self.copied).collect())),
            other => other.clone(),
        }
    }
}

/// A copy that shares no list and no map with its original. What is being copied lies on the heap, not on the thread's stack.
fn copied(scope: &mut Scope<'_>, value: &Value) -> Result<Value, Fault> {
    let mut copying: Vec<Copying> = Vec::new();
    let mut next = value.clone();
    loop {
        let size = match &next {
            Value::List(list) if !list.is_nil() => Some(list.items().len() * ITEM),
            Value::Map(map) if !map.is_nil() => Some(map.len() * ENTRY),
            _ => None,
        };
        let mut done = if let Some(size) = size {
            scope.budget.make(size.saturating_mul(2))?;
            scope.budget.step(1 + (size / ITEM) as u64)?;
            scope.budget.enter()?;
            copying.push(Copying::of(next));
            None
        } else {
            Some(match &next {
                Value::Struct(it) => semver::blank(it.ty).unwrap_or(next),
                _ => next,
            })
        };
        next = loop {
            let Some(container) = copying.last_mut() else { return Ok(done.unwrap_or(Value::Nil)) };
            container.copied.extend(done.take());
            if let Some(item) = container.left.next() {
                break item;
            }
            scope.budget.leave();
            done = copying.pop().map(Copying::finish);
        };
    }
}
