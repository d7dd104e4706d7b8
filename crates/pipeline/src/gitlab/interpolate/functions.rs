//! What stands after a `|` of a block.

use super::access::NOWHERE;
use super::is_text;
use crate::expand::{Values, expand_as_rails};
use crate::reader::shown;
use crate::yaml::{Node, Value};

/// A value after one function.
pub(super) fn applied(function: &str, value: &Node, variables: &dyn Values) -> Result<Node, String> {
    let read = Function::read(function).ok_or_else(|| {
        format!(
            "there is no function `{}`: `expand_vars`, `truncate(OFFSET, LENGTH)`, `posix_escape` and `split('SEPARATOR')` are",
            shown(function)
        )
    })?;
    let text = match &value.value {
        Value::Scalar { text, .. } if is_text(value) => text,
        Value::Scalar { text, plain: false, .. } => text,
        _ => return Err(format!("`{}` takes text, and this is {}", shown(function), value.kind())),
    };
    let made = |text: &str| Node::made(text, false, NOWHERE);
    Ok(match read {
        Function::ExpandVars => match expand_as_rails(text, variables, true) {
            // as GitLab has it
            expanded if expanded.secret => return Err("`expand_vars` fills in no masked variable".to_owned()),
            expanded => made(&expanded.text),
        },
        Function::Truncate(offset, length) => made(&text.chars().skip(offset).take(length).collect::<String>()),
        Function::PosixEscape => made(&escaped(text)),
        Function::Split("") => return Err("`split` needs a separator".to_owned()),
        Function::Split(separator) => {
            let items = text.split(separator).map(str::trim).filter(|item| !item.is_empty());
            Node::seq(items.map(made).collect(), NOWHERE)
        }
    })
}

enum Function<'f> {
    ExpandVars,
    Truncate(usize, usize),
    PosixEscape,
    Split(&'f str),
}

impl<'f> Function<'f> {
    fn read(text: &'f str) -> Option<Self> {
        match text {
            "expand_vars" => return Some(Self::ExpandVars),
            "posix_escape" => return Some(Self::PosixEscape),
            _ => {}
        }
        if let Some(separator) = text.strip_prefix("split('").and_then(|rest| rest.strip_suffix("')")) {
            return (!separator.contains('\'')).then_some(Self::Split(separator));
        }
        let arguments = text.strip_prefix("truncate(")?;
        let (offset, length) = arguments.strip_suffix(')').unwrap_or(arguments).split_once(',')?;
        let number = |text: &str| {
            let text = text.trim();
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(usize::MAX))
        };
        Some(Self::Truncate(number(offset)?, number(length)?))
    }
}

/// As Ruby's `Shellwords.escape` has it.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("'\n'"),
            c if c.is_ascii_alphanumeric() || "_-.,:+/@".contains(c) => out.push(c),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out
}
