//! `merge` and its kin, as dario.cat/mergo merges: into the first map, key by key, maps in both all the way down.
//!
//! A map that only the source holds is not copied: from then on both hold the same one.

use super::{NIL_MAP, put};
use crate::{
    function::{Fault, Scope},
    functions::arguments::{ENTRY, as_dict, dict, rest},
    value::{Kind, Map, Str, Struct, Type, Value, types},
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
        scope.budget.enter().map_err(Fault::from)?;
        merge_maps(scope, &target, &source, overwrite)?;
    }
    Ok(Value::Map(target))
}

/// Two maps that are being merged.
struct Merging {
    target: Map,
    source: Map,
    keys: std::vec::IntoIter<Str>,
    /// An entry whose maps are being merged: what is to be done with it shows when that is done.
    waiting: Option<(Str, Value)>,
}

impl Merging {
    fn of(target: &Map, source: &Map) -> Self {
        let keys: Vec<Str> = source.entries().into_iter().map(|(key, _)| key).collect();
        Self { target: target.clone(), source: source.clone(), keys: keys.into_iter(), waiting: None }
    }

    fn next(&mut self) -> Option<(Str, Value)> {
        self.keys.find_map(|key| self.source.get(&key).map(|value| (key, value)))
    }
}

/// What is being merged lies on the heap, not on the thread's stack.
fn merge_maps(scope: &mut Scope<'_>, target: &Map, source: &Map, overwrite: bool) -> Result<(), Broken> {
    let mut merging = vec![Merging::of(target, source)];
    while let Some(maps) = merging.last_mut() {
        if let Some(entry) = maps.waiting.take() {
            merge_entry(scope, maps, entry, overwrite)?;
            continue;
        }
        // a nil map below the first has no place to be made in
        let Some(entry) = maps.next().filter(|_| !maps.target.is_nil()) else {
            merging.pop();
            scope.budget.leave();
            continue;
        };
        scope.budget.step(1).map_err(Fault::from)?;
        match (maps.target.get(&entry.0), &entry.1) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let below = Merging::of(&old, new);
                maps.waiting = Some(entry);
                scope.budget.enter().map_err(Fault::from)?;
                scope.budget.make(below.keys.len().saturating_mul(ENTRY)).map_err(Fault::from)?;
                merging.push(below);
            }
            (Some(old), Value::Map(new)) if old.kind() == Some(Kind::Pointer) && !new.is_nil() && !overwrite => {
                return Err(Broken::Refused(DIFFERENT_TYPES));
            }
            // mergo takes both for structs and asks the other for its fields
            (Some(Value::Struct(old)), Value::Map(_)) if old.ty.kind == Kind::Struct && has_exported(&old) => {
                return Err(Fault::said("reflect: call of reflect.Value.Field on map Value").into());
            }
            _ => merge_entry(scope, maps, entry, overwrite)?,
        }
    }
    Ok(())
}

/// Puts an entry of the source into the target, where it belongs there. Maps in both have been merged.
fn merge_entry(scope: &mut Scope<'_>, maps: &Merging, (key, value): (Str, Value), overwrite: bool) -> Result<(), Broken> {
    let old = maps.target.get(&key);
    let kept = old.as_ref().filter(|old| !is_empty(old));
    let is_put = match value.kind() {
        None => overwrite,
        Some(Kind::Map) if kept.is_some_and(|old| old.kind() == Some(Kind::Map)) => false,
        _ => overwrite || kept.is_none(),
    };
    if is_put { store(scope, &maps.target, maps.source.ty(), (key, value)) } else { Ok(()) }
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

/// Whether Go lets others see a field of it.
fn has_exported(of: &Struct) -> bool {
    of.fields.iter().any(|field| field.name.starts_with(char::is_uppercase))
}

/// What counts as nothing, which a source may replace; a struct or a complex number never does.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Complex(..)) && !value.is_true()
}
