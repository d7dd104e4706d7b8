//! Durations: reading and rounding them.

use super::parse::quoted;

const UNITS: &[(&[u8], u64)] = &[
    (b"ns", 1),
    (b"us", 1_000),
    ("µs".as_bytes(), 1_000),
    ("μs".as_bytes(), 1_000),
    (b"ms", 1_000_000),
    (b"s", 1_000_000_000),
    (b"m", 60_000_000_000),
    (b"h", 3_600_000_000_000),
];

/// The longest duration, but for its sign.
const LIMIT: u64 = 1 << 63;

/// `time.ParseDuration`: nanoseconds, or Go's text of the error.
pub(super) fn parse(text: &[u8]) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (negative, mut rest) = match text {
        [sign @ (b'-' | b'+'), rest @ ..] => (*sign == b'-', rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let (whole, digits, after) = leading_int(rest).ok_or_else(invalid)?;
        let (fraction, scale, fraction_digits, after) = match after {
            [b'.', after @ ..] => leading_fraction(after),
            _ => (0, 1.0, 0, after),
        };
        if digits + fraction_digits == 0 {
            return Err(invalid());
        }
        let length = after.iter().take_while(|byte| **byte != b'.' && !byte.is_ascii_digit()).count();
        let (name, after) = after.split_at(length);
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted(text)));
        }
        let Some((_, unit)) = UNITS.iter().find(|(unit, _)| *unit == name) else {
            return Err(format!("time: unknown unit {} in duration {}", quoted(name), quoted(text)));
        };
        let mut part = whole.checked_mul(*unit).filter(|part| *part <= LIMIT && whole <= LIMIT / unit).ok_or_else(invalid)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than one unit")]
        if fraction > 0 {
            part += (fraction as f64 * (*unit as f64 / scale)) as u64;
        }
        // Go's sum comes round to nothing where both are the longest
        sum = Some(sum.wrapping_add(part)).filter(|sum| *sum <= LIMIT && part <= LIMIT).ok_or_else(invalid)?;
        rest = after;
    }
    if negative { 0_i64.checked_sub_unsigned(sum) } else { i64::try_from(sum).ok() }.ok_or_else(invalid)
}

/// The number that stands first, how many digits it has, and the rest; nothing for one that is too large.
fn leading_int(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(count);
    let number = digits
        .iter()
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|number| *number <= LIMIT))?;
    Some((number, count, rest))
}

/// The digits of a fraction as a number, what divides it, how many there are, and the rest. Those too many are left out.
fn leading_fraction(text: &[u8]) -> (u64, f64, usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(count);
    let (mut number, mut scale) = (0_u64, 1.0);
    for digit in digits {
        if number > (LIMIT - 1) / 10 || number * 10 + u64::from(digit - b'0') > LIMIT {
            break;
        }
        number = number * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    (number, scale, count, rest)
}

/// `time.Duration.Truncate`
pub(super) fn truncate(duration: i64, to: i64) -> i64 {
    if to <= 0 { duration } else { duration - duration % to }
}

/// `time.Duration.Round`: halves away from zero; what would be too long is the longest.
pub(super) fn round(duration: i64, to: i64) -> i64 {
    if to <= 0 {
        return duration;
    }
    let rest = (duration % to).unsigned_abs();
    let down = truncate(duration, to);
    if rest.saturating_mul(2) < to.unsigned_abs() {
        down
    } else if duration < 0 {
        down.saturating_sub(to)
    } else {
        down.saturating_add(to)
    }
}
