//! A workflow expression on its own.

use std::sync::Arc;

use serde_json::Value as Json;

use super::expression::{Contexts, ErrorKind, Expression, Invalid, StatusFunctions};
use super::template::Template;
use super::value::Value;
use crate::eval::{EvalError, EvalErrorKind, Evaluated};
use crate::hash_files::FilesToHash;

/// See [`crate::WorkflowContexts`].
#[derive(Clone, Debug)]
pub(crate) struct Given {
    names: Vec<String>,
    contexts: Contexts,
}

impl Given {
    pub(crate) fn new(given: &serde_json::Map<String, Json>, files: Option<Arc<dyn FilesToHash>>) -> Self {
        let names = given.keys().cloned().collect();
        let given_value = Value::object(given.iter().map(|(name, value)| (name.clone(), Value::from(value))));
        Self { names, contexts: Contexts { given: given_value, status: status(given), files, ..Contexts::default() } }
    }

    pub(crate) fn eval(&self, text: &str) -> Result<Evaluated, EvalError> {
        let known = |name: &str| self.names.iter().any(|key| key.eq_ignore_ascii_case(name));
        let value = evaluate(text, &known, &self.contexts).map_err(|invalid| {
            let kind = match invalid.kind {
                ErrorKind::Lexing => EvalErrorKind::Lexing,
                ErrorKind::Parsing => EvalErrorKind::Parsing,
                ErrorKind::Evaluation => EvalErrorKind::Evaluation,
            };
            EvalError::at(kind, invalid.message, text, invalid.offset)
        })?;
        Ok(Evaluated { kind: value.kind(), value: serde_json::to_value(&value).unwrap_or_default() })
    }
}

fn evaluate(text: &str, known: &dyn Fn(&str) -> bool, contexts: &Contexts) -> Result<Value, Invalid> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    if text.contains("${{") {
        return Template::read_among(text.trim(), Some(known))
            .and_then(|template| template.value_at(contexts).map_err(Invalid::from))
            .map_err(|invalid| Invalid { offset: invalid.offset + text.chars().take_while(|c| c.is_whitespace()).count(), ..invalid });
    }
    Ok(Expression::read_among(text, Some(known))?.evaluate_at(contexts)?)
}

/// What the status functions say, by what is known of the job or of those before it.
fn status(given: &serde_json::Map<String, Json>) -> StatusFunctions {
    let of = |name: &str| given.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let results: Vec<&str> = match of("job").and_then(|job| job.get("status")) {
        Some(status) => status.as_str().into_iter().collect(),
        None => {
            let needs = of("needs").and_then(Json::as_object).into_iter().flat_map(serde_json::Map::values);
            needs.filter_map(|need| need.get("result").and_then(Json::as_str)).collect()
        }
    };
    StatusFunctions {
        success: results.iter().all(|result| *result == "success"),
        failure: results.contains(&"failure"),
        cancelled: results.contains(&"cancelled"),
    }
}
