//! YAML in an input of an action.

use serde_json::{Map, Value as Json};

use crate::input::Source;
use crate::yaml::{self, Budget, Node, Schema, Value};

/// What a text in YAML says; an empty one says nothing.
pub(super) fn yaml(text: &str) -> Result<Json, String> {
    let source = Source { path: "input", text };
    let read = yaml::documents(&source, 0, Schema::Core, 1, &mut Budget::new(), &mut Vec::new());
    let documents = read.map_err(|malformed| format!("line {}: {}", malformed.at.line, malformed.message))?;
    Ok(documents.first().map(json).unwrap_or_default())
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Seq(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => Json::Object(entries.iter().map(|(key, value)| (key.text.clone(), json(value))).collect::<Map<_, _>>()),
        Value::Scalar { .. } if node.is_null() => Json::Null,
        Value::Scalar { text, .. } => node.bool().map_or_else(|| Json::String(text.to_string()), Json::Bool),
    }
}
