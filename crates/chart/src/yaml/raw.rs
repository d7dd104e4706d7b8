//! What YAML gave before JSON had it. Go shows it in the texts of errors.

use std::fmt;

use super::resolve::long_float;
use crate::{format, value::Str};

/// A value with the kinds of number that YAML tells apart.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Str),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

/// As `%#v` shows it.
impl fmt::Display for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("interface {}(nil)"),
            Self::Bool(it) => it.fmt(formatter),
            Self::Int(it) => it.fmt(formatter),
            Self::Uint(it) => write!(formatter, "{it:#x}"),
            Self::Float(it) => formatter.write_str(&long_float(*it)),
            Self::Text(text) => formatter.write_str(&format::quoted(text)),
            Self::List(items) => {
                formatter.write_str("[]interface {}{")?;
                for (place, item) in items.iter().enumerate() {
                    write!(formatter, "{}{item}", if place > 0 { ", " } else { "" })?;
                }
                formatter.write_str("}")
            }
            Self::Map(entries) => {
                formatter.write_str("map[interface {}]interface {}{")?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    write!(formatter, "{}{key}:{value}", if place > 0 { ", " } else { "" })?;
                }
                formatter.write_str("}")
            }
        }
    }
}
