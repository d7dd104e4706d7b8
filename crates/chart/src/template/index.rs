//! `index`, `slice` and `len`.

use super::operand::{Held, Operand, zero};
use crate::{
    budget::Budget,
    format::pointed,
    function::Fault,
    value::{Kind, Value, types::UINT8},
};

/// The name of a value's type, or of what it points to.
fn type_name(value: &Value) -> &'static str {
    match value.ty() {
        None => "<nil>",
        Some(ty) if ty.kind == Kind::Pointer => pointed(ty),
        Some(ty) => ty.name,
    }
}

fn said<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::said(text.into()))
}

pub(super) fn len(given: &[Operand]) -> Result<Value, Fault> {
    let Some(operand) = given.first() else { return said("no argument") };
    let length = match &operand.value {
        Value::Nil if operand.is_nil() => return said("len of nil pointer"),
        // Go panics over the type of what is not there
        Value::Nil => return said("reflect: call of reflect.Value.Type on zero Value"),
        Value::Str(it) | Value::Bytes(it) => it.len(),
        Value::List(it) => it.items().len(),
        Value::Map(it) => it.len(),
        other => return said(format!("len of type {}", type_name(other))),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// A number as an index of what has so many items; the number of items itself passes.
fn place(index: &Value, count: usize) -> Result<usize, Fault> {
    let place = match index {
        Value::Int(it, _) => *it,
        Value::Uint(it, _) => it.cast_signed(),
        Value::Nil => return said("cannot index slice/array with nil"),
        other => return said(format!("cannot index slice/array with type {}", other.ty().map_or("", |ty| ty.name))),
    };
    match usize::try_from(place) {
        Ok(found) if found <= count => Ok(found),
        _ => said(format!("index out of range: {place}")),
    }
}

pub(super) fn index(given: &[Operand]) -> Result<Operand, Fault> {
    let Some((item, indexes)) = given.split_first() else { return said("no argument") };
    if matches!(item.value, Value::Nil) {
        return said("index of untyped nil");
    }
    let mut item = item.clone();
    for Operand { value: index, .. } in indexes {
        item = match &item.value {
            Value::Nil => return said("index of nil pointer"),
            Value::Str(text) => byte(text.as_bytes(), index, "string")?,
            Value::Bytes(bytes) => byte(bytes.as_bytes(), index, "slice")?,
            Value::List(list) => {
                let at = place(index, list.items().len())?;
                let kind = if list.ty().kind == Kind::Array { "array" } else { "slice" };
                match list.items().get(at) {
                    Some(found) => Operand::element(found.clone(), list.ty().elem),
                    None => return said(format!("reflect: {kind} index out of range")),
                }
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key,
                    Value::Nil => return said("value is nil; should be of type string"),
                    other => return said(format!("value has type {}; should be string", other.ty().map_or("", |ty| ty.name))),
                };
                let found = map.get(key).or_else(|| map.ty().elem.map(zero)).unwrap_or(Value::Nil);
                Operand::element(found, map.ty().elem)
            }
            other => return said(format!("can't index item of type {}", type_name(other))),
        };
    }
    Ok(item)
}

/// A part of a text or a slice. One of a slice may reach behind its end, where there is room.
pub(super) fn slice(given: &[Operand], budget: &mut Budget) -> Result<Value, Fault> {
    let Some((item, indexes)) = given.split_first() else { return said("no argument") };
    let (length, capacity) = match &item.value {
        Value::Nil => return said("slice of untyped nil"),
        _ if indexes.len() > 3 => return said(format!("too many slice indexes: {}", indexes.len())),
        Value::Str(_) if indexes.len() == 3 => return said("cannot 3-index slice a string"),
        Value::Str(it) | Value::Bytes(it) => (it.len(), it.len()),
        Value::List(it) => (it.items().len(), it.capacity()),
        other => return said(format!("can't slice item of type {}", type_name(other))),
    };
    let mut bounds = [0, length, capacity];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = place(&index.value, capacity)?;
    }
    let [start, end, room] = bounds;
    for (low, high) in [(start, end), (end, room)] {
        if low > high {
            return said(format!("invalid slice index: {low} > {high}"));
        }
    }
    budget.step(capacity as u64)?;
    budget.make(capacity.saturating_mul(size_of::<Value>()))?;
    let part = match &item.value {
        Value::Str(text) => text.as_bytes().get(start..end).map(|part| Value::Str(part.into())),
        Value::Bytes(bytes) => bytes.as_bytes().get(start..end).map(|part| Value::Bytes(part.into())),
        Value::List(list) if list.is_nil() => Some(item.value.clone()),
        Value::List(list) => list.part(start, end).map(Value::List),
        _ => None,
    };
    part.ok_or_else(|| Fault::said("reflect.Value.Slice: slice index out of bounds"))
}

fn byte(bytes: &[u8], index: &Value, kind: &str) -> Result<Operand, Fault> {
    let at = place(index, bytes.len())?;
    match bytes.get(at) {
        Some(byte) => Ok(Operand { value: Value::Uint(u64::from(*byte), &UINT8), held: Held::Itself }),
        None => said(format!("reflect: {kind} index out of range")),
    }
}
