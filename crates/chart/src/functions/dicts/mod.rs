//! Functions of maps.

mod copy;
mod merge;

use std::collections::BTreeMap;

use crate::{
    function::{Fault, Function, Scope},
    functions::arguments::{ANY, DICT, ENTRY, TEXT, any, as_dict, dict, function, rest, shown, spend_items, text, variadic},
    value::{Kind, List, Map, Str, Value, types},
};

/// The functions of this file and those below it.
pub const FUNCTIONS: &[Function] = &[
    variadic("dict", &[], ANY, make),
    function("get", &[DICT, TEXT], |_, arguments| Ok(dict(arguments, 0).get(text(arguments, 1)).unwrap_or_else(|| Value::str("")))),
    function("set", &[DICT, TEXT, ANY], set),
    function("unset", &[DICT, TEXT], unset),
    function("hasKey", &[DICT, TEXT], |_, arguments| Ok(Value::Bool(dict(arguments, 0).get(text(arguments, 1)).is_some()))),
    variadic("pluck", &[TEXT], DICT, pluck),
    variadic("keys", &[], DICT, keys),
    function("values", &[DICT], values),
    variadic("pick", &[DICT], TEXT, pick),
    variadic("omit", &[DICT], TEXT, omit),
    variadic("dig", &[], ANY, dig),
    variadic("merge", &[DICT], DICT, merge::merge),
    variadic("mustMerge", &[DICT], DICT, merge::must_merge),
    variadic("mergeOverwrite", &[DICT], DICT, merge::merge_overwrite),
    variadic("mustMergeOverwrite", &[DICT], DICT, merge::must_merge_overwrite),
    function("deepCopy", &[ANY], copy::deep_copy),
    function("mustDeepCopy", &[ANY], copy::must_deep_copy),
];

/// What Go says when a nil map is written to.
const NIL_MAP: &str = "assignment to entry in nil map";

/// The last key without a value gets an empty text.
fn make(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    scope.budget.step(1 + arguments.len() as u64)?;
    scope.budget.make(arguments.len().saturating_mul(ENTRY / 2))?;
    let mut entries = BTreeMap::new();
    for pair in arguments.chunks(2) {
        let key = shown(scope, &any(pair, 0))?;
        entries.insert(key, pair.get(1).cloned().unwrap_or_else(|| Value::str("")));
    }
    Ok(Value::map(entries))
}

fn set(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let map = dict(arguments, 0);
    put(scope, &map, text(arguments, 1), any(arguments, 2))?;
    Ok(Value::Map(map))
}

/// Puts something into a map, which may hold itself from then on.
fn put(scope: &mut Scope<'_>, map: &Map, key: Str, value: Value) -> Result<(), Fault> {
    scope.budget.step(1)?;
    scope.budget.make(ENTRY)?;
    let may_hold_itself = matches!(value.kind(), Some(Kind::Map | Kind::Slice | Kind::Struct | Kind::Pointer));
    if !map.insert(key, value) {
        return Err(Fault::said(NIL_MAP));
    }
    if may_hold_itself {
        scope.changed.push(map.clone());
    }
    Ok(())
}

fn unset(_: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let map = dict(arguments, 0);
    map.remove(text(arguments, 1));
    Ok(Value::Map(map))
}

fn pluck(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let key = text(arguments, 0);
    let maps = rest(arguments, 1);
    spend_items(scope, maps.len(), maps.len())?;
    Ok(Value::List(List::grown(&types::LIST, maps.iter().filter_map(|map| as_dict(map).get(&key)).collect())))
}

/// In order, where Go gives them in a random one.
fn keys(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let mut keys = Vec::new();
    for map in arguments.iter().map(as_dict) {
        spend_items(scope, map.len(), map.len())?;
        keys.extend(map.entries().into_iter().map(|(key, _)| Value::Str(key)));
    }
    Ok(Value::List(List::grown(&types::STRINGS, keys)))
}

/// In the order of their keys, where Go gives them in a random one.
fn values(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let map = dict(arguments, 0);
    spend_items(scope, map.len(), map.len())?;
    Ok(Value::List(List::grown(&types::LIST, map.entries().into_iter().map(|(_, value)| value).collect())))
}

fn pick(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let map = dict(arguments, 0);
    let names = rest(arguments, 1);
    scope.budget.step(1 + names.len() as u64)?;
    scope.budget.make(names.len().saturating_mul(ENTRY))?;
    let found = (0..names.len()).filter_map(|at| {
        let key = text(names, at);
        let value = map.get(&key)?;
        Some((key, value))
    });
    Ok(Value::map(found.collect()))
}

fn omit(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let map = dict(arguments, 0);
    let names = rest(arguments, 1);
    scope.budget.step(1 + map.len() as u64 + names.len() as u64)?;
    scope.budget.make(map.len().saturating_mul(ENTRY))?;
    let mut left: BTreeMap<Str, Value> = map.entries().into_iter().collect();
    for at in 0..names.len() {
        left.remove(&text(names, at));
    }
    Ok(Value::map(left))
}

/// What stands below these keys, or the last argument but one.
fn dig(_: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [path @ .., otherwise, map] = arguments else { return Err(Fault::said("dig needs at least three arguments")) };
    if path.is_empty() {
        return Err(Fault::said("dig needs at least three arguments"));
    }
    let mut map = asserted_map(map)?;
    let keys: Vec<&Str> = path.iter().map(asserted_text).collect::<Result<_, _>>()?;
    for (at, key) in keys.iter().enumerate() {
        let Some(step) = map.get(key) else { return Ok(otherwise.clone()) };
        if at + 1 == keys.len() {
            return Ok(step);
        }
        map = asserted_map(&step)?;
    }
    Ok(otherwise.clone())
}

fn asserted_map(value: &Value) -> Result<Map, Fault> {
    match value {
        Value::Map(map) if *map.ty() == types::MAP => Ok(map.clone()),
        other => Err(asserted(other, types::MAP.name)),
    }
}

fn asserted_text(value: &Value) -> Result<&Str, Fault> {
    match value {
        Value::Str(text) => Ok(text),
        other => Err(asserted(other, types::STRING.name)),
    }
}

/// Go's words for a value that is not of the type that it was taken for.
fn asserted(value: &Value, wanted: &str) -> Fault {
    let found = value.ty().map_or("nil", |ty| ty.name);
    Fault::said(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}
