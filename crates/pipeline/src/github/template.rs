//! Text with `${{ expressions }}` in it.

use super::expression::{Contexts, Expression, Invalid};
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
        let mut parts = Vec::new();
        let (mut rest, mut offset) = (text, 0);
        while let Some(start) = rest.find("${{") {
            let before = &rest[..start];
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let inner = &rest[start + 3..];
            let opened = offset + before.chars().count();
            let end = closing(inner).ok_or_else(|| Invalid { offset: opened, message: "`${{` is not closed with `}}`".into() })?;
            let expression =
                Expression::read(&inner[..end]).map_err(|invalid| Invalid { offset: opened + 3 + invalid.offset, ..invalid })?;
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

    /// Its value: that of the expression if it is one expression and nothing else, text otherwise.
    pub(crate) fn value(&self, contexts: &Contexts) -> Result<Value, String> {
        match self.0.as_slice() {
            [Part::Expression(expression, _)] => expression.evaluate(contexts),
            _ => self.text(contexts).map(Value::text),
        }
    }

    /// Its text.
    pub(crate) fn text(&self, contexts: &Contexts) -> Result<String, String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expression(expression, _) => out.push_str(&expression.evaluate(contexts)?.to_text()),
            }
            if out.len() > MAX_TEXT {
                return Err(format!("the text becomes longer than {} MiB", MAX_TEXT >> 20));
            }
        }
        Ok(out)
    }
}

/// Fills in a text that was read without fault while planning.
pub(crate) fn fill(text: &str, contexts: &Contexts) -> Result<String, String> {
    Template::read(text).map_err(|invalid| invalid.message)?.text(contexts)
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
