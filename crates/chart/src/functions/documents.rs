//! Functions that read and write JSON, YAML and TOML. What cannot be read is told under the key `Error`, or is the only item of a
//! list; what cannot be written is nothing: Helm keeps such errors from templates. Those of Sprig, whose names begin with `must`, do not.

use std::collections::BTreeMap;

use crate::{
    function::{Fault, Function, Scope},
    json, toml,
    value::{
        Data, List, Map, Str, Value,
        types::{ANY, LIST, MAP, STRING},
    },
    yaml,
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "toYaml", takes: &[&ANY], rest: None, call: to_yaml },
    Function { name: "toYamlPretty", takes: &[&ANY], rest: None, call: to_yaml_pretty },
    Function { name: "fromYaml", takes: &[&STRING], rest: None, call: from_yaml },
    Function { name: "fromYamlArray", takes: &[&STRING], rest: None, call: from_yaml_array },
    Function { name: "toJson", takes: &[&ANY], rest: None, call: |scope, args| quietly(json::write(arg(args), scope.budget)) },
    Function { name: "mustToJson", takes: &[&ANY], rest: None, call: |scope, args| json::write(arg(args), scope.budget).map(Value::Str) },
    Function { name: "toPrettyJson", takes: &[&ANY], rest: None, call: |scope, args| quietly(json::pretty(arg(args), scope.budget)) },
    Function {
        name: "mustToPrettyJson",
        takes: &[&ANY],
        rest: None,
        call: |scope, args| json::pretty(arg(args), scope.budget).map(Value::Str),
    },
    Function { name: "toRawJson", takes: &[&ANY], rest: None, call: |scope, args| json::raw(arg(args), scope.budget).map(Value::Str) },
    Function { name: "mustToRawJson", takes: &[&ANY], rest: None, call: |scope, args| json::raw(arg(args), scope.budget).map(Value::Str) },
    Function { name: "fromJson", takes: &[&STRING], rest: None, call: from_json },
    Function { name: "mustFromJson", takes: &[&STRING], rest: None, call: must_from_json },
    Function { name: "fromJsonArray", takes: &[&STRING], rest: None, call: from_json_array },
    Function { name: "toToml", takes: &[&ANY], rest: None, call: to_toml },
    Function { name: "fromToml", takes: &[&STRING], rest: None, call: from_toml },
];

/// A function's only argument.
fn arg(args: &[Value]) -> &Value {
    args.first().unwrap_or(&Value::Nil)
}

/// A function's only argument, a text.
fn text(args: &[Value]) -> Str {
    match arg(args) {
        Value::Str(text) => text.clone(),
        _ => Str::default(),
    }
}

/// What was written, or nothing.
fn quietly(written: Result<Str, Fault>) -> Result<Value, Fault> {
    match written {
        Ok(text) => Ok(Value::Str(text)),
        Err(Fault::Said(_)) => Ok(Value::str("")),
        Err(limit @ Fault::Limit(_)) => Err(limit),
    }
}

fn without_line_feed(value: Value) -> Value {
    match value {
        Value::Str(text) if text.ends_with(b"\n") => Value::str(text.get(..text.len() - 1).unwrap_or(&[])),
        other => other,
    }
}

fn to_yaml(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    quietly(yaml::write(arg(args), scope.budget)).map(without_line_feed)
}

fn to_yaml_pretty(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    // what the library does not catch itself is a panic, and that Helm does not catch either
    yaml::write_pretty(arg(args), scope.budget).map(Value::Str).map(without_line_feed)
}

/// TOML, or the text of why there is none: here Helm shows it.
fn to_toml(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    match toml::write(arg(args), scope.budget) {
        Err(Fault::Said(error)) if !matches!(arg(args), Value::Nil) => Ok(Value::Str(error)),
        written => written.map(Value::Str),
    }
}

fn from_toml(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    match toml::read(&text(args), scope.now, scope.budget) {
        Ok(entries) => Ok(Value::map(entries)),
        Err(yaml::ReadError::Said(error)) => Ok(told(BTreeMap::new(), error)),
        Err(yaml::ReadError::Limit(limit)) => Err(limit.into()),
    }
}

/// A mapping with an error in it.
fn told(mut entries: BTreeMap<Str, Value>, error: impl Into<Str>) -> Value {
    entries.insert("Error".into(), Value::str(error));
    Value::map(entries)
}

fn entries(data: &Data) -> BTreeMap<Str, Value> {
    data.as_map().map_or_else(BTreeMap::new, |table| table.iter().map(|(key, data)| (key.clone(), Value::from(data))).collect())
}

fn from_yaml(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    match yaml::read_by(yaml::Rules::default(), &text(args), scope.budget) {
        Ok(data @ (Data::Map(_) | Data::Null)) => Ok(Value::map(entries(&data))),
        Ok(other) => Ok(told(BTreeMap::new(), decoding(&json::wrong_kind(&other, "map[string]interface {}")))),
        Err(yaml::ReadError::Said(error)) => Ok(told(BTreeMap::new(), error)),
        Err(yaml::ReadError::Limit(limit)) => Err(limit.into()),
    }
}

fn from_yaml_array(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    match yaml::read_by(yaml::Rules::default(), &text(args), scope.budget) {
        Ok(Data::Null) => Ok(Value::list(Vec::new())),
        Ok(data @ Data::List(_)) => Ok(Value::from(&data)),
        Ok(other) => Ok(Value::list(vec![Value::str(decoding(&json::wrong_kind(&other, "[]interface {}")))])),
        Err(yaml::ReadError::Said(error)) => Ok(Value::list(vec![Value::str(error)])),
        Err(yaml::ReadError::Limit(limit)) => Err(limit.into()),
    }
}

/// The text of an error behind which YAML was right, but is not what was wanted.
fn decoding(error: &str) -> String {
    format!("error unmarshaling JSON: while decoding JSON: {error}")
}

fn from_json(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    match json::read_within(&text(args), scope.budget) {
        Ok((data @ Data::Map(_), None)) => Ok(Value::from(&data)),
        // there is a value then, but no map: nothing can be set in it
        Ok((Data::Null, None)) => Ok(Value::Map(Map::nil(&MAP))),
        Ok((data @ Data::Map(_), Some(objection))) => Ok(told(entries(&data), objection)),
        Ok((Data::Null, Some(_))) => Ok(told(BTreeMap::new(), number_instead_of("map[string]interface {}"))),
        Ok((other, _)) => Ok(told(BTreeMap::new(), json::wrong_kind(&other, "map[string]interface {}"))),
        Err(json::Refusal::Said(error)) => Ok(told(BTreeMap::new(), error)),
        Err(json::Refusal::Limit(limit)) => Err(limit.into()),
    }
}

fn from_json_array(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    let error = match json::read_within(&text(args), scope.budget) {
        Ok((data @ Data::List(_), None)) => return Ok(Value::from(&data)),
        Ok((Data::Null, None)) => return Ok(Value::List(List::nil(&LIST))),
        Ok((Data::List(_), Some(objection))) => objection,
        Ok((Data::Null, Some(_))) => number_instead_of("[]interface {}"),
        Ok((other, _)) => json::wrong_kind(&other, "[]interface {}"),
        Err(json::Refusal::Said(error)) => error,
        Err(json::Refusal::Limit(limit)) => return Err(limit.into()),
    };
    Ok(Value::list(vec![Value::str(error)]))
}

/// What Go says of a number where another type was wanted; how large it is was then not looked at.
fn number_instead_of(ty: &str) -> String {
    json::wrong_kind(&Data::Float(0.0), ty)
}

fn must_from_json(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    match json::read_within(&text(args), scope.budget)? {
        (data, None) => Ok(Value::from(&data)),
        (_, Some(objection)) => Err(Fault::said(objection)),
    }
}
