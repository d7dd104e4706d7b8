//! What a value is to JSON: structs by the names of their fields there, bytes as base64, times as texts.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    budget::Budget,
    function::Fault,
    functions::dates::LOCATION,
    value::{Shown, Str, Struct, Value},
};

/// A value as JSON has it.
pub(crate) enum Shape<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// A finite number.
    Float(f64),
    Text(Cow<'a, [u8]>),
    List(&'a [Value]),
    /// Entries in the order in which JSON has them.
    Map(Vec<(Str, Value)>),
}

/// The shape of a value, or why it has none.
pub(crate) fn shape<'a>(value: &'a Value, budget: &mut Budget) -> Result<Shape<'a>, Fault> {
    budget.step(1)?;
    Ok(match value {
        Value::Nil => Shape::Null,
        Value::Bool(it) => Shape::Bool(*it),
        Value::Int(it, _) => Shape::Int(*it),
        Value::Uint(it, _) => Shape::Uint(*it),
        Value::Float(it) if it.is_nan() => return Err(Fault::said("json: unsupported value: NaN")),
        Value::Float(it) if it.is_infinite() => {
            return Err(Fault::said(format!("json: unsupported value: {}Inf", if *it > 0.0 { '+' } else { '-' })));
        }
        Value::Float(it) => Shape::Float(*it),
        Value::Complex(..) => return Err(Fault::said("json: unsupported type: complex128")),
        Value::Str(it) => Shape::Text(Cow::Borrowed(it.as_bytes())),
        Value::Bytes(it) => {
            budget.make(it.len() / 3 * 4 + 4)?;
            Shape::Text(Cow::Owned(BASE64_STANDARD.encode(it.as_bytes()).into_bytes()))
        }
        Value::List(list) if list.is_nil() => Shape::Null,
        Value::List(list) => Shape::List(list.items()),
        Value::Map(map) if map.is_nil() => Shape::Null,
        Value::Map(map) => {
            budget.make(map.len() * size_of::<(Str, Value)>())?;
            Shape::Map(map.entries())
        }
        Value::Struct(it) => struct_shape(it),
        Value::Time(time) => match super::time(time) {
            Ok(text) => Shape::Text(Cow::Owned(text.into_bytes())),
            Err(error) => {
                return Err(Fault::said(format!("json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: {error}")));
            }
        },
    })
}

/// The text that documents have of a type which hides its fields and makes a text of itself, such as a version. A zone only prints as one.
pub(crate) fn text_of(it: &Struct) -> Option<&Str> {
    match &it.shown {
        Shown::Text(text) if it.fields.iter().all(|field| field.key.is_none()) && *it.ty != LOCATION => Some(text),
        _ => None,
    }
}

fn struct_shape(it: &Struct) -> Shape<'_> {
    if let Some(text) = text_of(it) {
        return Shape::Text(Cow::Borrowed(text.as_bytes()));
    }
    let mut entries = Vec::new();
    add_fields(it, &mut entries);
    Shape::Map(entries)
}

/// Adds what JSON has of a struct's fields, those of embedded structs in their place.
fn add_fields(it: &Struct, entries: &mut Vec<(Str, Value)>) {
    for field in &it.fields {
        match (&field.value, field.key) {
            (Value::Struct(inner), _) if field.embedded => add_fields(inner, entries),
            (value, Some(key)) if !(field.omit_empty && is_empty(value)) => entries.push((key.into(), value.clone())),
            _ => {}
        }
    }
}

/// Whether `omitempty` leaves it out.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Struct(_) | Value::Time(_)) && !value.is_true()
}
