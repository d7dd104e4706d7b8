//! Values of workflow expressions as JSON and from it, with the order of keys kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Value, fold, number_text};

/// How deep `fromJSON` reads.
const MAX_DEPTH: usize = 100;

/// Reads JSON; what is wrong with it is for people. Of keys that differ in case alone the first counts.
pub(crate) fn from_json(text: &str) -> Result<Value, String> {
    if let Some(at) = too_deep(text) {
        return Err(format!("nests deeper than {MAX_DEPTH} at character {}", text[..at].chars().count() + 1));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Where it becomes too deep.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(at);
        }
    }
    None
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    #[allow(clippy::cast_precision_loss, reason = "numbers are floating-point here")]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "numbers are floating-point here")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Object(first_of_each(entries).into()))
    }
}

/// Of keys that differ in case alone the first. Few keys are compared each with each, many by their folded form.
fn first_of_each(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut seen = std::collections::HashSet::new();
    let doubled = entries.len() > 1 && entries.iter().any(|(key, _)| !seen.insert(fold::folded(key)));
    if !doubled {
        return entries;
    }
    seen.clear();
    entries.into_iter().filter(|(key, _)| seen.insert(fold::folded(key))).collect()
}

/// As JSON on one line. A number that JSON has not is the text `NaN`, `Infinity` or `-Infinity`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => serializer.serialize_i64(*value as i64),
            Self::Number(value) if value.is_finite() => serializer.serialize_f64(*value),
            Self::Number(value) => serializer.serialize_str(&number_text(*value)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) | Self::Filtered(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// As `toJSON` writes it: two blanks a level, numbers as in text. Every piece is handed on as it is made.
pub(crate) fn pretty<E>(value: &Value, level: usize, write: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let break_line = |level: usize, first: bool| format!("{}\n{}", if first { "" } else { "," }, "  ".repeat(level));
    match value {
        Value::Null => write("null"),
        Value::Bool(value) => write(if *value { "true" } else { "false" }),
        Value::Number(value) => write(&number_text(*value)),
        Value::Text(text) => write(&quoted(text)),
        Value::Array(items) | Value::Filtered(items) if items.is_empty() => write("[]"),
        Value::Object(entries) if entries.is_empty() => write("{}"),
        Value::Array(items) | Value::Filtered(items) => {
            write("[")?;
            for (index, item) in items.iter().enumerate() {
                write(&break_line(level + 1, index == 0))?;
                pretty(item, level + 1, write)?;
            }
            write(&format!("\n{}]", "  ".repeat(level)))
        }
        Value::Object(entries) => {
            write("{")?;
            for (index, (key, item)) in entries.iter().enumerate() {
                write(&format!("{}{}: ", break_line(level + 1, index == 0), quoted(key)))?;
                pretty(item, level + 1, write)?;
            }
            write(&format!("\n{}}}", "  ".repeat(level)))
        }
    }
}

/// Text in quotes, with the escapes that the runner writes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value) -> String {
        let mut out = String::new();
        let done: Result<(), ()> = pretty(value, 0, &mut |piece| {
            out.push_str(piece);
            Ok(())
        });
        done.unwrap();
        out
    }

    #[test]
    fn keys_keep_their_order_and_the_first_of_two_counts() {
        let value = from_json(r#"{"z": 1, "a": [], "Z": 2, "m": {}}"#).unwrap();
        assert_eq!(shown(&value), "{\n  \"z\": 1,\n  \"a\": [],\n  \"m\": {}\n}");
        assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"z":1,"a":[],"m":{}}"#);
    }

    #[test]
    fn texts_are_escaped_as_the_runner_does() {
        let value = Value::text("\u{1}\u{8}\t\n\u{c}\r\"\\/é\u{85}\u{2028}\u{7f}");
        assert_eq!(shown(&value), "\"\\u0001\\b\\t\\n\\f\\r\\\"\\\\/é\\u0085\\u2028\u{7f}\"");
    }

    #[test]
    fn json_nests_a_hundred_levels_deep() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(from_json(&nested(100)).is_ok());
        assert_eq!(from_json(&nested(101)).unwrap_err(), "nests deeper than 100 at character 101");
        assert!(from_json(&format!("\"{}\"", "[".repeat(200))).is_ok(), "brackets in a text do not nest");
    }

    #[test]
    fn numbers_that_json_has_not_are_texts() {
        let value = Value::Array([f64::NAN, f64::INFINITY, -0.0, 1e21, 0.5].map(Value::Number).to_vec().into());
        assert_eq!(serde_json::to_string(&value).unwrap(), r#"["NaN","Infinity",0,1e+21,0.5]"#);
    }
}
