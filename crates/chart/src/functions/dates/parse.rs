//! Reading a time by a layout, with Go's texts of errors.

use jiff::{ZonedDateTime, tz::TimeZone};

use super::{
    layout::{DAYS, MONTHS, Offset, Part, next},
    moment::{Wall, days_in, days_to, time},
    zone,
};

/// What was read so far.
#[derive(Default)]
struct Read {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    /// Whether it is said to be before or after noon.
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone: Option<String>,
}

/// Why a part was not read.
enum Wrong {
    /// It is not there.
    Bad,
    /// What it tells is out of range.
    Range(&'static str),
}

type Parsed<'v, T> = Result<(T, &'v [u8]), Wrong>;

/// `time.ParseInLocation`.
pub(super) fn parse(layout: &[u8], value: &[u8], local: &TimeZone) -> Result<ZonedDateTime, String> {
    let extra = |message: &str| format!("parsing time {}: {message}", quoted(value));
    let cannot = |rest: &[u8], part: &[u8]| {
        format!("parsing time {} as {}: cannot parse {} as {}", quoted(value), quoted(layout), quoted(rest), quoted(part))
    };
    let mut read = Read::default();
    let (mut left, mut rest) = (layout, value);
    loop {
        let (prefix, part, suffix) = next(left);
        rest = skip(rest, prefix).map_err(|rest| cannot(rest, prefix))?;
        let Some(part) = part else { break };
        let shown = left.get(prefix.len()..left.len() - suffix.len()).unwrap_or(&[]);
        left = suffix;
        rest = match read.part(part, rest, suffix) {
            Ok(rest) => rest,
            Err(Wrong::Bad) => return Err(cannot(rest, shown)),
            Err(Wrong::Range(what)) => return Err(extra(&format!("{what} out of range"))),
        };
    }
    if !rest.is_empty() {
        return Err(extra(&format!("extra text: {}", quoted(rest))));
    }
    read.finish(local).map_err(extra)
}

impl Read {
    /// Reads one part, and says what is left. `layout` is what follows it there.
    fn part<'v>(&mut self, part: Part, value: &'v [u8], layout: &[u8]) -> Result<&'v [u8], Wrong> {
        let rest = match part {
            Part::Year | Part::LongYear => self.year(part, value)?,
            Part::Month | Part::LongMonth => {
                let (month, rest) = name(&MONTHS, value, part == Part::Month)?;
                self.month = Some(month + 1);
                rest
            }
            Part::NumMonth | Part::ZeroMonth => {
                let (month, rest) = two(value, part == Part::ZeroMonth)?;
                self.month = Some(within(month, 1, 12, "month")?);
                rest
            }
            Part::Weekday | Part::LongWeekday => name(&DAYS, value, part == Part::Weekday)?.1,
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                let value = if part == Part::UnderDay { value.strip_prefix(b" ").unwrap_or(value) } else { value };
                let (day, rest) = two(value, part == Part::ZeroDay)?;
                self.day = Some(day);
                rest
            }
            Part::UnderYearDay | Part::ZeroYearDay => self.day_of_year(part, value)?,
            Part::Hour | Part::Hour12 | Part::ZeroHour12 => {
                let (hour, rest) = two(value, part == Part::ZeroHour12)?;
                self.hour = within(hour, 0, if part == Part::Hour { 23 } else { 12 }, "hour")?;
                rest
            }
            Part::Minute | Part::ZeroMinute => {
                let (minute, rest) = two(value, part == Part::ZeroMinute)?;
                self.minute = within(minute, 0, 59, "minute")?;
                rest
            }
            Part::Second | Part::ZeroSecond => self.second(part, value, layout)?,
            Part::UpperHalf | Part::LowerHalf => {
                let (half, rest) = value.split_at_checked(2).ok_or(Wrong::Bad)?;
                self.afternoon = Some(match (part, half) {
                    (Part::UpperHalf, b"PM") | (Part::LowerHalf, b"pm") => true,
                    (Part::UpperHalf, b"AM") | (Part::LowerHalf, b"am") => false,
                    _ => return Err(Wrong::Bad),
                });
                rest
            }
            Part::Offset { z: true, .. } if value.starts_with(b"Z") => {
                self.utc = true;
                value.get(1..).unwrap_or(&[])
            }
            Part::Offset { form, .. } => self.offset(form, value)?,
            Part::Zone => self.zone(value)?,
            Part::Fraction { digits, trim, .. } => self.fraction(digits, trim, value)?,
        };
        Ok(rest)
    }

    fn year<'v>(&mut self, part: Part, value: &'v [u8]) -> Result<&'v [u8], Wrong> {
        let count = if part == Part::Year { 2 } else { 4 };
        let (digits, rest) = value.split_at_checked(count).ok_or(Wrong::Bad)?;
        if count == 4 && !digits.first().is_some_and(u8::is_ascii_digit) {
            return Err(Wrong::Bad);
        }
        let year: i64 = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(Wrong::Bad)?;
        self.year = match (count, year) {
            (4, year) => year,
            (_, 69..) => year + 1900,
            _ => year + 2000,
        };
        Ok(rest)
    }

    fn day_of_year<'v>(&mut self, part: Part, mut value: &'v [u8]) -> Result<&'v [u8], Wrong> {
        if part == Part::UnderYearDay {
            for _ in 0..2 {
                value = value.strip_prefix(b" ").unwrap_or(value);
            }
        }
        let count = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || (part == Part::ZeroYearDay && count < 3) {
            return Err(Wrong::Bad);
        }
        let (digits, rest) = value.split_at(count);
        self.day_of_year = Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')));
        Ok(rest)
    }

    fn second<'v>(&mut self, part: Part, value: &'v [u8], layout: &[u8]) -> Result<&'v [u8], Wrong> {
        let (second, rest) = two(value, part == Part::ZeroSecond)?;
        self.second = within(second, 0, 59, "second")?;
        // a fraction may stand here even where the layout has none
        if matches!(rest, [b'.' | b',', b'0'..=b'9', ..]) && !matches!(next(layout).1, Some(Part::Fraction { .. })) {
            return self.fraction(0, true, rest);
        }
        Ok(rest)
    }

    fn fraction<'v>(&mut self, digits: usize, any: bool, value: &'v [u8]) -> Result<&'v [u8], Wrong> {
        let [b'.' | b',', after @ ..] = value else { return if any { Ok(value) } else { Err(Wrong::Bad) } };
        let count = if any { after.iter().take_while(|byte| byte.is_ascii_digit()).count() } else { digits };
        if any && count == 0 {
            return Ok(value);
        }
        let (shown, rest) = after.split_at_checked(count).ok_or(Wrong::Bad)?;
        let shown = shown.get(..9).unwrap_or(shown);
        // a sign gets through where a number of digits is asked for
        let number: i64 = std::str::from_utf8(shown).ok().and_then(|shown| shown.parse().ok()).ok_or(Wrong::Bad)?;
        if number < 0 {
            return Err(Wrong::Range("fractional second"));
        }
        self.nanosecond = (shown.len()..9).fold(number, |number, _| number * 10);
        Ok(rest)
    }

    fn offset<'v>(&mut self, form: Offset, value: &'v [u8]) -> Result<&'v [u8], Wrong> {
        let length = match form {
            Offset::Hours => 3,
            Offset::Minutes => 5,
            Offset::ColonMinutes => 6,
            Offset::Seconds => 7,
            Offset::ColonSeconds => 9,
        };
        let (shown, rest) = value.split_at_checked(length).ok_or(Wrong::Bad)?;
        let step = if form.has_colon() { 3 } else { 2 };
        let colons = form.has_colon().then(|| (3..length).step_by(3));
        if colons.into_iter().flatten().any(|place| shown.get(place) != Some(&b':')) {
            return Err(Wrong::Bad);
        }
        let mut parts = [0; 3];
        let places = (1..length).step_by(step);
        let mut bad = false;
        for (part, place) in parts.iter_mut().zip(places) {
            match two(shown.get(place..place + 2).unwrap_or(&[]), true) {
                Ok((number, _)) if !bad => *part = number,
                _ => bad = true,
            }
        }
        let [hours, minutes, seconds] = parts;
        // of several that are too large Go tells the last
        within(seconds, 0, 60, "time zone offset second")?;
        within(minutes, 0, 60, "time zone offset minute")?;
        within(hours, 0, 24, "time zone offset hour")?;
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match shown.first() {
            Some(b'+') if !bad => offset,
            Some(b'-') if !bad => -offset,
            _ => return Err(Wrong::Bad),
        });
        Ok(rest)
    }

    fn zone<'v>(&mut self, value: &'v [u8]) -> Result<&'v [u8], Wrong> {
        if let Some(rest) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let (name, rest) = value.split_at_checked(zone_length(value).ok_or(Wrong::Bad)?).ok_or(Wrong::Bad)?;
        self.zone = Some(String::from_utf8_lossy(name).into_owned());
        Ok(rest)
    }

    fn finish(mut self, local: &TimeZone) -> Result<ZonedDateTime, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(day_of_year) = self.day_of_year {
            self.date_from(day_of_year)?;
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let Self { year, hour, minute, second, nanosecond, .. } = self;
        let wall = Wall { year, month, day, hour, minute, second, nanosecond };
        let unix = wall.unix();
        if self.utc {
            return Ok(time(unix, nanosecond, TimeZone::UTC));
        }
        // -1 means none to Go
        if let Some(offset) = self.offset.filter(|offset| *offset != -1) {
            let name = self.zone.unwrap_or_default();
            let here = zone::at(local, unix - offset);
            let zone = if here.0 == offset && (name.is_empty() || name == here.1) { local.clone() } else { zone::fixed(&name, offset) };
            return Ok(time(unix - offset, nanosecond, zone));
        }
        if let Some(name) = self.zone {
            if let Some(offset) = zone::by_abbreviation(local, &name, unix) {
                return Ok(time(unix - offset, nanosecond, local.clone()));
            }
            let hours: i64 = name.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or(0);
            return Ok(time(unix, nanosecond, zone::fixed(&name, hours * 3_600)));
        }
        Ok(wall.in_zone(local))
    }

    /// Month and day out of a day of the year, which must agree with what was read of them.
    fn date_from(&mut self, day_of_year: i64) -> Result<(), &'static str> {
        let first = days_to(self.year, 1, 1);
        if day_of_year < 1 || day_of_year > days_to(self.year + 1, 1, 1) - first {
            return Err("day-of-year out of range");
        }
        let month = (1..=12).rev().find(|month| days_to(self.year, *month, 1) - first < day_of_year).unwrap_or(1);
        let day = day_of_year - (days_to(self.year, month, 1) - first);
        if self.month.is_some_and(|read| read != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|read| read != day) {
            return Err("day-of-year does not match day");
        }
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }
}

fn within(number: i64, least: i64, most: i64, what: &'static str) -> Result<i64, Wrong> {
    if (least..=most).contains(&number) { Ok(number) } else { Err(Wrong::Range(what)) }
}

/// One or two digits; two where they are asked for.
fn two(value: &[u8], exactly: bool) -> Parsed<'_, i64> {
    match value {
        [one @ b'0'..=b'9', two @ b'0'..=b'9', rest @ ..] => Ok((i64::from(one - b'0') * 10 + i64::from(two - b'0'), rest)),
        [one @ b'0'..=b'9', rest @ ..] if !exactly => Ok((i64::from(one - b'0'), rest)),
        _ => Err(Wrong::Bad),
    }
}

/// A name in any case, or its first three letters.
fn name<'v>(names: &[&str], value: &'v [u8], short: bool) -> Parsed<'v, i64> {
    for (name, place) in names.iter().zip(0..) {
        let name = if short { name.get(..3).unwrap_or(name) } else { name };
        if let Some((shown, rest)) = value.split_at_checked(name.len())
            && shown.eq_ignore_ascii_case(name.as_bytes())
        {
            return Ok((place, rest));
        }
    }
    Err(Wrong::Bad)
}

/// Goes past what the layout has as it is; any number of spaces is as good as any other.
fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let [first, rest @ ..] = prefix {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            let spaces = |text: &[u8]| text.iter().take_while(|byte| **byte == b' ').count();
            prefix = prefix.get(spaces(prefix)..).unwrap_or(&[]);
            value = value.get(spaces(value)..).unwrap_or(&[]);
            continue;
        }
        match value {
            [byte, after @ ..] if byte == first => value = after,
            _ => return Err(value),
        }
        prefix = rest;
    }
    Ok(value)
}

/// How long the abbreviation of a zone is that stands here.
fn zone_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_length(rest));
    }
    if matches!(value.first(), Some(b'+' | b'-')) {
        return Some(signed_length(value)).filter(|length| *length > 0);
    }
    let upper = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match upper {
        3 => Some(3),
        4 if value.get(3) == Some(&b'T') || value.starts_with(b"WITA") => Some(4),
        5 if value.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// How long a sign and hours up to 23 are that stand here; nothing is 0.
fn signed_length(value: &[u8]) -> usize {
    let [b'+' | b'-', digits @ ..] = value else { return 0 };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = digits.get(..count).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse::<u64>().ok());
    if hours.is_some_and(|hours| hours <= 23) { count + 1 } else { 0 }
}

/// A text as package `time` quotes it: bytes that are no printable ASCII by their numbers.
pub(super) fn quoted(text: &[u8]) -> String {
    let mut out = String::from('"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..0x80 => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}
