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
