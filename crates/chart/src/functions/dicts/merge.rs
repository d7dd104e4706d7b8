//! `merge` and its kin, as dario.cat/mergo merges: into the first map, key by key, maps in both all the way down.
//!
//! A map that only the source holds is not copied: from then on both hold the same one.

use super::{NIL_MAP, put};
use crate::{
    function::{Fault, Scope},
    functions::arguments::{as_dict, dict, rest},
    value::{Kind, Map, Str, Type, Value, types},
};

/// What a merge of a pointer with something else ends in.
const DIFFERENT_TYPES: &str = "src and dst must be of same type";

/// Why a merge ended early.
enum Broken {
    /// An error, which the functions without `must` answer with an empty text.
    Refused(&'static str),
    /// A panic, or a limit.
    Fault(Fault),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

pub fn merge(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    merged(scope, arguments, false).or_else(forgiven)
}

pub fn merge_overwrite(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    merged(scope, arguments, true).or_else(forgiven)
}

pub fn must_merge(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    merged(scope, arguments, false).map_err(told)
}

pub fn must_merge_overwrite(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    merged(scope, arguments, true).map_err(told)
}

fn forgiven(broken: Broken) -> Result<Value, Fault> {
    match broken {
        Broken::Refused(_) => Ok(Value::str("")),
        Broken::Fault(fault) => Err(fault),
    }
}

fn told(broken: Broken) -> Fault {
    match broken {
        Broken::Refused(text) => Fault::said(text),
        Broken::Fault(fault) => fault,
    }
}

fn merged(scope: &mut Scope<'_>, arguments: &[Value], overwrite: bool) -> Result<Value, Broken> {
    let mut target = dict(arguments, 0);
    for source in rest(arguments, 1).iter().map(as_dict) {
        if target.is_nil() && !source.is_nil() {
            target = Map::new(&types::MAP, std::collections::BTreeMap::new());
        }
        merge_maps(scope, &target, &source, overwrite)?;
    }
    Ok(Value::Map(target))
}

fn merge_maps(scope: &mut Scope<'_>, target: &Map, source: &Map, overwrite: bool) -> Result<(), Broken> {
    // a nil map below the first has no place to be made in
    if target.is_nil() {
        return Ok(());
    }
    scope.budget.enter().map_err(Fault::from)?;
    for (key, _) in source.entries() {
        scope.budget.step(1).map_err(Fault::from)?;
        if let Some(value) = source.get(&key) {
            merge_entry(scope, target, source.ty(), (key, value), overwrite)?;
        }
    }
    scope.budget.leave();
    Ok(())
}

fn merge_entry(
    scope: &mut Scope<'_>,
    target: &Map,
    source: &'static Type,
    (key, value): (Str, Value),
    overwrite: bool,
) -> Result<(), Broken> {
    let old = target.get(&key);
    if matches!(value, Value::Nil) {
        return if overwrite { store(scope, target, source, (key, value)) } else { Ok(()) };
    }
    if let Some(old) = &old {
        merge_below(scope, old, &value, overwrite)?;
    }
    let kept = old.as_ref().filter(|old| !is_empty(old));
    match value.kind() {
        Some(Kind::Slice) if kept.is_some() && !overwrite => return Ok(()),
        Some(Kind::Map) if kept.is_some_and(|old| old.kind() == Some(Kind::Map)) => return Ok(()),
        _ => {}
    }
    if overwrite || kept.is_none() {
        store(scope, target, source, (key, value))?;
    }
    Ok(())
}

/// What mergo does to two values that are no entries of the map that it merges into: maps are merged, and some pairs are refused.
fn merge_below(scope: &mut Scope<'_>, old: &Value, value: &Value, overwrite: bool) -> Result<(), Broken> {
    match (old, value) {
        (Value::Map(old), Value::Map(value)) => merge_maps(scope, old, value, overwrite),
        (_, Value::Map(map)) => match old.kind() {
            Some(Kind::Pointer) if !map.is_nil() && !overwrite => Err(Broken::Refused(DIFFERENT_TYPES)),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn store(scope: &mut Scope<'_>, target: &Map, source: &'static Type, (key, value): (Str, Value)) -> Result<(), Broken> {
    let wanted = target.ty().elem.unwrap_or(&types::ANY);
    // what comes from a map of anything is of the type of anything, whatever it is
    let found = source.elem.unwrap_or(&types::ANY);
    if *wanted != types::ANY && found != wanted {
        let text = match value.ty().filter(|ty| ty.kind == Kind::Slice) {
            // mergo looks at slices by themselves
            Some(_) if target.get(&key).is_some() => format!("reflect: call of reflect.Value.IsNil on {} Value", wanted.kind),
            slice => {
                let found = slice.unwrap_or(found);
                format!("reflect.Value.SetMapIndex: value of type {found} is not assignable to type {wanted}")
            }
        };
        return Err(Fault::said(text).into());
    }
    if target.is_nil() {
        return Err(Fault::said(NIL_MAP).into());
    }
    Ok(put(scope, target, key, value)?)
}

/// What counts as nothing, which a source may replace; a struct or a complex number never does.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Complex(..)) && !value.is_true()
}
