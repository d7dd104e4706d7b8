//! Numbers of anything, as Sprig's arithmetic reads its arguments: by the rules of spf13/cast, where what is no number is 0.

use crate::value::{Kind, Type, Value, types};

/// `cast.ToInt64`, and `cast.ToInt` on a machine of 64 bits.
pub fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(it) => i64::from(*it),
        Value::Int(it, ty) if is_plain(ty) => *it,
        Value::Uint(it, ty) if is_plain(ty) => it.cast_signed(),
        Value::Float(it) => truncated(*it),
        Value::Str(text) => integer(without_zero_fraction(text.as_bytes()), 0).unwrap_or(0),
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
        Value::Str(text) => float(text.as_bytes()).unwrap_or(0.0),
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

/// `1.0` and `1.00` count as `1`.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    match text.len().checked_sub(zeros).and_then(|end| text.get(..end)) {
        Some([whole @ .., b'.']) if zeros > 0 => whole,
        _ => text,
    }
}

/// Why a text is no number of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotANumber {
    /// It is not written as one.
    Syntax,
    /// It is too great, or too small; the nearest that there is.
    Range(i64),
}

/// `strconv.ParseInt` for 64 bits; in base 0 a prefix tells the base, and underscores may stand between digits.
pub fn integer(text: &[u8], base: u32) -> Result<i64, NotANumber> {
    let (negative, digits) = match text {
        [b'+', digits @ ..] => (false, digits),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(NotANumber::Syntax);
    }
    let (base, digits, underscores) = match base {
        0 => {
            let (base, rest) = prefixed(digits);
            (base, rest, true)
        }
        base => (base, digits, false),
    };
    if digits.is_empty() {
        return Err(NotANumber::Syntax);
    }
    let mut magnitude = Some(0_u64);
    for byte in digits {
        let digit = match byte {
            b'_' if underscores => continue,
            byte => char::from(*byte).to_digit(base).ok_or(NotANumber::Syntax)?,
        };
        magnitude = magnitude.and_then(|it| it.checked_mul(u64::from(base))?.checked_add(u64::from(digit)));
    }
    if underscores && !underscores_are_placed(text) {
        return Err(NotANumber::Syntax);
    }
    let limit = if negative { i64::MIN } else { i64::MAX };
    let magnitude = magnitude.filter(|it| *it <= limit.unsigned_abs()).ok_or(NotANumber::Range(limit))?;
    Ok(if negative { 0_i64.wrapping_sub_unsigned(magnitude) } else { magnitude.cast_signed() })
}

fn prefixed(digits: &[u8]) -> (u32, &[u8]) {
    match digits {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    }
}

/// An underscore must have a digit on each side, or a base's prefix before it.
fn underscores_are_placed(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (hexadecimal, has_prefix) = match text {
        [b'0', b'x' | b'X', ..] => (true, true),
        [b'0', b'b' | b'B' | b'o' | b'O', ..] => (false, true),
        _ => (false, false),
    };
    let rest = if has_prefix { text.get(2..).unwrap_or(&[]) } else { text };
    let mut after_digit = has_prefix;
    let mut after_underscore = false;
    for byte in rest {
        let is_digit = byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit();
        match byte {
            _ if is_digit => (after_digit, after_underscore) = (true, false),
            b'_' if after_digit => (after_digit, after_underscore) = (false, true),
            b'_' => return false,
            _ if after_underscore => return false,
            _ => (after_digit, after_underscore) = (false, false),
        }
    }
    !after_underscore
}

/// `strconv.ParseFloat` for 64 bits; nothing where it gives an error, which it does for what is too great.
pub fn float(text: &[u8]) -> Option<f64> {
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let negative = text.first() == Some(&b'-');
    let sign = |number: f64| if negative { -number } else { number };
    if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
        return Some(sign(f64::INFINITY));
    }
    // Go takes a sign only before infinity
    if text.eq_ignore_ascii_case(b"nan") {
        return Some(f64::NAN);
    }
    if let [b'0', b'x' | b'X', rest @ ..] = unsigned {
        return hexadecimal_float(rest).filter(|_| underscores_are_placed(text)).map(sign);
    }
    if !unsigned.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    let number: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// The digits of `0x1.8p3` after its prefix.
fn hexadecimal_float(text: &[u8]) -> Option<f64> {
    let at = text.iter().position(|byte| matches!(byte, b'p' | b'P'))?;
    let (digits, exponent) = (text.get(..at)?, text.get(at + 1..)?);
    let exponent_digits = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_') {
        return None;
    }
    let exponent: Vec<u8> = exponent.iter().copied().filter(|byte| *byte != b'_').collect();
    let exponent =
        str::from_utf8(&exponent).ok()?.parse::<i64>().unwrap_or(if exponent.first() == Some(&b'-') { -100_000 } else { 100_000 });
    let (mut mantissa, mut power, mut seen_point, mut any, mut sticky) = (0_u64, exponent.clamp(-100_000, 100_000), false, false, false);
    for byte in digits {
        let digit = match byte {
            b'_' => continue,
            b'.' if !seen_point => {
                seen_point = true;
                continue;
            }
            byte => u64::from(char::from(*byte).to_digit(16)?),
        };
        any = true;
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | digit;
            power -= if seen_point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            power += if seen_point { 0 } else { 4 };
        }
    }
    any.then(|| scaled(mantissa | u64::from(sticky), power)).filter(|number| number.is_finite())
}

/// A whole number times a power of two, rounded once, to even.
pub fn scaled(mantissa: u64, power: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = i64::from(mantissa.leading_zeros());
    let (mantissa, power) = (mantissa << shift, power - shift);
    // 53 bits of the 64 are kept, fewer where the number is a subnormal one
    let drop = (11_i64).max(-1074 - power);
    if drop > 64 {
        return 0.0;
    }
    let wide = u128::from(mantissa);
    let kept = wide >> drop;
    let (cut, half) = (wide & ((1_u128 << drop) - 1), 1_u128 << (drop - 1));
    let kept = if cut > half || cut == half && kept & 1 == 1 { kept + 1 } else { kept };
    let exponent = power + drop;
    if exponent > 971 {
        return f64::INFINITY;
    }
    // two factors, since the lesser powers are no normal numbers
    let (first, second) = (exponent / 2, exponent - exponent / 2);
    kept as f64 * two_to(first) * two_to(second)
}

fn two_to(power: i64) -> f64 {
    f64::from_bits(u64::try_from(power + 1023).unwrap_or(0) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_tells_the_base_and_underscores_stand_between_digits() {
        for (text, number) in [
            ("010", Ok(8)),
            ("0x1F", Ok(31)),
            ("-0b11", Ok(-3)),
            ("1_000", Ok(1000)),
            ("0x_1", Ok(1)),
            ("0_7", Ok(7)),
            ("1__0", Err(NotANumber::Syntax)),
            ("_1", Err(NotANumber::Syntax)),
            ("1_", Err(NotANumber::Syntax)),
            ("09", Err(NotANumber::Syntax)),
            ("0x", Err(NotANumber::Syntax)),
            ("", Err(NotANumber::Syntax)),
            ("9223372036854775808", Err(NotANumber::Range(i64::MAX))),
            ("-9223372036854775808", Ok(i64::MIN)),
        ] {
            assert_eq!(integer(text.as_bytes(), 0), number, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_zero() {
        assert_eq!(["1.0", "1.50", "0.0", ".0", "5.", "a", " 1"].map(|text| to_int(&Value::str(text))), [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(to_int(&Value::Int(5, &crate::value::DURATION)), 0);
    }

    #[test]
    fn floats_are_read_as_go_reads_them() {
        assert_eq!(
            ["0x1.8p1", "-0x1p-2", "1e3", ".5", "1_0", "1e400", "infx", "0x1"].map(|text| float(text.as_bytes())),
            [Some(3.0), Some(-0.25), Some(1000.0), Some(0.5), None, None, None, None]
        );
        assert_eq!(float(b"0x1p-1074"), Some(5e-324));
        assert_eq!(float(b"0x1.fffffffffffffp1023"), Some(f64::MAX));
        assert_eq!(float(b"-Inf"), Some(f64::NEG_INFINITY));
    }
}
