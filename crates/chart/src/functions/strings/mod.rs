//! Functions of texts.

mod case;
mod layout;
mod parts;

use crate::{
    function::{Fault, Function, Scope},
    functions::{
        arguments::{ANY, INT, TEXT, any, function, int, rest, shown, spend, text, variadic},
        runes,
    },
    value::Value,
};

/// The functions of this file and those below it.
pub const FUNCTIONS: &[Function] = &[
    function("hello", &[], |_, _| Ok(Value::str("Hello!"))),
    function("trim", &[TEXT], |scope, arguments| cut(scope, arguments, 0, |text| trimmed(text, runes::is_space))),
    function("trimAll", &[TEXT, TEXT], trim_all),
    function("trimall", &[TEXT, TEXT], trim_all),
    function("trimSuffix", &[TEXT, TEXT], trim_suffix),
    function("trimPrefix", &[TEXT, TEXT], trim_prefix),
    function("upper", &[TEXT], case::upper),
    function("lower", &[TEXT], case::lower),
    function("title", &[TEXT], case::title),
    function("untitle", &[TEXT], case::untitle),
    function("swapcase", &[TEXT], case::swapcase),
    function("snakecase", &[TEXT], case::snakecase),
    function("kebabcase", &[TEXT], case::kebabcase),
    function("camelcase", &[TEXT], case::camelcase),
    function("nospace", &[TEXT], nospace),
    function("initials", &[TEXT], initials),
    function("shuffle", &[TEXT], shuffle),
    function("abbrev", &[INT, TEXT], layout::abbrev),
    function("abbrevboth", &[INT, INT, TEXT], layout::abbrevboth),
    function("trunc", &[INT, TEXT], layout::trunc),
    function("substr", &[INT, INT, TEXT], layout::substr),
    function("repeat", &[INT, TEXT], layout::repeat),
    function("indent", &[INT, TEXT], layout::indent),
    function("nindent", &[INT, TEXT], layout::nindent),
    function("wrap", &[INT, TEXT], layout::wrap),
    function("wrapWith", &[INT, TEXT, TEXT], layout::wrap_with),
    function("contains", &[TEXT, TEXT], |scope, arguments| ask(scope, arguments, |part, text| find(text, part).is_some())),
    function("hasPrefix", &[TEXT, TEXT], |scope, arguments| ask(scope, arguments, |part, text| text.starts_with(part))),
    function("hasSuffix", &[TEXT, TEXT], |scope, arguments| ask(scope, arguments, |part, text| text.ends_with(part))),
    variadic("quote", &[], ANY, quote),
    variadic("squote", &[], ANY, squote),
    variadic("cat", &[], ANY, cat),
    function("replace", &[TEXT, TEXT, TEXT], parts::replace),
    function("plural", &[TEXT, TEXT, INT], |_, arguments| Ok(Value::Str(text(arguments, usize::from(int(arguments, 2) != 1))))),
    function("toString", &[ANY], |scope, arguments| Ok(Value::Str(shown(scope, &any(arguments, 0))?))),
    function("toStrings", &[ANY], parts::to_strings),
    function("split", &[TEXT, TEXT], parts::split),
    function("splitn", &[TEXT, INT, TEXT], parts::splitn),
    function("splitList", &[TEXT, TEXT], parts::split_list),
    function("join", &[TEXT, ANY], parts::join),
    function("sortAlpha", &[ANY], parts::sort_alpha),
];

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    bstr::ByteSlice::find(text, part)
}

/// A part of an argument.
fn cut(scope: &mut Scope<'_>, arguments: &[Value], at: usize, part: impl Fn(&[u8]) -> &[u8]) -> Result<Value, Fault> {
    let text = text(arguments, at);
    scope.budget.scan(text.len())?;
    let part = part(text.as_bytes());
    if part.len() == text.len() {
        return Ok(Value::Str(text));
    }
    scope.budget.make(part.len())?;
    Ok(Value::str(part))
}

fn ask(scope: &mut Scope<'_>, arguments: &[Value], holds: fn(&[u8], &[u8]) -> bool) -> Result<Value, Fault> {
    let (part, text) = (text(arguments, 0), text(arguments, 1));
    scope.budget.scan(text.len())?;
    Ok(Value::Bool(holds(part.as_bytes(), text.as_bytes())))
}

fn trimmed(mut text: &[u8], away: impl Fn(char) -> bool) -> &[u8] {
    while let Some((rune, length)) = runes::first(text)
        && away(rune)
    {
        text = text.get(length..).unwrap_or(&[]);
    }
    while let Some((rune, length)) = runes::last(text)
        && away(rune)
    {
        text = text.len().checked_sub(length).and_then(|end| text.get(..end)).unwrap_or(&[]);
    }
    text
}

fn trim_all(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let set = text(arguments, 0);
    scope.budget.scan(set.len().saturating_mul(text(arguments, 1).len()))?;
    let set: Vec<char> = runes::runes(set.as_bytes()).collect();
    cut(scope, arguments, 1, |text| trimmed(text, |rune| set.contains(&rune)))
}

fn trim_suffix(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let suffix = text(arguments, 0);
    cut(scope, arguments, 1, |text| text.strip_suffix(suffix.as_bytes()).unwrap_or(text))
}

fn trim_prefix(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let prefix = text(arguments, 0);
    cut(scope, arguments, 1, |text| text.strip_prefix(prefix.as_bytes()).unwrap_or(text))
}

/// Byte by byte, each taken for a character of Latin-1: what a text with both spaces and letters beyond ASCII becomes is Sprig's.
fn nospace(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, text.len(), 2 * text.len())?;
    let kept: String = text.iter().map(|byte| char::from(*byte)).filter(|rune| !runes::is_space(*rune)).collect();
    Ok(if kept.chars().count() == text.len() { Value::Str(text) } else { Value::str(kept) })
}

/// Byte by byte too.
fn initials(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, text.len(), 2 * text.len())?;
    let mut after_gap = true;
    let mut initials = String::new();
    for rune in text.iter().map(|byte| char::from(*byte)) {
        if runes::is_space(rune) {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            initials.push(rune);
        }
    }
    Ok(Value::str(initials))
}

fn shuffle(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, text.len(), 5 * text.len())?;
    let mut runes: Vec<char> = runes::runes(text.as_bytes()).collect();
    for at in (1..runes.len()).rev() {
        let other = super::math::below(scope, at as u64 + 1);
        runes.swap(at, usize::try_from(other).unwrap_or(at));
    }
    Ok(Value::str(runes::encoded(runes)))
}

fn quote(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    joined(scope, arguments, |scope, value| {
        let text = shown(scope, value)?;
        spend(scope, text.len(), 2 * text.len())?;
        Ok(crate::format::quoted(text.as_bytes()).into_bytes())
    })
}

fn squote(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    joined(scope, arguments, |scope, value| {
        let text = crate::format::plain(value, scope.budget)?;
        scope.budget.make(text.len())?;
        Ok([b"'", text.as_bytes(), b"'"].concat())
    })
}

fn cat(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    joined(scope, arguments, |scope, value| {
        let text = crate::format::plain(value, scope.budget)?;
        scope.budget.make(text.len())?;
        Ok(text.as_bytes().to_vec())
    })
}

/// What each argument gives, nil ones left out, with spaces between.
fn joined(
    scope: &mut Scope<'_>,
    arguments: &[Value],
    each: impl Fn(&mut Scope<'_>, &Value) -> Result<Vec<u8>, Fault>,
) -> Result<Value, Fault> {
    let mut out = Vec::new();
    let mut first = true;
    for value in rest(arguments, 0).iter().filter(|value| !matches!(value, Value::Nil)) {
        if !std::mem::take(&mut first) {
            out.push(b' ');
        }
        let text = each(scope, value)?;
        scope.budget.make(text.len() + 1)?;
        out.extend(text);
    }
    Ok(Value::str(out))
}

/// Go's words for a slice of a text that is not there.
fn out_of_range(bounds: String) -> Fault {
    Fault::said(format!("runtime error: slice bounds out of range {bounds}"))
}
