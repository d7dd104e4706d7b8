//! Numbers as Go's `strconv` reads them.

use thiserror::Error;

/// Why a text is no number.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NumberError {
    /// `strconv.ErrSyntax`.
    #[error("invalid syntax")]
    Syntax,
    /// `strconv.ErrRange`.
    #[error("value out of range")]
    Range,
}

/// `strconv.ParseInt(text, base, 64)`; base 0 takes `0x`, `0o`, `0b`, a leading `0` and `_`.
pub fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let number = parse_uint(digits, base)?;
    let limit = i64::MIN.unsigned_abs();
    match number {
        _ if negative && number <= limit => Ok(number.wrapping_neg().cast_signed()),
        _ if !negative && number < limit => Ok(number.cast_signed()),
        _ => Err(NumberError::Range),
    }
}

/// `strconv.ParseUint(text, base, 64)`.
pub fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberError> {
    let (radix, digits) = match text {
        [] => return Err(NumberError::Syntax),
        _ if base != 0 => (base, text),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        _ => (10, text),
    };
    let mut number = 0_u64;
    for byte in digits {
        if *byte == b'_' && base == 0 {
            continue;
        }
        let digit = char::from(*byte).to_digit(36).filter(|digit| *digit < radix).ok_or(NumberError::Syntax)?;
        // as Go has it, what stands behind the digit that is too many is not looked at
        number = number.checked_mul(u64::from(radix)).and_then(|number| number.checked_add(u64::from(digit))).ok_or(NumberError::Range)?;
    }
    if base == 0 && digits.contains(&b'_') && !underscores_part_digits(text) {
        return Err(NumberError::Syntax);
    }
    Ok(number)
}

/// Whether every `_` stands between digits, or between the base's prefix and a digit.
fn underscores_part_digits(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (hex, digits, mut after_digit) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (true, rest, true),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (false, rest, true),
        _ => (false, text, false),
    };
    let mut after_mark = false;
    for byte in digits {
        if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() {
            (after_digit, after_mark) = (true, false);
        } else if *byte == b'_' && after_digit {
            (after_digit, after_mark) = (false, true);
        } else if *byte == b'_' || after_mark {
            return false;
        } else {
            after_digit = false;
        }
    }
    !after_mark
}

/// `strconv.ParseFloat(text, 64)`.
pub fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let signed = |number: f64| if negative { -number } else { number };
    let word = unsigned.to_ascii_lowercase();
    if word == b"inf" || word == b"infinity" {
        return Ok(signed(f64::INFINITY));
    }
    if word == b"nan" && unsigned.len() == text.len() {
        return Ok(f64::NAN);
    }
    if text.contains(&b'_') && !underscores_part_digits(text) {
        return Err(NumberError::Syntax);
    }
    let number = match word.as_slice() {
        [b'0', b'x', digits @ ..] if !digits.is_empty() => hexadecimal(digits)?,
        _ => decimal(&word)?,
    };
    if number.is_infinite() { Err(NumberError::Range) } else { Ok(signed(number)) }
}

fn decimal(word: &[u8]) -> Result<f64, NumberError> {
    let digits: Vec<u8> = word.iter().copied().filter(|byte| *byte != b'_').collect();
    // Rust's syntax is Go's but for the words, which have been looked at
    if digits.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-')) || matches!(digits.first(), Some(b'+' | b'-')) {
        return Err(NumberError::Syntax);
    }
    std::str::from_utf8(&digits).ok().and_then(|text| text.parse().ok()).ok_or(NumberError::Syntax)
}

fn hexadecimal(digits: &[u8]) -> Result<f64, NumberError> {
    let mark = digits.iter().position(|byte| *byte == b'p').ok_or(NumberError::Syntax)?;
    let (head, tail) = digits.split_at_checked(mark).ok_or(NumberError::Syntax)?;
    let (mut mantissa, mut exponent, mut point, mut any) = (0_u64, 0_i32, false, false);
    for byte in head {
        match byte {
            b'_' => {}
            b'.' if point => return Err(NumberError::Syntax),
            b'.' => point = true,
            _ => {
                let digit = char::from(*byte).to_digit(16).ok_or(NumberError::Syntax)?;
                any = true;
                if mantissa >> 60 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                    exponent -= if point { 4 } else { 0 };
                } else {
                    // what falls off only decides how to round
                    mantissa |= u64::from(digit != 0);
                    exponent = exponent.saturating_add(if point { 0 } else { 4 });
                }
            }
        }
    }
    let (negative, power) = match tail {
        [b'p', b'-', rest @ ..] => (true, rest),
        [b'p', b'+', rest @ ..] | [b'p', rest @ ..] => (false, rest),
        _ => return Err(NumberError::Syntax),
    };
    if !any || !power.first().is_some_and(u8::is_ascii_digit) {
        return Err(NumberError::Syntax);
    }
    let mut shift = 0_i32;
    for byte in power.iter().filter(|byte| **byte != b'_') {
        let digit = char::from(*byte).to_digit(10).ok_or(NumberError::Syntax)?;
        shift = shift.saturating_mul(10).saturating_add(digit.cast_signed()).min(100_000);
    }
    Ok(scaled(mantissa, exponent.saturating_add(if negative { -shift } else { shift })))
}

/// `mantissa * 2^exponent`, rounded once, to even.
fn scaled(mantissa: u64, exponent: i32) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let top = exponent.saturating_add(63 - mantissa.leading_zeros().cast_signed());
    if top > 1023 {
        return f64::INFINITY;
    }
    // how many bits of the mantissa fit above the least that a number of this size has
    let least = (top - 52).max(-1074);
    let drop = least - exponent;
    let kept = match u32::try_from(drop) {
        Ok(0) => mantissa,
        Ok(drop) if drop > 64 => 0,
        Ok(64) => u64::from(mantissa > 1 << 63),
        Ok(drop) => {
            let (whole, half, rest) = (mantissa >> drop, 1_u64 << (drop - 1), mantissa & ((1 << drop) - 1));
            whole + u64::from(rest > half || rest == half && whole & 1 == 1)
        }
        Err(_) => return power(mantissa, exponent),
    };
    power(kept, least)
}

/// A number of at most 53 bits times a power of two: exact, in steps that do not leave what a number can be.
fn power(mantissa: u64, exponent: i32) -> f64 {
    let mut number = mantissa as f64;
    let mut left = exponent;
    while left != 0 {
        // the first step leaves a normal number, so that none but the last can round
        let step = left.clamp(-900, 900);
        number *= 2_f64.powi(step);
        left -= step;
    }
    number
}
