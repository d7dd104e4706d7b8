//! Functions of time: Sprig's, and the methods of Go's times and durations. The time of now and the zone of this place are handed in.

mod duration;
mod layout;
mod methods;
mod moment;
mod parse;
#[cfg(test)]
mod tests;
mod zone;

use std::rc::Rc;

use jiff::{ZonedDateTime, tz::TimeZone};

pub use self::methods::{DURATION_METHODS, LOCATION, MONTH, TIME_METHODS, WEEKDAY};
pub(crate) use self::methods::{uncallable, unix_second};
pub(crate) use self::zone::in_go;
use self::{
    layout::format,
    moment::{Moment, Wall, time},
};
use crate::{
    format::duration as duration_text,
    function::{Fault, Function, Scope},
    value::{
        Str, TIME, Value,
        types::{ANY, INT, INT32, INT64, STRING},
    },
};

/// The functions of this file.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "now", takes: &[], rest: None, call: |scope, _| Ok(now(scope)) },
    Function { name: "ago", takes: &[&ANY], rest: None, call: ago },
    Function { name: "date", takes: &[&STRING, &ANY], rest: None, call: |scope, args| shown(scope, &text(args, 0), args.get(1), b"Local") },
    Function { name: "dateInZone", takes: &[&STRING, &ANY, &STRING], rest: None, call: date_in_zone },
    Function { name: "date_in_zone", takes: &[&STRING, &ANY, &STRING], rest: None, call: date_in_zone },
    Function { name: "htmlDate", takes: &[&ANY], rest: None, call: |scope, args| shown(scope, HTML, args.first(), b"Local") },
    Function {
        name: "htmlDateInZone",
        takes: &[&ANY, &STRING],
        rest: None,
        call: |scope, args| shown(scope, HTML, args.first(), &text(args, 1)),
    },
    Function { name: "dateModify", takes: &[&STRING, &TIME], rest: None, call: date_modify },
    Function { name: "date_modify", takes: &[&STRING, &TIME], rest: None, call: date_modify },
    Function { name: "mustDateModify", takes: &[&STRING, &TIME], rest: None, call: must_date_modify },
    Function { name: "must_date_modify", takes: &[&STRING, &TIME], rest: None, call: must_date_modify },
    Function { name: "duration", takes: &[&ANY], rest: None, call: duration },
    Function { name: "durationRound", takes: &[&ANY], rest: None, call: duration_round },
    Function { name: "toDate", takes: &[&STRING, &STRING], rest: None, call: to_date },
    Function { name: "mustToDate", takes: &[&STRING, &STRING], rest: None, call: must_to_date },
    Function { name: "unixEpoch", takes: &[&TIME], rest: None, call: unix_epoch },
];

/// The layout of HTML's date fields.
const HTML: &[u8] = b"2006-01-02";
/// A fraction of a second may be that long in a layout: what is longer has only so many digits and then zeros in Go too.
const RFC_3339: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

/// Reads a length of time as Go's `time.ParseDuration` does (`1h30m`, `500ms`): nanoseconds, or Go's text of what is wrong.
pub fn parse_duration(text: &[u8]) -> Result<i64, String> {
    duration::parse(text)
}

/// A time of a document, as Go's JSON reads it and writes it again.
pub(crate) fn rfc_3339_again(text: &[u8]) -> Result<String, String> {
    let time = parse::parse(b"2006-01-02T15:04:05Z07:00", text, &TimeZone::UTC)?;
    Ok(json(&time).unwrap_or_default())
}

/// A time of a record, RFC 3339, by a layout of Go's. Where the clocks of this place agree with it, it has the name of their zone.
/// `None` for what is no time.
pub fn recorded(text: &str, layout: &str, now: &ZonedDateTime) -> Option<String> {
    let time = parse::parse(b"2006-01-02T15:04:05Z07:00", text.as_bytes(), &zone::here(now)).ok()?;
    Some(String::from_utf8_lossy(&format(&Moment::of(&time), layout.as_bytes())).into_owned())
}

/// A time of a record as a value, in the zone that it would be shown in. What is no time is Go's zero, the beginning of year 1.
pub(crate) fn of_record(text: &str, now: &ZonedDateTime) -> Value {
    const LAYOUT: &[u8] = b"2006-01-02T15:04:05Z07:00";
    let read = |text: &[u8]| parse::parse(LAYOUT, text, &zone::here(now));
    let time = read(text.as_bytes()).or_else(|_| read(b"0001-01-01T00:00:00Z"));
    Value::Time(Rc::new(time.unwrap_or_else(|_| now.clone())))
}

fn now(scope: &Scope<'_>) -> Value {
    Value::Time(Rc::new(scope.now.with_time_zone(zone::here(scope.now))))
}

fn text(args: &[Value], place: usize) -> Str {
    match args.get(place) {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::default(),
    }
}

/// The time that an argument is. The engine has seen to it that it is one.
fn time_of<'v>(value: Option<&'v Value>, scope: &'v Scope<'_>) -> &'v ZonedDateTime {
    match value {
        Some(Value::Time(time)) => time,
        _ => scope.now,
    }
}

/// A whole number of one of these types, which mean seconds from 1970.
fn seconds(value: Option<&Value>, with_int32: bool) -> Option<i64> {
    match value {
        Some(Value::Int(seconds, ty)) if *ty == &INT64 || *ty == &INT || (with_int32 && *ty == &INT32) => Some(*seconds),
        _ => None,
    }
}

/// A time, or seconds from 1970, or for anything else the time of now, by a layout in a zone of that name, or else in UTC.
fn shown(scope: &mut Scope<'_>, layout: &[u8], value: Option<&Value>, zone: &[u8]) -> Result<Value, Fault> {
    scope.budget.scan(layout.len())?;
    let zone = std::str::from_utf8(zone).ok().and_then(|name| zone::load(name, scope.now.time_zone())).unwrap_or(TimeZone::UTC);
    let moment = match seconds(value, true) {
        Some(unix) => Moment::at(unix, 0, &zone),
        None => {
            let time = time_of(value, scope);
            Moment::at(time.timestamp().as_second(), time.timestamp().subsec_nanosecond().into(), &zone)
        }
    };
    formatted(scope, &moment, layout)
}

/// A moment by a layout; a part of a layout can become three times as long as it is.
fn formatted(scope: &mut Scope<'_>, moment: &Moment, layout: &[u8]) -> Result<Value, Fault> {
    scope.budget.scan(layout.len().saturating_mul(8))?;
    scope.budget.make(layout.len().saturating_mul(9))?;
    Ok(Value::str(format(moment, layout)))
}

fn date_in_zone(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    shown(scope, &text(args, 0), args.get(1), &text(args, 2))
}

/// A time so many nanoseconds later.
fn later(at: &ZonedDateTime, nanoseconds: i64) -> Value {
    let stamp = at.timestamp();
    let whole = i64::from(stamp.subsec_nanosecond()) + nanoseconds % 1_000_000_000;
    let second = stamp.as_second() + nanoseconds / 1_000_000_000 + whole.div_euclid(1_000_000_000);
    Value::Time(Rc::new(time(second, whole.rem_euclid(1_000_000_000), at.time_zone().clone())))
}

fn date_modify(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    let nanoseconds = duration::parse(&text(args, 0)).unwrap_or(0);
    Ok(later(time_of(args.get(1), scope), nanoseconds))
}

fn must_date_modify(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    let nanoseconds = duration::parse(&text(args, 0)).map_err(Fault::said)?;
    Ok(later(time_of(args.get(1), scope), nanoseconds))
}

/// How long ago a time is, in nanoseconds; at most as many as Go holds.
fn since(scope: &Scope<'_>, time: &ZonedDateTime) -> i64 {
    let nanoseconds = scope.now.timestamp().as_nanosecond() - time.timestamp().as_nanosecond();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

fn ago(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    let since = match seconds(args.first(), false) {
        Some(unix) => since(scope, &time(unix, 0, TimeZone::UTC)),
        None => since(scope, time_of(args.first(), scope)),
    };
    Ok(Value::str(duration_text(duration::round(since, 1_000_000_000))))
}

/// Seconds, as `int64` or as text; nothing else is any.
fn duration(_: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    let seconds = match args.first() {
        Some(Value::Str(text)) => clamped(text),
        Some(Value::Int(seconds, ty)) if *ty == &INT64 => *seconds,
        _ => 0,
    };
    Ok(Value::str(duration_text(seconds.wrapping_mul(1_000_000_000))))
}

/// `strconv.ParseInt` without its error: what is too large is the largest, what is no number is 0.
fn clamped(text: &[u8]) -> i64 {
    let number = std::str::from_utf8(text).ok().map(str::parse::<i64>);
    match number {
        Some(Ok(number)) => number,
        Some(Err(error)) if *error.kind() == std::num::IntErrorKind::PosOverflow => i64::MAX,
        Some(Err(error)) if *error.kind() == std::num::IntErrorKind::NegOverflow => i64::MIN,
        _ => 0,
    }
}

/// The largest unit that fits more than once, and how often it does.
fn duration_round(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    let nanoseconds = match args.first() {
        Some(Value::Str(text)) => duration::parse(text).unwrap_or(0),
        Some(Value::Int(nanoseconds, ty)) if *ty == &INT64 => *nanoseconds,
        Some(Value::Time(time)) => since(scope, time),
        _ => 0,
    };
    const UNITS: [(u64, &str); 6] = [(365 * 86_400, "y"), (30 * 86_400, "mo"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let size = nanoseconds.unsigned_abs();
    let fitting = UNITS.iter().map(|(seconds, name)| (seconds * 1_000_000_000, name)).find(|(unit, _)| size > *unit);
    Ok(Value::str(fitting.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit))))
}

fn read(scope: &mut Scope<'_>, args: &[Value]) -> Result<Result<ZonedDateTime, String>, Fault> {
    let (layout, value) = (text(args, 0), text(args, 1));
    scope.budget.scan((layout.len() + value.len()).saturating_mul(8))?;
    scope.budget.make((layout.len() + value.len()).saturating_mul(8))?;
    Ok(parse::parse(&layout, &value, &zone::here(scope.now)))
}

/// What Go calls no time: the first of January of year 1.
fn zero() -> ZonedDateTime {
    time(-moment::UNIX_EPOCH, 0, TimeZone::UTC)
}

fn to_date(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Time(Rc::new(read(scope, args)?.unwrap_or_else(|_| zero()))))
}

fn must_to_date(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Time(Rc::new(read(scope, args)?.map_err(Fault::said)?)))
}

fn unix_epoch(scope: &mut Scope<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(Value::str(unix_second(time_of(args.first(), scope)).to_string()))
}

/// A time as JSON has it, or why it has none.
pub(crate) fn json(time: &ZonedDateTime) -> Result<String, &'static str> {
    let moment = Moment::of(time);
    if !(0..=9_999).contains(&moment.year) {
        return Err("year outside of range [0,9999]");
    }
    if moment.offset.abs() >= 86_400 {
        return Err("timezone hour outside of range [0,23]");
    }
    Ok(String::from_utf8_lossy(&format(&moment, RFC_3339)).into_owned())
}

/// A time by a layout.
pub(crate) fn formatted_as(time: &ZonedDateTime, layout: &[u8]) -> String {
    String::from_utf8_lossy(&format(&Moment::of(time), layout)).into_owned()
}

/// A time as `time.RFC3339Nano` shows it.
pub(crate) fn rfc_3339(time: &ZonedDateTime) -> String {
    formatted_as(time, RFC_3339)
}

/// A time as TOML has it: one that was read from TOML without a zone is written without one again.
pub(crate) fn toml(time: &ZonedDateTime) -> String {
    let moment = Moment::of(time);
    let layout: &[u8] = match moment.zone.as_str() {
        zone::LOCAL_DATE_TIME => b"2006-01-02T15:04:05.999999999",
        zone::LOCAL_DATE => HTML,
        zone::LOCAL_TIME => b"15:04:05.999999999",
        _ => RFC_3339,
    };
    String::from_utf8_lossy(&format(&moment, layout)).into_owned()
}

/// A time of TOML. One without a zone has that of now, under a name that tells what it is.
pub(crate) fn from_toml(text: &str, now: &ZonedDateTime) -> Option<ZonedDateTime> {
    let (offset, _) = zone::at(now.time_zone(), now.timestamp().as_second());
    let forms: [(&[u8], Option<&str>); 4] = [
        (RFC_3339, None),
        (b"2006-01-02T15:04:05.999999999", Some(zone::LOCAL_DATE_TIME)),
        (HTML, Some(zone::LOCAL_DATE)),
        (b"15:04:05.999999999", Some(zone::LOCAL_TIME)),
    ];
    let read = forms.iter().find_map(|(layout, name)| {
        let zone = name.map_or_else(|| zone::here(now), |name| zone::fixed(name, offset));
        parse::parse(layout, text.as_bytes(), &zone).ok().map(|time| (layout, time))
    });
    let (layout, time) = read?;
    // Go takes numbers without their leading zeros, TOML does not
    let marks = layout.iter().take_while(|byte| !matches!(byte, b'.' | b'Z'));
    let in_place = marks.zip(text.bytes()).all(|(mark, byte)| mark.is_ascii_digit() || *mark == byte);
    in_place.then_some(time)
}
