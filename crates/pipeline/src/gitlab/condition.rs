//! GitLab's `if` language: `$VARIABLE`, `"text"`, `/regex/flags`, `null`, `true`, `false`, `== != =~ !~ && ||` and parentheses.
//!
//! As GitLab has it: an unknown variable is `null`, an empty one is not. `&&` binds tighter than `||`, and both give one of their
//! sides, of which nothing but `null` and `false` is taken for untrue; the whole holds if it is more than blanks. A text on the
//! right of `=~` that holds a `/regex/` is one; in any other the left side is looked for.

mod lex;
mod parse;

use regex::{Regex, RegexBuilder};

use super::re2;
use crate::expand::Values;
use crate::pattern::last_line;

#[cfg(test)]
mod tests;

/// The longest condition that is read.
const MAX_LENGTH: usize = 100_000;
/// How many words it may have (GitLab's own bound), which bounds how deep it becomes.
const MAX_WORDS: usize = 99;
/// How large a compiled regex may become.
const MAX_COMPILED: usize = 1 << 20;

/// What a condition stumbled over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A word that is none.
    Lexing,
    /// Words in an order that makes no sense.
    Parsing,
}

/// What is wrong with a condition, and at which character (from 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) fault: Fault,
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// A condition, read.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Null,
    Bool(bool),
    Text(String),
    Variable(String),
    Pattern(Box<Pattern>),
    Binary(Operator, Box<Self>, Box<Self>),
}

/// What stands between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Matches,
    MatchesNot,
    And,
    Or,
}

/// A regex as it is written, and read.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) written: String,
    regex: Regex,
}

/// What a condition comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'c> {
    Null,
    Text(&'c str),
    Pattern(&'c Pattern),
    Bool(bool),
}

impl Condition {
    /// Reads a condition.
    pub(crate) fn read(text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_LENGTH {
            let message = format!("the condition is longer than {MAX_LENGTH} characters");
            return Err(Invalid { fault: Fault::Lexing, offset: 0, message });
        }
        parse::parse(text)
    }

    /// Whether it holds, given the variables.
    pub(super) fn holds(&self, variables: &dyn Values) -> Result<bool, String> {
        self.value(&|name| variables.value(name).map(|value| &*value.text)).map(|value| value.is_present())
    }

    /// The variables that it asks for.
    pub(super) fn variables<'c>(&'c self, into: &mut Vec<&'c str>) {
        match self {
            Self::Variable(name) if !into.contains(&name.as_str()) => into.push(name),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Pattern(_) | Self::Variable(_) => {}
            Self::Binary(_, a, b) => {
                a.variables(into);
                b.variables(into);
            }
        }
    }

    /// What it comes to. An error is for people: GitLab itself would fail.
    pub(crate) fn value<'c>(&'c self, of: &dyn Fn(&str) -> Option<&'c str>) -> Result<Value<'c>, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Text(text) => Value::Text(text),
            Self::Variable(name) => of(name).map_or(Value::Null, Value::Text),
            Self::Pattern(pattern) => Value::Pattern(pattern),
            Self::Binary(Operator::And, a, b) => {
                let left = a.value(of)?;
                if left.is_untrue() { left } else { b.value(of)? }
            }
            Self::Binary(Operator::Or, a, b) => {
                let left = a.value(of)?;
                if left.is_untrue() { b.value(of)? } else { left }
            }
            Self::Binary(operator, a, b) => {
                let (a, b) = (a.value(of)?, b.value(of)?);
                Value::Bool(match operator {
                    Operator::Equal => equal(a, b)?,
                    Operator::Unequal => !equal(a, b)?,
                    Operator::Matches => matches(a, b)?,
                    _ => !matches(a, b)?,
                })
            }
        })
    }
}

impl Value<'_> {
    /// Ruby's `present?`: neither nothing nor false nor only blanks.
    pub(crate) fn is_present(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => !text.trim().is_empty(),
            Self::Pattern(_) => true,
            Self::Bool(value) => *value,
        }
    }

    /// What Ruby takes for untrue: an empty text is not.
    fn is_untrue(self) -> bool {
        matches!(self, Self::Null | Self::Bool(false))
    }
}

fn equal(a: Value<'_>, b: Value<'_>) -> Result<bool, String> {
    match (a, b) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Pattern(a), Value::Pattern(b)) => Ok(a.regex.as_str() == b.regex.as_str()),
        (Value::Pattern(_), _) => Err("a regex is compared with something that is none; use `=~`".to_owned()),
        _ => Ok(false),
    }
}

fn matches(text: Value<'_>, pattern: Value<'_>) -> Result<bool, String> {
    let text = match text {
        Value::Text(text) => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Null => "",
        Value::Pattern(_) => return Err("a regex stands on the left of `=~`".to_owned()),
    };
    match pattern {
        Value::Pattern(pattern) => Ok(pattern.regex.is_match(text)),
        Value::Text(written) => Ok(match whole_pattern(&written.replace("\\/", "/")) {
            Some(Ok(pattern)) => pattern.is_match(text),
            // what is no regex is a text in which the left side is looked for
            _ => written.contains(text),
        }),
        Value::Null | Value::Bool(false) => Ok(false),
        Value::Bool(true) => Err("what stands on the right of `=~` is neither a regex nor text".to_owned()),
    }
}

/// `/regex/flags` as a variable's value, or as an item of `only`: of several lines the first that is one.
pub(super) fn whole_pattern(written: &str) -> Option<Result<Regex, String>> {
    written.split('\n').find_map(|line| {
        let (body, flags) = line.strip_prefix('/')?.rsplit_once('/')?;
        flags.chars().all(is_flag).then(|| compile(body, flags))
    })
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
