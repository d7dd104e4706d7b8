//! `.Files`: what a chart has beside its templates, and the methods that templates call on it.

use std::collections::BTreeMap;

use base64::Engine as _;
use bstr::ByteSlice as _;

use super::glob::{Glob, Stop};
use crate::{
    budget::Exhausted,
    chart::File,
    function::{Fault, Scope},
    value::{Kind, Map, Method, Str, Type, Value, types},
    yaml,
};

/// What a line takes beside its bytes: its value, and what is kept with a text.
const LINE: usize = size_of::<Value>() + 32;

/// `engine.files`.
static FILES: Type = Type {
    name: "engine.files",
    kind: Kind::Map,
    elem: Some(&types::BYTES),
    methods: &[
        Method { name: "Get", takes: &[&types::STRING], rest: None, call: get },
        Method { name: "GetBytes", takes: &[&types::STRING], rest: None, call: get_bytes },
        Method { name: "Glob", takes: &[&types::STRING], rest: None, call: glob },
        Method { name: "AsConfig", takes: &[], rest: None, call: as_config },
        Method { name: "AsSecrets", takes: &[], rest: None, call: as_secrets },
        Method { name: "Lines", takes: &[&types::STRING], rest: None, call: lines },
    ],
    named: true,
};

/// The files of a chart, as templates see them.
pub(super) fn files(files: &[File]) -> Value {
    Value::Map(Map::new(&FILES, files.iter().map(|file| (file.name.clone(), Value::Bytes(file.data.clone()))).collect()))
}

fn found(receiver: &Value, arguments: &[Value]) -> Option<Str> {
    let (Value::Map(files), [Value::Str(name)]) = (receiver, arguments) else { return None };
    match files.get(name) {
        Some(Value::Bytes(data)) => Some(data),
        _ => None,
    }
}

fn get(_: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Str(found(receiver, arguments).unwrap_or_default()))
}

fn get_bytes(_: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Bytes(found(receiver, arguments).unwrap_or_default()))
}

/// The most steps that a pattern may take to be read, and to be held against a path.
const MOST_TO_BUILD: u64 = 1_000_000;
const MOST_TO_MATCH: u64 = 100_000;

fn glob(scope: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    let (Value::Map(files), [Value::Str(pattern)]) = (receiver, arguments) else { return Ok(Value::Nil) };
    let mut charged = |most: u64, act: &mut dyn FnMut(&mut u64) -> Result<bool, Stop>| {
        let mut steps = most;
        let outcome = act(&mut steps);
        scope.budget.step(1 + (most - steps) / 8)?;
        outcome.map_err(|stop| match stop {
            Stop::Steps => Fault::Limit(Exhausted::Steps(most)),
            Stop::Panic(text) => Fault::said(text),
        })
    };
    let mut glob = None;
    if let Ok(pattern) = pattern.to_str() {
        charged(MOST_TO_BUILD, &mut |steps| {
            glob = Glob::new(pattern, steps)?;
            Ok(true)
        })?;
    }
    let mut chosen = BTreeMap::new();
    for (name, data) in files.entries() {
        // a pattern that is none stands for all files
        let fits = match &glob {
            None => true,
            Some(glob) => charged(MOST_TO_MATCH, &mut |steps| glob.matches(name.as_bytes(), steps))?,
        };
        if fits {
            chosen.insert(name, data);
        }
    }
    Ok(Value::Map(Map::new(&FILES, chosen)))
}

/// The files by their last name, as a YAML mapping of texts.
fn mapping(scope: &mut Scope<'_>, receiver: &Value, text: fn(&Str) -> Str) -> Result<Value, Fault> {
    let Value::Map(files) = receiver else { return Ok(Value::str("")) };
    let mut entries = BTreeMap::new();
    for (name, data) in files.entries() {
        if let Value::Bytes(data) = data {
            scope.budget.make(data.len() * 4 / 3)?;
            let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            entries.insert(Str::new(last), Value::Str(text(&data)));
        }
    }
    let map = Value::Map(Map::new(&types::STRING_MAP, entries));
    let written = yaml::write(&map, scope.budget)?;
    Ok(Value::Str(Str::new(written.strip_suffix(b"\n").unwrap_or(written.as_bytes()))))
}

fn as_config(scope: &mut Scope<'_>, receiver: &Value, _: &[Value]) -> Result<Value, Fault> {
    mapping(scope, receiver, Str::clone)
}

fn as_secrets(scope: &mut Scope<'_>, receiver: &Value, _: &[Value]) -> Result<Value, Fault> {
    mapping(scope, receiver, |data| base64::engine::general_purpose::STANDARD.encode(data.as_bytes()).into())
}

fn lines(scope: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    let Some(data) = found(receiver, arguments) else { return Ok(Value::strings([])) };
    if data.is_empty() {
        return Err(Fault::said("runtime error: index out of range [-1]"));
    }
    let whole = data.strip_suffix(b"\n").unwrap_or(data.as_bytes());
    let count = whole.split(|byte| *byte == b'\n').count();
    scope.budget.step(count as u64)?;
    scope.budget.make(data.len().saturating_add(count.saturating_mul(LINE)))?;
    Ok(Value::strings(whole.split(|byte| *byte == b'\n').map(Str::new)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        answers,
        budget::{Budget, Limits},
    };

    #[test]
    fn lines_are_charged_for_what_they_take_and_not_for_their_letters() {
        let empty = [File { name: "a".into(), data: "\n".repeat(1 << 20).into() }];
        let read = answers::scoped(|scope| {
            *scope.budget = Budget::new(Limits { memory: 16 << 20, ..Limits::default() });
            lines(scope, &files(&empty), &[Value::str("a")])
        });
        assert!(matches!(read, Err(Fault::Limit(Exhausted::Memory(_)))));
    }
}
