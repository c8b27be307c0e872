//! The state of a source: how far it reaches, what of it cannot be used, and whether its times are what they seem.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clock::{Clock, DAY};
use super::relation::{Readable, SourceError};
use crate::warehouse::{Row, Sql};
use trialbook_model::{Book, EntityKey, MetricKey, timezone};

/// How far a source reaches, and what of it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceState {
    /// Its rows.
    pub rows: u64,
    /// Rows without a unit: anonymous events, which belong to nobody.
    pub without_unit: u64,
    /// Rows without a usable time.
    pub without_time: u64,
    /// The last time before the watermark; where times are days, the end of the last day that has ended. `None` where
    /// there is no row before it.
    pub until: Option<Timestamp>,
    /// Rows with a time before the watermark.
    pub stamped: u64,
    /// What the times look like.
    pub stamps: Stamps,
    /// Of each metric with a `where`, the rows before the watermark that fulfil it.
    pub matching: BTreeMap<MetricKey, u64>,
}

/// What the times of a source that declares instants look like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stamps {
    /// Instants, or too few rows to tell, or days as the source declares.
    #[default]
    Instants,
    /// Each is a midnight: they are days.
    Midnights {
        /// The IANA zone in which they are.
        zone: String,
    },
    /// Each has the same time of day, or one of two within an hour, as the midnights of a zone with summer time have.
    OneTimeOfDay {
        /// The most frequent one in UTC, in microseconds.
        at: i64,
        /// Whether they are of a week or more: what happens at all hours does not look so.
        a_week: bool,
    },
    /// Some are midnights, many more than chance makes.
    SomeMidnights {
        /// How many.
        rows: u64,
    },
}

/// So few rows may all be midnights by chance, or by the hand that wrote them.
const HANDFUL: u64 = 20;
/// A share of midnights from here on, in per cent, shows that some of the rows have days for times.
const MANY_MIDNIGHTS: u64 = 20;
/// The time between times of day of one zone in summer and in winter, in microseconds.
const SUMMER_TIME: i64 = DAY / 24;
/// Zones have midnights at these multiples, in microseconds.
const QUARTER: i64 = DAY / 96;

impl Readable<'_> {
    /// Returns the query of the source's state before a watermark, with the rows that fulfil each `where`.
    pub(super) fn state_query(
        &self,
        entity: &EntityKey,
        watermark: &Sql,
        zones: &[(String, Clock)],
        filters: &[(&MetricKey, Sql)],
    ) -> Result<Sql, SourceError> {
        let times = self.times()?;
        let day = Sql::integer(DAY);
        let dialect = self.warehouse.dialect();
        let midnights = zones.iter().enumerate().map(|(n, (_, clock))| {
            Sql::fill(
                ",\n  count(CASE WHEN t < {w} AND {time} = 0 THEN 1 END) AS {m}",
                &[
                    ("w", watermark),
                    (
                        "time",
                        &dialect.remainder(
                            &Sql::fill("({local})", &[("local", &clock.local(&Sql::code("us")))]),
                            &day,
                        ),
                    ),
                    ("m", &Sql::name("midnights", n)),
                ],
            )
        });
        let fulfilled = (0..filters.len()).map(|k| {
            Sql::fill(
                ",\n  count(CASE WHEN t < {w} AND {f} THEN 1 END) AS {f}",
                &[("w", watermark), ("f", &Sql::name("f", k))],
            )
        });
        let filtered = filters.iter().enumerate().map(|(k, (_, filter))| {
            Sql::fill(", {filter} AS {f}", &[("filter", filter), ("f", &Sql::name("f", k))])
        });
        let carried = (0..filters.len()).map(|k| Sql::fill(", {f}", &[("f", &Sql::name("f", k))]));
        let carried = Sql::join(carried, "");
        Ok(Sql::fill(
            "SELECT count(*) AS n, count(*) - count(unit) AS without_unit,\n  \
             count(*) - count(t) AS without_time, max(CASE WHEN t < {w} THEN t END) AS until,\n  \
             count(CASE WHEN t < {w} THEN 1 END) AS stamped, \
             count(CASE WHEN t < {w} AND {quarter} = 0 THEN 1 END) AS quarters,\n  \
             max(CASE WHEN t < {w} THEN us END) - min(CASE WHEN t < {w} THEN us END) AS span{midnights}{fulfilled}\n\
             FROM (SELECT unit, us, {tick} AS t{carried} FROM (SELECT {unit} AS unit, {raw}{filters} \
             FROM {relation} AS source_rows) AS raw_rows) AS timed_rows",
            &[
                ("w", watermark),
                ("quarter", &dialect.remainder(&Sql::code("us"), &Sql::integer(QUARTER))),
                ("midnights", &Sql::join(midnights, "")),
                ("fulfilled", &Sql::join(fulfilled, "")),
                ("tick", &times.tick),
                ("carried", &carried),
                ("unit", &self.unit(entity)?),
                ("raw", &times.raw),
                ("filters", &Sql::join(filtered, "")),
                ("relation", &self.relation),
            ],
        ))
    }

    /// Asks for the source's state.
    pub(super) fn state(
        &self,
        entity: &EntityKey,
        book: &Book,
        watermark: Timestamp,
        filters: &[(&MetricKey, Sql)],
    ) -> Result<SourceState, SourceError> {
        let zones = if self.by_day() { Vec::new() } else { zones(book, watermark) };
        let tick = self.tick_at(watermark);
        let rows = self.warehouse.select(&self.state_query(entity, &tick, &zones, filters)?)?;
        let row = rows.first().ok_or(SourceError::Shape)?;
        let count = |name: &str| row.count(name).ok_or(SourceError::Shape);
        let stamped = count("stamped")?;
        let mut matching = BTreeMap::new();
        for (k, (key, _)) in filters.iter().enumerate() {
            matching.insert((*key).clone(), count(&format!("f{k}"))?);
        }
        Ok(SourceState {
            rows: count("n")?,
            without_unit: count("without_unit")?,
            without_time: count("without_time")?,
            until: row.integer("until").and_then(|last| self.reach(last, watermark)),
            stamped,
            stamps: if self.by_day() || stamped < HANDFUL {
                Stamps::Instants
            } else {
                self.stamps(entity, &tick, row, &zones)?
            },
            matching,
        })
    }

    /// Returns how far data reaches whose last row has this time: a day's data reach to its end.
    fn reach(&self, last: i64, watermark: Timestamp) -> Option<Timestamp> {
        if self.by_day() {
            return self.days().start(last.checked_add(1)?).map(|end| end.min(watermark));
        }
        Timestamp::from_microsecond(last).ok()
    }

    fn stamps(
        &self,
        entity: &EntityKey,
        watermark: &Sql,
        row: &Row,
        zones: &[(String, Clock)],
    ) -> Result<Stamps, SourceError> {
        let stamped = row.count("stamped").ok_or(SourceError::Shape)?;
        let span = row.integer("span").unwrap_or(0);
        // What happened at one instant may have happened at midnight.
        if span < DAY {
            return Ok(Stamps::Instants);
        }
        let midnights = |n: usize| row.count(&format!("midnights{n}")).unwrap_or(0);
        if let Some((_, (zone, _))) = zones.iter().enumerate().find(|(n, _)| midnights(*n) == stamped) {
            return Ok(Stamps::Midnights { zone: zone.clone() });
        }
        if row.count("quarters") == Some(stamped)
            && let Some(at) = self.one_time_of_day(entity, watermark)?
        {
            return Ok(Stamps::OneTimeOfDay { at, a_week: span >= 6 * DAY });
        }
        let most = (0..zones.len()).map(midnights).max().unwrap_or(0);
        let many = most >= HANDFUL && most.saturating_mul(100) >= stamped.saturating_mul(MANY_MIDNIGHTS);
        Ok(if many { Stamps::SomeMidnights { rows: most } } else { Stamps::Instants })
    }

    /// Returns the time of day that all rows have, or the more frequent one of two within an hour.
    fn one_time_of_day(&self, entity: &EntityKey, watermark: &Sql) -> Result<Option<i64>, SourceError> {
        let times = self.times()?;
        let sql = Sql::fill(
            "SELECT time_of_day, count(*) AS n FROM (SELECT {time} AS time_of_day, {tick} AS t FROM \
             (SELECT {unit} AS unit, {raw} FROM {relation} AS source_rows) AS raw_rows) AS timed_rows\n\
             WHERE t < {w} GROUP BY time_of_day ORDER BY n DESC, time_of_day LIMIT 3",
            &[
                ("time", &self.warehouse.dialect().remainder(&Sql::code("us"), &Sql::integer(DAY))),
                ("tick", &times.tick),
                ("unit", &self.unit(entity)?),
                ("raw", &times.raw),
                ("relation", &self.relation),
                ("w", watermark),
            ],
        );
        let rows = self.warehouse.select(&sql)?;
        let times: Vec<i64> = rows.iter().filter_map(|row| row.integer("time_of_day")).collect();
        Ok(match times.as_slice() {
            [one] => Some(one.rem_euclid(DAY)),
            [one, other] => {
                let apart = (one - other).rem_euclid(DAY);
                (apart.min(DAY - apart) <= SUMMER_TIME).then(|| one.rem_euclid(DAY))
            }
            _ => None,
        })
    }
}

/// Returns the zones whose midnights are looked for: UTC, the book's, and those that sources declare.
fn zones(book: &Book, watermark: Timestamp) -> Vec<(String, Clock)> {
    let declared = book.sources.values().filter_map(|source| source.timezone.as_deref());
    let mut found: Vec<(String, Clock)> = Vec::new();
    for name in ["UTC", book.timezone.as_str()].into_iter().chain(declared) {
        let Some(zone) = timezone(name) else { continue };
        let clock = Clock::new(&zone, watermark);
        if found.iter().any(|(known, other)| known == name || (other.is_utc() && clock.is_utc())) {
            continue;
        }
        found.push((name.to_owned(), clock));
    }
    found
}
