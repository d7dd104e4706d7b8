//! Layouts: how a text shows a time, told by how it would show the second of January 2006, 15:04:05, seven hours behind UTC.

use super::moment::Moment;

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    Zone,
    /// An offset; `z`: whether none is shown as `Z`.
    Offset {
        z: bool,
        form: Offset,
    },
    /// A fraction of so many digits behind this mark; `trim`: whether zeros at its end are left out.
    Fraction {
        digits: usize,
        mark: u8,
        trim: bool,
    },
}

/// How an offset is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offset {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

impl Offset {
    pub(super) fn has_colon(self) -> bool {
        matches!(self, Self::ColonMinutes | Self::ColonSeconds)
    }
}

pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// What stands in a layout before its first part, that part, and what follows.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Part>, &[u8]) {
    for at in 0..layout.len() {
        let (before, rest) = layout.split_at(at);
        if let Some((part, length)) = part_at(rest) {
            // `_2006` is an underscore and a year
            let extra = usize::from(part == Part::LongYear && rest.starts_with(b"_"));
            let (prefix, suffix) = (layout.get(..before.len() + extra).unwrap_or(before), rest.get(length..).unwrap_or(&[]));
            return (prefix, Some(part), suffix);
        }
    }
    (layout, None, &[])
}

const NAMED: &[(&[u8], Part)] = &[
    (b"January", Part::LongMonth),
    (b"Monday", Part::LongWeekday),
    (b"MST", Part::Zone),
    (b"01", Part::ZeroMonth),
    (b"02", Part::ZeroDay),
    (b"03", Part::ZeroHour12),
    (b"04", Part::ZeroMinute),
    (b"05", Part::ZeroSecond),
    (b"06", Part::Year),
    (b"002", Part::ZeroYearDay),
    (b"15", Part::Hour),
    (b"1", Part::NumMonth),
    (b"2006", Part::LongYear),
    (b"2", Part::Day),
    (b"_2006", Part::LongYear),
    (b"_2", Part::UnderDay),
    (b"__2", Part::UnderYearDay),
    (b"3", Part::Hour12),
    (b"4", Part::Minute),
    (b"5", Part::Second),
    (b"PM", Part::UpperHalf),
    (b"pm", Part::LowerHalf),
];

const OFFSETS: &[(&[u8], Offset)] = &[
    (b"070000", Offset::Seconds),
    (b"07:00:00", Offset::ColonSeconds),
    (b"0700", Offset::Minutes),
    (b"07:00", Offset::ColonMinutes),
    (b"07", Offset::Hours),
];

/// The part that begins here, and how long it is.
fn part_at(text: &[u8]) -> Option<(Part, usize)> {
    match text {
        [sign @ (b'-' | b'Z'), rest @ ..] => {
            let (text, form) = OFFSETS.iter().find(|(text, _)| rest.starts_with(text))?;
            Some((Part::Offset { z: *sign == b'Z', form: *form }, text.len() + 1))
        }
        [mark @ (b'.' | b','), digit @ (b'0' | b'9'), rest @ ..] => {
            let digits = 1 + rest.iter().take_while(|byte| *byte == digit).count();
            // only digits of that kind make a fraction
            let ends = !rest.get(digits - 1).is_some_and(u8::is_ascii_digit);
            ends.then_some((Part::Fraction { digits, mark: *mark, trim: *digit == b'9' }, digits + 1))
        }
        _ => {
            if let Some((text, part)) = NAMED.iter().find(|(name, _)| text.starts_with(name)) {
                return Some((*part, text.len()));
            }
            let short = text.get(..3).filter(|_| !text.get(3).is_some_and(u8::is_ascii_lowercase));
            match short {
                Some(b"Jan") => Some((Part::Month, 3)),
                Some(b"Mon") => Some((Part::Weekday, 3)),
                _ => None,
            }
        }
    }
}

/// `time.Time.Format`.
pub(super) fn format(moment: &Moment, mut layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 16);
    loop {
        let (prefix, part, suffix) = next(layout);
        out.extend_from_slice(prefix);
        let Some(part) = part else { return out };
        write(&mut out, moment, part);
        layout = suffix;
    }
}

fn pad(out: &mut Vec<u8>, number: i64, width: usize) {
    let sign = if number < 0 { "-" } else { "" };
    out.extend_from_slice(format!("{sign}{:0width$}", number.unsigned_abs()).as_bytes());
}

fn name(out: &mut Vec<u8>, names: &[&str], place: i64, length: usize) {
    let name = usize::try_from(place).ok().and_then(|place| names.get(place)).copied().unwrap_or_default();
    out.extend_from_slice(name.get(..length).unwrap_or(name).as_bytes());
}

fn write(out: &mut Vec<u8>, moment: &Moment, part: Part) {
    let hour12 = (moment.hour + 11) % 12 + 1;
    match part {
        Part::LongMonth => name(out, &MONTHS, moment.month - 1, usize::MAX),
        Part::Month => name(out, &MONTHS, moment.month - 1, 3),
        Part::NumMonth => pad(out, moment.month, 0),
        Part::ZeroMonth => pad(out, moment.month, 2),
        Part::LongWeekday => name(out, &DAYS, moment.weekday, usize::MAX),
        Part::Weekday => name(out, &DAYS, moment.weekday, 3),
        Part::Day => pad(out, moment.day, 0),
        Part::UnderDay => out.extend_from_slice(format!("{:2}", moment.day).as_bytes()),
        Part::ZeroDay => pad(out, moment.day, 2),
        Part::UnderYearDay => out.extend_from_slice(format!("{:3}", moment.day_of_year).as_bytes()),
        Part::ZeroYearDay => pad(out, moment.day_of_year, 3),
        Part::Hour => pad(out, moment.hour, 2),
        Part::Hour12 => pad(out, hour12, 0),
        Part::ZeroHour12 => pad(out, hour12, 2),
        Part::Minute => pad(out, moment.minute, 0),
        Part::ZeroMinute => pad(out, moment.minute, 2),
        Part::Second => pad(out, moment.second, 0),
        Part::ZeroSecond => pad(out, moment.second, 2),
        Part::LongYear => pad(out, moment.year, 4),
        Part::Year => pad(out, moment.year.abs() % 100, 2),
        Part::UpperHalf => out.extend_from_slice(if moment.hour >= 12 { b"PM" } else { b"AM" }),
        Part::LowerHalf => out.extend_from_slice(if moment.hour >= 12 { b"pm" } else { b"am" }),
        Part::Zone if moment.zone.is_empty() => write_offset(out, moment.offset, Offset::Minutes),
        Part::Zone => out.extend_from_slice(moment.zone.as_bytes()),
        Part::Offset { z: true, .. } if moment.offset == 0 => out.push(b'Z'),
        Part::Offset { form, .. } => write_offset(out, moment.offset, form),
        Part::Fraction { digits, mark, trim } => write_fraction(out, moment.nanosecond, digits, mark, trim),
    }
}

fn write_offset(out: &mut Vec<u8>, offset: i64, form: Offset) {
    // the sign is that of the minutes
    let minutes = offset / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    pad(out, minutes.abs() / 60, 2);
    let colon = |out: &mut Vec<u8>| out.extend(form.has_colon().then_some(b':'));
    if form != Offset::Hours {
        colon(out);
        pad(out, minutes.abs() % 60, 2);
    }
    if matches!(form, Offset::Seconds | Offset::ColonSeconds) {
        colon(out);
        pad(out, if minutes < 0 { -offset } else { offset } % 60, 2);
    }
}

fn write_fraction(out: &mut Vec<u8>, nanosecond: i64, digits: usize, mark: u8, trim: bool) {
    let text = format!("{nanosecond:09}");
    let mut text = text.get(..digits.min(9)).unwrap_or(&text);
    if trim {
        text = text.trim_end_matches('0');
        if text.is_empty() {
            return;
        }
    }
    out.push(mark);
    out.extend_from_slice(text.as_bytes());
}
