//! Durations as a book writes them: `7d`, `12h`, `30m`.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A whole number of days, hours or minutes. A day is 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    minutes: u32,
}

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a number with a unit.
    #[error("`{0}` is not a duration such as `7d`, `12h` or `30m`")]
    Form(String),
    /// Longer than [`Duration::LONGEST_DAYS`].
    #[error("`{0}` is longer than {max} days", max = Duration::LONGEST_DAYS)]
    TooLong(String),
}

impl Duration {
    /// The longest duration, in days: ten years.
    pub const LONGEST_DAYS: u32 = 3653;
    /// No time.
    pub const ZERO: Duration = Duration { minutes: 0 };

    /// Makes a duration of days, at most [`Duration::LONGEST_DAYS`].
    pub const fn days(days: u16) -> Self {
        let days = if days as u32 > Self::LONGEST_DAYS { Self::LONGEST_DAYS } else { days as u32 };
        Self { minutes: days * 24 * 60 }
    }

    /// Reads `7d`, `12h` or `30m`.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let form = || DurationError::Form(text.into());
        let unit = text.chars().next_back().ok_or_else(form)?;
        let scale = match unit {
            'd' => 24 * 60,
            'h' => 60,
            'm' => 1,
            _ => return Err(form()),
        };
        let number = text.strip_suffix(unit).unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        let minutes = number.parse::<u32>().ok().and_then(|n| n.checked_mul(scale));
        match minutes {
            Some(minutes) if minutes <= Self::LONGEST_DAYS * 24 * 60 => Ok(Self { minutes }),
            _ => Err(DurationError::TooLong(text.into())),
        }
    }

    /// Returns the seconds.
    pub const fn seconds(self) -> i64 {
        self.minutes as i64 * 60
    }

    /// Returns the days, with a fraction.
    pub fn as_days(self) -> f64 {
        f64::from(self.minutes) / (24.0 * 60.0)
    }

    /// Returns the instant this much after another, or the last instant there is.
    pub fn after(self, instant: Timestamp) -> Timestamp {
        instant.saturating_add(SignedDuration::from_secs(self.seconds())).unwrap_or(Timestamp::MAX)
    }

    /// Returns the instant this much after another as a calendar counts: whole days are days of a time zone, of which one has
    /// 23 or 25 hours where clocks are set. Whatever is no whole number of days is counted in hours.
    pub fn after_in(self, instant: Timestamp, timezone: &TimeZone) -> Timestamp {
        if !self.minutes.is_multiple_of(24 * 60) {
            return self.after(instant);
        }
        let days = i64::from(self.minutes / (24 * 60)).days();
        let later = instant.to_zoned(timezone.clone()).checked_add(days);
        later.map_or_else(|_| self.after(instant), |later| later.timestamp())
    }

    /// Returns the instant this much before another, or the first instant there is.
    pub fn before(self, instant: Timestamp) -> Timestamp {
        instant.saturating_sub(SignedDuration::from_secs(self.seconds())).unwrap_or(Timestamp::MIN)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            m if m % (24 * 60) == 0 => write!(f, "{}d", m / (24 * 60)),
            m if m % 60 == 0 => write!(f, "{}h", m / 60),
            m => write!(f, "{m}m"),
        }
    }
}

impl TryFrom<String> for Duration {
    type Error = DurationError;
    fn try_from(text: String) -> Result<Self, DurationError> {
        Self::parse(&text)
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> String {
        duration.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_a_calendar_end_at_the_same_time_of_day() {
        let stockholm = crate::timezone("Europe/Stockholm").expect("a time zone");
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let after = |days, from: &str| Duration::days(days).after_in(at(from), &stockholm);
        // From summer time to winter time and back: an hour more, an hour less.
        assert_eq!(after(212, "2026-06-30T22:00:00Z"), at("2027-01-28T23:00:00Z"));
        assert_eq!(after(212, "2026-11-24T23:00:00Z"), at("2027-06-24T22:00:00Z"));
        let hours = Duration::parse("5088h").expect("a duration");
        assert_eq!(hours.after_in(at("2026-06-30T22:00:00Z"), &stockholm), at("2027-01-28T23:00:00Z"));
        assert_eq!(
            after(3653, "9999-01-01T00:00:00Z"),
            Duration::days(3653).after(at("9999-01-01T00:00:00Z"))
        );
    }

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(Duration::parse("7d"), Ok(Duration::days(7)));
        assert_eq!(Duration::parse("36h").map(|d| d.to_string()).as_deref(), Ok("36h"));
        assert_eq!(Duration::parse("48h").map(|d| d.to_string()).as_deref(), Ok("2d"));
        for wrong in ["", "d", "7", "7w", "-7d", "1.5d", "7 d", "ä"] {
            assert!(matches!(Duration::parse(wrong), Err(DurationError::Form(_))), "{wrong}");
        }
        assert!(matches!(Duration::parse("4000d"), Err(DurationError::TooLong(_))));
        assert!(matches!(Duration::parse("99999999999d"), Err(DurationError::TooLong(_))));
    }
}
