//! Times as people write them in `penstock.yaml`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use penstock_model::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest span that is accepted.
const MAX_SPAN: Duration = Duration::from_secs(366 * 24 * 3600);

/// A span of time such as `90s`, `30m`, `24h` or `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

/// Text that is no span or moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// No span.
    #[error("`{0}` is not a span of time; a whole number and one of `s`, `m`, `h`, `d` is expected, such as `24h`, and at most 366 days")]
    Span(String),
    /// No moment.
    #[error("`{0}` is not a moment; RFC 3339 is expected, such as `2026-12-24T00:00:00Z`")]
    Moment(String),
}

impl Span {
    /// 24 hours.
    pub const fn day() -> Self {
        Self(Duration::from_secs(24 * 3600))
    }

    /// The span as a duration.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTime::Span(text.chars().take(40).collect());
        let unit = text.chars().last().ok_or_else(invalid)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return Err(invalid()),
        };
        let digits = &text[..text.len() - unit.len_utf8()];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let number: u64 = digits.parse().map_err(|_| invalid())?;
        let span = number.checked_mul(seconds).map(Duration::from_secs).filter(|span| !span.is_zero() && *span <= MAX_SPAN);
        span.map(Self).ok_or_else(invalid)
    }
}
impl TryFrom<String> for Span {
    type Error = InvalidTime;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            s if s % (24 * 3600) == 0 && s > 24 * 3600 => write!(f, "{}d", s / (24 * 3600)),
            s if s % 3600 == 0 => write!(f, "{}h", s / 3600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}
impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+[smhd]$", "description": "A span of time such as 90s, 30m, 24h or 7d."})
    }
}

/// A moment in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(pub Timestamp);

impl TryFrom<String> for Moment {
    type Error = InvalidTime;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Timestamp::parse_rfc3339(&text).map(Self).ok_or_else(|| InvalidTime::Moment(text.chars().take(40).collect()))
    }
}
impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.0.rfc3339()
    }
}
impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "A moment in RFC 3339."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_as_people_do() {
        for text in ["90s", "30m", "24h", "7d", "366d"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for bad in ["", "h", "24", "-1h", "+1h", "0s", "1.5h", "367d", "99999999999999999999h", "1é", "1 h"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
