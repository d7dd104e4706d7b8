//! Regular expressions in Go's dialect (RE2).
//!
//! Each is parsed here by Go's grammar and written again in that of the `regex` crate, whose way to match is the same: leftmost, of
//! the alternatives the first. How matches follow one another, what a replacement stands for and what errors say is Go's.

mod classes;
mod compiled;
mod matches;
mod syntax;

pub use compiled::Cache;
pub(crate) use compiled::Compiled;

use crate::{
    budget::{Budget, Exhausted},
    function::{Fault, Function, Scope},
    functions::arguments::{Call, INT, ITEM, TEXT, function, int, spend, text},
    value::{List, Str, Value, types},
};
use compiled::NotCompiled;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    function("regexMatch", &[TEXT, TEXT], matches_quietly),
    function("mustRegexMatch", &[TEXT, TEXT], |scope, arguments| matches(scope, arguments, must)),
    function("regexFind", &[TEXT, TEXT], |scope, arguments| find(scope, arguments, panic)),
    function("mustRegexFind", &[TEXT, TEXT], |scope, arguments| find(scope, arguments, must)),
    function("regexFindAll", &[TEXT, TEXT, INT], |scope, arguments| find_all(scope, arguments, panic)),
    function("mustRegexFindAll", &[TEXT, TEXT, INT], |scope, arguments| find_all(scope, arguments, must)),
    function("regexReplaceAll", &[TEXT, TEXT, TEXT], |scope, arguments| replace_all(scope, arguments, panic)),
    function("mustRegexReplaceAll", &[TEXT, TEXT, TEXT], |scope, arguments| replace_all(scope, arguments, must)),
    function("regexReplaceAllLiteral", &[TEXT, TEXT, TEXT], |scope, arguments| replace_all_literally(scope, arguments, panic)),
    function("mustRegexReplaceAllLiteral", &[TEXT, TEXT, TEXT], |scope, arguments| replace_all_literally(scope, arguments, must)),
    function("regexSplit", &[TEXT, TEXT, INT], |scope, arguments| split(scope, arguments, panic)),
    function("mustRegexSplit", &[TEXT, TEXT, INT], |scope, arguments| split(scope, arguments, must)),
    function("regexQuoteMeta", &[TEXT], QUOTE_META),
];

/// An expression that no template asked for; none where it is none.
pub(crate) fn expression(text: &str, cache: &mut Cache, budget: &mut Budget) -> Result<Option<Compiled>, Exhausted> {
    match cache.compile(&text.into(), budget) {
        Ok(compiled) => Ok(Some(compiled)),
        Err(NotCompiled::Wrong(_)) => Ok(None),
        Err(NotCompiled::Limit(limit)) => Err(limit),
    }
}

/// In which of these texts an expression of Go's is found somewhere. One that is none is refused in Go's words.
pub fn found_in<'t>(expression: &str, texts: impl Iterator<Item = &'t str>, budget: &mut Budget) -> Result<Vec<bool>, Fault> {
    let expression = Str::from(expression);
    let compiled = Cache::default().compile(&expression, budget).map_err(|error| must(&expression, error))?;
    texts.map(|text| Ok(compiled.is_match(text, budget)?)).collect()
}

impl Compiled {
    /// Whether it matches somewhere in a text.
    pub(crate) fn is_match(&self, text: &str, budget: &mut Budget) -> Result<bool, Exhausted> {
        let subject = matches::Subject::new(text.into(), budget)?;
        Ok(self.find(&subject, 0, budget)?.is_some())
    }
}

/// What a function says of an expression that is none.
type Complaint = fn(&Str, NotCompiled) -> Fault;

/// As the functions with `must`, which hand Go's error on.
fn must(_: &Str, error: NotCompiled) -> Fault {
    match error {
        NotCompiled::Wrong(error) => Fault::said(error.shown()),
        NotCompiled::Limit(limit) => limit.into(),
    }
}

/// As those without, which panic with it.
fn panic(expression: &Str, error: NotCompiled) -> Fault {
    let NotCompiled::Wrong(error) = error else { return must(expression, error) };
    let quoted = if crate::format::can_backquote(expression.as_bytes()) {
        [b"`", expression.as_bytes(), b"`"].concat()
    } else {
        crate::format::quoted(expression.as_bytes()).into_bytes()
    };
    Fault::said([b"regexp: Compile(", quoted.as_slice(), b"): ", &error.shown()].concat())
}

fn compiled(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Compiled, Fault> {
    let expression = text(arguments, 0);
    scope.expressions.compile(&expression, scope.budget).map_err(|error| complaint(&expression, error))
}

fn matches(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let expression = compiled(scope, arguments, complaint)?;
    let subject = matches::Subject::new(text(arguments, 1), scope.budget)?;
    Ok(Value::Bool(expression.find(&subject, 0, scope.budget)?.is_some()))
}

/// What is no expression matches nothing.
fn matches_quietly(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    match matches(scope, arguments, must) {
        Err(Fault::Said(_)) => Ok(Value::Bool(false)),
        other => other,
    }
}

fn find(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let expression = compiled(scope, arguments, complaint)?;
    let subject = matches::Subject::new(text(arguments, 1), scope.budget)?;
    let found = expression.find(&subject, 0, scope.budget)?;
    let found = found.map_or(&[][..], |(start, end)| subject.part(start, end));
    spend(scope, 0, found.len())?;
    Ok(Value::str(found))
}

fn find_all(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let expression = compiled(scope, arguments, complaint)?;
    let subject = matches::Subject::new(text(arguments, 1), scope.budget)?;
    let found = matches::all(&expression, &subject, int(arguments, 2), scope.budget)?;
    if found.is_empty() {
        return Ok(Value::List(List::nil(&types::STRINGS)));
    }
    let parts = found.into_iter().map(|(start, end)| subject.part(start, end)).collect();
    // Go makes room for ten before it begins
    strings(scope, parts, 10)
}

fn replace_all(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let expression = compiled(scope, arguments, complaint)?;
    let subject = matches::Subject::new(text(arguments, 1), scope.budget)?;
    let replacement = text(arguments, 2);
    let replacement = matches::Replacement::parse(replacement.as_bytes());
    Ok(Value::str(matches::replaced(&expression, &subject, &replacement, scope.budget)?))
}

fn replace_all_literally(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let expression = compiled(scope, arguments, complaint)?;
    let subject = matches::Subject::new(text(arguments, 1), scope.budget)?;
    let replacement = text(arguments, 2);
    let replacement = matches::Replacement::literal(replacement.as_bytes());
    Ok(Value::str(matches::replaced(&expression, &subject, &replacement, scope.budget)?))
}

/// The text between matches. Go counts an empty match at the very beginning as none.
fn split(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let expression = compiled(scope, arguments, complaint)?;
    let (subject, count) = (matches::Subject::new(text(arguments, 1), scope.budget)?, int(arguments, 2));
    if count == 0 {
        return Ok(Value::List(List::nil(&types::STRINGS)));
    }
    if subject.len() == 0 && !text(arguments, 0).is_empty() {
        return strings(scope, vec![&[]], 1);
    }
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    let found = matches::all(&expression, &subject, count, scope.budget)?;
    let capacity = found.len();
    for (start, stop) in found {
        if parts.len() + 1 >= most {
            break;
        }
        end = start;
        if stop != 0 {
            parts.push(subject.part(begin, end));
        }
        begin = stop;
    }
    if end != subject.len() {
        parts.push(subject.part(begin, subject.len()));
    }
    strings(scope, parts, capacity)
}

/// A list that Go had made room for so many parts in, and appended to.
fn strings(scope: &mut Scope<'_>, parts: Vec<&[u8]>, capacity: usize) -> Result<Value, Fault> {
    let size = parts.iter().fold(0_usize, |size, part| size.saturating_add(part.len() + ITEM));
    scope.budget.make(size)?;
    Ok(Value::List(List::grown_from(&types::STRINGS, parts.into_iter().map(Value::str).collect(), capacity)))
}

const QUOTE_META: Call = |scope, arguments| {
    let text = text(arguments, 0);
    spend(scope, text.len(), 2 * text.len())?;
    let mut quoted = Vec::with_capacity(text.len());
    for byte in text.as_bytes() {
        if br"\.+*?()|[]{}^$".contains(byte) {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    Ok(Value::str(quoted))
};
