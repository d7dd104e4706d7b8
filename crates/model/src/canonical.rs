//! One spelling for each JSON value, so that it can be named by a digest.

use serde::Serialize;
use serde_json::Value;

use crate::Digest;

/// JSON with sorted keys and no spaces. For values without floating-point numbers this is RFC 8785 (JCS);
/// numbers are spelled as `serde_json` spells them.
///
/// # Errors
/// When the value cannot be JSON (a map with keys that are not text).
pub fn canonical_json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&sorted(serde_json::to_value(value)?))
}

/// The digest of a value's canonical JSON.
///
/// # Errors
/// As [`canonical_json`].
pub fn canonical_digest(value: &impl Serialize) -> Result<Digest, serde_json::Error> {
    canonical_json(value).map(Digest::of)
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            // JCS sorts by UTF-16 code units
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_order_does_not_change_the_digest() {
        let a: Value = serde_json::from_str(r#"{"b": [1, {"y": 1, "x": 2}], "a": null}"#).unwrap();
        assert_eq!(canonical_json(&a).unwrap(), br#"{"a":null,"b":[1,{"x":2,"y":1}]}"#);
    }
}
