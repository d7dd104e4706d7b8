//! What a plain scalar means.

use serde_json::{Number, Value};

/// Its value, or what to write instead where readers differ.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF" | "y" | "Y" | "n" | "N" => {
            return Err(format!(
                "`{text}` is a word to some readers of YAML and true or false to others; quote it, or write true or false"
            ));
        }
        _ => match number(text)? {
            Some(number) => Value::Number(number),
            None => Value::String(text.to_owned()),
        },
    })
}

fn number(text: &str) -> Result<Option<Number>, String> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => (-1_i128, &text[1..]),
        [b'+', ..] => (1, &text[1..]),
        _ => (1, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(format!("`{text}` is no number that JSON has"));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let radix = |digits: &str, radix| {
        let fine = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        if fine { i128::from_str_radix(digits, radix).ok() } else { None }
    };
    let whole = if let Some(hex) = digits.strip_prefix("0x") {
        radix(hex, 16)
    } else if let Some(octal) = digits.strip_prefix("0o") {
        radix(octal, 8)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)
    } else if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        // 0644: octal, as for Kubernetes; 0899 is text there
        return Ok(radix(digits, 8).and_then(|value| whole_number(sign * value)));
    } else {
        radix(digits, 10)
    };
    if let Some(whole) = whole {
        return whole_number(sign * whole).map(Some).ok_or_else(|| format!("`{text}` is too large a number; quote it if it is text"));
    }
    let decimal = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.bytes().filter(|b| *b == b'.').count() <= 1;
    if decimal && let Ok(value) = text.parse::<f64>() {
        return Number::from_f64(value).map(Some).ok_or_else(|| format!("`{text}` is too large a number; quote it if it is text"));
    }
    if digits.contains('_') && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.')) {
        return Err(format!("`{text}` is a number to some readers of YAML and text to others; quote it"));
    }
    Ok(None)
}

fn whole_number(value: i128) -> Option<Number> {
    i64::try_from(value).map(Number::from).or_else(|_| u64::try_from(value).map(Number::from)).ok()
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse;
    use serde_json::{Value, json};

    fn value(text: &str) -> Value {
        parse(text).unwrap()[0].to_value()
    }

    #[test]
    fn scalars_mean_what_kubernetes_takes_them_for() {
        let text =
            "[0644, 0x1F, 1, -2, 1.5, 1e3, true, ~, null, abc, '1', \"0644\", 1.2.3, 10.0.0.1, 08, 2024-01-02, 1m, 0.5, +7, .5, :80]";
        assert_eq!(
            value(text),
            json!([
                420,
                31,
                1,
                -2,
                1.5,
                1000.0,
                true,
                null,
                null,
                "abc",
                "1",
                "0644",
                "1.2.3",
                "10.0.0.1",
                "08",
                "2024-01-02",
                "1m",
                0.5,
                7,
                0.5,
                ":80"
            ])
        );
    }
}
