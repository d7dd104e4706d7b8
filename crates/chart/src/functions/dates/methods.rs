//! What templates may call on times, durations, months, days of the week and zones.

use std::{cmp::Ordering, rc::Rc};

use jiff::{ZonedDateTime, tz::TimeZone};

use super::{
    Moment, Wall, duration, formatted, later,
    layout::{DAYS, MONTHS},
    moment::UNIX_EPOCH,
    text, zone,
};
use crate::{
    format,
    function::{Fault, Scope},
    value::{
        DURATION, Kind, Method, Shown, Struct, TIME, Type, Value,
        types::{BYTES, INT, STRING},
    },
};

/// `time.Month`
pub static MONTH: Type = Type {
    name: "time.Month",
    kind: Kind::Int,
    elem: None,
    methods: &[Method { name: "String", takes: &[], rest: None, call: |_, month, _| Ok(Value::str(named(month, "time.Month"))) }],
    named: true,
};

/// `time.Weekday`
pub static WEEKDAY: Type = Type {
    name: "time.Weekday",
    kind: Kind::Int,
    elem: None,
    methods: &[Method { name: "String", takes: &[], rest: None, call: |_, day, _| Ok(Value::str(named(day, "time.Weekday"))) }],
    named: true,
};

/// `*time.Location`
pub static LOCATION: Type = Type {
    name: "*time.Location",
    kind: Kind::Pointer,
    elem: None,
    methods: &[Method { name: "String", takes: &[], rest: None, call: |_, place, _| Ok(Value::str(location_name(place))) }],
    named: true,
};

fn named(value: &Value, ty: &str) -> String {
    let Value::Int(number, _) = value else { return String::new() };
    let (names, place) = if ty == "time.Month" { (&MONTHS[..], number - 1) } else { (&DAYS[..], *number) };
    let name = usize::try_from(place).ok().and_then(|place| names.get(place));
    name.map_or_else(|| format!("%!{}({number})", ty.trim_start_matches("time.")), |name| (*name).to_owned())
}

fn location_name(value: &Value) -> String {
    match value {
        Value::Struct(place) => match &place.shown {
            Shown::Text(name) => name.lossy().into_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

type Call = fn(&mut Scope<'_>, &Value, &[Value]) -> Result<Value, Fault>;

const fn method(name: &'static str, takes: &'static [&'static Type], call: Call) -> Method {
    Method { name, takes, rest: None, call }
}

static A_DURATION: &[&Type] = &[&DURATION];
static A_TIME: &[&Type] = &[&TIME];
static A_TEXT: &[&Type] = &[&STRING];
static A_LOCATION: &[&Type] = &[&LOCATION];
static BYTES_AND_TEXT: &[&Type] = &[&BYTES, &STRING];
static THREE_INTS: &[&Type] = &[&INT, &INT, &INT];

/// The methods of `time.Time`. Those that give more than one value, such as `Date`, cannot be called by templates, and those that
/// give bytes for machines are left out.
pub static TIME_METHODS: &[Method] = &[
    method("Add", A_DURATION, |scope, this, args| Ok(later(own(this, scope), int(args, 0)))),
    method("AddDate", THREE_INTS, add_date),
    method("After", A_TIME, |scope, this, args| Ok(Value::Bool(compare(scope, this, args) == Ordering::Greater))),
    method("AppendFormat", BYTES_AND_TEXT, append_format),
    method("Before", A_TIME, |scope, this, args| Ok(Value::Bool(compare(scope, this, args) == Ordering::Less))),
    method("Compare", A_TIME, |scope, this, args| Ok(Value::int(compare(scope, this, args) as i64))),
    method("Day", &[], |scope, this, _| Ok(Value::int(moment(this, scope).day))),
    method("Equal", A_TIME, |scope, this, args| Ok(Value::Bool(compare(scope, this, args) == Ordering::Equal))),
    method("Format", A_TEXT, |scope, this, args| {
        let moment = moment(this, scope);
        formatted(scope, &moment, &text(args, 0))
    }),
    method("GoString", &[], |scope, this, _| Ok(Value::str(format::time_in_go(own(this, scope))))),
    method("Hour", &[], |scope, this, _| Ok(Value::int(moment(this, scope).hour))),
    method("In", A_LOCATION, |scope, this, args| {
        let name = args.first().map(location_name).unwrap_or_default();
        let zone = zone::load(&name, &zone::here(scope.now)).unwrap_or(TimeZone::UTC);
        Ok(moved(own(this, scope), zone))
    }),
    method("IsDST", &[], |scope, this, _| {
        let time = own(this, scope);
        Ok(Value::Bool(time.time_zone().to_offset_info(time.timestamp()).dst().is_dst()))
    }),
    method("IsZero", &[], |scope, this, _| {
        let stamp = own(this, scope).timestamp();
        Ok(Value::Bool(stamp.as_second() == -UNIX_EPOCH && stamp.subsec_nanosecond() == 0))
    }),
    method("Local", &[], |scope, this, _| Ok(moved(own(this, scope), zone::here(scope.now)))),
    method("Location", &[], |scope, this, _| {
        let name = zone::location(own(this, scope).time_zone(), &zone::here(scope.now));
        Ok(Value::Struct(Rc::new(Struct { ty: &LOCATION, fields: Vec::new(), shown: Shown::Text(name.into()) })))
    }),
    method("MarshalJSON", &[], |scope, this, _| {
        let text = super::json(own(this, scope)).map_err(|error| Fault::said(format!("Time.MarshalJSON: {error}")))?;
        Ok(Value::Bytes(format!("\"{text}\"").into()))
    }),
    method("MarshalText", &[], |scope, this, _| {
        let text = super::json(own(this, scope)).map_err(|error| Fault::said(format!("Time.MarshalText: {error}")))?;
        Ok(Value::Bytes(text.into()))
    }),
    method("Minute", &[], |scope, this, _| Ok(Value::int(moment(this, scope).minute))),
    method("Month", &[], |scope, this, _| Ok(Value::Int(moment(this, scope).month, &MONTH))),
    method("Nanosecond", &[], |scope, this, _| Ok(Value::int(moment(this, scope).nanosecond))),
    method("Round", A_DURATION, |scope, this, args| {
        let (time, to) = (own(this, scope), int(args, 0));
        let rest = remainder(time, to);
        let up = to > 0 && rest.unsigned_abs() * 2 >= to.unsigned_abs();
        Ok(later(time, if up { to - rest } else { -rest }))
    }),
    method("Second", &[], |scope, this, _| Ok(Value::int(moment(this, scope).second))),
    method("String", &[], |scope, this, _| Ok(Value::str(format::time(own(this, scope))))),
    method("Sub", A_TIME, sub),
    method("Truncate", A_DURATION, |scope, this, args| {
        let time = own(this, scope);
        Ok(later(time, -remainder(time, int(args, 0))))
    }),
    method("UTC", &[], |scope, this, _| Ok(moved(own(this, scope), TimeZone::UTC))),
    method("Unix", &[], |scope, this, _| Ok(Value::int64(unix_second(own(this, scope))))),
    method("UnixMicro", &[], |scope, this, _| Ok(unix(own(this, scope), 1_000))),
    method("UnixMilli", &[], |scope, this, _| Ok(unix(own(this, scope), 1_000_000))),
    method("UnixNano", &[], |scope, this, _| Ok(unix(own(this, scope), 1))),
    method("Weekday", &[], |scope, this, _| Ok(Value::Int(moment(this, scope).weekday, &WEEKDAY))),
    method("Year", &[], |scope, this, _| Ok(Value::int(moment(this, scope).year))),
    method("YearDay", &[], |scope, this, _| Ok(Value::int(moment(this, scope).day_of_year))),
];

/// Why a template cannot call a method that `time.Time` has: it gives more than one value.
pub(crate) fn uncallable(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"Clock" => "function Clock has 3 return values; should be 1 or 2",
        b"Date" => "function Date has 3 return values; should be 1 or 2",
        b"ISOWeek" => "invalid function signature for ISOWeek: second return value should be error; is int",
        b"Zone" => "invalid function signature for Zone: second return value should be error; is int",
        b"ZoneBounds" => "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
        _ => return None,
    })
}

/// The methods of `time.Duration`.
pub static DURATION_METHODS: &[Method] = &[
    method("Abs", &[], |_, this, _| Ok(Value::Int(nanoseconds(this).saturating_abs(), &DURATION))),
    method("Hours", &[], |_, this, _| Ok(in_units(this, 3_600_000_000_000))),
    method("Microseconds", &[], |_, this, _| Ok(Value::int64(nanoseconds(this) / 1_000))),
    method("Milliseconds", &[], |_, this, _| Ok(Value::int64(nanoseconds(this) / 1_000_000))),
    method("Minutes", &[], |_, this, _| Ok(in_units(this, 60_000_000_000))),
    method("Nanoseconds", &[], |_, this, _| Ok(Value::int64(nanoseconds(this)))),
    method("Round", A_DURATION, |_, this, args| Ok(Value::Int(duration::round(nanoseconds(this), int(args, 0)), &DURATION))),
    method("Seconds", &[], |_, this, _| Ok(in_units(this, 1_000_000_000))),
    method("String", &[], |_, this, _| Ok(Value::str(format::duration(nanoseconds(this))))),
    method("Truncate", A_DURATION, |_, this, args| Ok(Value::Int(duration::truncate(nanoseconds(this), int(args, 0)), &DURATION))),
];

fn own<'v>(this: &'v Value, scope: &'v Scope<'_>) -> &'v ZonedDateTime {
    super::time_of(Some(this), scope)
}

fn moment(this: &Value, scope: &Scope<'_>) -> Moment {
    Moment::of(own(this, scope))
}

fn nanoseconds(this: &Value) -> i64 {
    match this {
        Value::Int(nanoseconds, _) => *nanoseconds,
        _ => 0,
    }
}

fn int(args: &[Value], place: usize) -> i64 {
    args.get(place).map_or(0, nanoseconds)
}

/// So many whole units and the rest as a part of one.
fn in_units(this: &Value, unit: i64) -> Value {
    let nanoseconds = nanoseconds(this);
    Value::Float((nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64)
}

fn moved(time: &ZonedDateTime, zone: TimeZone) -> Value {
    Value::Time(Rc::new(time.with_time_zone(zone)))
}

/// The whole seconds from 1970, downwards before it.
pub(crate) fn unix_second(time: &ZonedDateTime) -> i64 {
    let stamp = time.timestamp();
    stamp.as_second() - i64::from(stamp.subsec_nanosecond() < 0)
}

/// Units of so many nanoseconds from 1970, as far as an `int64` goes.
fn unix(time: &ZonedDateTime, unit: i128) -> Value {
    let units = time.timestamp().as_nanosecond().div_euclid(unit);
    #[allow(clippy::cast_possible_truncation, reason = "Go's overflows too")]
    Value::int64(units as i64)
}

/// What is left of a time, reckoned from year 1, behind a multiple of a duration.
fn remainder(time: &ZonedDateTime, to: i64) -> i64 {
    if to <= 0 {
        return 0;
    }
    let since = time.timestamp().as_nanosecond() + i128::from(UNIX_EPOCH) * 1_000_000_000;
    i64::try_from(since.rem_euclid(to.into())).unwrap_or(0)
}

fn compare(scope: &Scope<'_>, this: &Value, args: &[Value]) -> Ordering {
    own(this, scope).timestamp().cmp(&super::time_of(args.first(), scope).timestamp())
}

fn sub(scope: &mut Scope<'_>, this: &Value, args: &[Value]) -> Result<Value, Fault> {
    let (one, other) = (own(this, scope), super::time_of(args.first(), scope));
    let between = one.timestamp().as_nanosecond() - other.timestamp().as_nanosecond();
    let nearest = if between < 0 { i64::MIN } else { i64::MAX };
    Ok(Value::Int(i64::try_from(between).unwrap_or(nearest), &DURATION))
}

fn add_date(scope: &mut Scope<'_>, this: &Value, args: &[Value]) -> Result<Value, Fault> {
    let now = moment(this, scope);
    let wall = Wall {
        year: now.year.saturating_add(int(args, 0)),
        month: now.month.saturating_add(int(args, 1)),
        day: now.day.saturating_add(int(args, 2)),
        hour: now.hour,
        minute: now.minute,
        second: now.second,
        nanosecond: now.nanosecond,
    };
    Ok(Value::Time(Rc::new(wall.in_zone(own(this, scope).time_zone()))))
}

fn append_format(scope: &mut Scope<'_>, this: &Value, args: &[Value]) -> Result<Value, Fault> {
    let before = match args.first() {
        Some(Value::Bytes(bytes)) => bytes.clone(),
        _ => crate::value::Str::default(),
    };
    scope.budget.make(before.len())?;
    let moment = moment(this, scope);
    match formatted(scope, &moment, &text(args, 1))? {
        Value::Str(text) => Ok(Value::Bytes([before.as_bytes(), text.as_bytes()].concat().into())),
        other => Ok(other),
    }
}
