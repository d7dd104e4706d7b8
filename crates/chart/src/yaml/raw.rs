//! What YAML gave before JSON had it. Go shows it in the texts of errors.

use std::fmt;

use bstr::ByteSlice as _;

use super::{
    resolve::{long_float, short_float},
    scanner::Text,
};
use crate::{format, value::Str};

/// What a manifest says of itself.
const HEAD: [&[u8]; 3] = [b"apiVersion", b"kind", b"metadata"];

/// A value with the kinds of number that YAML tells apart.
#[derive(Clone, Debug)]
pub(super) enum Raw<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Text<'a>),
    List(Vec<Raw<'a>>),
    Map(Vec<(Raw<'a>, Raw<'a>)>),
}

impl Raw<'_> {
    /// What tells it from every other key: `1` and `1.0` are two.
    pub(super) fn identity(&self) -> String {
        if matches!(self, Self::Float(_)) { format!("{self} as float64") } else { self.to_string() }
    }

    /// It as a key of JSON, which not all can be.
    pub(super) fn text(&self) -> Option<Str> {
        Some(match self {
            Self::Text(text) => valid(text),
            Self::Int(it) => it.to_string().into(),
            Self::Bool(it) => it.to_string().into(),
            Self::Float(it) => match short_float(*it) {
                text if text == "+Inf" => ".inf".into(),
                text if text == "-Inf" => "-.inf".into(),
                text if text == "NaN" => ".nan".into(),
                text => text.into(),
            },
            Self::Null | Self::Uint(_) | Self::List(_) | Self::Map(_) => return None,
        })
    }

    /// Whether it is a key of what [`Rules::head`](super::Rules::head) keeps. Go's decoder takes any spelling of upper and lower case.
    pub(super) fn is_head(&self) -> bool {
        matches!(self, Self::Text(text) if HEAD.iter().any(|known| text.eq_ignore_ascii_case(known)))
    }

    /// What Helm says of the first key that JSON cannot have.
    pub(super) fn bad_key(&self) -> Option<String> {
        match self {
            Self::List(items) => items.iter().find_map(Self::bad_key),
            Self::Map(entries) => entries.iter().find_map(|(key, value)| {
                let (ty, key) = match key {
                    Self::Null => ("%!s(<nil>)", "<nil>".to_owned()),
                    Self::Uint(_) => ("uint64", key.to_string()),
                    _ => return value.bad_key(),
                };
                let value = if matches!(value, Self::Null) { "<nil>".to_owned() } else { value.to_string() };
                Some(format!("unsupported map key of type: {ty}, key: {key}, value: {value}"))
            }),
            _ => None,
        }
    }
}

/// A text with each byte that is no UTF-8 as U+FFFD; JSON leaves no other.
pub(super) fn valid(text: &[u8]) -> Str {
    if text.to_str().is_ok() { Str::new(text) } else { crate::json::replace_invalid(text).into() }
}

/// As `%#v` shows it.
impl fmt::Display for Raw<'_> {
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
