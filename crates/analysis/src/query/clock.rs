//! Time zones in SQL.
//!
//! Their rules are those of the bundled database, written out as comparisons with the instants at which a zone's offset
//! changes: an engine's own database may have other rules, or be missing.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::warehouse::{Dialect, Sql};

/// The microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// Changes of an offset longer ago than this are not written out: the offset before the first of them holds.
const REACH: SignedDuration = SignedDuration::from_hours(30 * 366 * 24);
/// And those of the next year are.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A time zone, as far as the rows before a watermark need it.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    /// The changes of its offset, the latest first.
    changes: Vec<Change>,
    /// The offset before all of them, in microseconds.
    first: i64,
}

/// A change of a zone's offset. All in microseconds.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

impl Clock {
    /// Returns the clock of a zone for rows before an instant.
    pub(super) fn new(zone: &TimeZone, watermark: Timestamp) -> Self {
        let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1_000_000;
        let oldest = watermark.saturating_sub(REACH).unwrap_or(Timestamp::MIN);
        let newest = watermark.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let changes: Vec<Change> = zone
            .preceding(newest)
            .take_while(|change| change.timestamp() > oldest)
            .map(|change| {
                let at = change.timestamp();
                let before = at.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(at);
                Change { at: at.as_microsecond(), before: offset(before), after: offset(at) }
            })
            .filter(|change| change.before != change.after)
            .collect();
        let first = changes.last().map_or_else(|| offset(watermark), |change| change.before);
        Self { zone: zone.clone(), changes, first }
    }

    /// Tells whether it is UTC throughout.
    pub(super) fn is_utc(&self) -> bool {
        self.changes.is_empty() && self.first == 0
    }

    /// Returns the local time of an instant, both in microseconds.
    pub(super) fn local(&self, instant: &Sql) -> Sql {
        self.shifted(instant, |change| change.at, 1)
    }

    /// Returns the instant of a local time, both in microseconds. Of a time that a change passes over or repeats it
    /// is the one by the offset before the change.
    pub(super) fn instant(&self, local: &Sql) -> Sql {
        self.shifted(local, |change| change.at + change.before.max(change.after), -1)
    }

    fn shifted(&self, time: &Sql, from: impl Fn(&Change) -> i64, sign: i64) -> Sql {
        let by = |offset: i64| Sql::fill("{t} + {o}", &[("t", time), ("o", &Sql::integer(sign * offset))]);
        if self.changes.is_empty() {
            return if self.first == 0 {
                time.clone()
            } else {
                Sql::fill("({e})", &[("e", &by(self.first))])
            };
        }
        let cases = self.changes.iter().map(|change| {
            Sql::fill(
                "WHEN {t} >= {from} THEN {by}",
                &[("t", time), ("from", &Sql::integer(from(change))), ("by", &by(change.after))],
            )
        });
        Sql::fill(
            "CASE {cases} ELSE {first} END",
            &[("cases", &Sql::join(cases, " ")), ("first", &by(self.first))],
        )
    }

    /// Returns the day of an instant: the number of days since 1970-01-01.
    pub(super) fn day(&self, instant: Timestamp) -> i64 {
        let offset = i64::from(self.zone.to_offset(instant).seconds()) * 1_000_000;
        (instant.as_microsecond() + offset).div_euclid(DAY)
    }

    /// Returns the first instant of a day, given as the number of days since 1970-01-01; `None` beyond the calendar.
    pub(super) fn start(&self, day: i64) -> Option<Timestamp> {
        const EPOCH: Date = jiff::civil::date(1970, 1, 1);
        let date = EPOCH.checked_add(jiff::Span::new().try_days(day).ok()?).ok()?;
        Some(date.to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}

/// Returns the day of a local time in microseconds: the number of days since 1970-01-01.
pub(super) fn day_of(local: &Sql, dialect: &dyn Dialect) -> Sql {
    Sql::fill(
        "CAST(floor({l} / {day}) AS BIGINT)",
        &[("l", &dialect.double(local)), ("day", &dialect.float(DAY as f64))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_day_begins_at_local_midnight_and_may_have_23_hours() {
        let zone = trialbook_model::timezone("Europe/Stockholm").expect("a zone");
        let clock = Clock::new(&zone, at("2026-06-01T00:00:00Z"));
        let day = clock.day(at("2026-03-28T23:00:00Z"));
        assert_eq!(clock.start(day), Some(at("2026-03-28T23:00:00Z")));
        assert_eq!(clock.start(day + 1), Some(at("2026-03-29T22:00:00Z")));
        assert_eq!(clock.day(at("2026-03-29T21:59:59Z")), day);
        assert!(!clock.is_utc() && Clock::new(&TimeZone::UTC, at("2026-06-01T00:00:00Z")).is_utc());
    }

    #[test]
    fn a_zone_without_changes_is_one_sum() {
        let zone = trialbook_model::timezone("Asia/Kolkata").expect("a zone");
        let clock = Clock::new(&zone, at("2026-06-01T00:00:00Z"));
        assert_eq!(clock.local(&Sql::code("us")).as_str(), "(us + 19800000000)");
        assert_eq!(clock.instant(&Sql::code("us")).as_str(), "(us + (-19800000000))");
    }
}
