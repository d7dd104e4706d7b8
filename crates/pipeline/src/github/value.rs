//! Values of workflow expressions, with the coercions that GitHub documents.

pub(super) mod fold;
mod json;
mod number;

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

pub(crate) use json::{from_json, pretty};
pub(crate) use number::{number_of, number_text};

/// A value.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    Array(Arc<[Self]>),
    /// The list that `*` made: a property of it is the list of that property of each. Only while evaluating.
    Filtered(Arc<[Self]>),
    /// Keys are found whatever their case.
    Object(Arc<[(String, Self)]>),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// An object.
    pub(crate) fn object<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// An object of texts.
    pub(crate) fn texts<'t>(entries: impl IntoIterator<Item = (&'t String, &'t String)>) -> Self {
        Self::object(entries.into_iter().map(|(key, value)| (key.clone(), Self::text(value))))
    }

    /// Everything but nothing, false, zero and empty text.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(value) => *value != 0.0 && !value.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Array(_) | Self::Filtered(_) | Self::Object(_) => true,
        }
    }

    /// As text within text.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => number_text(*value),
            Self::Text(text) => text.to_string(),
            Self::Array(_) | Self::Filtered(_) => "Array".to_owned(),
            Self::Object(_) => "Object".to_owned(),
        }
    }

    /// As a number.
    pub(crate) fn to_number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(value) => *value,
            Self::Text(text) => number_of(text),
            Self::Array(_) | Self::Filtered(_) | Self::Object(_) => f64::NAN,
        }
    }

    /// Neither a list nor a mapping.
    pub(crate) fn is_primitive(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Filtered(_) | Self::Object(_))
    }

    /// What it is, in the language's own words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Bool(_) => "Boolean",
            Self::Number(_) => "Number",
            Self::Text(_) => "String",
            Self::Array(_) | Self::Filtered(_) => "Array",
            Self::Object(_) => "Object",
        }
    }

    /// `==`.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => fold::same(a, b),
            // two of them are one only if they are the same one
            (Self::Array(a) | Self::Filtered(a), Self::Array(b) | Self::Filtered(b)) => Arc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            #[allow(clippy::float_cmp, reason = "as GitHub compares")]
            _ => self.to_number() == other.to_number(),
        }
    }

    /// `<` and `>`; `None` when the two have no order. What is equal need not have one: see [`Self::equals`].
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => None,
            (Self::Text(a), Self::Text(b)) => Some(fold::order(a, b)),
            _ => self.to_number().partial_cmp(&other.to_number()),
        }
    }

    /// `.name` or `[index]`; what is not there is nothing.
    pub(crate) fn index(&self, index: &Self) -> Option<&Self> {
        match self {
            Self::Object(entries) if index.is_primitive() => match index {
                Self::Text(wanted) => entries.iter().find(|(key, _)| fold::same(key, wanted)),
                other => entries.iter().find(|(key, _)| fold::same(key, &other.to_text())),
            }
            .map(|(_, value)| value),
            Self::Array(items) | Self::Filtered(items) => {
                let number = index.to_number().floor();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds by the condition before")]
                let place = (0.0..1e9).contains(&number).then_some(number as usize);
                items.get(place?)
            }
            _ => None,
        }
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(value) => json_number(*value),
            Self::Text(text) => Json::String(text.to_string()),
            Self::Array(items) | Self::Filtered(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Object(entries) => Json::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()),
        }
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(entries) => Self::object(entries.iter().map(|(key, value)| (key.clone(), Self::from(value)))),
        }
    }
}

fn json_number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
        return Json::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number)
}
