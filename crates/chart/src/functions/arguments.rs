//! What the functions of templates share: the shapes of a [`Function`], and the arguments that it was given.
//!
//! The engine has checked the arguments' types before it calls, so that what is read here is there. Where it is not, the answer
//! is the zero value of Go's type, never a panic.

use std::borrow::Cow;

use crate::{
    function::{Fault, Function, Scope},
    value::{Map, Str, Type, Value, types},
};

/// What Go says when a method of a nil interface is called: `reflect.TypeOf(nil).Kind()`, in the functions of lists.
pub const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";

/// `interface{}`.
pub const ANY: &Type = &types::ANY;
/// `string`.
pub const TEXT: &Type = &types::STRING;
/// `int`.
pub const INT: &Type = &types::INT;
/// `bool`.
pub const BOOL: &Type = &types::BOOL;
/// `map[string]interface{}`.
pub const DICT: &Type = &types::MAP;

/// The memory that an item of a list takes.
pub const ITEM: usize = size_of::<Value>();
/// The memory that an entry of a map takes, about: its value, its key and its share of the tree.
pub const ENTRY: usize = size_of::<Value>() + size_of::<Str>() + 24;

/// What a function does.
pub type Call = fn(&mut Scope<'_>, &[Value]) -> Result<Value, Fault>;

/// A function of so many arguments.
pub const fn function(name: &'static str, takes: &'static [&'static Type], call: Call) -> Function {
    Function { name, takes, rest: None, call }
}

/// A function of any number of arguments after the first ones.
pub const fn variadic(name: &'static str, takes: &'static [&'static Type], rest: &'static Type, call: Call) -> Function {
    Function { name, takes, rest: Some(rest), call }
}

/// An argument of type `interface{}`.
pub fn any(arguments: &[Value], at: usize) -> Value {
    arguments.get(at).cloned().unwrap_or(Value::Nil)
}

/// An argument of type `string`.
pub fn text(arguments: &[Value], at: usize) -> Str {
    match arguments.get(at) {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::default(),
    }
}

/// An argument of type `int`.
pub fn int(arguments: &[Value], at: usize) -> i64 {
    match arguments.get(at) {
        Some(Value::Int(number, _)) => *number,
        _ => 0,
    }
}

/// An argument of type `bool`.
pub fn truth(arguments: &[Value], at: usize) -> bool {
    matches!(arguments.get(at), Some(Value::Bool(true)))
}

/// An argument of type `map[string]interface{}`. One of a named type loses its name, as Go's assignment to the parameter does.
pub fn dict(arguments: &[Value], at: usize) -> Map {
    arguments.get(at).map_or_else(|| Map::nil(&types::MAP), as_dict)
}

/// A value as a `map[string]interface{}`.
pub fn as_dict(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.with_type(&types::MAP),
        _ => Map::nil(&types::MAP),
    }
}

/// The arguments after the first ones.
pub fn rest(arguments: &[Value], from: usize) -> &[Value] {
    arguments.get(from..).unwrap_or(&[])
}

/// The items of a slice or an array; none for any other value. Those of a `[]byte` are made here: see [`spend_bytes`].
pub fn items(value: &Value) -> Option<Cow<'_, [Value]>> {
    match value {
        Value::List(list) => Some(Cow::Borrowed(list.items())),
        Value::Bytes(bytes) => Some(Cow::Owned(bytes.as_bytes().iter().map(|byte| Value::Uint(u64::from(*byte), &types::UINT8)).collect())),
        _ => None,
    }
}

/// Charges for a text that is looked through and one that is made.
pub fn spend(scope: &mut Scope<'_>, looked_at: usize, made: usize) -> Result<(), Fault> {
    scope.budget.make(made)?;
    scope.budget.scan(looked_at)?;
    Ok(())
}

/// Charges for a list that is gone through and one that is made.
pub fn spend_items(scope: &mut Scope<'_>, looked_at: usize, made: usize) -> Result<(), Fault> {
    scope.budget.step(1 + looked_at as u64)?;
    scope.budget.make(made.saturating_mul(ITEM))?;
    Ok(())
}

/// Charges for the items that [`items`] makes of a `[]byte`.
pub fn spend_bytes(scope: &mut Scope<'_>, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Bytes(bytes) => spend_items(scope, bytes.len(), bytes.len()),
        _ => Ok(()),
    }
}

/// Sprig's way to make a text of anything: a `[]byte` is its bytes, all else is what `print` shows.
pub fn shown(scope: &mut Scope<'_>, value: &Value) -> Result<Str, Fault> {
    match value {
        Value::Str(text) | Value::Bytes(text) => Ok(text.clone()),
        other => Ok(crate::format::plain(other, scope.budget)?),
    }
}
