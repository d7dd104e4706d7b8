//! What is to change from one object to another, as a strategic merge patch that does only one half of it.

use serde_json::{Map, Value};

use super::go::{self, Type};
use super::order::{self, ELEMENT_ORDER};
use super::schema::{Shape, Strategy, Way};

/// Marks what a patch does to the map or element that it stands in.
pub(super) const DIRECTIVE: &str = "$patch";
/// The directive that takes an element out of a list.
pub(super) const DELETE: &str = "delete";
/// Names every key of a map that is to stay.
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
/// Before the name of a list of scalars: what is to go from it.
pub(super) const DELETE_SCALARS: &str = "$deleteFromPrimitiveList";

/// Which half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// What came and what is another.
    Additions,
    /// What went.
    Deletions,
}

/// The patch from one map to another.
pub(super) fn maps(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    shape: Shape,
    half: Half,
    retain_keys: bool,
) -> Result<Map<String, Value>, String> {
    let mut patch = Map::new();
    for (key, new) in modified {
        let Some(old) = original.get(key) else {
            add(&mut patch, key, new, half);
            continue;
        };
        if key == DIRECTIVE {
            if !old.is_string() || !new.is_string() {
                return Err(format!("invalid value for special key: {DIRECTIVE}"));
            }
            if old != new {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => objects(key, old, new, &mut patch, shape, half)?,
            (Value::Array(old), Value::Array(new)) => lists(key, old, new, &mut patch, shape, half)?,
            _ if old != new => add(&mut patch, key, new, half),
            _ => {}
        }
    }
    if half == Half::Deletions {
        for key in original.keys().filter(|key| !modified.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    if retain_keys {
        let kept: Vec<&String> = modified.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
        let cleared = || original.iter().any(|(key, value)| !value.is_null() && !modified.contains_key(key));
        if !kept.is_empty() && (!patch.is_empty() || cleared()) {
            let mut kept: Vec<Value> = kept.into_iter().cloned().map(Value::String).collect();
            go::sort_by_text(&mut kept, go::text);
            patch.insert(RETAIN_KEYS.to_owned(), Value::Array(kept));
        }
    }
    Ok(patch)
}

fn add(patch: &mut Map<String, Value>, key: &str, value: &Value, half: Half) {
    if half == Half::Additions {
        patch.insert(key.to_owned(), value.clone());
    }
}

/// A field that nobody knows is no fault as long as nothing of it changes.
fn known<T>(found: Result<T, String>, same: bool) -> Result<Option<T>, String> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(_) if same => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn objects(
    key: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    patch: &mut Map<String, Value>,
    shape: Shape,
    half: Half,
) -> Result<(), String> {
    let Some((of, way)) = known(shape.field(key), old == new)? else { return Ok(()) };
    if way.strategy == Strategy::Replace {
        if half == Half::Additions {
            patch.insert(key.to_owned(), Value::Object(new.clone()));
        }
        return Ok(());
    }
    let inner = maps(old, new, of, half, way.retain_keys)?;
    if !inner.is_empty() {
        patch.insert(key.to_owned(), Value::Object(inner));
    }
    Ok(())
}

fn lists(key: &str, old: &[Value], new: &[Value], patch: &mut Map<String, Value>, shape: Shape, half: Half) -> Result<(), String> {
    let Some((of, way)) = known(shape.list(key), old == new)? else { return Ok(()) };
    if way.strategy != Strategy::Merge {
        if old != new {
            add(patch, key, &Value::Array(new.to_vec()), half);
        }
        return Ok(());
    }
    let found = merged_lists(old, new, of, way, half)?;
    let mut put = |key: String, list: Vec<Value>| {
        if !list.is_empty() {
            patch.insert(key, Value::Array(list));
        }
    };
    put(key.to_owned(), found.changes);
    put(format!("{DELETE_SCALARS}/{key}"), found.gone);
    put(format!("{ELEMENT_ORDER}/{key}"), found.order);
    Ok(())
}

/// The patch of a list that is merged.
#[derive(Default)]
struct ListPatch {
    changes: Vec<Value>,
    /// Scalars that go. Of maps the deletions are among the changes.
    gone: Vec<Value>,
    order: Vec<Value>,
}

fn merged_lists(old: &[Value], new: &[Value], of: Shape, way: Way, half: Half) -> Result<ListPatch, String> {
    if old.is_empty() {
        let changes = if half == Half::Additions { new.to_vec() } else { Vec::new() };
        return Ok(ListPatch { changes, ..ListPatch::default() });
    }
    if go::element_type(&[old, new])? == Type::Map {
        return lists_of_maps(old, new, of, way, half);
    }
    let (mut changes, gone, sorted) = lists_of_scalars(old, new, half);
    order::normalize(&mut changes, new, None)?;
    let moved = match half {
        Half::Additions => sorted != new,
        Half::Deletions => !gone.is_empty(),
    };
    Ok(ListPatch { changes, gone, order: if moved { new.to_vec() } else { Vec::new() } })
}

fn lists_of_maps(old: &[Value], new: &[Value], of: Shape, way: Way, half: Half) -> Result<ListPatch, String> {
    let key = way.merge_key;
    let (mut changes, deletions) = pair_maps(old, new, of, way, half)?;
    order::normalize(&mut changes, new, Some(key))?;
    let same_order = is_same_order(old, new, key)?;
    changes.extend(deletions);
    let moved = !changes.is_empty() || (half == Half::Additions && !same_order);
    let order = new.iter().filter_map(|element| Some(keyed(key, element.get(key)?))).collect();
    Ok(ListPatch { changes, gone: Vec::new(), order: if moved { order } else { Vec::new() } })
}

fn keyed(key: &str, value: &Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value.clone())]))
}

fn is_same_order(old: &[Value], new: &[Value], key: &str) -> Result<bool, String> {
    if old.len() != new.len() {
        return Ok(false);
    }
    for (old, new) in old.iter().zip(new) {
        if order::merge_key(old, key)? != order::merge_key(new, key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Pairs elements by their merge keys, in the order of the keys' texts: the changes, then what goes.
fn pair_maps(old: &[Value], new: &[Value], of: Shape, way: Way, half: Half) -> Result<(Vec<Value>, Vec<Value>), String> {
    let key = way.merge_key;
    let sorted = |list: &[Value]| {
        let mut list = list.to_vec();
        go::sort_by_text(&mut list, |element| go::text(element.get(key).unwrap_or(&Value::Null)));
        list
    };
    let (old, new) = (sorted(old), sorted(new));
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let (mut changes, mut deletions) = (Vec::new(), Vec::new());
    loop {
        let left = old.peek().map(|element| order::merge_key(element, key)).transpose()?;
        let right = new.peek().map(|element| order::merge_key(element, key)).transpose()?;
        let (came, went) = match (left, right) {
            (None, None) => break,
            (None, Some(_)) => (true, false),
            (Some(_), None) => (false, true),
            (Some(left), Some(right)) => {
                let (left, right) = (go::text(left), go::text(right));
                (left > right, left < right)
            }
        };
        if came {
            changes.extend(new.next().filter(|_| half == Half::Additions).cloned());
        } else if went {
            old.next();
            if let Some(value) = left.filter(|_| half == Half::Deletions) {
                let mut gone = Map::from_iter([(key.to_owned(), value.clone())]);
                gone.insert(DIRECTIVE.to_owned(), Value::from(DELETE));
                deletions.push(Value::Object(gone));
            }
        } else if let (Some(Value::Object(old)), Some(Value::Object(new)), Some(value)) = (old.next(), new.next(), right) {
            let mut patch = maps(old, new, of, half, way.retain_keys)?;
            if !patch.is_empty() {
                patch.insert(key.to_owned(), value.clone());
                changes.push(Value::Object(patch));
            }
        }
    }
    Ok((changes, deletions))
}

/// What came, what went, and the old list in the order of its elements' texts, as which Go goes on to see it.
fn lists_of_scalars(old: &[Value], new: &[Value], half: Half) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let sorted = |list: &[Value]| {
        let mut list = list.to_vec();
        go::sort_by_text(&mut list, go::text);
        list
    };
    let (old, new) = (sorted(old), sorted(new));
    let (mut came, mut went) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => break,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(_), None) => std::cmp::Ordering::Less,
            (Some(left), Some(right)) => go::text(left).cmp(&go::text(right)),
        };
        if order.is_le() {
            went.extend(left.next().filter(|_| order.is_lt() && half == Half::Deletions).cloned());
        }
        if order.is_ge() {
            came.extend(right.next().filter(|_| order.is_gt() && half == Half::Additions).cloned());
        }
    }
    go::deduplicate(&mut went);
    (came, went, old)
}
