//! Durations as people write them: an integer and one of `ms s m h d w`.

use std::{fmt, str::FromStr, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A length of time with millisecond resolution, at most about 290,000 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period {
    millis: u64,
}

/// Why a text is no duration.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a duration is a whole number and one of ms, s, m, h, d, w, as in `30d`")]
pub struct NotAPeriod;

const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

impl Period {
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1_000))
    }

    #[must_use]
    pub const fn from_minutes(minutes: u64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_minutes(hours.saturating_mul(60))
    }

    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }

    #[must_use]
    pub const fn as_std(self) -> Duration {
        Duration::from_millis(self.millis)
    }

    /// The same length for calendar arithmetic; saturates at chrono's range.
    #[must_use]
    pub fn as_delta(self) -> TimeDelta {
        i64::try_from(self.millis).ok().and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| NotAPeriod)?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(NotAPeriod)?;
        let millis = number.checked_mul(*millis).filter(|m| i64::try_from(*m).is_ok());
        Ok(Self { millis: millis.ok_or(NotAPeriod)? })
    }
}

/// Written in the largest unit that divides it, so `90m` comes back as `90m` and `24h` as `1d`;
/// weeks are read but written as days.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS[..5].iter().rev().find(|(_, millis)| self.millis.is_multiple_of(*millis));
        match unit {
            Some((name, millis)) if self.millis > 0 => write!(f, "{}{name}", self.millis / millis),
            _ => write!(f, "0s"),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(ms|s|m|h|d|w)$",
            "description": "A whole number and one of ms, s, m, h, d, w.",
            "examples": ["30d", "12h"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_read() {
        for (text, millis) in [
            ("5ms", 5),
            ("30s", 30_000),
            ("15m", 900_000),
            ("12h", 43_200_000),
            ("1d", 86_400_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Period::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_and_a_unit_is_refused() {
        for text in ["", "30", "d", "-1d", "1.5d", "1 d", "1D", "1y", "99999999999999999999d", "30d "] {
            assert_eq!(text.parse::<Period>(), Err(NotAPeriod), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_period_reads_back(millis in 0..i64::MAX as u64) {
            let period = Period::from_millis(millis);
            prop_assert_eq!(period.to_string().parse(), Ok(period));
        }
    }
}
