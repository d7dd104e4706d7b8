//! Times as `crontab` writes them, in UTC.

use penstock_model::Timestamp;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const MINUTE: i64 = 60 * 1000;
const DAY_MINUTES: i64 = 24 * 60;
/// Leap days are at most eight years apart.
const MAX_DAYS: i64 = 366 * 8 + 1;

/// A time, such as `30 5 * * 1-5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Vec<u32>,
    months: Vec<u32>,
    weekdays: Vec<u32>,
    /// Whether a day is meant by its number, by its weekday, or by either if both are limited.
    either: bool,
}

impl Cron {
    /// Reads the five fields.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("it has {} fields and not 5", fields.len()));
        };
        Ok(Self {
            minutes: field(minute, 0, 59, &[], 0)?,
            hours: field(hour, 0, 23, &[], 0)?,
            days: field(day, 1, 31, &[], 0)?,
            months: field(month, 1, 12, MONTHS, 1)?,
            weekdays: field(weekday, 0, 6, DAYS, 0)?,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// The shortest time between two of its minutes.
    pub(crate) fn interval(&self) -> u32 {
        let around = self.minutes.first().into_iter().map(|first| first + 60);
        let next = self.minutes.iter().skip(1).copied().chain(around);
        self.minutes.iter().zip(next).map(|(one, next)| next - one).min().unwrap_or(60)
    }

    /// The first time after a moment; none if there is no such day (`0 0 30 2 *`).
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let first = moment.0.div_euclid(MINUTE) + 1;
        let today = first.div_euclid(DAY_MINUTES);
        let times = |day: i64| {
            let hours = self.hours.iter().flat_map(move |hour| self.minutes.iter().map(move |minute| i64::from(hour * 60 + minute)));
            hours.map(move |minute| day * DAY_MINUTES + minute)
        };
        let days = (today..today + MAX_DAYS).filter(|day| self.is_day(*day));
        days.flat_map(times).find(|minute| *minute >= first).map(|minute| Timestamp(minute * MINUTE))
    }

    /// Whether it has a time on a day, counted from 1970-01-01, a Thursday.
    fn is_day(&self, day: i64) -> bool {
        let (month, number) = month_and_day(day);
        let weekday = u32::try_from((day + 4).rem_euclid(7)).unwrap_or(0);
        let (by_number, by_weekday) = (self.days.contains(&number), self.weekdays.contains(&weekday));
        self.months.contains(&month) && if self.either { by_number || by_weekday } else { by_number && by_weekday }
    }
}

/// The month and the day of it, in the Gregorian calendar. Years are counted from March, so that the leap day is the last.
fn month_and_day(day: i64) -> (u32, u32) {
    let of_era = (day + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let number = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (u32::try_from(month).unwrap_or(0), u32::try_from(number).unwrap_or(0))
}

/// The values that a field lets in, in order.
fn field(text: &str, least: u32, most: u32, names: &[&str], first: u32) -> Result<Vec<u32>, String> {
    let value = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|place| u32::try_from(place).ok());
        let number = named.map(|place| place + first).or_else(|| text.parse().ok());
        number.filter(|number| (least..=most).contains(number)).ok_or_else(|| format!("`{text}` is not from {least} to {most}"))
    };
    let mut set = vec![false; usize::try_from(most).unwrap_or(0) + 1];
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0).ok_or("a step is a number from 1")?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (value(from)?, value(to)?),
            None if range == "*" => (least, most),
            None => (value(range)?, step.map_or(value(range)?, |_| most)),
        };
        if from > to {
            return Err(format!("the range `{range}` runs backwards"));
        }
        let every = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        (from..=to).step_by(every).filter_map(|at| usize::try_from(at).ok()).for_each(|at| set[at] = true);
    }
    Ok((0..=most).zip(set).filter(|(_, set)| *set).map(|(value, _)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_the_first_after_a_moment() {
        for (cron, after, next) in [
            ("30 5 * * *", "2026-11-26T05:29:59.999Z", "2026-11-26T05:30:00Z"),
            ("30 5 * * *", "2026-11-26T05:30:00Z", "2026-11-27T05:30:00Z"),
            ("*/15 * * * *", "2026-12-31T23:46:00Z", "2027-01-01T00:00:00Z"),
            ("0 0 29 2 *", "2026-11-26T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 9 * * 1-5", "2026-11-27T09:00:00Z", "2026-11-30T09:00:00Z"),
            ("0 0 13 * fri", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("0 0 13 * fri", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"),
            ("0 0 */10 * sun", "2026-11-26T00:00:00Z", "2027-01-31T00:00:00Z"),
            ("59 23 31 dec *", "1969-12-31T00:00:00Z", "1969-12-31T23:59:00Z"),
        ] {
            let next = Timestamp::parse_rfc3339(next);
            assert_eq!(Cron::parse(cron).unwrap().next_after(Timestamp::parse_rfc3339(after).unwrap()), next, "{cron} after {after}");
        }
        assert_eq!(Cron::parse("0 0 30 2 *").unwrap().next_after(Timestamp(0)), None);
    }

    #[test]
    fn every_day_has_the_month_and_number_that_the_calendar_gives_it() {
        let (mut expected, lengths) = ((1, 1), |year: i64, month: u32| match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        });
        let mut year = 1970;
        for day in 0..200_000 {
            assert_eq!(month_and_day(day), expected, "day {day}");
            expected = match expected {
                (12, 31) => {
                    year += 1;
                    (1, 1)
                }
                (month, number) if number == lengths(year, month) => (month + 1, 1),
                (month, number) => (month, number + 1),
            };
        }
    }
}
