//! Whether an object is of its kind's Go type: whether Kubernetes' converter would take it.
//!
//! Kinds of JSON do not change into each other: a port that is a text, or a variable's value that is a number, does not
//! fit. A field that the type does not have does no harm.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use penstock_model::Timestamp;
use serde_json::{Number, Value};

use super::schema::Shape;

/// Whether a value is of a type.
pub(super) fn fits(value: &Value, shape: Shape) -> bool {
    if value.is_null() {
        return true;
    }
    if let Some(to) = shape.pointed_to() {
        return fits(value, to);
    }
    if let Some(element) = shape.element() {
        return match value {
            Value::String(text) => element.go_kind() == "uint8" && is_bytes(text),
            Value::Array(list) => list.iter().all(|item| fits(item, element)),
            _ => false,
        };
    }
    if let Some(to) = shape.mapped() {
        return value.as_object().is_some_and(|map| map.values().all(|item| fits(item, to)));
    }
    match shape.struct_name() {
        Some(name) => of_struct(value, shape, name),
        None => of_kind(value, shape.go_kind()),
    }
}

fn of_kind(value: &Value, kind: &str) -> bool {
    match (value, kind) {
        (_, "interface") => true,
        (Value::String(_), "string") | (Value::Bool(_), "bool") | (Value::Number(_), "float64" | "float32") => true,
        (Value::Number(number), _) if kind.contains("int") => is_whole(number),
        _ => false,
    }
}

fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

/// A struct takes an object, unless its type reads JSON in a way of its own.
fn of_struct(value: &Value, shape: Shape, name: &str) -> bool {
    match name {
        "RawExtension" | "FieldsV1" | "JSON" => true,
        "Quantity" => match value {
            Value::String(text) => is_quantity(text),
            other => other.is_number(),
        },
        "Time" => value.as_str().is_some_and(is_time),
        "MicroTime" => value.as_str().is_some_and(|text| is_time(text) && has_micros(text)),
        "IntOrString" => value.is_string() || value.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok()),
        "JSONSchemaPropsOrBool" | "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrStringArray" => {
            let inner = |item: &Value| shape.fields().any(|(field, of)| field == "Schema" && fits(item, of));
            match value {
                Value::Bool(_) => name == "JSONSchemaPropsOrBool",
                Value::Object(_) => inner(value),
                Value::Array(list) if name == "JSONSchemaPropsOrArray" => list.iter().all(inner),
                Value::Array(list) => name == "JSONSchemaPropsOrStringArray" && list.iter().all(Value::is_string),
                _ => false,
            }
        }
        _ => value.as_object().is_some_and(|map| {
            // names count by their case here
            shape.fields().all(|(field, of)| map.get(field).is_none_or(|item| fits(item, of)))
        }),
    }
}

fn is_time(text: &str) -> bool {
    Timestamp::parse_rfc3339(text).is_some()
}

/// Its format names six digits after the point, and no others will do.
fn has_micros(text: &str) -> bool {
    text.split_once('.').is_some_and(|(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count() == 6)
}

/// Go's decoder passes over line breaks.
fn is_bytes(text: &str) -> bool {
    STANDARD.decode(text.replace(['\r', '\n'], "")).is_ok()
}

/// `1`, `-0.5`, `100m`, `1.5Gi`, `1e3`.
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (digits, suffix) = unsigned.split_at(end);
    let is_number = digits.matches('.').count() < 2 && digits.contains(|c: char| c.is_ascii_digit());
    let exponent = suffix.strip_prefix(['e', 'E']).map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
    let is_power = exponent.is_some_and(|power| !power.is_empty() && power.bytes().all(|digit| digit.is_ascii_digit()));
    let units = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    is_number && (is_power || units.contains(&suffix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(kind: (&str, &str), spec: Value, expected: bool) {
        let shape = Shape::of_kind(kind.0, kind.1).unwrap();
        assert_eq!(fits(&json!({"spec": spec}), shape), expected, "{spec}");
    }

    #[test]
    fn kinds_of_json_do_not_change_into_each_other() {
        let deployment = ("apps/v1", "Deployment");
        check(deployment, json!({"replicas": 1}), true);
        check(deployment, json!({"replicas": 1.0}), true);
        check(deployment, json!({"replicas": 1.5}), false);
        check(deployment, json!({"replicas": "1"}), false);
        check(deployment, json!({"replicas": null, "unknown": {}}), true);
        let env = |value: Value| json!({"template": {"spec": {"containers": [{"env": [{"name": "A", "value": value}]}]}}});
        check(deployment, env(json!("8080")), true);
        check(deployment, env(json!(8080)), false);
        check(deployment, json!({"strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}}), true);
        check(deployment, json!({"strategy": {"rollingUpdate": {"maxSurge": true}}}), false);
        check(deployment, json!([]), false);
    }

    #[test]
    fn quantities_are_numbers_with_units() {
        for good in ["1", "-0.5", "100m", "1.5Gi", "1e3", "1E", "1E+3", ".5", "5.", "+1"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "m", "1 m", "1.2.3", "1GiB", "e3", "1e", "--1"] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }
}
