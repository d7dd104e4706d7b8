//! Time as a value that is handed in.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment and some time more.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time since an earlier moment; zero if that one is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As RFC 3339 in UTC with milliseconds.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0).map_or_else(|_| format!("{} ms", self.0), |t| format!("{t:.3}"))
    }

    /// Reads RFC 3339; `None` for anything else.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }
}

/// A moment as somebody's clock told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// The moment.
    pub at: Timestamp,
    /// How many minutes that clock was before UTC: `60` in Berlin in winter.
    #[serde(default)]
    pub east: i16,
}

impl LocalTime {
    /// As RFC 3339, to the second, in that clock's time: `2026-01-31T16:47:55+01:00`.
    pub fn rfc3339(self) -> String {
        let zone = jiff::tz::Offset::from_seconds(i32::from(self.east) * 60).unwrap_or(jiff::tz::Offset::UTC);
        let shown = jiff::Timestamp::from_millisecond(self.at.0).map(|at| at.display_with_offset(zone).to_string());
        // to the second, as Git keeps it
        shown.unwrap_or_else(|_| self.at.rfc3339())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The moment it is.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock, for the roof to hand in.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// What tells whether a time from now on is over, by the machine's steady clock: for limits on work that knows no clock of its own.
#[allow(clippy::disallowed_methods, reason = "the steady clock is read here alone")]
pub fn over_after(time: Duration) -> impl Fn() -> bool + Send + Sync + 'static {
    let began = std::time::Instant::now();
    move || began.elapsed() >= time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_text() {
        let t = Timestamp(1_764_000_000_123);
        assert_eq!(t.rfc3339(), "2025-11-24T16:00:00.123Z");
        assert_eq!(Timestamp::parse_rfc3339(&t.rfc3339()), Some(t));
    }

    #[test]
    fn a_moment_is_told_by_the_clock_that_it_was_read_from() {
        for (east, shown) in [
            (0, "2025-11-24T16:00:00+00:00"),
            (60, "2025-11-24T17:00:00+01:00"),
            (-570, "2025-11-24T06:30:00-09:30"),
            (i16::MAX, "2025-11-24T16:00:00+00:00"),
        ] {
            assert_eq!(LocalTime { at: Timestamp(1_764_000_000_000), east }.rfc3339(), shown);
        }
        assert!(!LocalTime { at: Timestamp(i64::MAX), east: 0 }.rfc3339().is_empty());
    }
}
