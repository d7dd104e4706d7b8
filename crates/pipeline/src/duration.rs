//! GitLab's durations: `90`, `1h 30m`, `2 hours and 5 minutes`, `one week`.

use std::time::Duration;

/// Reads a duration; `None` for anything else, and for more than a year.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut seconds: f64 = 0.0;
    let mut rest = text.trim();
    let mut any = false;
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        rest = after.trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        seconds += number * unit(&rest[..letters])?;
        rest = rest[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
        any = true;
    }
    (any && seconds.is_finite() && seconds <= 366.0 * 86_400.0).then(|| Duration::from_secs_f64(seconds.round()))
}

/// The number that a text begins with, in digits or as a word, and what is behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    if digits > 0 {
        return Some((text[..digits].parse().ok()?, &text[digits..]));
    }
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let number = NUMBERS.iter().position(|word| text[..letters].eq_ignore_ascii_case(word))?;
    Some((f64::from(u8::try_from(number + 1).ok()?), &text[letters..]))
}

/// Numbers that people write as words.
const NUMBERS: [&str; 12] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "wk" | "wks" | "week" | "weeks" => 7.0 * 86_400.0,
        "mo" | "mos" | "month" | "months" => 30.0 * 86_400.0,
        "y" | "yr" | "yrs" | "year" | "years" => 365.25 * 86_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("3600 seconds", 3600),
            ("60 minutes", 3600),
            ("1h", 3600),
            ("3h 30m", 12_600),
            ("3h30m", 12_600),
            ("1 hour and 1 min", 3660),
            ("90", 90),
            ("1.5 hours", 5400),
            ("2 weeks", 1_209_600),
            ("1 day, 2 hrs", 93_600),
            ("0.4s", 0),
            ("one week", 604_800),
            ("two days and One hour", 176_400),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "1x", "-1h", "1:30", "never", "1..2h", "9999 years", "é", "few days", "one eleventy"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
