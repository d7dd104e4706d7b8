//! Numbers of anything, as Sprig's arithmetic reads its arguments: by the rules of spf13/cast, where what is no number is 0.

use crate::{
    format::{parse_float, parse_int},
    value::{Kind, Type, Value, types},
};

/// `cast.ToInt64`, and `cast.ToInt` on a machine of 64 bits.
pub fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(it) => i64::from(*it),
        Value::Int(it, ty) if is_plain(ty) => *it,
        Value::Uint(it, ty) if is_plain(ty) => it.cast_signed(),
        Value::Float(it) => truncated(*it),
        Value::Str(text) => parse_int(without_zero_fraction(text.as_bytes()), 0).unwrap_or(0),
        _ => 0,
    }
}

/// `cast.ToFloat64`.
pub fn to_float(value: &Value) -> f64 {
    match value {
        Value::Bool(it) => f64::from(u8::from(*it)),
        Value::Int(it, ty) if is_plain(ty) => *it as f64,
        Value::Uint(it, ty) if is_plain(ty) => *it as f64,
        Value::Float(it) => *it,
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// A number of a named type (a `time.Duration`) is none of those that cast knows.
fn is_plain(ty: &'static Type) -> bool {
    match ty.kind {
        Kind::Int => *ty == types::INT,
        Kind::Int64 => *ty == types::INT64,
        Kind::Int32 => *ty == types::INT32,
        Kind::Uint8 => *ty == types::UINT8,
        Kind::Uint32 => *ty == types::UINT32,
        Kind::Uint64 => *ty == types::UINT64,
        _ => true,
    }
}

/// `int64` of a `float64`: what is out of range or no number is the least `int64`, as the processor gives it to Go.
pub fn truncated(number: f64) -> i64 {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    #[allow(clippy::cast_possible_truncation, reason = "its fraction is what is cut off")]
    if (-BEYOND..BEYOND).contains(&number) { number as i64 } else { i64::MIN }
}

/// `1.0` and `1.00` count as `1`: what follows the last point that only points and at least one zero follow is left out, with it.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let mut seen_zero = false;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'.' if seen_zero => return text.get(..at).unwrap_or(text),
            b'.' => {}
            b'0' => seen_zero = true,
            _ => break,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_zero() {
        assert_eq!(["1.0", "1.50", "0.0", ".0", "5.", "a", " 1", "7.0."].map(|text| to_int(&Value::str(text))), [1, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(to_int(&Value::Int(5, &crate::value::DURATION)), 0);
    }
}
