//! What stands at a path of values: `outer.inner.name`.

use thiserror::Error;

use crate::value::{Map, Value};

/// What is not at a path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Missing {
    /// No mapping.
    #[error("{} is not a table", crate::format::quoted(.0.as_bytes()))]
    Table(String),
    /// Nothing, or a mapping.
    #[error("{} is not a value", crate::format::quoted(.0.as_bytes()))]
    Value(String),
}

/// The mapping at a path.
pub fn table(values: &Map, path: &str) -> Result<Map, Missing> {
    let mut at = values.clone();
    for key in path.split('.') {
        at = match at.get(key) {
            Some(Value::Map(inner)) => inner,
            _ => return Err(Missing::Table(key.to_owned())),
        };
    }
    Ok(at)
}

/// What stands at a path and is no mapping.
pub fn at_path(values: &Map, path: &str) -> Result<Value, Missing> {
    let (outer, key) = match path.rsplit_once('.') {
        None => (Ok(values.clone()), path),
        Some((outer, key)) => (table(values, outer), key),
    };
    match outer.ok().and_then(|outer| outer.get(key)) {
        None | Some(Value::Map(_)) => Err(Missing::Value(key.to_owned())),
        Some(value) => Ok(value),
    }
}
