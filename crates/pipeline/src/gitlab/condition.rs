//! GitLab's `if` language: `$VARIABLE`, `"text"`, `/regex/flags`, `null`, `== != =~ !~ && ||` and parentheses.
//!
//! As GitLab has it: an unknown variable is `null`; alone, a variable is true if it holds more than blanks; `&&` binds
//! tighter than `||`; a variable on the right of `=~` may hold a `/regex/`.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::re2;
use crate::expand::Expanded;
use crate::pattern::last_line;

#[cfg(test)]
mod tests;

/// The longest condition that is read.
const MAX_LENGTH: usize = 10_000;
/// How many words it may have, which bounds how deep it becomes.
const MAX_WORDS: usize = 400;
/// How deep parentheses may nest.
const MAX_DEPTH: usize = 40;
/// How large a compiled regex may become.
const MAX_COMPILED: usize = 1 << 20;

/// What is wrong with a condition, and at which character (from 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) offset: usize,
    pub(super) message: String,
}

/// A condition, read.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Null,
    Text(String),
    Variable(String),
    Pattern(Box<Regex>),
    Equal(Box<Self>, Box<Self>),
    Unequal(Box<Self>, Box<Self>),
    Matches(Box<Self>, Box<Self>),
    MatchesNot(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

#[derive(Clone, Debug)]
enum Token {
    Null,
    Text(String),
    Variable(String),
    Pattern(Box<Regex>),
    Operator(&'static str),
}

/// A value while evaluating.
enum Value<'c> {
    Null,
    Text(&'c str),
    Pattern(&'c Regex),
    Bool(bool),
}

impl Condition {
    /// Reads a condition.
    pub(super) fn read(text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_LENGTH {
            return Err(Invalid { offset: 0, message: format!("the condition is longer than {MAX_LENGTH} characters") });
        }
        let tokens = lex(text)?;
        if tokens.len() > MAX_WORDS {
            return Err(Invalid { offset: tokens[MAX_WORDS].0, message: format!("the condition has more than {MAX_WORDS} words") });
        }
        let mut parser = Parser { tokens: &tokens, at: 0, end: text.chars().count(), depth: 0 };
        let condition = parser.or()?;
        match tokens.get(parser.at) {
            None => Ok(condition),
            Some((offset, token)) => Err(Invalid { offset: *offset, message: format!("{} is not expected here", name_of(token)) }),
        }
    }

    /// Whether it holds, given the variables.
    pub(super) fn holds(&self, variables: &BTreeMap<String, Expanded>) -> Result<bool, String> {
        self.value(variables).map(|value| value.is_present())
    }

    /// The variables that it asks for.
    pub(super) fn variables<'c>(&'c self, into: &mut Vec<&'c str>) {
        match self {
            Self::Variable(name) if !into.contains(&name.as_str()) => into.push(name),
            Self::Null | Self::Text(_) | Self::Pattern(_) | Self::Variable(_) => {}
            Self::Equal(a, b) | Self::Unequal(a, b) | Self::Matches(a, b) | Self::MatchesNot(a, b) | Self::And(a, b) | Self::Or(a, b) => {
                a.variables(into);
                b.variables(into);
            }
        }
    }

    fn value<'c>(&'c self, variables: &'c BTreeMap<String, Expanded>) -> Result<Value<'c>, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(text),
            Self::Variable(name) => variables.get(name).map_or(Value::Null, |value| Value::Text(&value.text)),
            Self::Pattern(pattern) => Value::Pattern(pattern),
            Self::Equal(a, b) => Value::Bool(equal(&a.value(variables)?, &b.value(variables)?)),
            Self::Unequal(a, b) => Value::Bool(!equal(&a.value(variables)?, &b.value(variables)?)),
            Self::Matches(a, b) => Value::Bool(matches(&a.value(variables)?, &b.value(variables)?)?.unwrap_or(false)),
            Self::MatchesNot(a, b) => Value::Bool(!matches(&a.value(variables)?, &b.value(variables)?)?.unwrap_or(false)),
            Self::And(a, b) => Value::Bool(a.holds(variables)? && b.holds(variables)?),
            Self::Or(a, b) => Value::Bool(a.holds(variables)? || b.holds(variables)?),
        })
    }
}

impl Value<'_> {
    /// Ruby's `present?`: neither nothing nor false nor only blanks.
    fn is_present(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => !text.trim().is_empty(),
            Self::Pattern(_) => true,
            Self::Bool(value) => *value,
        }
    }
}

fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Pattern(a), Value::Pattern(b)) => a.as_str() == b.as_str(),
        _ => false,
    }
}

/// `None` if there is no pattern on the right.
fn matches(text: &Value<'_>, pattern: &Value<'_>) -> Result<Option<bool>, String> {
    let text = match text {
        Value::Text(text) => text,
        _ => "",
    };
    match pattern {
        Value::Pattern(pattern) => Ok(Some(pattern.is_match(text))),
        Value::Text(written) => {
            let pattern = whole_pattern(written)
                .ok_or_else(|| format!("the right side is `{}`, which is no /regex/", crate::reader::shown(written)))?;
            Ok(Some(pattern?.is_match(text)))
        }
        Value::Null | Value::Bool(_) => Ok(None),
    }
}

/// `/regex/flags` as a variable's value, or as an item of `only`.
pub(super) fn whole_pattern(written: &str) -> Option<Result<Regex, String>> {
    let (body, flags) = written.strip_prefix('/')?.rsplit_once('/')?;
    flags.chars().all(is_flag).then(|| compile(body, flags))
}

fn is_flag(c: char) -> bool {
    matches!(c, 'i' | 's' | 'm' | 'U')
}

fn compile(body: &str, flags: &str) -> Result<Regex, String> {
    let unreadable = |why: String| format!("the regex /{}/ cannot be read: {why}", crate::reader::shown(body));
    let body = re2::for_crate(body).map_err(unreadable)?;
    let pattern = if flags.is_empty() { body } else { format!("(?{flags}:{body})") };
    RegexBuilder::new(&pattern).size_limit(MAX_COMPILED).build().map_err(|error| unreadable(last_line(&error.to_string())))
}

fn lex(text: &str) -> Result<Vec<(usize, Token)>, Invalid> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        let (token, end) = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '$' => {
                let len = chars[at + 1..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
                if len == 0 {
                    return Err(Invalid { offset: start, message: "a variable's name must follow `$`, without braces".into() });
                }
                (Token::Variable(chars[at + 1..=at + len].iter().collect()), at + 1 + len)
            }
            quote @ ('"' | '\'') => {
                let len = chars[at + 1..].iter().position(|c| *c == quote);
                let len = len.ok_or_else(|| Invalid { offset: start, message: format!("the text is not closed with {quote}") })?;
                (Token::Text(chars[at + 1..=at + len].iter().collect()), at + len + 2)
            }
            '/' => pattern(&chars, at)?,
            '(' => (Token::Operator("("), at + 1),
            ')' => (Token::Operator(")"), at + 1),
            _ => operator_or_null(&chars, at)?,
        };
        tokens.push((start, token));
        at = end;
    }
    Ok(tokens)
}

fn pattern(chars: &[char], start: usize) -> Result<(Token, usize), Invalid> {
    let mut at = start + 1;
    while chars.get(at).is_some_and(|c| *c != '/') {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    if at >= chars.len() {
        return Err(Invalid { offset: start, message: "the regex is not closed with /".into() });
    }
    let body: String = chars[start + 1..at].iter().collect();
    let flags: String = chars[at + 1..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
    if let Some(flag) = flags.chars().find(|c| !is_flag(*c)) {
        return Err(Invalid { offset: at + 1, message: format!("`{flag}` is not a flag of a regex; known: i, m, s, U") });
    }
    let pattern = compile(&body, &flags).map_err(|message| Invalid { offset: start, message })?;
    Ok((Token::Pattern(Box::new(pattern)), at + 1 + flags.len()))
}

fn operator_or_null(chars: &[char], at: usize) -> Result<(Token, usize), Invalid> {
    let two: String = chars[at..].iter().take(2).collect();
    if let Some(operator) = ["==", "!=", "=~", "!~", "&&", "||"].into_iter().find(|operator| *operator == two) {
        return Ok((Token::Operator(operator), at + 2));
    }
    let word: String = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').take(40).collect();
    match &*word {
        "null" => Ok((Token::Null, at + 4)),
        "" => Err(Invalid { offset: at, message: format!("`{}` is not an operator; known: == != =~ !~ && || ( )", chars[at]) }),
        _ => Err(Invalid { offset: at, message: format!("`{word}` must be a $variable or in quotes") }),
    }
}

fn name_of(token: &Token) -> String {
    match token {
        Token::Null => "null".into(),
        Token::Text(text) => format!("\"{}\"", crate::reader::shown(text)),
        Token::Variable(name) => format!("${}", crate::reader::shown(name)),
        Token::Pattern(pattern) => format!("/{}/", crate::reader::shown(pattern.as_str())),
        Token::Operator(operator) => format!("`{operator}`"),
    }
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn accept(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some((_, Token::Operator(operator))) if operators.contains(operator) => {
                self.at += 1;
                Some(operator)
            }
            _ => None,
        }
    }

    fn or(&mut self) -> Result<Condition, Invalid> {
        let mut left = self.and()?;
        while self.accept(&["||"]).is_some() {
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Condition, Invalid> {
        let mut left = self.comparison()?;
        while self.accept(&["&&"]).is_some() {
            left = Condition::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Condition, Invalid> {
        let mut left = self.value()?;
        while let Some(operator) = self.accept(&["==", "!=", "=~", "!~"]) {
            let (a, b) = (Box::new(left), Box::new(self.value()?));
            left = match operator {
                "==" => Condition::Equal(a, b),
                "!=" => Condition::Unequal(a, b),
                "=~" => Condition::Matches(a, b),
                _ => Condition::MatchesNot(a, b),
            };
        }
        Ok(left)
    }

    fn value(&mut self) -> Result<Condition, Invalid> {
        let Some((offset, token)) = self.tokens.get(self.at) else {
            return Err(Invalid { offset: self.end, message: "a value is missing at the end".into() });
        };
        self.at += 1;
        match token {
            Token::Null => Ok(Condition::Null),
            Token::Text(text) => Ok(Condition::Text(text.clone())),
            Token::Variable(name) => Ok(Condition::Variable(name.clone())),
            Token::Pattern(pattern) => Ok(Condition::Pattern(pattern.clone())),
            Token::Operator("(") if self.depth < MAX_DEPTH => {
                self.depth += 1;
                let inner = self.or()?;
                self.depth -= 1;
                self.accept(&[")"]).ok_or_else(|| Invalid { offset: *offset, message: "this `(` is not closed".into() })?;
                Ok(inner)
            }
            Token::Operator("(") => Err(Invalid { offset: *offset, message: format!("parentheses nest deeper than {MAX_DEPTH}") }),
            Token::Operator(operator) => Err(Invalid { offset: *offset, message: format!("a value is missing before `{operator}`") }),
        }
    }
}
