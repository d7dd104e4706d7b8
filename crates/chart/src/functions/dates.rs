//! Functions of time.

use jiff::ZonedDateTime;

use crate::{function::Function, value::Method};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];

/// The methods of `time.Time`.
pub const TIME_METHODS: &[Method] = &[];

/// The methods of `time.Duration`.
pub const DURATION_METHODS: &[Method] = &[];

/// A time as JSON has it; none for a year that has not four digits.
pub(crate) fn json(time: &ZonedDateTime) -> Option<String> {
    if time.year() < 0 {
        return None;
    }
    let mut text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if time.subsec_nanosecond() != 0 {
        text += format!(".{:09}", time.subsec_nanosecond()).trim_end_matches('0');
    }
    let offset = time.offset().seconds();
    if offset == 0 {
        text.push('Z');
    } else {
        let minutes = offset.abs() / 60;
        text += &format!("{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60);
    }
    Some(text)
}

/// A duration as Go writes it: `1h2m3.5s`.
pub(crate) fn duration_text(nanoseconds: i64) -> String {
    let size = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let fraction = |size: u64, unit: u64, digits: usize| {
        let rest = size % unit;
        let text = format!(".{rest:0digits$}");
        format!("{}{}", size / unit, if rest == 0 { "" } else { text.trim_end_matches('0') })
    };
    match size {
        0 => "0s".to_owned(),
        1..=999 => format!("{sign}{size}ns"),
        1_000..=999_999 => format!("{sign}{}µs", fraction(size, 1_000, 3)),
        1_000_000..=999_999_999 => format!("{sign}{}ms", fraction(size, 1_000_000, 6)),
        _ => {
            let (minutes, rest) = (size / 60_000_000_000, size % 60_000_000_000);
            let seconds = fraction(rest, 1_000_000_000, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}
