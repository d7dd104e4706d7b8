//! Ours, asked what the oracle is asked: documents and flags. Charts are in [`super::render`].

use std::collections::BTreeMap;

use penstock_chart::{
    budget::{Budget, Limits},
    function::Fault,
    schema::{self, Unfit},
    value::{Data, Str},
    values::{self, Taken},
    yaml,
};
use serde_json::{Map, Value as Json, json};

use super::{flags, oracle};
use crate::differential::oracle::Outcome;

/// A YAML document, read and written.
pub fn yaml(text: &str) -> Outcome {
    let mut budget = Budget::new(Limits::default());
    let value = match yaml::read(text.as_bytes()) {
        Ok(value) => value,
        Err(yaml::ReadError::Said(text)) => return Outcome::Refused(text.into_bytes()),
        Err(limit) => return Outcome::None(limit.to_string()),
    };
    match yaml::write_data(&value, &mut budget) {
        Ok(written) => answered(json!({ "value": typed(&value), "yaml": oracle::text(written.as_bytes()) })),
        Err(fault) => refused(fault),
    }
}

/// Flags over values.
pub fn flags(asked: &flags::Flags) -> Outcome {
    let mut budget = Budget::new(Limits::default());
    let mut table = match yaml::read_table(asked.base.as_bytes()) {
        Ok(table) => table,
        Err(error) => return Outcome::None(error.to_string()),
    };
    let mut file = |name: &str| {
        if name == flags::FILE.0 { Ok(Str::from(flags::FILE.1)) } else { Err(format!("open {name}: no such file or directory")) }
    };
    for (kind, text) in &asked.flags {
        let taken = match *kind {
            "string" => Taken::Text,
            "json" => Taken::Json,
            "literal" => Taken::Literal,
            "file" => Taken::File(&mut file),
            _ => Taken::Typed,
        };
        if let Err(fault) = values::set(text.as_bytes(), taken, &mut table, &mut budget) {
            return refused(fault);
        }
    }
    answered(json!({ "values": typed(&Data::Map(table)) }))
}

/// Values held against a schema.
pub fn schema(schema: &str, values: &str) -> Outcome {
    let mut budget = Budget::new(Limits::default());
    let values = match yaml::read_table(values.as_bytes()) {
        Ok(values) => values,
        Err(error) => return Outcome::Refused(error.to_string().into_bytes()),
    };
    match schema::check_one(&values, schema.as_bytes(), &mut budget) {
        Ok(()) => answered(json!({})),
        Err(Unfit::Said(text)) => Outcome::Refused(text.into_bytes()),
        Err(Unfit::Limit(limit)) => Outcome::None(limit.to_string()),
    }
}

/// A whole answer, as the oracle would give it.
pub fn answered(answer: Json) -> Outcome {
    Outcome::Made(in_order(answer).to_string().into_bytes())
}

/// With the keys of every object in the order that Go writes them in.
fn in_order(value: Json) -> Json {
    match value {
        Json::Object(entries) => {
            let entries: BTreeMap<String, Json> = entries.into_iter().map(|(key, value)| (key, in_order(value))).collect();
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => items.into_iter().map(in_order).collect(),
        other => other,
    }
}

/// A refusal, or a limit.
pub fn refused(fault: Fault) -> Outcome {
    match fault {
        Fault::Said(text) => Outcome::Refused(text.as_bytes().to_vec()),
        Fault::Limit(limit) => Outcome::None(limit.to_string()),
    }
}

/// A value with Go's types in it, as the oracle writes one.
pub fn typed(data: &Data) -> Json {
    match data {
        Data::Null => Json::Null,
        Data::Bool(it) => json!(it),
        Data::Int(it) => json!({ "$int64": it.to_string() }),
        Data::Float(it) => json!({ "$float64": number(*it) }),
        Data::Text(it) => oracle::text(it.as_bytes()),
        Data::List(items) => items.iter().map(typed).collect(),
        Data::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.lossy().into_owned(), typed(value))).collect::<Map<_, _>>())
        }
    }
}

/// A float with every bit that tells it from another, as Go's `%g` writes it.
fn number(it: f64) -> String {
    if !it.is_finite() {
        return if it.is_nan() {
            "NaN"
        } else if it > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    let text = format!("{it:e}");
    let (digits, exponent) = text.split_once('e').expect("it was asked for");
    match exponent.parse().expect("it is a number") {
        -4..6 => it.to_string(),
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, i32::abs(exponent)),
    }
}
