//! Instants on the command line: `--at 2026-11-25`, `--at 2026-11-25T12:00:00Z`.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A date, which begins at midnight in the book's time zone, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Midnight of a date.
    Date(Date),
    /// An instant.
    Instant(Timestamp),
}

impl At {
    /// Returns the instant that this is in a time zone.
    pub fn instant(self, timezone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Date(date) => {
                date.to_zoned(timezone.clone()).map_or(Timestamp::MIN, |zoned: Zoned| zoned.timestamp())
            }
        }
    }

    /// Returns the instant of an option, or now.
    pub fn or_now(at: Option<Self>, timezone: &TimeZone) -> Timestamp {
        at.map_or_else(Timestamp::now, |at| at.instant(timezone))
    }
}

impl FromStr for At {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Instant(instant));
        }
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        date.map(Self::Date).ok_or_else(|| {
            "expected a date such as 2026-11-25 or an instant such as 2026-11-25T12:00:00Z".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_midnight_of_the_time_zone() {
        let stockholm = trialbook_model::timezone("Europe/Stockholm").expect("a time zone");
        let at: At = "2026-11-25".parse().expect("a date");
        assert_eq!(at.instant(&stockholm).to_string(), "2026-11-24T23:00:00Z");
        let at: At = "2026-11-25T12:00:00+01:00".parse().expect("an instant");
        assert_eq!(at.instant(&stockholm).to_string(), "2026-11-25T11:00:00Z");
        for wrong in ["", "tomorrow", "2026-13-01", "2026-11-25T12:00:00", "20261125"] {
            assert!(wrong.parse::<At>().is_err(), "{wrong}");
        }
    }
}
