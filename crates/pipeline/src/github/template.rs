//! Text with `${{ expressions }}` in it.

use super::evaluate::Failed;
use super::expression::{Contexts, ErrorKind, Expression, Invalid};
use super::parse::Known;
use super::value::Value;

/// The longest text that a template may become.
const MAX_TEXT: usize = 4 << 20;

/// Text with expressions in it, read.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// An expression, and the character at which it starts.
    Expression(Expression, usize),
}

impl Template {
    /// Reads a text.
    pub(crate) fn read(text: &str) -> Result<Self, Invalid> {
        Self::read_among(text, None)
    }

    /// As [`Self::read`]; a context that is not known is an error.
    pub(super) fn read_among(text: &str, known: Option<Known<'_>>) -> Result<Self, Invalid> {
        let mut parts = Vec::new();
        let (mut rest, mut offset) = (text, 0);
        while let Some(start) = rest.find("${{") {
            let before = &rest[..start];
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let inner = &rest[start + 3..];
            let opened = offset + before.chars().count();
            let end = closing(inner).ok_or_else(|| Invalid {
                kind: ErrorKind::Lexing,
                offset: opened,
                message: "`${{` is not closed with `}}`".into(),
            })?;
            let expression = Expression::read_among(&inner[..end], known)
                .map_err(|invalid| Invalid { offset: opened + 3 + invalid.offset, ..invalid })?;
            parts.push(Part::Expression(expression, opened + 3));
            offset = opened + 3 + inner[..end].chars().count() + 2;
            rest = &inner[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The expressions in it, each with the character at which it starts.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = (&Expression, usize)> {
        self.0.iter().filter_map(|part| match part {
            Part::Expression(expression, offset) => Some((expression, *offset)),
            Part::Text(_) => None,
        })
    }

    /// Whether it is one expression and nothing else.
    pub(crate) fn is_one_expression(&self) -> bool {
        matches!(self.0.as_slice(), [Part::Expression(..)])
    }

    /// Whether something stands around its expressions.
    pub(crate) fn has_text(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Text(_)))
    }

    /// Its value: that of the expression if it is one expression and nothing else, text otherwise.
    pub(crate) fn value(&self, contexts: &Contexts) -> Result<Value, String> {
        self.value_at(contexts).map_err(|failed| failed.message)
    }

    /// As [`Self::value`], with the place of what fails.
    pub(super) fn value_at(&self, contexts: &Contexts) -> Result<Value, Failed> {
        match self.0.as_slice() {
            [Part::Expression(expression, offset)] => evaluated(expression, *offset, contexts),
            _ => self.text_at(contexts).map(Value::text),
        }
    }

    /// Its text.
    pub(crate) fn text(&self, contexts: &Contexts) -> Result<String, String> {
        self.text_at(contexts).map_err(|failed| failed.message)
    }

    fn text_at(&self, contexts: &Contexts) -> Result<String, Failed> {
        let mut out = String::new();
        for part in &self.0 {
            let offset = match part {
                Part::Text(text) => {
                    out.push_str(text);
                    0
                }
                Part::Expression(expression, offset) => {
                    out.push_str(&evaluated(expression, *offset, contexts)?.to_text());
                    *offset
                }
            };
            if out.len() > MAX_TEXT {
                return Err(Failed { offset, message: format!("the text becomes longer than {} MiB", MAX_TEXT >> 20) });
            }
        }
        Ok(out)
    }
}

fn evaluated(expression: &Expression, offset: usize, contexts: &Contexts) -> Result<Value, Failed> {
    expression.evaluate_at(contexts).map_err(|failed| Failed { offset: offset + failed.offset, ..failed })
}

/// Fills in a text that was read without fault while planning.
pub(crate) fn fill(text: &str, contexts: &Contexts) -> Result<String, String> {
    Template::read(text).map_err(|invalid| invalid.message)?.text(contexts)
}

/// A text with expressions as the one expression that GitHub makes of it: what stands in `${{ }}` if there is nothing else, or
/// else `format('…{0}…', …)`. Nothing if it cannot be read.
pub(super) fn as_expression(text: &str) -> Option<String> {
    let (mut literal, mut asked, mut rest) = (String::new(), Vec::new(), text);
    let escaped = |text: &str| text.replace('\'', "''").replace('{', "{{").replace('}', "}}");
    while let Some((before, inner)) = rest.split_once("${{") {
        let end = closing(inner)?;
        literal.push_str(&escaped(before));
        literal.push_str(&format!("{{{}}}", asked.len()));
        asked.push(inner[..end].trim());
        rest = &inner[end + 2..];
    }
    literal.push_str(&escaped(rest));
    match asked.as_slice() {
        [one] if literal == "{0}" => Some((*one).to_owned()),
        asked => Some(format!("format('{literal}', {})", asked.join(", "))),
    }
}

/// Where `}}` is, outside of quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        if c == '\'' {
            quoted = !quoted;
        } else if !quoted && text[at..].starts_with("}}") {
            return Some(at);
        }
    }
    None
}
