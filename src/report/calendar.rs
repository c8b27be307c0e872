//! Dates as the book writes them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::number::{NBSP, counted};
use trialbook_model::Duration;

/// The book's time zone.
pub struct Calendar {
    zone: TimeZone,
    /// What is added where the zone is not known, so that a time is not misread.
    suffix: &'static str,
}

impl Calendar {
    /// Makes the calendar of an IANA time zone; where it is not known, of UTC, which is then written beside every date.
    pub fn new(name: &str) -> Self {
        match trialbook_model::timezone(name) {
            Some(zone) => Self { zone, suffix: "" },
            None => Self { zone: TimeZone::UTC, suffix: " UTC" },
        }
    }

    /// Writes the instant as a date where it is midnight, and with its minute and time zone elsewhere.
    pub fn instant(&self, instant: Timestamp) -> String {
        let local = instant.to_zoned(self.zone.clone());
        if local.time() == civil::Time::midnight() {
            format!("{}{}", local.date(), self.suffix)
        } else {
            let minute = local.strftime("%H:%M");
            format!("{}{NBSP}{minute}{NBSP}{}", local.date(), local.strftime("%Z"))
        }
    }

    /// Writes the day that the instant is in.
    pub fn day(&self, instant: Timestamp) -> String {
        format!("{}{}", self.date(instant), self.suffix)
    }

    /// Writes how many days there are from one instant's day to another's: `in 6 days`. Nothing for the past.
    pub fn ahead(&self, from: Timestamp, to: Timestamp) -> Option<String> {
        let days = self.date(from).until(self.date(to)).ok()?.get_days();
        match days {
            ..=0 => None,
            1 => Some("tomorrow".to_owned()),
            _ => Some(format!("in {}", counted(u64::try_from(days).ok()?, "day", "days"))),
        }
    }

    /// Returns the day that the instant is in.
    pub fn date(&self, instant: Timestamp) -> civil::Date {
        instant.to_zoned(self.zone.clone()).date()
    }
}

/// Writes a duration in words: `7 days`.
pub fn duration(duration: Duration) -> String {
    let seconds = u64::try_from(duration.seconds()).unwrap_or_default();
    match seconds {
        s if s % 86_400 == 0 => counted(s / 86_400, "day", "days"),
        s if s % 3_600 == 0 => counted(s / 3_600, "hour", "hours"),
        s => counted(s / 60, "minute", "minutes"),
    }
}
