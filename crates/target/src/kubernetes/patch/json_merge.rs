//! JSON merge patches, for kinds that are not Kubernetes' own.

use serde_json::{Map, Number, Value};

use super::go;

type Object = Map<String, Value>;

/// The patch from one object to another.
pub(super) fn two_way(original: &Object, modified: &Object) -> Object {
    let mut patch = Object::new();
    for (key, new) in modified {
        match (original.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = two_way(old, new);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(old), new) if is_same(old, new) => {}
            (_, new) => drop(patch.insert(key.clone(), through_float(new))),
        }
    }
    for key in original.keys().filter(|key| !modified.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

/// The patch that brings an object to what is wanted, and takes from it what is wanted no more.
pub(super) fn three_way(original: &Object, modified: &Object, current: &Object) -> Result<Object, String> {
    let additions = without_nulls(&two_way(current, modified));
    let deletions = nulls_alone(&two_way(original, modified));
    let mut patch = deletions;
    lay_over(&mut patch, additions);
    let renamed = patch.get("metadata").is_some_and(|metadata| metadata.get("name").is_some());
    if patch.contains_key("apiVersion") || patch.contains_key("kind") || renamed {
        return Err(format!("precondition failed for: {}", go::text(&Value::Object(patch))));
    }
    Ok(patch)
}

/// Every number is a float here, so that `1` and `1.0` are the same.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| is_same(left, right)))
        }
        _ => left == right,
    }
}

/// A value after its numbers were floats: whole again where Go writes them so.
fn through_float(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.as_f64().map_or_else(|| number.clone(), |float| whole(float, number))),
        Value::Array(list) => Value::Array(list.iter().map(through_float).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), through_float(value))).collect()),
        other => other.clone(),
    }
}

fn whole(float: f64, number: &Number) -> Number {
    #[allow(clippy::cast_possible_truncation, reason = "checked right there")]
    let integer = float as i64;
    #[allow(clippy::float_cmp, reason = "whole or not")]
    if integer as f64 == float && float.abs() < 9.2e18 {
        Number::from(integer)
    } else {
        Number::from_f64(float).unwrap_or_else(|| number.clone())
    }
}

/// What a patch sets. An object that is set as empty stays; one that is empty without its nulls goes.
fn without_nulls(patch: &Object) -> Object {
    let kept = patch.iter().filter_map(|(key, value)| match value {
        Value::Null => None,
        Value::Object(map) if !map.is_empty() => {
            let inner = without_nulls(map);
            (!inner.is_empty()).then(|| (key.clone(), Value::Object(inner)))
        }
        other => Some((key.clone(), other.clone())),
    });
    kept.collect()
}

/// What a patch takes away.
fn nulls_alone(patch: &Object) -> Object {
    let kept = patch.iter().filter_map(|(key, value)| match value {
        Value::Null => Some((key.clone(), Value::Null)),
        Value::Object(map) => {
            let inner = nulls_alone(map);
            (!inner.is_empty()).then(|| (key.clone(), Value::Object(inner)))
        }
        _ => None,
    });
    kept.collect()
}

fn lay_over(under: &mut Object, over: Object) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => lay_over(old, new),
            (Some(Value::Object(_)), new) => drop(under.insert(key, new)),
            (_, mut new) => {
                prune(&mut new);
                under.insert(key, new);
            }
        }
    }
}

/// Takes nulls out of objects, those in lists too, but not out of lists.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(prune);
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}
