//! What text without quotes means: to Ruby's Psych, with which GitLab reads, and by YAML 1.2's core schema, as GitHub reads.

use std::borrow::Cow;

/// How scalars, keys and tags are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Ruby's Psych: YAML 1.1 with merge keys, of two keys the last one counts.
    Psych,
    /// YAML 1.2's core schema as GitHub has it: no merge keys, no key twice whatever its case.
    Core,
}

/// What a scalar is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Is {
    Text,
    Null,
    Bool(bool),
    /// A whole number, written in decimal.
    Integer,
    Float(f64),
}

/// What text without quotes is, and how it is written from then on; or why it cannot be read.
pub(super) fn resolve(text: &str, schema: Schema) -> Result<(Is, Cow<'_, str>), &'static str> {
    match schema {
        Schema::Psych => psych(text),
        Schema::Core => Ok(core(text)),
    }
}

fn boolean<'t>(value: bool) -> (Is, Cow<'t, str>) {
    (Is::Bool(value), Cow::Borrowed(if value { "true" } else { "false" }))
}

fn float<'t>(value: f64, written: String) -> (Is, Cow<'t, str>) {
    (Is::Float(value), Cow::Owned(written))
}

/// As GitHub reads it. Numbers become what they are as text: `3.10` is `3.1`.
fn core(text: &str) -> (Is, Cow<'_, str>) {
    let number = |value: f64| float(value, crate::github::number_text(value));
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return (Is::Null, Cow::Borrowed(text)),
        "true" | "True" | "TRUE" => return boolean(true),
        "false" | "False" | "FALSE" => return boolean(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return number(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return number(f64::NAN),
        _ => {}
    }
    let based = |prefix: &str, base: u32| {
        let digits = text.strip_prefix(prefix).filter(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(base)))?;
        #[allow(clippy::cast_precision_loss, reason = "numbers are floating-point there")]
        u64::from_str_radix(digits, base).ok().map(|value| value as f64)
    };
    let decimal = || is_core_number(text).then(|| text.parse::<f64>().ok()).flatten();
    match based("0x", 16).or_else(|| based("0o", 8)).or_else(decimal) {
        Some(value) => {
            let (_, written) = number(value);
            let whole = value.fract() == 0.0 && value.abs() < 1e15;
            (if whole { Is::Integer } else { Is::Float(value) }, written)
        }
        None => (Is::Text, Cow::Borrowed(text)),
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_core_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// As Psych 4 reads it.
fn psych(text: &str) -> Result<(Is, Cow<'_, str>), &'static str> {
    let as_text = Ok((Is::Text, Cow::Borrowed(text)));
    if text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null") {
        return Ok((Is::Null, Cow::Borrowed("")));
    }
    if ["yes", "true", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Ok(boolean(true));
    }
    if ["no", "false", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Ok(boolean(false));
    }
    if let Some(name) = text.strip_prefix(':').filter(|name| !name.is_empty()) {
        // a symbol, which GitLab takes as its name
        return Ok((Is::Text, Cow::Borrowed(name.trim_matches(['"', '\'']))));
    }
    match text.to_ascii_lowercase().as_str() {
        ".inf" | "+.inf" => return Ok(float(f64::INFINITY, "Infinity".into())),
        "-.inf" => return Ok(float(f64::NEG_INFINITY, "-Infinity".into())),
        ".nan" => return Ok(float(f64::NAN, "NaN".into())),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return as_text;
    }
    if is_date(text) {
        return Err("GitLab does not read files with dates in them");
    }
    let negative = text.starts_with('-');
    if let Some(whole) = sexagesimal(unsigned).or_else(|| integer(unsigned)) {
        let sign = if negative && whole != "0" { "-" } else { "" };
        return Ok((Is::Integer, Cow::Owned(format!("{sign}{whole}"))));
    }
    match decimal(unsigned) {
        Some(value) => {
            let value = if negative { -value } else { value };
            Ok(float(value, ruby_float(value)))
        }
        None => as_text,
    }
}

/// A calendar date, alone or with a time behind it.
fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |part: &str, most: usize| -> Option<u32> {
        (part.len() <= most && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4).filter(|_| year.len() == 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    let rest = text[date.len()..].trim_start_matches(['T', 't', ' ']);
    let clock = rest.split_once(':').map_or("", |(hour, _)| hour);
    let is_clock = matches!(clock.len(), 1 | 2) && rest.matches(':').count() >= 2;
    let is_time = rest.is_empty() || (is_clock && rest.bytes().all(|b| b.is_ascii_digit() || b":.+-Z ".contains(&b)));
    (1..=days).contains(&day) && is_time
}

/// `1:30` and `1:30:15`, which Psych takes for a number to base 60; with two parts, for hours and minutes.
fn sexagesimal(unsigned: &str) -> Option<String> {
    let (first, rest) = unsigned.split_once(':')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let is_part = |part: &&str| {
        let digits = part.as_bytes();
        matches!(digits.len(), 1 | 2) && digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits[0] <= b'5')
    };
    if parts.len() > 2 || !parts.iter().all(is_part) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let value = |part: &str| part.replace('_', "").parse::<u128>().ok();
    let mut sum = value(first)?.checked_mul(3600)?;
    for (part, weight) in parts.iter().zip([60, 1]) {
        sum += value(part)? * weight;
    }
    Some(sum.to_string())
}

/// `12`, `1_000`, `1,000`, `0755`, `0b11`, `0x1F`, in decimal.
fn integer(unsigned: &str) -> Option<String> {
    let separated = |text: &str, base: u32| {
        let digits: String = text.chars().filter(|c| !matches!(c, '_' | ',')).collect();
        (!digits.is_empty() && digits.chars().all(|c| c.is_digit(base))).then_some(digits)
    };
    let based = |text: &str, base: u32| u128::from_str_radix(&separated(text, base)?, base).ok().map(|value| value.to_string());
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return based(digits, 2);
    }
    let ends_well = unsigned.ends_with(|c: char| c.is_ascii_digit()) && !unsigned.contains("__");
    match unsigned.strip_prefix('0') {
        _ if !ends_well => None,
        None => separated(unsigned, 10),
        Some("") => Some("0".to_owned()),
        Some(digits) => based(digits, 8),
    }
}

/// `1.5`, `.5`, `5.`, `1_000.5`, `1.0e+3`: a point must be there, and a sign in the exponent. To base 60 too: `1:30.5`.
fn decimal(unsigned: &str) -> Option<f64> {
    let (whole, rest) = unsigned.split_once('.')?;
    let separated = |c: char| c.is_ascii_digit() || matches!(c, '_' | ',');
    if whole.contains(':') {
        let fraction: f64 = format!("0.{}", rest.replace('_', "")).parse().ok()?;
        let weight = if whole.split(':').count() == 2 { 60.0 } else { 1.0 };
        return Some(sexagesimal(whole)?.parse::<f64>().ok()? + fraction * weight);
    }
    if !whole.chars().all(separated) || whole.starts_with(['_', ',']) {
        return None;
    }
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let signed = exponent.is_none_or(|exponent| exponent.strip_prefix(['-', '+']).is_some_and(|rest| !rest.is_empty() && digits(rest)));
    if !digits(fraction) || !signed || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    format!("{plain}.{fraction}{}", exponent.map_or_else(String::new, |exponent| format!("e{exponent}"))).parse().ok()
}

/// A float as Ruby writes it: with a point, and an exponent below -4 and from 16 on.
fn ruby_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..16).contains(&exponent) {
        let text = format!("{value}");
        return if text.contains('.') { text } else { format!("{text}.0") };
    }
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests;
