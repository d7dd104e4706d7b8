//! One strategic merge patch laid over another, so that both are one.

use serde_json::{Map, Value};

use super::diff::{DELETE, DELETE_SCALARS, DIRECTIVE, RETAIN_KEYS};
use super::go::{self, Type};
use super::order::{self, ELEMENT_ORDER, Key};
use super::schema::{Shape, Strategy, Way};

const BAD_ORDER: &str = "invalid patch format of setElementOrder list";

/// Lays a patch over another. What is null in it stays so: the server is to be told.
pub(super) fn maps(mut under: Map<String, Value>, mut over: Map<String, Value>, shape: Shape) -> Result<Map<String, Value>, String> {
    if let Some(directive) = over.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(over.into_iter().filter(|(key, _)| key != DIRECTIVE).collect()),
            Some(DELETE) => Ok(Map::new()),
            _ => Err(format!("unknown patch type: {} in map: {}", go::text(directive), go::text(&Value::Object(over.clone())))),
        };
    }
    if let Some(keys) = over.shift_remove(RETAIN_KEYS) {
        match under.get(RETAIN_KEYS) {
            Some(others) if *others != keys => {
                return Err(format!(
                    "{} and {} are not deep equal: this may happen when calculating the 3-way diff patch",
                    go::text(others),
                    go::text(&keys)
                ));
            }
            Some(_) => {}
            None => drop(under.insert(RETAIN_KEYS.to_owned(), keys)),
        }
    }
    let orders: Vec<String> = over.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for key in orders {
        if let Some(order) = over.shift_remove(&key) {
            ordered_list(&mut under, &mut over, &key, order, shape)?;
        }
    }
    for (key, value) in over {
        if key.starts_with(DELETE_SCALARS) {
            under.insert(key, value);
            continue;
        }
        field(&mut under, key, value, shape)?;
    }
    Ok(under)
}

fn field(under: &mut Map<String, Value>, key: String, value: Value, shape: Shape) -> Result<(), String> {
    let merged = match (under.get_mut(&key), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let (of, way) = shape.field(&key)?;
            let old = std::mem::take(old);
            Some(Value::Object(if way.strategy == Strategy::Replace { new } else { maps(old, new, of)? }))
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            let (of, way) = shape.list(&key)?;
            Some(Value::Array(lists(std::mem::take(old), new, of, way)?))
        }
        (_, new) => without_directives(new),
    };
    match merged {
        Some(merged) => under.insert(key, merged),
        None => under.shift_remove(&key),
    };
    Ok(())
}

/// A list together with the order that a patch sets for it.
fn ordered_list(
    under: &mut Map<String, Value>,
    over: &mut Map<String, Value>,
    order_key: &str,
    order: Value,
    shape: Shape,
) -> Result<(), String> {
    match under.get(order_key) {
        Some(other) if *other != order => return Err(BAD_ORDER.into()),
        Some(_) => {}
        None => drop(under.insert(order_key.to_owned(), order.clone())),
    }
    let Value::Array(order) = order else { return Err(not_a_list(&order)) };
    let Some(key) = order_key.strip_prefix(ELEMENT_ORDER).and_then(|rest| rest.strip_prefix('/')) else {
        return Err(BAD_ORDER.into());
    };
    let list = |value: Option<&Value>| match value {
        None => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list.clone())),
        Some(other) => Err(not_a_list(other)),
    };
    let (old, new) = (list(under.get(key))?, list(over.get(key))?);
    let (of, way) = shape.list(key)?;
    let by = key_of(way);
    order::check(new.as_deref().unwrap_or_default(), &order, by)?;
    let kind = |old: &[Value], new: &[Value]| go::element_type(&[old, new]);
    let server = old.clone().unwrap_or_default();
    let merged = match (old, new) {
        (None, None) => return Ok(()),
        (Some(old), None) => {
            kind(&old, &[])?;
            old
        }
        (None, Some(new)) => {
            kind(&[], &new)?;
            new.into_iter().filter_map(without_directives).collect()
        }
        (Some(old), Some(new)) => {
            kind(&old, &new)?;
            lists(old, new, of, way)?
        }
    };
    let (named, others) = order::partition(merged, &order, by)?;
    let all = order::interleave(named, others, &order, &server, by)?;
    under.insert(key.to_owned(), Value::Array(all));
    over.shift_remove(key);
    Ok(())
}

fn key_of(way: Way) -> Key<'static> {
    Some(way.merge_key).filter(|key| !key.is_empty())
}

fn not_a_list(value: &Value) -> String {
    format!("expected a {}, but received a {}", Type::List.name(), Type::of(value).name())
}

fn lists(mut under: Vec<Value>, over: Vec<Value>, of: Shape, way: Way) -> Result<Vec<Value>, String> {
    if way.strategy != Strategy::Merge {
        return Ok(over);
    }
    if under.is_empty() && over.is_empty() {
        return Ok(under);
    }
    if go::element_type(&[&under, &over])? != Type::Map {
        let server = under.clone();
        under.extend(over.iter().cloned());
        go::deduplicate(&mut under);
        let (named, others) = order::partition(under, &over, None)?;
        return order::interleave(named, others, &over, &server, None);
    }
    let Some(key) = key_of(way) else {
        return Err(format!("cannot merge lists without merge key for {}", of.go_kind()));
    };
    let (mut under, over) = directives(under, over, key)?;
    let server = under.clone();
    for element in &over {
        let value = order::merge_key(element, key)?;
        if let Some(bad) = under.iter().position(|other| !other.is_object()) {
            return Err(format!("value for key {bad} is not a map"));
        }
        let same = under.iter_mut().find(|other| other.get(key) == Some(value));
        match (same, element) {
            (Some(Value::Object(old)), Value::Object(new)) => *old = maps(std::mem::take(old), new.clone(), of)?,
            _ => under.push(element.clone()),
        }
    }
    let (named, others) = order::partition(under, &over, Some(key))?;
    order::interleave(named, others, &over, &server, Some(key))
}

/// Carries out what a patch's directives say about elements, and takes them from it.
fn directives(mut under: Vec<Value>, over: Vec<Value>, key: &str) -> Result<(Vec<Value>, Vec<Value>), String> {
    let mut replaced = false;
    let mut rest = Vec::with_capacity(over.len());
    for element in over {
        let Some(directive) = element.get(DIRECTIVE) else {
            rest.push(element);
            continue;
        };
        match directive.as_str() {
            Some(DELETE) => {
                let gone = order::merge_key(&element, key)?;
                under.retain(|other| other.get(key) != Some(gone));
            }
            Some("replace") => replaced = true,
            Some("merge") => return Err("merging lists cannot yet be specified in the patch".into()),
            _ => return Err(format!("unknown patch type: {} in map: {}", go::text(directive), go::text(&element))),
        }
    }
    Ok(if replaced { (rest, Vec::new()) } else { (under, rest) })
}

/// A value without the parts that are directives of a patch; `None` if it is one itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            Some(Value::Object(map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).collect()))
        }
        Value::Array(list) => Some(Value::Array(list.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}
