//! A condition on its own.

use std::collections::BTreeMap;

use super::condition::{Condition, Fault, Value};
use crate::eval::{EvalError, EvalErrorKind, Evaluated};

/// See [`crate::eval_gitlab`].
pub(crate) fn eval(text: &str, variables: &BTreeMap<String, Option<String>>) -> Result<Evaluated, EvalError> {
    let condition = Condition::read(text).map_err(|invalid| {
        let kind = match invalid.fault {
            Fault::Lexing => EvalErrorKind::Lexing,
            Fault::Parsing => EvalErrorKind::Parsing,
        };
        EvalError::at(kind, invalid.message, text, invalid.offset)
    })?;
    let value = condition
        .value(&|name| variables.get(name)?.as_deref())
        .map_err(|message| EvalError::at(EvalErrorKind::Evaluation, message, text, 0))?;
    Ok(match value {
        Value::Null => Evaluated { kind: "Null", value: serde_json::Value::Null },
        Value::Bool(value) => Evaluated { kind: "Boolean", value: value.into() },
        Value::Text(text) => Evaluated { kind: "String", value: text.into() },
        Value::Pattern(pattern) => Evaluated { kind: "String", value: pattern.written.as_str().into() },
    })
}
