//! Functions of workflow expressions. Arguments are evaluated as they are needed, as the runner does.

use super::evaluate::{Failed, Growing, Scope};
use super::expression::Tree;
use super::format;
use super::value::{Value, fold, from_json, pretty};
use crate::hash_files::hash_files;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Case,
    Contains,
    StartsWith,
    EndsWith,
    Format,
    Join,
    ToJson,
    FromJson,
    HashFiles,
    Success,
    Failure,
    Always,
    Cancelled,
}

/// Their names.
const NAMES: [(&str, Function); 13] = [
    ("case", Function::Case),
    ("contains", Function::Contains),
    ("startsWith", Function::StartsWith),
    ("endsWith", Function::EndsWith),
    ("format", Function::Format),
    ("join", Function::Join),
    ("toJSON", Function::ToJson),
    ("fromJSON", Function::FromJson),
    ("hashFiles", Function::HashFiles),
    ("success", Function::Success),
    ("failure", Function::Failure),
    ("always", Function::Always),
    ("cancelled", Function::Cancelled),
];

impl Function {
    /// By name, whatever its case.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, function)| *function)
    }

    /// Whether it asks how things went.
    pub(crate) fn is_status(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Always | Self::Cancelled)
    }

    /// How many arguments it takes at least and at most.
    pub(super) fn arity(self) -> (usize, usize) {
        match self {
            Self::Case => (3, 255),
            Self::Contains | Self::StartsWith | Self::EndsWith => (2, 2),
            Self::Format | Self::HashFiles => (1, 255),
            Self::Join => (1, 2),
            Self::ToJson | Self::FromJson => (1, 1),
            // about certain jobs, see `Expression::status_of_jobs`
            Self::Success | Self::Failure => (0, 255),
            Self::Always | Self::Cancelled => (0, 0),
        }
    }
}

/// A number of arguments, for people.
pub(super) fn count(least: usize, most: usize) -> String {
    match (least, most) {
        (0, 0) => "no argument".to_owned(),
        (1, 1) => "one argument".to_owned(),
        (a, b) if a == b => format!("{a} arguments"),
        (a, 255) => format!("{a} to 255 arguments"),
        (a, b) => format!("{a} to {b} arguments"),
    }
}

/// Calls a function with as many arguments as it takes.
pub(super) fn call(function: Function, arguments: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Value, Failed> {
    match function {
        Function::Case => case(arguments, scope, level),
        Function::Contains => contains(arguments, scope, level),
        Function::StartsWith => both_texts(arguments, scope, level, fold::starts),
        Function::EndsWith => both_texts(arguments, scope, level, fold::ends),
        Function::Format => format::format(arguments, scope, level),
        Function::Join => join(arguments, scope, level),
        Function::ToJson => {
            let value = scope.evaluate(&arguments[0], level)?;
            let mut out = Growing::default();
            pretty(&value, 0, &mut |piece| out.push(piece)).map_err(|why| scope.failed(why))?;
            Ok(Value::text(out.text))
        }
        Function::FromJson => {
            let text = scope.evaluate(&arguments[0], level)?.to_text();
            from_json(&text).map_err(|why| scope.failed(format!("fromJSON: `{}` is not JSON: {why}", crate::reader::shown(&text))))
        }
        Function::HashFiles => {
            let patterns = texts(arguments, scope, level)?;
            let Some(files) = scope.contexts.files.clone() else { return Err(scope.failed("hashFiles: there are no files here")) };
            hash_files(&patterns, &*files).map(Value::text).map_err(|why| scope.failed(format!("hashFiles: {why}")))
        }
        Function::Success if arguments.is_empty() => Ok(Value::Bool(scope.contexts.status.success)),
        Function::Failure if arguments.is_empty() => Ok(Value::Bool(scope.contexts.status.failure)),
        Function::Success => Ok(Value::Bool(results(arguments, scope, level)?.iter().all(|result| result == "success"))),
        Function::Failure => Ok(Value::Bool(results(arguments, scope, level)?.iter().any(|result| result == "failure"))),
        Function::Always => Ok(Value::Bool(true)),
        Function::Cancelled => Ok(Value::Bool(scope.contexts.status.cancelled)),
    }
}

fn texts(arguments: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Vec<String>, Failed> {
    arguments.iter().map(|argument| Ok(scope.evaluate(argument, level)?.to_text())).collect()
}

/// How the jobs ended that are named.
fn results(jobs: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Vec<String>, Failed> {
    let needs = scope.contexts.named("needs");
    let result = Value::text("result");
    let of = |job: String| {
        let result = needs.index(&Value::text(&job)).and_then(|need| need.index(&result)).map(Value::to_text);
        result.ok_or_else(|| format!("the job does not need `{}`", crate::reader::shown(&job)))
    };
    texts(jobs, scope, level)?.into_iter().map(|job| of(job).map_err(|why| scope.failed(why))).collect()
}

fn case(arguments: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Value, Failed> {
    for pair in arguments.chunks_exact(2) {
        match scope.evaluate(&pair[0], level)? {
            Value::Bool(true) => return scope.evaluate(&pair[1], level),
            Value::Bool(false) => {}
            other => return Err(scope.failed(format!("case: a condition must be true or false, not {}", other.kind()))),
        }
    }
    match arguments.last() {
        Some(otherwise) => scope.evaluate(otherwise, level),
        None => Ok(Value::Null),
    }
}

fn contains(arguments: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Value, Failed> {
    let found = match scope.evaluate(&arguments[0], level)? {
        Value::Array(items) | Value::Filtered(items) if !items.is_empty() => {
            let wanted = scope.evaluate(&arguments[1], level)?;
            items.iter().any(|item| wanted.equals(item))
        }
        text if text.is_primitive() => {
            let part = scope.evaluate(&arguments[1], level)?;
            part.is_primitive() && fold::contains(&text.to_text(), &part.to_text())
        }
        _ => false,
    };
    Ok(Value::Bool(found))
}

/// A question about two texts; of lists and mappings it is false.
fn both_texts(arguments: &[Tree], scope: &mut Scope<'_>, level: usize, holds: fn(&str, &str) -> bool) -> Result<Value, Failed> {
    let text = scope.evaluate(&arguments[0], level)?;
    if !text.is_primitive() {
        return Ok(Value::Bool(false));
    }
    let part = scope.evaluate(&arguments[1], level)?;
    Ok(Value::Bool(part.is_primitive() && holds(&text.to_text(), &part.to_text())))
}

fn join(arguments: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Value, Failed> {
    let value = scope.evaluate(&arguments[0], level)?;
    let items = match &value {
        Value::Array(items) | Value::Filtered(items) => items,
        text if text.is_primitive() => return Ok(Value::text(text.to_text())),
        _ => return Ok(Value::text("")),
    };
    let mut separator = ",".to_owned();
    if let (Some(given), true) = (arguments.get(1), items.len() > 1) {
        let given = scope.evaluate(given, level)?;
        if given.is_primitive() {
            separator = given.to_text();
        }
    }
    let mut out = Growing::default();
    for (index, item) in items.iter().enumerate() {
        let added = if index > 0 { out.push(&separator) } else { Ok(()) };
        added.and_then(|()| out.push(&item.to_text())).map_err(|why| scope.failed(why))?;
    }
    Ok(Value::text(out.text))
}
