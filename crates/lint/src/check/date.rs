//! Instants for people.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

/// Returns the last date that begins at or before an instant: what a file may write that has to end by then.
pub(super) fn day_by(instant: Timestamp, timezone: &TimeZone) -> String {
    instant.to_zoned(timezone.clone()).date().to_string()
}

/// Returns the first date that begins at or after an instant: what a file may write that has to start from then on.
pub(super) fn day_from(instant: Timestamp, timezone: &TimeZone) -> String {
    let zoned = instant.to_zoned(timezone.clone());
    let midnight = zoned.start_of_day().is_ok_and(|start| start.timestamp() == instant);
    let date = zoned.date();
    let day = if midnight { date } else { date.tomorrow().unwrap_or(date) };
    day.to_string()
}

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
    fn a_suggested_date_lies_on_the_right_side_of_its_instant() {
        let stockholm = trialbook_model::timezone("Europe/Stockholm").expect("a time zone");
        let at = |text: &str| text.parse().expect("an instant");
        assert_eq!(day_by(at("2027-06-24T23:00:00Z"), &stockholm), "2027-06-25");
        assert_eq!(day_from(at("2027-06-24T23:00:00Z"), &stockholm), "2027-06-26");
        assert_eq!(day_from(at("2027-06-24T22:00:00Z"), &stockholm), "2027-06-25");
    }

    #[test]
    fn midnight_of_the_time_zone_is_a_date() {
        let stockholm = trialbook_model::timezone("Europe/Stockholm").expect("a time zone");
        let at = |text: &str| written(text.parse().expect("an instant"), &stockholm);
        assert_eq!(at("2026-11-24T23:00:00Z"), "2026-11-25");
        assert_eq!(at("2026-11-25T00:00:00Z"), "2026-11-25 01:00 CET");
        written(Timestamp::MAX, &stockholm);
        day_from(Timestamp::MAX, &stockholm);
        day_by(Timestamp::MIN, &stockholm);
        written(Timestamp::MIN, &stockholm);
    }
}
