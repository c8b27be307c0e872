//! Instants on the command line: `--at 2026-11-25`, `--at 2026-11-25T12:00:00Z`.

use std::str::FromStr;
use std::time::SystemTime;

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
                let out_of_range = if date.year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
                date.to_zoned(timezone.clone()).map_or(out_of_range, |zoned: Zoned| zoned.timestamp())
            }
        }
    }

    /// Returns the instant of an option, or now.
    pub fn or_now(at: Option<Self>, timezone: &TimeZone) -> Timestamp {
        let now = || of_clock(SystemTime::now()).unwrap_or(Timestamp::MAX);
        at.map_or_else(now, |at| at.instant(timezone))
    }
}

/// Returns the instant that a clock shows; `None` where that is no instant of the years -9999 to 9999.
pub(super) fn of_clock(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
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
    fn an_absurd_clock_shows_no_instant() {
        let year = std::time::Duration::from_secs(31_556_952);
        assert_eq!(of_clock(SystemTime::UNIX_EPOCH), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(of_clock(SystemTime::UNIX_EPOCH + year * 8_270), None, "the year 10240");
        assert_eq!(of_clock(SystemTime::UNIX_EPOCH - year * 20_000), None);
        for date in ["9999-12-31", "-009999-01-01"] {
            if let Ok(at) = date.parse::<At>() {
                for zone in ["Etc/GMT+12", "Etc/GMT-14"] {
                    let at = at.instant(&trialbook_model::timezone(zone).expect("a time zone"));
                    assert_eq!(at > Timestamp::UNIX_EPOCH, !date.starts_with('-'), "{date} {zone}");
                }
            }
        }
    }

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
