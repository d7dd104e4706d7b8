//! Zones: by name out of the bundled database, by offset, and those that a text made up.

use std::sync::LazyLock;

use jiff::{
    Timestamp, ZonedDateTime,
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

/// The zone that a date and a time of TOML have when they tell none.
pub(super) const LOCAL_DATE_TIME: &str = "datetime-local";
/// That of a date.
pub(super) const LOCAL_DATE: &str = "date-local";
/// That of a time.
pub(super) const LOCAL_TIME: &str = "time-local";

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// UTC as the zone of this place. Go tells the two apart where it shows a time as Go would write it.
static UTC_HERE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::posix("UTC0").unwrap_or(TimeZone::UTC));

/// The zone of this place.
pub(super) fn here(now: &ZonedDateTime) -> TimeZone {
    if *now.time_zone() == TimeZone::UTC { UTC_HERE.clone() } else { now.time_zone().clone() }
}

/// How Go would write the zone of a time.
pub(crate) fn in_go(time: &ZonedDateTime) -> String {
    let zone = time.time_zone();
    if *zone == TimeZone::UTC {
        "time.UTC".to_owned()
    } else if zone.iana_name().is_some() || *zone == *UTC_HERE {
        // no other zone of the database gets into a time
        "time.Local".to_owned()
    } else {
        format!("time.Location({})", crate::format::quoted(abbreviation(time).as_bytes()))
    }
}

/// `time.LoadLocation`: `local` is what `Local` means. Nothing for a name that is none, which is told with its case.
pub(super) fn load(name: &str, local: &TimeZone) -> Option<TimeZone> {
    match name {
        "" | "UTC" => Some(TimeZone::UTC),
        "Local" => Some(local.clone()),
        _ => ZONES.get(name).ok().filter(|zone| zone.iana_name() == Some(name)),
    }
}

/// A zone that is always so many seconds ahead of UTC, under a name that may be empty.
pub(super) fn fixed(name: &str, offset: i64) -> TimeZone {
    let seconds = offset.abs();
    // the sign of a POSIX zone is that of what leads to UTC
    let sign = if offset > 0 { '-' } else { '+' };
    let posix = format!("<{name}>{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let named = if name.is_empty() { None } else { TimeZone::posix(&posix).ok() };
    named.unwrap_or_else(|| {
        let offset = i32::try_from(offset).ok().and_then(|offset| Offset::from_seconds(offset).ok());
        TimeZone::fixed(offset.unwrap_or(Offset::UTC))
    })
}

/// The seconds of 400 years, in which the calendar comes back to where it was, weekdays too.
const CYCLE: i64 = 146_097 * 86_400;

/// How far ahead of UTC a zone is then, and what it is called; nothing where it has only an offset.
pub(super) fn at(zone: &TimeZone, unix: i64) -> (i64, String) {
    let end = Timestamp::MAX.as_second();
    // what is beyond the end is as it was in the same year of an earlier cycle
    let known = if unix > end { end - CYCLE + (unix - end) % CYCLE } else { unix };
    let info = zone.to_offset_info(Timestamp::from_second(known).unwrap_or(Timestamp::MIN));
    let name = info.abbreviation();
    let nameless = name.starts_with(['+', '-']) && *zone == TimeZone::fixed(info.offset());
    (info.offset().seconds().into(), if nameless { String::new() } else { name.to_owned() })
}

/// What the zone of a time is called then; nothing where it has only an offset.
pub(crate) fn abbreviation(time: &ZonedDateTime) -> String {
    at(time.time_zone(), time.timestamp().as_second()).1
}

/// What `Location` is called: the zone's own name, `Local` for that of this place.
pub(super) fn location(zone: &TimeZone, here: &TimeZone) -> String {
    if *zone == TimeZone::UTC {
        return "UTC".to_owned();
    }
    if zone == here {
        return "Local".to_owned();
    }
    zone.iana_name().map_or_else(|| at(zone, 0).1, str::to_owned)
}

/// The offset that a zone has under this abbreviation, at that time by its own clocks if it can be.
pub(super) fn by_abbreviation(zone: &TimeZone, name: &str, unix: i64) -> Option<i64> {
    let now = Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut known: Vec<(i64, String)> = vec![at(zone, unix)];
    // the zones that were in use around then
    let around = zone.preceding(now).take(64).chain(zone.following(now).take(4));
    known.extend(around.map(|change| (change.offset().seconds().into(), change.abbreviation().to_owned())));
    known.retain(|(_, known)| known == name);
    let right = known.iter().find(|(offset, _)| at(zone, unix - offset).1 == name);
    right.map(|(offset, _)| at(zone, unix - offset).0).or_else(|| known.first().map(|(offset, _)| *offset))
}
