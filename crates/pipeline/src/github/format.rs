//! `format`: `{0}` stands for an argument, `{{` and `}}` for braces.

use super::evaluate::{Failed, Growing, Scope};
use super::expression::Tree;
use super::value::Value;

/// A piece of a pattern.
enum Piece<'p> {
    Text(&'p str),
    /// An argument by its number, and what stands after its `:`.
    Argument(usize, Option<&'p str>),
}

/// Fills in a pattern. Only the arguments that it names are evaluated, in the order of their places.
pub(super) fn format(arguments: &[Tree], scope: &mut Scope<'_>, level: usize) -> Result<Value, Failed> {
    let pattern = scope.evaluate(&arguments[0], level)?.to_text();
    let arguments = &arguments[1..];
    let mut out = Growing::default();
    let mut values: Vec<Option<String>> = vec![None; arguments.len()];
    for piece in pieces(&pattern, arguments.len()).map_err(|why| scope.failed(format!("format: {why}")))? {
        let pushed = match piece {
            Piece::Text(text) => out.push(text),
            Piece::Argument(_, Some(specifier)) => {
                Err(format!("format: `{}` after the number of an argument means nothing", crate::reader::shown(specifier)))
            }
            Piece::Argument(number, None) => {
                let value = match values[number].take() {
                    Some(value) => value,
                    None => scope.evaluate(&arguments[number], level)?.to_text(),
                };
                let pushed = out.push(&value);
                values[number] = Some(value);
                pushed
            }
        };
        pushed.map_err(|why| scope.failed(why))?;
    }
    Ok(Value::text(out.text))
}

/// Cuts a pattern into pieces.
fn pieces(pattern: &str, arguments: usize) -> Result<Vec<Piece<'_>>, String> {
    let invalid = || format!("`{}` has a brace that is neither doubled nor around a number", crate::reader::shown(pattern));
    let mut out = Vec::new();
    let mut rest = pattern;
    while let Some(brace) = rest.find(['{', '}']) {
        let tail = &rest[brace..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            out.push(Piece::Text(&rest[..=brace]));
            rest = &tail[2..];
            continue;
        }
        let inner = tail.strip_prefix('{').ok_or_else(invalid)?;
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        let number = usize::from(inner[..digits].parse::<u8>().map_err(|_| invalid())?);
        let (specifier, after) = specifier(&inner[digits..]).ok_or_else(invalid)?;
        if number >= arguments {
            return Err(format!("`{}` asks for argument {{{number}}}, which is not there", crate::reader::shown(pattern)));
        }
        out.push(Piece::Text(&rest[..brace]));
        out.push(Piece::Argument(number, specifier));
        rest = after;
    }
    out.push(Piece::Text(rest));
    Ok(out)
}

/// What stands between the number and its closing brace, and what follows that brace.
fn specifier(text: &str) -> Option<(Option<&str>, &str)> {
    if let Some(after) = text.strip_prefix('}') {
        return Some((None, after));
    }
    let inner = text.strip_prefix(':')?;
    let mut at = 0;
    while let Some(brace) = inner[at..].find('}') {
        let end = at + brace;
        if inner[end + 1..].starts_with('}') {
            at = end + 2;
            continue;
        }
        let specifier = &inner[..end];
        return Some((Some(specifier).filter(|specifier| !specifier.is_empty()), &inner[end + 1..]));
    }
    None
}
