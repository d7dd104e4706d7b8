//! Texts cut to a length, repeated, indented and wrapped. Lengths are in bytes.

use bstr::ByteSlice as _;

use super::{find, out_of_range};
use crate::{
    function::{Fault, Scope},
    functions::arguments::{int, spend, text},
    value::{Str, Value},
};

pub fn abbrev(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (width, text) = (int(arguments, 0), text(arguments, 1));
    abbreviated(scope, &text, 0, width)
}

pub fn abbrevboth(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (left, right, text) = (int(arguments, 0), int(arguments, 1), text(arguments, 2));
    if left > 0 && right < 7 {
        return Ok(Value::Str(text));
    }
    abbreviated(scope, &text, left, right)
}

fn abbreviated(scope: &mut Scope<'_>, text: &Str, left: i64, width: i64) -> Result<Value, Fault> {
    let width = usize::try_from(width).unwrap_or(0);
    if width < 4 || text.len() <= width {
        return Ok(Value::Str(text.clone()));
    }
    spend(scope, 0, width)?;
    Ok(Value::str(shortened(text.as_bytes(), left, width)))
}

/// A text with dots for its end, its beginning or both; `left` is a place that stays in sight. Empty where there is no room for it.
fn shortened(text: &[u8], left: i64, width: usize) -> Vec<u8> {
    const DOTS: &[u8] = b"...";
    if width < 4 {
        return Vec::new();
    }
    if text.len() <= width {
        return text.to_vec();
    }
    let room = width - 3;
    // a place before the text counts as its beginning: all that matters is that it is not past the fourth byte
    let left = usize::try_from(left.max(0)).unwrap_or(text.len()).min(text.len() - room);
    if left <= 4 {
        return [text.get(..room).unwrap_or(text), DOTS].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if left + room < text.len() {
        let rest = text.get(left..).unwrap_or(&[]);
        return [DOTS, &shortened(rest, 0, room)].concat();
    }
    [DOTS, text.get(text.len() - room..).unwrap_or(&[])].concat()
}

/// From the end where the count is negative.
pub fn trunc(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (count, text) = (int(arguments, 0), text(arguments, 1));
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if length >= text.len() {
        return Ok(Value::Str(text));
    }
    spend(scope, 0, length)?;
    let part = if count < 0 { text.get(text.len() - length..) } else { text.get(..length) };
    Ok(Value::str(part.map_or(&[][..], |part| part)))
}

pub fn substr(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (start, end, text) = (int(arguments, 0), int(arguments, 1), text(arguments, 2));
    let length = text.len();
    scope.budget.make(length)?;
    let place = |at: i64| usize::try_from(at).ok().filter(|at| *at <= length);
    let (from, to) = if start < 0 {
        match place(end) {
            Some(to) => (0, to),
            None if end < 0 => return Err(out_of_range(format!("[:{end}]"))),
            None => return Err(out_of_range(format!("[:{end}] with length {length}"))),
        }
    } else {
        match (place(start), place(end)) {
            (Some(from), None) => (from, length),
            (None, None) => return Err(out_of_range(format!("[{start}:{length}]"))),
            (Some(from), Some(to)) if from <= to => (from, to),
            _ => return Err(out_of_range(format!("[{start}:{end}]"))),
        }
    };
    Ok(Value::str(text.as_bytes().get(from..to).unwrap_or(&[])))
}

fn times(count: i64) -> Result<usize, Fault> {
    usize::try_from(count).map_err(|_| Fault::said("strings: negative Repeat count"))
}

pub fn repeat(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (count, text) = (times(int(arguments, 0))?, text(arguments, 1));
    spend(scope, count.saturating_mul(text.len()), count.saturating_mul(text.len()))?;
    Ok(if text.is_empty() { Value::Str(text) } else { Value::str(text.as_bytes().repeat(count)) })
}

pub fn indent(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    indented(scope, arguments, b"")
}

pub fn nindent(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    indented(scope, arguments, b"\n")
}

fn indented(scope: &mut Scope<'_>, arguments: &[Value], before: &[u8]) -> Result<Value, Fault> {
    let (spaces, text) = (times(int(arguments, 0))?, text(arguments, 1));
    scope.budget.scan(text.len())?;
    let lines = 1 + text.iter().map(|byte| usize::from(*byte == b'\n')).sum::<usize>();
    let size = spaces.saturating_mul(lines).saturating_add(text.len() + before.len());
    scope.budget.make(size)?;
    let pad = vec![b' '; spaces];
    let mut out = Vec::with_capacity(size);
    out.extend(before);
    out.extend(&pad);
    let mut left = text.as_bytes();
    while let Some((line, rest)) = left.find_byte(b'\n').and_then(|end| left.split_at_checked(end + 1)) {
        out.extend(line);
        out.extend(&pad);
        left = rest;
    }
    out.extend(left);
    Ok(Value::str(out))
}

pub fn wrap(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    wrapped(scope, int(arguments, 0), b"\n", &text(arguments, 1), false)
}

/// As [`wrap`], with another break, and words that are too long are broken.
pub fn wrap_with(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let line_break = text(arguments, 1);
    let line_break = if line_break.is_empty() { b"\n" } else { line_break.as_bytes() };
    wrapped(scope, int(arguments, 0), line_break, &text(arguments, 2), true)
}

fn wrapped(scope: &mut Scope<'_>, width: i64, line_break: &[u8], text: &Str, break_words: bool) -> Result<Value, Fault> {
    let width = usize::try_from(width.max(1)).unwrap_or(1);
    let lines = text.len() / width + 1;
    spend(scope, 2 * text.len(), lines.saturating_mul(line_break.len()).saturating_add(text.len()))?;
    let mut out = Vec::new();
    let mut left = text.as_bytes();
    let take = |out: &mut Vec<u8>, left: &[u8], until: usize| {
        out.extend(left.get(..until).unwrap_or(left));
        out.extend(line_break);
    };
    while left.len() > width {
        if left.first() == Some(&b' ') {
            left = left.get(1..).unwrap_or(&[]);
            continue;
        }
        let space = left.get(..=width).and_then(|line| line.iter().rposition(|byte| *byte == b' '));
        let next = match space {
            Some(space) => {
                take(&mut out, left, space);
                space + 1
            }
            None if break_words => {
                take(&mut out, left, width);
                width
            }
            None => match left.get(width..).and_then(|rest| find(rest, b" ")) {
                Some(space) => {
                    take(&mut out, left, width + space);
                    width + space + 1
                }
                None => {
                    out.extend(left);
                    left.len()
                }
            },
        };
        left = left.get(next..).unwrap_or(&[]);
    }
    out.extend(left);
    Ok(Value::str(out))
}
