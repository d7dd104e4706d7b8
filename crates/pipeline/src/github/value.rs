//! Values of workflow expressions, with the coercions that GitHub documents.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

/// A value.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    Array(Arc<[Self]>),
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
            Self::Array(_) | Self::Object(_) => true,
        }
    }

    /// As text within text.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => number_text(*value),
            Self::Text(text) => text.to_string(),
            Self::Array(_) => "Array".to_owned(),
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
            Self::Array(_) | Self::Object(_) => f64::NAN,
        }
    }

    /// `==`.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => folded(a) == folded(b),
            // two of them are one only if they are the same one
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            #[allow(clippy::float_cmp, reason = "as GitHub compares")]
            _ => self.to_number() == other.to_number(),
        }
    }

    /// `<` and its like; `None` when they cannot be compared.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(folded(a).cmp(&folded(b))),
            (Self::Array(_) | Self::Object(_), _) | (_, Self::Array(_) | Self::Object(_)) => None,
            _ => self.to_number().partial_cmp(&other.to_number()),
        }
    }

    /// `.name` or `[index]`; what is not there is nothing.
    pub(crate) fn index(&self, index: &Self) -> Self {
        match self {
            Self::Object(entries) => {
                let (Self::Text(_) | Self::Number(_) | Self::Bool(_)) = index else { return Self::Null };
                let wanted = folded(&index.to_text());
                entries.iter().find(|(key, _)| folded(key) == wanted).map(|(_, value)| value.clone()).unwrap_or_default()
            }
            Self::Array(items) => {
                let number = index.to_number().floor();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds by the condition before")]
                let place = (0.0..1e9).contains(&number).then_some(number as usize);
                place.and_then(|place| items.get(place)).cloned().unwrap_or_default()
            }
            _ => Self::Null,
        }
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(value) => json_number(*value),
            Self::Text(text) => Json::String(text.to_string()),
            Self::Array(items) => Json::Array(items.iter().map(Self::to_json).collect()),
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

/// Text without its case.
pub(super) fn folded(text: &str) -> String {
    text.to_uppercase()
}

fn json_number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
        return Json::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number)
}

/// A number as text: at most 15 significant digits.
pub(crate) fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{value:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    if (-5..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or(0);
        let text = format!("{value:.decimals$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    format!("{mantissa}E{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Text as a number: what JSON or `0x`, `0o` allow; empty is 0; anything else is none.
pub(crate) fn number_of(text: &str) -> f64 {
    let text = text.trim();
    let based = |prefix: &str, base| text.strip_prefix(prefix).map(|digits| i64::from_str_radix(digits, base).ok());
    if let Some(number) = based("0x", 16).or_else(|| based("0o", 8)) {
        #[allow(clippy::cast_precision_loss, reason = "numbers are floating-point here")]
        return number.filter(|number| *number >= 0).map_or(f64::NAN, |number| number as f64);
    }
    match text {
        "" => 0.0,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')) => text.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_fifteen_digits_at_most() {
        for (value, text) in [
            (1.0, "1"),
            (-3.5, "-3.5"),
            (0.1 + 0.2, "0.3"),
            (1e15, "1E+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (0.000_01, "0.00001"),
            (1e-7, "1E-07"),
            (2.5e20, "2.5E+20"),
            (0.0, "0"),
            (-0.0, "0"),
            (100.0, "100"),
        ] {
            assert_eq!(number_text(value), text);
        }
    }

    #[test]
    fn texts_are_read_as_numbers_only_if_they_are() {
        for (text, number) in [("", 0.0), (" 12 ", 12.0), ("0x1F", 31.0), ("0o17", 15.0), ("-1.5e3", -1500.0), ("Infinity", f64::INFINITY)]
        {
            assert_eq!(number_text(number_of(text)), number_text(number), "{text}");
        }
        for text in ["abc", "1 2", "1_000", "0x", "nan", "inf", "1e"] {
            assert!(number_of(text).is_nan(), "{text}");
        }
    }
}
