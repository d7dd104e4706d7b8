//! What Go's `time` and Sprig answer, asked of Go in UTC.

use super::{zone::abbreviation, *};
use crate::{
    answers::{call, check, method},
    value::DURATION,
};

fn text_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Str(text) => text.as_bytes().to_vec(),
        Value::Float(number) => crate::format::float(*number, 'g', None).into_bytes(),
        Value::Int(number, _) => number.to_string().into_bytes(),
        other => panic!("{other:?}"),
    }
}

/// A function's answer as text, or the text of its error.
fn told(name: &str, arguments: &[Value]) -> Vec<u8> {
    match call(name, arguments) {
        Ok(value) => text_of(&value),
        Err(error) => format!("ERR {error}").into_bytes(),
    }
}

fn joined(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    parts.into_iter().collect::<Vec<_>>().join(&b' ')
}

fn ask(operation: &str, input: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = input.split(|byte| *byte == 0).collect();
    let text = |place: usize| Value::str(parts[place]);
    let number = |place: usize| std::str::from_utf8(parts[place]).unwrap().parse::<i64>().unwrap();
    match operation {
        "tfmt" => told("dateInZone", &[text(0), Value::int64(number(1)), text(2)]),
        "tparse" => match call("mustToDate", &[text(0), text(1)]) {
            Ok(Value::Time(time)) => joined([rfc_3339(&time).into(), abbreviation(&time).into(), crate::format::time(&time).into()]),
            Ok(other) => panic!("{other:?}"),
            Err(error) => format!("ERR {error}").into_bytes(),
        },
        "dur" => match duration::parse(parts[0]) {
            Ok(nanoseconds) => {
                let it = Value::Int(nanoseconds, &DURATION);
                let of = |name: &str| text_of(&method(&it, name, &[]).unwrap());
                let rounded = told("durationRound", &[text(0)]);
                joined([of("Nanoseconds"), of("String"), rounded, of("Hours"), of("Minutes"), of("Seconds")])
            }
            Err(error) => format!("ERR {error}").into_bytes(),
        },
        "dround" => {
            let (it, to) = (Value::Int(number(0), &DURATION), [Value::Int(number(1), &DURATION)]);
            let of = |name: &str| text_of(&method(&it, name, &to).unwrap());
            let plain = [Value::int64(number(0))];
            joined([of("Round"), of("Truncate"), told("durationRound", &plain), told("duration", &plain)])
        }
        other => panic!("{other}"),
    }
}

#[test]
fn times_and_durations_are_read_and_shown_as_in_go() {
    check(include_str!("dates.tsv"), ask);
}

#[test]
fn the_time_of_now_is_the_one_handed_in() {
    assert_eq!(told("date", &[Value::str("2006-01-02 15:04:05.000 MST"), call("now", &[]).unwrap()]), b"2024-05-06 07:08:09.123 UTC");
    assert_eq!(told("htmlDate", &[Value::str("no time")]), b"2024-05-06");
    assert_eq!(told("ago", &[Value::int(0)]), b"476383h8m9s");
    assert_eq!(told("unixEpoch", &[call("now", &[]).unwrap()]), b"1714979289");
    let before = call("toDate", &[Value::str("2006-01-02T15:04:05Z07:00"), Value::str("1969-12-31T23:59:59.123Z")]).unwrap();
    assert_eq!(told("unixEpoch", &[before]), b"-1");
}

#[test]
fn what_is_no_date_is_the_first_of_year_one_or_an_error() {
    let arguments = [Value::str("2006-01-02"), Value::str("soon")];
    let Ok(zero) = call("toDate", &arguments) else { panic!() };
    assert!(matches!(method(&zero, "IsZero", &[]), Ok(Value::Bool(true))));
    let error = told("mustToDate", &arguments);
    assert_eq!(error, br#"ERR parsing time "soon" as "2006-01-02": cannot parse "soon" as "2006""#);
    assert_eq!(told("mustDateModify", &[Value::str("1x"), zero]), br#"ERR time: unknown unit "x" in duration "1x""#);
}

#[test]
fn times_are_reckoned_with_as_in_go() {
    let time = |text: &str| call("toDate", &[Value::str("2006-01-02T15:04:05Z07:00"), Value::str(text)]).unwrap();
    let shown = |value: Result<Value, Fault>| String::from_utf8(text_of(&method(&value.unwrap(), "String", &[]).unwrap())).unwrap();
    let day = time("2024-01-31T12:34:56Z");
    let long = |nanoseconds| Value::Int(nanoseconds, &DURATION);
    assert_eq!(shown(method(&day, "AddDate", &[Value::int(0), Value::int(1), Value::int(0)])), "2024-03-02 12:34:56 +0000 UTC");
    assert_eq!(shown(method(&day, "Round", &[long(3_600_000_000_000)])), "2024-01-31 13:00:00 +0000 UTC");
    assert_eq!(shown(method(&day, "Truncate", &[long(86_400_000_000_000)])), "2024-01-31 00:00:00 +0000 UTC");
    assert_eq!(shown(method(&day, "Sub", &[time("2024-01-31T12:34:55.5Z")])), "500ms");
    assert_eq!(shown(method(&day, "Month", &[])), "January");
    assert_eq!(shown(method(&day, "Weekday", &[])), "Wednesday");
    assert_eq!(shown(method(&time("2024-01-31T12:34:56+05:30"), "UTC", &[])), "2024-01-31 07:04:56 +0000 UTC");
    assert!(matches!(method(&day, "Before", &[time("2024-02-01T00:00:00Z")]), Ok(Value::Bool(true))));
}

#[test]
fn no_layout_and_no_text_make_times_panic() {
    let shapes = ["", "2006", "-07:00:00", "Z", "Jan", "MST", "__2", "002", ".000", ",999", "Monday", "é", "\u{0}"];
    for one in shapes {
        for two in shapes {
            let layout = format!("{one}{two}");
            for text in [&layout, "GMT+99999999999999999999", "-99:99:99", "9999-12-31", ".99999999999999999999", ""] {
                let _ = call("mustToDate", &[Value::str(layout.as_str()), Value::str(text)]);
            }
            for unix in [i64::MIN, -1, 0, i64::MAX] {
                let _ = told("date", &[Value::str(layout.as_str()), Value::int64(unix)]);
            }
        }
    }
}

#[test]
fn a_recorded_time_is_shown_as_go_would_show_it_here() {
    let here = |zone: &str| jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::get(zone).unwrap());
    let shown = |text: &str, zone: &str| recorded(text, "2006-01-02 15:04:05.999999999 -0700 MST", &here(zone));
    assert_eq!(shown("2026-11-26T10:04:05.12Z", "Europe/Berlin").as_deref(), Some("2026-11-26 10:04:05.12 +0000 UTC"));
    assert_eq!(shown("2026-11-26T10:04:05+01:00", "Europe/Berlin").as_deref(), Some("2026-11-26 10:04:05 +0100 CET"));
    assert_eq!(shown("2026-11-26T10:04:05+02:00", "Europe/Berlin").as_deref(), Some("2026-11-26 10:04:05 +0200 +0200"));
    assert_eq!(recorded("2026-11-06T10:04:05Z", "Mon Jan _2 15:04:05 2006", &here("UTC")).as_deref(), Some("Fri Nov  6 10:04:05 2026"));
    assert_eq!(shown("", "UTC"), None);
}
