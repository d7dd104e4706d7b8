//! Numbers of workflow expressions as text, and texts as numbers: what the runner's .NET does.

/// A number as text: at most 15 significant digits, with an exponent below -4 and from 15 on.
pub(crate) fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if value == 0.0 {
        return "0".into();
    }
    #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 15 digits")]
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return (value as i64).to_string();
    }
    let scientific = format!("{value:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    if (-4..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or(0);
        let text = format!("{value:.decimals$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    format!("{mantissa}E{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Text as a number: decimal with sign, point and exponent, `0x` and `0o` of 32 bits, infinity; empty is 0, anything else none.
pub(crate) fn number_of(text: &str) -> f64 {
    let text = text.trim();
    if text.is_empty() {
        return 0.0;
    }
    if is_decimal(text.as_bytes()) {
        return text.parse().unwrap_or(f64::NAN);
    }
    if let Some(number) = based(text, "0x", 16).or_else(|| based(text, "0o", 8)) {
        return number;
    }
    let (sign, word) = match text.strip_prefix('-') {
        Some(word) => (-1.0, word),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if word.eq_ignore_ascii_case("Infinity") { sign * f64::INFINITY } else { f64::NAN }
}

/// `[+-] digits [. digits] [e [+-] digits]`, with digits on one side of the point at least.
fn is_decimal(text: &[u8]) -> bool {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return false;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at.min(text.len()));
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == text.len()
}

/// 32 bits, of which the first is the sign.
fn based(text: &str, prefix: &str, base: u32) -> Option<f64> {
    let digits = text.strip_prefix(prefix).filter(|digits| digits.chars().all(|c| c.is_digit(base)) && !digits.is_empty())?;
    Some(u32::from_str_radix(digits, base).map_or(f64::NAN, |bits| f64::from(bits.cast_signed())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_fifteen_digits_at_most() {
        for (value, text) in [
            (1.0, "1"),
            (-3.5, "-3.5"),
            (0.1 + 0.2, "0.3"),
            (1e15, "1E+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1_234_567_890_123_456.0, "1.23456789012346E+15"),
            (999_999_999_999_999.9, "1E+15"),
            (0.000_1, "0.0001"),
            (0.000_123_4, "0.0001234"),
            (0.000_01, "1E-05"),
            (0.000_012_5, "1.25E-05"),
            (1e-7, "1E-07"),
            (2.5e20, "2.5E+20"),
            (1.5e300, "1.5E+300"),
            (0.845_512_408_225_570_1, "0.84551240822557"),
            (0.0, "0"),
            (-0.0, "0"),
            (100.0, "100"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(value), text);
        }
    }

    #[test]
    fn texts_are_read_as_numbers_only_if_they_are() {
        for (text, number) in [
            ("", 0.0),
            (" \t", 0.0),
            (" 12 ", 12.0),
            ("0x1F", 31.0),
            ("0x00000000ff", 255.0),
            ("0xffffffff", -1.0),
            ("0o17", 15.0),
            ("-1.5e3", -1500.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("+.5", 0.5),
            ("1E-1", 0.1),
            ("1e400", f64::INFINITY),
            ("Infinity", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("+Infinity", f64::INFINITY),
        ] {
            assert_eq!(number_text(number_of(text)), number_text(number), "{text}");
        }
        for text in ["abc", "1 2", "1_000", "0x", "0X1", "0o8", "0x1ffffffff", "-0xFF", "nan", "inf", "1e", "1e+", ".", "+", "1-2", "0x+1"]
        {
            assert!(number_of(text).is_nan(), "{text}");
        }
    }
}
