//! Texts split, joined, sorted and replaced in.

use std::collections::BTreeMap;

use super::find;
use crate::{
    function::{Fault, Scope},
    functions::{
        arguments::{ENTRY, ITEM, any, int, items, shown, spend, spend_bytes, spend_items, text},
        runes::Runes,
    },
    value::{List, Map, Str, Value, types},
};

/// The texts of a list, nil items left out; of anything else its own, of nil none.
fn texts(scope: &mut Scope<'_>, value: &Value) -> Result<Vec<Str>, Fault> {
    spend_bytes(scope, value)?;
    let Some(items) = items(value) else {
        return if matches!(value, Value::Nil) { Ok(Vec::new()) } else { Ok(vec![shown(scope, value)?]) };
    };
    spend_items(scope, items.len(), items.len())?;
    items.iter().filter(|item| !matches!(item, Value::Nil)).map(|item| shown(scope, item)).collect()
}

pub fn to_strings(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    match any(arguments, 0) {
        Value::List(list) if *list.ty() == types::STRINGS => Ok(Value::List(list)),
        value => of_texts(texts(scope, &value)?, &value),
    }
}

/// A list of texts with room for all the items that they were made of.
fn of_texts(texts: Vec<Str>, value: &Value) -> Result<Value, Fault> {
    let capacity = match value {
        Value::List(list) => list.items().len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    Ok(Value::List(List::with_capacity(&types::STRINGS, texts.into_iter().map(Value::Str).collect(), capacity)))
}

pub fn join(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let separator = text(arguments, 0);
    let texts = texts(scope, &any(arguments, 1))?;
    let size = texts.iter().fold(0_usize, |size, text| size.saturating_add(text.len() + separator.len()));
    spend(scope, size, size)?;
    let mut out = Vec::with_capacity(size);
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.extend(separator.as_bytes());
        }
        out.extend(text.as_bytes());
    }
    Ok(Value::str(out))
}

/// A list of texts is sorted where it lies, for whoever else has it too.
pub fn sort_alpha(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let value = any(arguments, 0);
    if !matches!(value, Value::List(_) | Value::Bytes(_)) {
        return Ok(Value::strings([shown(scope, &value)?]));
    }
    let mut texts = texts(scope, &value)?;
    // each is compared so often, and each may differ from the next in its last byte only
    let times = texts.len().max(1).ilog2() as usize + 1;
    let size = texts.iter().fold(0_usize, |size, text| size.saturating_add(64 + text.len()));
    scope.budget.scan(size.saturating_mul(times))?;
    if let Value::List(list) = &value
        && *list.ty() == types::STRINGS
    {
        list.sort_in_place();
        return Ok(value);
    }
    texts.sort();
    of_texts(texts, &value)
}

/// `strings.SplitN`: at most so many parts, all where the count is negative. An empty separator splits after each rune.
fn pieces<'a>(scope: &mut Scope<'_>, text: &'a [u8], separator: &[u8], count: i64) -> Result<Vec<&'a [u8]>, Fault> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    scope.budget.scan(text.len())?;
    let mut parts = Vec::new();
    if most == 0 {
        return Ok(parts);
    }
    let mut left = text;
    if separator.is_empty() {
        let mut runes = Runes(text);
        while parts.len() + 1 < most
            && let Some((_, rune)) = runes.next()
        {
            scope.budget.step(1)?;
            scope.budget.make(ITEM + rune.len())?;
            parts.push(rune);
        }
        if !runes.0.is_empty() {
            parts.push(runes.0);
        }
        return Ok(parts);
    }
    while parts.len() + 1 < most
        && let Some(at) = find(left, separator)
    {
        scope.budget.step(1)?;
        scope.budget.make(ITEM + at)?;
        parts.push(left.get(..at).unwrap_or(&[]));
        left = left.get(at + separator.len()..).unwrap_or(&[]);
    }
    scope.budget.make(ITEM + left.len())?;
    parts.push(left);
    Ok(parts)
}

pub fn split(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (separator, text) = (text(arguments, 0), text(arguments, 1));
    let parts = pieces(scope, text.as_bytes(), separator.as_bytes(), -1)?;
    numbered(scope, &parts)
}

pub fn splitn(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (separator, text) = (text(arguments, 0), text(arguments, 2));
    let parts = pieces(scope, text.as_bytes(), separator.as_bytes(), int(arguments, 1))?;
    numbered(scope, &parts)
}

/// A `map[string]string` with the keys `_0`, `_1` and so on.
fn numbered(scope: &mut Scope<'_>, parts: &[&[u8]]) -> Result<Value, Fault> {
    scope.budget.make(parts.len().saturating_mul(ENTRY))?;
    let entries: BTreeMap<Str, Value> =
        parts.iter().enumerate().map(|(at, part)| (Str::from(format!("_{at}")), Value::str(*part))).collect();
    Ok(Value::Map(Map::new(&types::STRING_MAP, entries)))
}

pub fn split_list(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (separator, text) = (text(arguments, 0), text(arguments, 1));
    let parts = pieces(scope, text.as_bytes(), separator.as_bytes(), -1)?;
    Ok(Value::strings(parts.into_iter().map(Str::new)))
}

/// An empty text is found before each rune, and at the end.
pub fn replace(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (old, new, source) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    scope.budget.scan(source.len())?;
    let mut out = Vec::new();
    if old == new {
        return Ok(Value::Str(source));
    }
    if old.is_empty() {
        for (_, rune) in Runes(source.as_bytes()) {
            spend(scope, 1, new.len() + rune.len())?;
            out.extend(new.as_bytes());
            out.extend(rune);
        }
        spend(scope, 1, new.len())?;
        out.extend(new.as_bytes());
        return Ok(Value::str(out));
    }
    let mut left = source.as_bytes();
    while let Some(at) = find(left, old.as_bytes()) {
        spend(scope, 1, at + new.len())?;
        out.extend(left.get(..at).unwrap_or(&[]));
        out.extend(new.as_bytes());
        left = left.get(at + old.len()..).unwrap_or(&[]);
    }
    if left.len() == source.len() {
        return Ok(Value::Str(source));
    }
    spend(scope, 1, left.len())?;
    out.extend(left);
    Ok(Value::str(out))
}
