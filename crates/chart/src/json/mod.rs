//! JSON, read and written as Go's `encoding/json` does.

mod reader;
mod shape;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Refusal, read, read_table};
pub(crate) use reader::{read_first, read_front, read_within, wrong_kind};
pub(crate) use shape::{Shape, shape, text_of};
pub(crate) use writer::{float_text, pretty, raw, write, write_data};

use crate::{
    functions::dates::json as time,
    value::{Data, Str, Table},
};

/// What Go calls a value of JSON in an error.
pub(crate) fn kind(data: &Data) -> &'static str {
    match data {
        Data::Null => "null",
        Data::Bool(_) => "bool",
        Data::Int(_) | Data::Float(_) => "number",
        Data::Text(_) => "string",
        Data::List(_) => "array",
        Data::Map(_) => "object",
    }
}

/// A text with U+FFFD for each byte that is no UTF-8.
pub(crate) fn replace_invalid(text: &[u8]) -> String {
    let mut whole = String::with_capacity(text.len());
    for part in text.utf8_chunks() {
        whole.push_str(part.valid());
        // one for each byte, as Go has it
        whole.extend(part.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    whole
}

/// The data as serde has it: a whole number that is a float becomes a whole number where that is exact, as Go writes it.
pub fn value(data: &Data) -> serde_json::Value {
    match data {
        Data::Null => serde_json::Value::Null,
        Data::Bool(it) => (*it).into(),
        Data::Int(it) => (*it).into(),
        Data::Float(it) => serde_json::from_str(&float_text(*it)).unwrap_or_default(),
        Data::Text(it) => replace_invalid(it).into(),
        // plain loops: what iterators put on the stack at each level is too much for a thousand
        Data::List(items) => {
            let mut array = Vec::with_capacity(items.len());
            for item in items {
                array.push(value(item));
            }
            serde_json::Value::Array(array)
        }
        Data::Map(table) => serde_json::Value::Object(object(table)),
    }
}

/// A mapping as serde has it.
pub fn object(table: &Table) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    for (key, data) in table {
        object.insert(replace_invalid(key), value(data));
    }
    object
}

/// An object that serde has read, as a mapping.
pub fn table(object: &serde_json::Map<String, serde_json::Value>) -> Table {
    let mut table = Table::new();
    for (key, value) in object {
        table.insert(Str::from(key.as_str()), data(value));
    }
    table
}

/// What serde has read as data: each number as Go reads one, a `float64`.
pub fn data(value: &serde_json::Value) -> Data {
    match value {
        serde_json::Value::Null => Data::Null,
        serde_json::Value::Bool(it) => Data::Bool(*it),
        serde_json::Value::Number(it) => Data::Float(it.as_f64().unwrap_or_default()),
        serde_json::Value::String(it) => Data::Text(it.as_str().into()),
        serde_json::Value::Array(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                list.push(data(item));
            }
            Data::List(list)
        }
        serde_json::Value::Object(entries) => Data::Map(table(entries)),
    }
}
