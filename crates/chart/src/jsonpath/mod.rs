//! Kubernetes' paths into data, as `helm show values --jsonpath` takes them: a text with expressions in braces, a dialect of its own in them,
//! and `range` and `end`.
//!
//! A text is parsed to nodes (`parse`) and these are walked over the data (`walk`). Both say what Kubernetes' own say. The values of a map come
//! in the order of their keys, where Kubernetes' come by chance.

mod compare;
mod parse;
mod walk;

use thiserror::Error;

use crate::{
    budget::{Budget, Exhausted},
    format,
    function::Fault,
    json,
    value::{Data, Str, Table, Value},
};
use parse::Node;
use walk::Walk;

/// The longest text that is read.
const LONGEST: usize = 64 << 10;

/// Why a path gave nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// It is none.
    #[error("error parsing jsonpath {text}: {why}")]
    Parse {
        /// The path.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// It does not fit the data.
    #[error("{0}")]
    Unfit(String),
    /// It met a limit.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

/// What is found on a way through the data.
#[derive(Clone, Debug)]
enum Found<'d> {
    /// A part of the data.
    Data(&'d Data),
    /// A byte of a text.
    Byte(u8),
    /// A number of the path.
    Int(i64),
    /// A number of the path.
    Float(f64),
    /// A truth of the path.
    Bool(bool),
    /// A text of the path.
    Text(String),
    /// What a loop over nothing sees.
    Nothing,
}

/// What a path makes of values.
pub fn jsonpath(text: &str, values: &Table, budget: &mut Budget) -> Result<Vec<u8>, PathError> {
    let wrong = |why: String| PathError::Parse { text: text.to_owned(), why };
    if text.len() > LONGEST {
        return Err(PathError::Parse { text: "it".to_owned(), why: format!("it has more than {LONGEST} bytes") });
    }
    let nodes = parse::parse(text).map_err(wrong)?;
    let values = Data::Map(values.clone());
    let lists = Walk::new(&nodes, budget).results(0, Found::Data(&values))?;
    let mut written = Vec::new();
    for list in &lists {
        for (place, found) in list.iter().enumerate() {
            if place > 0 {
                written.push(b' ');
            }
            let shown = shown(found, budget)?;
            budget.write(shown.len() + 1)?;
            written.extend_from_slice(shown.as_bytes());
        }
    }
    Ok(written)
}

/// A list or a map as JSON, anything else as Go prints it.
fn shown(found: &Found<'_>, budget: &mut Budget) -> Result<Str, PathError> {
    let fault = |fault: Fault| match fault {
        Fault::Limit(limit) => PathError::Limit(limit),
        Fault::Said(text) => PathError::Unfit(text.to_string()),
    };
    match found {
        Found::Data(data @ (Data::List(_) | Data::Map(_))) => json::write(&Value::from(*data), budget).map_err(fault),
        Found::Data(Data::Null) => Ok("null".into()),
        other => printed(other, budget),
    }
}

/// As Go's `%v` prints it.
fn printed(found: &Found<'_>, budget: &mut Budget) -> Result<Str, PathError> {
    let value = match found {
        Found::Data(data) => Value::from(*data),
        Found::Byte(it) => Value::int((*it).into()),
        Found::Int(it) => Value::int(*it),
        Found::Float(it) => Value::Float(*it),
        Found::Bool(it) => Value::Bool(*it),
        Found::Text(it) => Value::str(it.as_str()),
        Found::Nothing => Value::str("<no value>"),
    };
    Ok(format::sprint(&[value], budget)?)
}
