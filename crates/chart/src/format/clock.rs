//! How Go shows times and durations: `String()` and `GoString()` of `time.Time` and `time.Duration`, names of months and days.

use std::rc::Rc;

use jiff::{ZonedDateTime, tz::TimeZone};

use crate::value::{Field, Kind, List, Shown, Struct, Type, Value, types};

static LOCATION: Type = Type::plain("*time.Location", Kind::Pointer);
static ZONE: Type = Type::plain("*time.zone", Kind::Pointer);
/// Seconds from the year 1, where Go begins to count, to 1970.
const SINCE_YEAR_1: i64 = 62_135_596_800;

/// What `time.Time` holds in Go: a verb that its `String` is not for is carried to each. The location of UTC is a nil pointer;
/// any other lies somewhere in Go's memory, and has more in it than its name unless it is that of a place on UTC.
pub(super) fn insides(time: &ZonedDateTime) -> Struct {
    let (nanoseconds, seconds) = (time.subsec_nanosecond().unsigned_abs(), crate::functions::dates::unix_second(time));
    let location =
        if *time.time_zone() == TimeZone::UTC { Value::List(List::nil(&LOCATION)) } else { Value::Struct(Rc::new(location(time))) };
    let values = vec![Value::Uint(nanoseconds.into(), &types::UINT64), Value::int64(seconds.saturating_add(SINCE_YEAR_1)), location];
    made(&crate::value::TIME, &["wall", "ext", "loc"], values)
}

fn location(time: &ZonedDateTime) -> Struct {
    let none = || Value::List(List::nil(&types::LIST));
    let name = time.time_zone().iana_name().map_or("UTC", |name| name.strip_prefix("Etc/").unwrap_or(name));
    let nowhere = Value::List(List::nil(&ZONE));
    let values = vec![Value::str(name), none(), none(), Value::str(""), Value::int64(0), Value::int64(0), nowhere];
    made(&LOCATION, &["name", "zone", "tx", "extend", "cacheStart", "cacheEnd", "cacheZone"], values)
}

fn made(ty: &'static Type, names: &[&'static str], values: Vec<Value>) -> Struct {
    let field = |(name, value)| Field { name, key: None, omit_empty: false, embedded: false, value };
    Struct { ty, fields: names.iter().copied().zip(values).map(field).collect(), shown: Shown::Fields }
}

/// `time.Month.String()`, from 1.
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
/// `time.Weekday.String()`, from 0.
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `String()` of a number whose type has one; nothing for any other.
pub fn named(number: i64, ty: &str) -> Option<String> {
    let name = |names: &[&str], place: i64, ty: &str| {
        let found = usize::try_from(place).ok().and_then(|place| names.get(place));
        found.map_or_else(|| format!("%!{ty}({number})"), |name| (*name).to_owned())
    };
    match ty {
        "time.Duration" => Some(duration(number)),
        "time.Month" => Some(name(&MONTHS, number.checked_sub(1).unwrap_or(-1), "Month")),
        "time.Weekday" => Some(name(&DAYS, number, "Weekday")),
        _ => None,
    }
}

/// `time.Duration.String()` of so many nanoseconds: `1h15m30.918s`.
pub fn duration(nanoseconds: i64) -> String {
    let whole = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    match whole {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{whole}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", parted(whole, 1_000, 3)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", parted(whole, 1_000_000, 6)),
        _ => {
            let (seconds, hours) = (whole % 60_000_000_000, whole / 3_600_000_000_000);
            let minutes = whole / 60_000_000_000 % 60;
            let seconds = parted(seconds, 1_000_000_000, 9);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, _) => format!("{sign}{minutes}m{seconds}s"),
                _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// A number of small units in large ones, without zeros behind.
fn parted(number: u64, unit: u64, digits: usize) -> String {
    let fraction = format!("{:0digits$}", number % unit);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{}", number / unit) } else { format!("{}.{fraction}", number / unit) }
}

/// `time.Time.String()`, without the reading of a monotonic clock: `2006-01-02 15:04:05.999999999 -0700 MST`.
pub fn time(time: &ZonedDateTime) -> String {
    crate::functions::dates::formatted_as(time, b"2006-01-02 15:04:05.999999999 -0700 MST")
}

/// `time.Time.GoString()`: `time.Date(2009, time.November, 10, 23, 0, 0, 0, time.UTC)`.
pub fn time_in_go(time: &ZonedDateTime) -> String {
    let month = usize::try_from(time.month() - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
    let zone = crate::functions::dates::in_go(time);
    let (date, clock) = (time.date(), time.time());
    format!(
        "time.Date({}, time.{month}, {}, {}, {}, {}, {}, {zone})",
        date.year(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        clock.subsec_nanosecond()
    )
}
