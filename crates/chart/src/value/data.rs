//! What values files, `--set` and documents hold: plain data that can be kept, compared and sent to another thread.

use std::{collections::BTreeMap, fmt};

use super::Str;

/// A mapping with its keys in byte order, as Go shows one.
pub type Table = BTreeMap<Str, Data>;

/// Plain data, as Helm holds values before a template sees them.
///
/// A number of a YAML or JSON document is a [`Data::Float`] (Go's `float64`), whole or not; one of `--set` is a [`Data::Int`] (Go's `int64`).
#[derive(Clone, Default, PartialEq)]
pub enum Data {
    /// `null`.
    #[default]
    Null,
    /// A truth.
    Bool(bool),
    /// Go's `int64`.
    Int(i64),
    /// Go's `float64`.
    Float(f64),
    /// Go's `string`.
    Text(Str),
    /// Go's `[]interface{}`.
    List(Vec<Data>),
    /// Go's `map[string]interface{}`.
    Map(Table),
}

/// Keys and kinds: values hold passwords.
impl fmt::Debug for Data {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(_) => formatter.write_str("bool"),
            Self::Int(_) | Self::Float(_) => formatter.write_str("number"),
            Self::Text(_) => formatter.write_str("text"),
            Self::List(items) => formatter.debug_list().entries(items).finish(),
            Self::Map(table) => formatter.debug_map().entries(table).finish(),
        }
    }
}

impl Data {
    /// The first number in it that JSON cannot have.
    pub(crate) fn infinite(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number).filter(|number| !number.is_finite()),
            Self::List(items) => items.iter().find_map(Self::infinite),
            Self::Map(table) => table.values().find_map(Self::infinite),
            _ => None,
        }
    }

    /// It as a mapping.
    pub fn as_map(&self) -> Option<&Table> {
        match self {
            Self::Map(table) => Some(table),
            _ => None,
        }
    }

    /// It as a text.
    pub fn as_text(&self) -> Option<&Str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What stands at these keys, one below the other; nothing where one is missing or holds no mapping.
    pub fn at(&self, path: impl IntoIterator<Item: AsRef<[u8]>>) -> Option<&Data> {
        path.into_iter().try_fold(self, |at, key| at.as_map()?.get(key.as_ref()))
    }
}
