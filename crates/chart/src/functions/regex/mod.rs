//! Regular expressions in Go's dialect (RE2).
//!
//! Each is parsed here by Go's grammar and written again in that of the `regex` crate, whose automaton is built of it. It is searched
//! here (`search`), so that a search costs no more than there is left to spend. Of the matches the leftmost counts, of the alternatives
//! the first. How matches follow one another, what a replacement stands for and what errors say is Go's.

mod classes;
mod matches;
mod program;
mod search;
mod syntax;
#[cfg(test)]
mod tests;

pub(crate) use program::{Cache, Program};
pub(crate) use search::Searcher;

use crate::{
    budget::{Budget, Exhausted},
    function::{Fault, Function, Scope},
    functions::arguments::{Call, INT, ITEM, TEXT, function, int, spend, text},
    value::{List, Str, Value, types},
};
use matches::Subject;
use program::NotCompiled;

/// The functions of this file.
pub(crate) const FUNCTIONS: &[Function] = &[
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
pub(crate) fn expression(text: &str, cache: &mut Cache, budget: &mut Budget) -> Result<Option<Program>, Exhausted> {
    match cache.compile(&text.into(), budget) {
        Ok(searcher) => Ok(Some(searcher.program().clone())),
        Err(NotCompiled::Wrong(_)) => Ok(None),
        Err(NotCompiled::Limit(limit)) => Err(limit),
    }
}

/// In which of these texts an expression of Go's is found somewhere. One that is none is refused in Go's words.
pub fn found_in<'t>(expression: &str, texts: impl Iterator<Item = &'t str>, budget: &mut Budget) -> Result<Vec<bool>, Fault> {
    let (expression, mut cache) = (Str::from(expression), Cache::default());
    let searcher = cache.compile(&expression, budget).map_err(|error| must(&expression, error))?;
    texts.map(|text| Ok(is_in(searcher, text, budget)?)).collect()
}

/// Whether an expression matches somewhere in a text.
pub(crate) fn is_in(searcher: &mut Searcher, text: &str, budget: &mut Budget) -> Result<bool, Exhausted> {
    let subject = Subject::new(text.into(), budget)?;
    searcher.is_match(&subject, budget)
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

/// Does something with the expression and the text that a function is given.
fn search<T>(
    scope: &mut Scope<'_>,
    arguments: &[Value],
    complaint: Complaint,
    act: impl FnOnce(&mut Searcher, &Subject, &mut Budget) -> Result<T, Exhausted>,
) -> Result<T, Fault> {
    let expression = text(arguments, 0);
    let searcher = scope.expressions.compile(&expression, scope.budget).map_err(|error| complaint(&expression, error))?;
    let subject = Subject::new(text(arguments, 1), scope.budget)?;
    Ok(act(searcher, &subject, scope.budget)?)
}

fn matches(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    search(scope, arguments, complaint, |searcher, subject, budget| Ok(Value::Bool(searcher.is_match(subject, budget)?)))
}

/// What is no expression matches nothing.
fn matches_quietly(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    match matches(scope, arguments, must) {
        Err(Fault::Said(_)) => Ok(Value::Bool(false)),
        other => other,
    }
}

fn find(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    search(scope, arguments, complaint, |searcher, subject, budget| {
        let found = searcher.find(subject, 0, budget)?;
        let found = found.map_or(&[][..], |(start, end)| subject.part(start, end));
        budget.make(found.len())?;
        Ok(Value::str(found))
    })
}

fn find_all(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    search(scope, arguments, complaint, |searcher, subject, budget| {
        let found = matches::all(searcher, subject, int(arguments, 2), budget)?;
        if found.is_empty() {
            return Ok(Value::List(List::nil(&types::STRINGS)));
        }
        let parts = found.into_iter().map(|(start, end)| subject.part(start, end)).collect();
        // Go makes room for ten before it begins
        strings(parts, 10, budget)
    })
}

fn replace_all(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let replacement = text(arguments, 2);
    let replacement = matches::Replacement::parse(replacement.as_bytes());
    search(scope, arguments, complaint, |searcher, subject, budget| {
        Ok(Value::str(matches::replaced(searcher, subject, &replacement, budget)?))
    })
}

fn replace_all_literally(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let replacement = text(arguments, 2);
    let replacement = matches::Replacement::literal(replacement.as_bytes());
    search(scope, arguments, complaint, |searcher, subject, budget| {
        Ok(Value::str(matches::replaced(searcher, subject, &replacement, budget)?))
    })
}

/// The text between matches. Go counts an empty match at the very beginning as none.
fn split(scope: &mut Scope<'_>, arguments: &[Value], complaint: Complaint) -> Result<Value, Fault> {
    let count = int(arguments, 2);
    search(scope, arguments, complaint, |searcher, subject, budget| {
        if count == 0 {
            return Ok(Value::List(List::nil(&types::STRINGS)));
        }
        if subject.len() == 0 && !text(arguments, 0).is_empty() {
            return strings(vec![&[]], 1, budget);
        }
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
        let found = matches::all(searcher, subject, count, budget)?;
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
        strings(parts, capacity, budget)
    })
}

/// A list that Go had made room for so many parts in, and appended to.
fn strings(parts: Vec<&[u8]>, capacity: usize, budget: &mut Budget) -> Result<Value, Exhausted> {
    let size = parts.iter().fold(0_usize, |size, part| size.saturating_add(part.len() + ITEM));
    budget.make(size)?;
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
