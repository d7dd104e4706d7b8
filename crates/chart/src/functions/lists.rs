//! Functions of lists. What they are given may be a slice of any type; what they make is a `[]interface{}`.

use crate::{
    function::{Fault, Function, Scope},
    functions::{
        arguments::{ANY, INT, NIL_DEREFERENCE, any, function, int, items, rest, spend_bytes, spend_items, variadic},
        cast::{to_int, truncated},
        reflection::{deep_equal, kind_of},
    },
    value::{List, Value, types},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    variadic("list", &[], ANY, list),
    variadic("tuple", &[], ANY, list),
    function("append", &[ANY, ANY], push),
    function("mustAppend", &[ANY, ANY], push),
    function("push", &[ANY, ANY], push),
    function("mustPush", &[ANY, ANY], push),
    function("prepend", &[ANY, ANY], prepend),
    function("mustPrepend", &[ANY, ANY], prepend),
    function("first", &[ANY], first),
    function("mustFirst", &[ANY], first),
    function("last", &[ANY], last),
    function("mustLast", &[ANY], last),
    function("rest", &[ANY], all_but_first),
    function("mustRest", &[ANY], all_but_first),
    function("initial", &[ANY], all_but_last),
    function("mustInitial", &[ANY], all_but_last),
    function("reverse", &[ANY], reverse),
    function("mustReverse", &[ANY], reverse),
    function("compact", &[ANY], compact),
    function("mustCompact", &[ANY], compact),
    function("uniq", &[ANY], uniq),
    function("mustUniq", &[ANY], uniq),
    variadic("without", &[ANY], ANY, without),
    variadic("mustWithout", &[ANY], ANY, without),
    function("has", &[ANY, ANY], has),
    function("mustHas", &[ANY, ANY], has),
    variadic("slice", &[ANY], ANY, slice),
    variadic("mustSlice", &[ANY], ANY, slice),
    function("chunk", &[INT, ANY], chunk),
    function("mustChunk", &[INT, ANY], chunk),
    variadic("concat", &[], ANY, concat),
];

fn list(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    spend_items(scope, 0, arguments.len())?;
    Ok(Value::list(arguments.to_vec()))
}

/// The items of a list, or what Sprig says of a value that is none: its words up to the kind, and those after it.
fn listed<'v>(scope: &mut Scope<'_>, value: &'v Value, before: &str, after: &str) -> Result<std::borrow::Cow<'v, [Value]>, Fault> {
    if matches!(value, Value::Nil) {
        return Err(Fault::said(NIL_DEREFERENCE));
    }
    spend_bytes(scope, value)?;
    items(value).ok_or_else(|| Fault::said(format!("{before}{}{after}", kind_of(value))))
}

fn push(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (list, item) = (any(arguments, 0), any(arguments, 1));
    let items = listed(scope, &list, "Cannot push on type ", "")?;
    spend_items(scope, items.len(), items.len() + 1)?;
    let mut items = items.into_owned();
    let had = items.len();
    items.push(item);
    Ok(Value::List(List::appended(&types::LIST, items, had)))
}

fn prepend(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (list, item) = (any(arguments, 0), any(arguments, 1));
    let items = listed(scope, &list, "Cannot prepend on type ", "")?;
    spend_items(scope, items.len(), items.len() + 1)?;
    let items = std::iter::once(item).chain(items.iter().cloned()).collect();
    Ok(Value::List(List::appended(&types::LIST, items, 1)))
}

fn first(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(listed(scope, &any(arguments, 0), "Cannot find first on type ", "")?.first().cloned().unwrap_or(Value::Nil))
}

fn last(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(listed(scope, &any(arguments, 0), "Cannot find last on type ", "")?.last().cloned().unwrap_or(Value::Nil))
}

fn all_but_first(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "Cannot find rest on type ", "")?;
    part(scope, items.split_first().map(|(_, rest)| rest))
}

fn all_but_last(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "Cannot find initial on type ", "")?;
    part(scope, items.split_last().map(|(_, initial)| initial))
}

/// A part of a list; of an empty one the nil slice.
fn part(scope: &mut Scope<'_>, items: Option<&[Value]>) -> Result<Value, Fault> {
    let Some(items) = items else { return Ok(Value::List(List::nil(&types::LIST))) };
    spend_items(scope, items.len(), items.len())?;
    Ok(Value::list(items.to_vec()))
}

fn reverse(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "Cannot find reverse on type ", "")?;
    spend_items(scope, items.len(), items.len())?;
    Ok(Value::list(items.iter().rev().cloned().collect()))
}

fn compact(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "Cannot compact on type ", "")?;
    spend_items(scope, items.len(), items.len())?;
    Ok(Value::List(List::grown(&types::LIST, items.iter().filter(|item| item.is_true()).cloned().collect())))
}

fn uniq(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "Cannot find uniq on type ", "")?;
    spend_items(scope, items.len(), items.len())?;
    let mut unique: Vec<Value> = Vec::new();
    for item in items.iter() {
        if !holds(scope, &unique, item)? {
            unique.push(item.clone());
        }
    }
    Ok(Value::List(List::grown(&types::LIST, unique)))
}

fn without(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "Cannot find without on type ", "")?;
    spend_items(scope, items.len(), items.len())?;
    let mut kept = Vec::new();
    for item in items.iter() {
        if !holds(scope, rest(arguments, 1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::List(List::grown(&types::LIST, kept)))
}

fn has(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (needle, list) = (any(arguments, 0), any(arguments, 1));
    if matches!(list, Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = listed(scope, &list, "Cannot find has on type ", "")?;
    Ok(Value::Bool(holds(scope, &items, &needle)?))
}

fn holds(scope: &mut Scope<'_>, items: &[Value], needle: &Value) -> Result<bool, Fault> {
    for item in items {
        if deep_equal(scope, needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A part of a list, of the list's own type.
fn slice(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let list = any(arguments, 0);
    let items = listed(scope, &list, "list should be type of slice or array but ", "")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |at: usize, otherwise: usize| match arguments.get(at) {
        Some(bound) => usize::try_from(to_int(bound)).ok(),
        None => Some(otherwise),
    };
    if let Value::List(list) = &list {
        spend_items(scope, list.capacity(), list.capacity())?;
    }
    let part = bound(1, 0).zip(bound(2, items.len())).and_then(|(start, end)| match &list {
        Value::List(list) => list.part(start, end).map(Value::List),
        Value::Bytes(bytes) => bytes.as_bytes().get(start..end).map(|part| Value::Bytes(part.into())),
        _ => None,
    });
    part.ok_or_else(|| Fault::said("reflect.Value.Slice: slice index out of bounds"))
}

/// Lists of so many items, and one of what is left.
fn chunk(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (size, list) = (int(arguments, 0), any(arguments, 1));
    let items = listed(scope, &list, "Cannot chunk type ", "")?;
    let count = truncated(((items.len() as f64 - 1.0) / size as f64).floor() + 1.0);
    let too_long = || Fault::said("runtime error: makeslice: len out of range");
    if count < 0 {
        return Err(too_long());
    }
    let size = match usize::try_from(size) {
        Ok(size) if size > 0 => size,
        // what the arithmetic leaves to a negative size
        _ if count == 0 => 1,
        Err(_) if items.len() == 1 && size < -1 => 1,
        _ => return Err(too_long()),
    };
    spend_items(scope, items.len(), items.len().saturating_mul(2))?;
    let chunks = items.chunks(size).take(usize::try_from(count).unwrap_or(0)).map(|chunk| Value::list(chunk.to_vec()));
    Ok(Value::List(List::new(&types::LISTS, chunks.collect())))
}

/// The nil slice where there is nothing in any.
fn concat(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for list in arguments {
        let items = listed(scope, list, "Cannot concat type ", " as list")?;
        spend_items(scope, items.len(), items.len())?;
        all.extend(items.iter().cloned());
    }
    Ok(Value::List(if all.is_empty() { List::nil(&types::LIST) } else { List::grown(&types::LIST, all) }))
}
