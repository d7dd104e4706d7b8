//! Words of workflow expressions.

use std::borrow::Cow;

use super::Invalid;
use super::expression::ErrorKind;
use super::value::number_of;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'t, str>),
    /// A context, a function, or a property after a dot.
    Name(&'t str),
    /// `( ) [ ] . , * ! == != < <= > >= && ||`
    Sign(&'static str),
}

/// A word, and the bytes of the expression that it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word<'t> {
    pub(super) token: Token<'t>,
    pub(super) start: usize,
    pub(super) text: &'t str,
}

/// The signs of two characters.
const PAIRS: &[&str] = &["==", "!=", "<=", ">=", "&&", "||"];

/// Cuts an expression into words.
pub(super) fn lex(text: &str) -> Result<Vec<Word<'_>>, Invalid> {
    let mut words: Vec<Word<'_>> = Vec::with_capacity(text.len() / 4 + 1);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, end) = word(text, at, c, words.last())?;
        words.push(Word { token, start: at, text: &text[at..end] });
        at = end;
    }
    Ok(words)
}

/// The word that begins here, and where it ends.
fn word<'t>(text: &'t str, at: usize, c: char, last: Option<&Word<'t>>) -> Result<(Token<'t>, usize), Invalid> {
    let one = |sign| Ok((Token::Sign(sign), at + 1));
    match c {
        '(' => one("("),
        ')' => one(")"),
        '[' => one("["),
        ']' => one("]"),
        ',' => one(","),
        '*' => one("*"),
        '\'' => quoted(text, at),
        '!' | '<' | '>' | '=' | '&' | '|' => match PAIRS.iter().find(|pair| text[at..].starts_with(**pair)) {
            Some(pair) => Ok((Token::Sign(pair), at + 2)),
            None if c == '!' => one("!"),
            None if c == '<' => one("<"),
            None if c == '>' => one(">"),
            None => Err(unknown(text, at, end_of_word(text, at, false))),
        },
        '.' if matches!(last.map(|word| &word.token), Some(Token::Name(_) | Token::Sign("]" | ")" | "*"))) => one("."),
        '.' | '-' | '+' | '0'..='9' => {
            let end = end_of_word(text, at, true);
            let number = number_of(&text[at..end]);
            if number.is_nan() { Err(unknown(text, at, end)) } else { Ok((Token::Number(number), end)) }
        }
        _ => name(text, at, last),
    }
}

fn name<'t>(text: &'t str, at: usize, last: Option<&Word<'t>>) -> Result<(Token<'t>, usize), Invalid> {
    let end = end_of_word(text, at, false);
    let name = &text[at..end];
    let legal = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !legal {
        return Err(unknown(text, at, end));
    }
    let property = matches!(last.map(|word| &word.token), Some(Token::Sign(".")));
    let token = match name {
        _ if property => Token::Name(name),
        "null" => Token::Null,
        "true" => Token::Bool(true),
        "false" => Token::Bool(false),
        "NaN" => Token::Number(f64::NAN),
        "Infinity" => Token::Number(f64::INFINITY),
        _ => Token::Name(name),
    };
    Ok((token, end))
}

/// Where a word ends that began at `at`: before a blank or a sign, of which `*` is none; a number goes on over points.
fn end_of_word(text: &str, at: usize, number: bool) -> usize {
    let first = text[at..].chars().next().map_or(0, char::len_utf8);
    let ends = |c: char| {
        matches!(c, '(' | ')' | '[' | ']' | ',' | '!' | '<' | '>' | '=' | '&' | '|') || (c == '.' && !number) || c.is_whitespace()
    };
    text[at + first..].find(ends).map_or(text.len(), |len| at + first + len)
}

/// `'it''s'`.
fn quoted(text: &str, start: usize) -> Result<(Token<'_>, usize), Invalid> {
    let inner = &text[start + 1..];
    let mut at = 0;
    while let Some(quote) = inner[at..].find('\'') {
        let end = at + quote;
        if inner[end + 1..].starts_with('\'') {
            at = end + 2;
            continue;
        }
        let written = &inner[..end];
        let value = if written.contains('\'') { Cow::Owned(written.replace("''", "'")) } else { Cow::Borrowed(written) };
        return Ok((Token::Text(value), start + 1 + end + 1));
    }
    Err(invalid(text, start, "the text is not closed with '".into()))
}

fn invalid(text: &str, at: usize, message: String) -> Invalid {
    Invalid { kind: ErrorKind::Lexing, offset: text[..at].chars().count(), message }
}

fn unknown(text: &str, at: usize, end: usize) -> Invalid {
    let word = &text[at..end];
    let message = match word.chars().next().unwrap_or_default() {
        '"' => "text is written in single quotes".to_owned(),
        '=' => "`=` is no operator; use `==`".to_owned(),
        c @ ('&' | '|') => format!("`{c}` is no operator; use `{c}{c}`"),
        '.' | '-' | '+' | '0'..='9' => format!("`{}` is no number", crate::reader::shown(word)),
        _ => format!("`{}` means nothing in an expression", crate::reader::shown(word)),
    };
    invalid(text, at, message)
}
