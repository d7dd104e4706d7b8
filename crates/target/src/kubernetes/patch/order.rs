//! The order of lists that are merged.

use serde_json::Value;

use super::diff::{DELETE, DIRECTIVE};
use super::go::{self, Type};

/// Before the name of a list: the order in which its elements are to be.
pub(super) const ELEMENT_ORDER: &str = "$setElementOrder";

/// By what elements of a list are told apart: `None` for scalars.
pub(super) type Key<'a> = Option<&'a str>;

/// An element's merge key.
pub(super) fn merge_key<'a>(element: &'a Value, key: &str) -> Result<&'a Value, String> {
    let Value::Object(map) = element else {
        return Err(format!("expected a {}, but received a {}", Type::Map.name(), Type::of(element).name()));
    };
    match map.get(key) {
        Some(Value::Object(_) | Value::Array(_)) => Err(format!("the merge key {key} of an element is no scalar")),
        Some(value) => Ok(value),
        None => Err(format!("map: {} does not contain declared merge key: {key}", go::text(element))),
    }
}

/// What an element is found by: nothing for what is no map where maps are expected.
fn identity<'a>(element: &'a Value, key: Key<'_>) -> Option<&'a Value> {
    match key {
        None => Some(element),
        Some(key) => element.get(key),
    }
}

/// Where in a list the same element first stands.
fn position(list: &[Value], element: &Value, key: Key<'_>) -> Option<usize> {
    let wanted = identity(element, key);
    list.iter().position(|other| identity(other, key) == wanted)
}

fn is_deletion(element: &Value) -> bool {
    element.get(DIRECTIVE).and_then(Value::as_str) == Some(DELETE)
}

/// Brings a list into the order of another; what a directive deletes comes last.
pub(super) fn normalize(list: &mut Vec<Value>, by: &[Value], key: Key<'_>) -> Result<(), String> {
    let mut deletions = Vec::new();
    if let Some(key) = key {
        for element in list.iter().chain(by) {
            merge_key(element, key)?;
        }
        (deletions, *list) = std::mem::take(list).into_iter().partition(is_deletion);
    }
    let mut placed: Vec<(Option<usize>, Value)> =
        std::mem::take(list).into_iter().map(|element| (position(by, &element, key), element)).collect();
    // an element that has no place goes before everything, and everything before it: only this sort ends where Go's ends
    for start in 1..placed.len() {
        let mut at = start;
        while at > 0 && is_before(placed.get(at), placed.get(at - 1)) {
            placed.swap(at, at - 1);
            at -= 1;
        }
    }
    list.extend(placed.into_iter().map(|(_, element)| element));
    list.append(&mut deletions);
    Ok(())
}

fn is_before(left: Option<&(Option<usize>, Value)>, right: Option<&(Option<usize>, Value)>) -> bool {
    match (left.and_then(|left| left.0), right.and_then(|right| right.0)) {
        (Some(left), Some(right)) => left < right,
        _ => true,
    }
}

/// Parts the elements of a list: those that another list names, then the rest.
pub(super) fn partition(list: Vec<Value>, by: &[Value], key: Key<'_>) -> Result<(Vec<Value>, Vec<Value>), String> {
    if let Some(key) = key {
        for element in &list {
            merge_key(element, key)?;
        }
        if let Some(at) = by.iter().position(|element| !element.is_object()).filter(|_| !list.is_empty()) {
            return Err(format!("value for key {at} is not a map"));
        }
    }
    Ok(list.into_iter().partition(|element| position(by, element, key).is_some()))
}

/// Brings what a patch names and what the server alone has into one list, each in its order, interleaved as the server has them.
pub(super) fn interleave(
    mut named: Vec<Value>,
    mut others: Vec<Value>,
    named_by: &[Value],
    server: &[Value],
    key: Key<'_>,
) -> Result<Vec<Value>, String> {
    normalize(&mut named, named_by, key)?;
    normalize(&mut others, server, key)?;
    let mut all = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let other_first = match (others.peek(), named.peek()) {
            (None, None) => return Ok(all),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(named)) => match (position(server, other, key), position(server, named, key)) {
                (Some(other), Some(named)) => other < named,
                _ => false,
            },
        };
        all.extend(if other_first { others.next() } else { named.next() });
    }
}

/// Refuses a patch whose elements are not in the order that it sets, or not all named by it.
pub(super) fn check(patch: &[Value], order: &[Value], key: Key<'_>) -> Result<(), String> {
    if order.is_empty() || patch.is_empty() {
        return Ok(());
    }
    if let Some(bad) = patch.iter().find(|element| key.is_some() && !element.is_object()) {
        return Err(format!("expected a {}, but received a {}", Type::Map.name(), Type::of(bad).name()));
    }
    let mut wanted = patch.iter().filter(|element| element.get(DIRECTIVE).is_none()).peekable();
    for next in order {
        let Some(element) = wanted.peek() else { return Ok(()) };
        let same = match key {
            None => *element == next,
            Some(key) => merge_key(element, key)? == merge_key(next, key)?,
        };
        if same {
            wanted.next();
        }
    }
    if wanted.peek().is_none() {
        return Ok(());
    }
    let shown = |list: &[Value]| go::text(&Value::Array(list.to_vec()));
    Err(format!("The order in patch list:\n{}\n doesn't match {ELEMENT_ORDER} list:\n{}\n", shown(patch), shown(order)))
}
