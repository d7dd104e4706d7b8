//! A point in time taken apart, for any year: what a layout shows of it, and back.

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

use super::zone;

/// Seconds from the beginning of year 1 to that of 1970.
pub(super) const UNIX_EPOCH: i64 = 62_135_596_800;
const DAY: i64 = 86_400;

/// A point in time as a clock and a calendar in some place show it.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub day_of_year: i64,
    /// From Sunday, which is 0.
    pub weekday: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanosecond: i64,
    /// How far ahead of UTC the clock is, in seconds.
    pub offset: i64,
    /// What the zone is called; nothing where it has only an offset.
    pub zone: String,
}

impl Moment {
    /// What clocks show at a time.
    pub(super) fn of(time: &ZonedDateTime) -> Self {
        let stamp = time.timestamp();
        Self::at(stamp.as_second(), stamp.subsec_nanosecond().into(), time.time_zone())
    }

    /// What clocks of a zone show so many seconds and nanoseconds after 1970.
    pub(super) fn at(mut unix: i64, mut nanosecond: i64, zone: &TimeZone) -> Self {
        if nanosecond < 0 {
            (unix, nanosecond) = (unix - 1, nanosecond + 1_000_000_000);
        }
        let (offset, name) = zone::at(zone, unix);
        let local = unix.saturating_add(offset);
        let (days, seconds) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        Self {
            year,
            month,
            day,
            day_of_year: days - days_to(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            nanosecond,
            offset,
            zone: name,
        }
    }
}

/// The days from 1970 to a date; a month beyond the year and a day beyond the month count on.
pub(super) fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = year.saturating_add((month - 1).div_euclid(12)).clamp(-1_000_000_000, 1_000_000_000);
    let month = (month - 1).rem_euclid(12);
    // years are counted from March, so that the day of a leap year is their last
    let (year, from_march) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    (days + (from_march * 153 + 2) / 5 - 719_469).saturating_add(day)
}

/// The date so many days from 1970.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// How many days a month has.
pub(super) fn days_in(month: i64, year: i64) -> i64 {
    days_to(year, month + 1, 1) - days_to(year, month, 1)
}

/// A date and a time of day, as they are read or reckoned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wall {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanosecond: i64,
}

impl Wall {
    /// The seconds from 1970 at which clocks of UTC show it.
    pub(super) fn unix(self) -> i64 {
        let days = days_to(self.year, self.month, self.day);
        days.saturating_mul(DAY).saturating_add(self.hour * 3_600 + self.minute * 60 + self.second)
    }

    /// The time at which clocks of a zone show it. Where they never do, or do so twice, it is one of those near by, as Go has it.
    pub(super) fn in_zone(self, zone: &TimeZone) -> ZonedDateTime {
        let local = self.unix();
        let (guess, _) = zone::at(zone, local);
        let unix = if guess == 0 { local } else { local - zone::at(zone, local - guess).0 };
        time(unix, self.nanosecond, zone.clone())
    }
}

/// The time so many seconds and nanoseconds from 1970, the nearest that can be told.
pub(super) fn time(unix: i64, nanosecond: i64, zone: TimeZone) -> ZonedDateTime {
    let nanosecond = i32::try_from(nanosecond).unwrap_or_default();
    let limit = if unix < 0 { Timestamp::MIN } else { Timestamp::MAX };
    ZonedDateTime::new(Timestamp::new(unix, nanosecond).unwrap_or(limit), zone)
}
