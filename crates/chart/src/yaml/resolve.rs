//! What a plain scalar means by YAML 1.1 as Go's library has it: truths, nulls, numbers, times and texts.

use super::{ReadError, scanner::Text};
use crate::format;

const PREFIX: &str = "tag:yaml.org,2002:";

/// A scalar's meaning. What is not told here is a text, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number that `int64` does not hold.
    Uint(u64),
    Float(f64),
    /// A time, which is kept as text.
    Timestamp,
    Text,
}

impl Meaning {
    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Timestamp => "timestamp",
            Self::Text => "str",
        }
    }
}

/// A scalar's meaning under a tag, which may be empty.
pub(super) fn resolve(tag: &[u8], text: &[u8]) -> Result<Meaning, ReadError> {
    let name = match tag.strip_prefix(PREFIX.as_bytes()) {
        Some(b"str") => return Ok(Meaning::Text),
        Some(name @ (b"bool" | b"int" | b"float" | b"null" | b"timestamp")) => name,
        _ if tag.is_empty() => return Ok(guess(text, true)),
        _ => return Ok(Meaning::Text),
    };
    let meaning = guess(text, name == b"timestamp");
    match meaning {
        Meaning::Int(number) if name == b"float" => Ok(Meaning::Float(number as f64)),
        _ if meaning.tag().as_bytes() == name => Ok(meaning),
        _ => Err(ReadError::said(format!(
            "cannot decode !!{} `{}` as a !!{}",
            meaning.tag(),
            String::from_utf8_lossy(text),
            String::from_utf8_lossy(name)
        ))),
    }
}

/// What an untagged plain scalar means.
pub(super) fn guess(text: &[u8], times: bool) -> Meaning {
    if let Some(meaning) = named(text) {
        return meaning;
    }
    match text.first() {
        Some(b'.') => fraction(text).map_or(Meaning::Text, Meaning::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            if times && is_timestamp(text) {
                return Meaning::Timestamp;
            }
            number(text)
        }
        _ => Meaning::Text,
    }
}

fn named(text: &[u8]) -> Option<Meaning> {
    Some(match text {
        b"" | b"~" | b"null" | b"Null" | b"NULL" => Meaning::Null,
        b"y" | b"Y" | b"yes" | b"Yes" | b"YES" | b"true" | b"True" | b"TRUE" | b"on" | b"On" | b"ON" => Meaning::Bool(true),
        b"n" | b"N" | b"no" | b"No" | b"NO" | b"false" | b"False" | b"FALSE" | b"off" | b"Off" | b"OFF" => Meaning::Bool(false),
        b".nan" | b".NaN" | b".NAN" => Meaning::Float(f64::NAN),
        b".inf" | b".Inf" | b".INF" | b"+.inf" | b"+.Inf" | b"+.INF" => Meaning::Float(f64::INFINITY),
        b"-.inf" | b"-.Inf" | b"-.INF" => Meaning::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &[u8]) -> Meaning {
    let digits: Text<'_> = if text.contains(&b'_') { text.iter().copied().filter(|byte| *byte != b'_').collect() } else { text.into() };
    if let Some(whole) = whole(&digits) {
        return whole;
    }
    if is_decimal(&digits)
        && let Some(number) = finite(&digits)
    {
        return Meaning::Float(number);
    }
    // a sign may even stand behind the mark of a binary number
    digits.strip_prefix(b"0b").and_then(|rest| signed(rest, 2)).map_or(Meaning::Text, Meaning::Int)
}

/// A whole number with Go's marks: `0x`, `0o`, `0b`, and `0` for octal.
fn whole(text: &[u8]) -> Option<Meaning> {
    let (sign, digits) = match text.split_first()? {
        (sign @ (b'+' | b'-'), rest) => (Some(*sign), rest),
        _ => (None, text),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    };
    let size = unsigned(digits, radix)?;
    match sign {
        Some(b'-') => 0_i64.checked_sub_unsigned(size).map(Meaning::Int),
        _ => match i64::try_from(size) {
            Ok(number) => Some(Meaning::Int(number)),
            Err(_) if sign.is_none() => Some(Meaning::Uint(size)),
            Err(_) => None,
        },
    }
}

fn unsigned(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.first().is_none_or(|first| !first.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

fn signed(digits: &[u8], radix: u32) -> Option<i64> {
    i64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let (before, rest) = split_digits(rest);
    let (after, rest) = rest.strip_prefix(b".").map_or((0, rest), split_digits);
    let point = before > 0 || after > 0;
    match rest {
        [] => point,
        [b'e' | b'E', exponent @ ..] => {
            let digits = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
            point && !digits.is_empty() && split_digits(digits).1.is_empty()
        }
        _ => false,
    }
}

/// How many digits stand first, and what follows them.
fn split_digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, &text[count..])
}

/// A number that begins with its point. Here underscores may stand between digits, as in Go's own numbers.
fn fraction(text: &[u8]) -> Option<f64> {
    let lonely = |(place, byte): (usize, &u8)| {
        let digit = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
        *byte == b'_' && !(digit(place.checked_sub(1)) && digit(Some(place + 1)))
    };
    if text.windows(2).any(|pair| pair == b"__") || text.iter().enumerate().any(lonely) {
        return None;
    }
    let digits: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'_').collect();
    if is_decimal(&digits) { finite(&digits) } else { None }
}

fn finite(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether Go reads a time here: `2006-1-2`, alone or with a time of day behind a space, or behind a `T` and with a zone.
pub(super) fn is_timestamp(text: &[u8]) -> bool {
    date(text).is_some_and(|rest| match rest {
        [] => true,
        [b'T' | b't', time @ ..] => clock(time).is_some_and(is_zone),
        [b' ', time @ ..] => clock(time.trim_ascii_start()).is_some_and(<[u8]>::is_empty),
        _ => false,
    })
}

/// One or two digits, as a number up to `most`.
fn small(text: &[u8], least: u32, most: u32) -> Option<(u32, &[u8])> {
    let (count, _) = split_digits(text.get(..2).unwrap_or(text));
    let (digits, rest) = text.split_at_checked(count)?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (least..=most).contains(&number).then_some((number, rest))
}

fn date(text: &[u8]) -> Option<&[u8]> {
    let (4, rest) = split_digits(text) else { return None };
    let year: u32 = std::str::from_utf8(text.get(..4)?).ok()?.parse().ok()?;
    let (month, rest) = small(rest.strip_prefix(b"-")?, 1, 12)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    small(rest.strip_prefix(b"-")?, 1, days).map(|(_, rest)| rest)
}

fn clock(text: &[u8]) -> Option<&[u8]> {
    let (_, rest) = small(text, 0, 23)?;
    let (_, rest) = small(rest.strip_prefix(b":")?, 0, 59)?;
    let (_, rest) = small(rest.strip_prefix(b":")?, 0, 59)?;
    match rest {
        [b'.' | b',', fraction @ ..] if fraction.first().is_some_and(u8::is_ascii_digit) => Some(split_digits(fraction).1),
        _ => Some(rest),
    }
}

fn is_zone(text: &[u8]) -> bool {
    let two = |at: usize, most: u8| {
        text.get(at..at + 2).is_some_and(|pair| pair.iter().all(u8::is_ascii_digit) && (pair[0] - b'0') * 10 + (pair[1] - b'0') <= most)
    };
    match text {
        b"Z" => true,
        [b'+' | b'-', _, _, b':', _, _] => two(1, 24) && two(4, 60),
        _ => false,
    }
}

/// A number as `strconv.FormatFloat(number, 'g', -1, 32)` writes it, the way in which keys and texts are made of numbers.
#[allow(clippy::cast_possible_truncation, reason = "a number is shown with the digits that float32 has")]
pub fn short_float(number: f64) -> String {
    let number = number as f32;
    let mut scientific = format!("{number:e}");
    let Some(digits) = scientific.trim_start_matches('-').find('e') else {
        return match scientific.as_str() {
            "inf" => "+Inf".to_owned(),
            "-inf" => "-Inf".to_owned(),
            _ => scientific,
        };
    };
    // of two that are equally near, the even one
    let even = format!("{number:.*e}", digits.saturating_sub(2));
    if digits >= 8 && even.parse() == Ok(number) {
        scientific = even;
    }
    // these digits are all there are: as a `float64` they stay what they are
    long_float(scientific.parse().unwrap_or_default())
}

/// A number as `strconv.FormatFloat(number, 'g', -1, 64)` writes it.
pub(super) fn long_float(number: f64) -> String {
    format::float(number, 'g', None)
}
