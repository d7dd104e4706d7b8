//! Durations as Argo Rollouts writes them: Go's form (`1h30m`, `500ms`), or a plain number of seconds.

use std::time::Duration;

use serde_json::Value;

/// No step or deadline is longer: 365 days.
pub const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no duration: `90s`, `15m`, `1h30m`, `500ms` or a whole number of seconds, at most 365 days, is expected")]
pub struct InvalidDuration(pub String);

/// Reads a duration from text or a number.
pub fn parse(value: &Value) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(value.to_string().chars().take(80).collect());
    let duration = match value {
        Value::Number(number) => number.as_u64().map(Duration::from_secs),
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok().map(Duration::from_secs),
        Value::String(text) => go_form(text),
        _ => None,
    };
    duration.filter(|duration| *duration <= MAX_DURATION).ok_or_else(invalid)
}

fn go_form(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u128 = if digits == 0 || digits > 12 { return None } else { rest[..digits].parse().ok()? };
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit: u128 = match &rest[..end] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None, // fractions too: nobody writes them in a manifest
        };
        rest = &rest[end..];
        nanos += number * unit;
    }
    if text.is_empty() { None } else { u64::try_from(nanos).ok().map(Duration::from_nanos) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_forms_that_people_write_are_read() {
        for (given, millis) in [
            (json!("15m"), 900_000),
            (json!("1h30m"), 5_400_000),
            (json!("500ms"), 500),
            (json!("10s"), 10_000),
            (json!(10), 10_000),
            (json!("10"), 10_000),
            (json!("0"), 0),
            (json!("1m0s"), 60_000),
        ] {
            assert_eq!(parse(&given), Ok(Duration::from_millis(millis)), "{given}");
        }
    }

    #[test]
    fn others_are_refused() {
        for bad in [
            json!(""),
            json!("m"),
            json!("1d"),
            json!("-1s"),
            json!(-1),
            json!(1.5),
            json!("1.5h"),
            json!("9999999h"),
            json!(null),
            json!("1 m"),
            json!("99999999999999999999s"),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}
