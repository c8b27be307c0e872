//! Instants for people.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

/// Returns the date of an instant, with the time of day where it is not midnight in the time zone.
pub(super) fn written(instant: Timestamp, timezone: &TimeZone) -> String {
    let zoned = instant.to_zoned(timezone.clone());
    let midnight = zoned.start_of_day().is_ok_and(|start| start.timestamp() == instant);
    if midnight {
        zoned.date().to_string()
    } else {
        let rounded = zoned.round(Unit::Minute).unwrap_or(zoned);
        rounded.strftime("%Y-%m-%d %H:%M %Z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_of_the_time_zone_is_a_date() {
        let stockholm = trialbook_model::timezone("Europe/Stockholm").expect("a time zone");
        let at = |text: &str| written(text.parse().expect("an instant"), &stockholm);
        assert_eq!(at("2026-11-24T23:00:00Z"), "2026-11-25");
        assert_eq!(at("2026-11-25T00:00:00Z"), "2026-11-25 01:00 CET");
        written(Timestamp::MAX, &stockholm);
        written(Timestamp::MIN, &stockholm);
    }
}
