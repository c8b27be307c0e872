//! The one database of time zones: the bundled one.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Returns a time zone by its IANA name (`Europe/Stockholm`), from the database that the program brings along; `None` where that
/// does not know it.
///
/// The machine is never asked: its database is older or newer, so a date that is read with one and shown with the other would
/// become another day. This is the only place that looks one up.
pub fn timezone(name: &str) -> Option<TimeZone> {
    BUNDLED.get(name).ok()
}

/// Returns the names of all time zones.
pub fn timezones() -> Vec<String> {
    BUNDLED.available().map(|name| name.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_the_bundled_rules() {
        let vancouver = timezone("America/Vancouver").expect("a zone");
        let start = jiff::civil::date(2026, 12, 1).to_zoned(vancouver).expect("a day");
        // British Columbia stays on summer time from 2026 (tzdata 2026a).
        assert_eq!(start.timestamp().to_string(), "2026-12-01T07:00:00Z");
        assert!(timezone("Europe/Stockholn").is_none());
    }
}
