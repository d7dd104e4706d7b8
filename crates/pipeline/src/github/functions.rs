//! Functions of workflow expressions.

use super::expression::StatusFunctions;
use super::value::{Value, folded};

/// The longest text that a function may make.
const MAX_TEXT: usize = 1 << 20;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
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

impl Function {
    /// By name, whatever its case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match &*name.to_ascii_lowercase() {
            "contains" => Self::Contains,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "format" => Self::Format,
            "join" => Self::Join,
            "tojson" => Self::ToJson,
            "fromjson" => Self::FromJson,
            "hashfiles" => Self::HashFiles,
            "success" => Self::Success,
            "failure" => Self::Failure,
            "always" => Self::Always,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }

    /// Whether it asks how things went.
    pub(crate) fn is_status(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Always | Self::Cancelled)
    }

    /// How many arguments it takes at least and at most.
    pub(super) fn arity(self) -> (usize, usize) {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => (2, 2),
            Self::Format | Self::HashFiles => (1, 255),
            Self::Join => (1, 2),
            Self::ToJson | Self::FromJson => (1, 1),
            Self::Success | Self::Failure | Self::Always | Self::Cancelled => (0, 0),
        }
    }
}

/// A number of arguments, for people.
pub(super) fn count(least: usize, most: usize) -> String {
    match (least, most) {
        (0, 0) => "no argument".to_owned(),
        (1, 1) => "one argument".to_owned(),
        (a, b) if a == b => format!("{a} arguments"),
        (a, 255) => format!("{a} or more arguments"),
        (a, b) => format!("{a} to {b} arguments"),
    }
}

/// Calls a function with as many arguments as it takes.
pub(super) fn call(function: Function, arguments: &[Value], status: StatusFunctions) -> Result<Value, String> {
    let text = |index: usize| arguments.get(index).map(Value::to_text).unwrap_or_default();
    Ok(match function {
        Function::Contains => Value::Bool(match &arguments[0] {
            Value::Array(items) => items.iter().any(|item| item.equals(&arguments[1])),
            _ => folded(&text(0)).contains(&folded(&text(1))),
        }),
        Function::StartsWith => Value::Bool(folded(&text(0)).starts_with(&folded(&text(1)))),
        Function::EndsWith => Value::Bool(folded(&text(0)).ends_with(&folded(&text(1)))),
        Function::Format => Value::text(format(&text(0), &arguments[1..])?),
        Function::Join => {
            let separator = arguments.get(1).map_or_else(|| ",".to_owned(), Value::to_text);
            match &arguments[0] {
                Value::Array(items) => {
                    let mut out = String::new();
                    for (index, item) in items.iter().enumerate() {
                        if index > 0 {
                            out.push_str(&separator);
                        }
                        out.push_str(&item.to_text());
                        bounded(&out)?;
                    }
                    Value::text(out)
                }
                _ => Value::text(text(0)),
            }
        }
        Function::ToJson => {
            let json = serde_json::to_string_pretty(&arguments[0].to_json()).unwrap_or_default();
            bounded(&json)?;
            Value::text(json)
        }
        Function::FromJson => {
            let text = text(0);
            let json: serde_json::Value =
                serde_json::from_str(&text).map_err(|error| format!("fromJSON: `{}` is not JSON: {error}", crate::reader::shown(&text)))?;
            Value::from(&json)
        }
        Function::HashFiles => return Err("hashFiles is not carried out".to_owned()),
        Function::Success => Value::Bool(status.success),
        Function::Failure => Value::Bool(status.failure),
        Function::Always => Value::Bool(true),
        Function::Cancelled => Value::Bool(status.cancelled),
    })
}

fn bounded(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT { Err(format!("the text becomes longer than {} KiB", MAX_TEXT >> 10)) } else { Ok(()) }
}

/// `{0}` stands for an argument, `{{` and `}}` for braces.
fn format(pattern: &str, arguments: &[Value]) -> Result<String, String> {
    let invalid = || format!("format: `{}` has a brace that is neither doubled nor around a number", crate::reader::shown(pattern));
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(brace) = rest.find(['{', '}']) {
        out.push_str(&rest[..brace]);
        let tail = &rest[brace..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            out.push_str(&tail[..1]);
            rest = &tail[2..];
        } else {
            let end = tail.find('}').filter(|_| tail.starts_with('{')).ok_or_else(invalid)?;
            let index: usize = tail[1..end].parse().map_err(|_| invalid())?;
            let argument = arguments.get(index).ok_or_else(|| format!("format: there is no argument {{{index}}}"))?;
            out.push_str(&argument.to_text());
            rest = &tail[end + 1..];
        }
        bounded(&out)?;
    }
    out.push_str(rest);
    Ok(out)
}
