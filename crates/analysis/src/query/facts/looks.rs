//! The moments of metrics at each look of an experiment, from per-day data.
//!
//! Once a unit's window has closed its value stays, so that the moments of a look are those of the days before it, added up:
//! one query gives them for all looks. Only a cap at a quantile makes values that differ from look to look; such metrics
//! have a row per look instead.

use super::super::clock::day_of;
use super::super::looks::{Watermark, days, entered_units, looked_at};
use super::super::relation::{Readable, SourceError};
use super::super::{Answer, Asked, arms};
use super::read::Read;
use super::sql::{Alike, Entry, Slices};
use super::{Copied, Measured, NotComputed, Reading, Viewed, measured};
use crate::warehouse::{Row, Sql};
use trialbook_model::{Experiment, Metric};

/// An experiment that is looked at: its number in the SQL, and its looks.
pub(super) type LookedAt<'a> = (usize, &'a Experiment, Vec<Watermark>);

impl Reading<'_> {
    /// Measures at each look, over relations of the sources, the metrics whose windows close.
    pub(super) fn look(
        &self,
        viewed: &Viewed<'_>,
        relations: &[Sql],
        copied: Copied,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let experiments = looked_at(self.question, self.units);
        for alike in viewed.builder.alike() {
            let used = |number: &usize| {
                let mut users = alike.positions.iter().filter_map(|position| viewed.asked.get(*position));
                users.any(|(_, users)| users.contains(number))
            };
            let experiments: Vec<&LookedAt<'_>> =
                experiments.iter().filter(|(number, ..)| used(number)).collect();
            if !experiments.is_empty() {
                self.look_alike(viewed, relations, &alike, &experiments, copied, answer)?;
            }
        }
        Ok(())
    }

    fn look_alike(
        &self,
        viewed: &Viewed<'_>,
        relations: &[Sql],
        alike: &Alike,
        experiments: &[&LookedAt<'_>],
        copied: Copied,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let (readable, dialect) = (viewed.readable, self.warehouse.dialect());
        let watermark = readable.tick_at(self.question.watermark);
        let entry = self.entry(readable, alike.window, &watermark);
        let slices = if alike.by_look {
            Slices::Looks(&entry, rows_of(readable, experiments))
        } else {
            Slices::Periods(&entry)
        };
        let units = entered_units(self.question, self.units, dialect);
        let builder = viewed.builder.of(&alike.positions);
        let sql = builder.finish(relations, &units, &self.units.entity, &watermark, &slices)?;
        let name = format!("{} by day", viewed.name(alike.positions.len(), copied));
        answer.queries.push(Asked { name, source: self.source.key.clone(), sql: sql.to_string() });
        let rows = self.warehouse.select(&sql)?;
        for (position, of_all) in alike.positions.iter().enumerate() {
            let Some((metric, users)) = viewed.asked.get(*of_all) else { continue };
            for (number, experiment, watermarks) in
                experiments.iter().filter(|(number, ..)| users.contains(number))
            {
                let found = if alike.by_look {
                    by_look(&rows, position, *number, experiment, metric, watermarks)?
                } else {
                    let keys: Vec<_> =
                        watermarks.iter().map(|look| (reach(readable, look), look.day)).collect();
                    by_period(&rows, position, *number, experiment, metric, &keys, readable.by_day())?
                };
                let looks = answer.looks.entry(experiment.key.clone()).or_default();
                for (look, measured) in looks.iter_mut().zip(found) {
                    let metrics = copied.of(&mut look.metrics, &mut look.without_copies);
                    metrics.insert((experiment.key.clone(), metric.key.clone()), measured);
                }
            }
        }
        Ok(())
    }

    /// Returns when units begin to count for a window.
    pub(super) fn entry(&self, readable: &Readable<'_>, window: i64, watermark: &Sql) -> Entry {
        let w = Sql::integer(window);
        let closed = Sql::fill("exposed + {w} <= {watermark}", &[("w", &w), ("watermark", watermark)]);
        if readable.by_day() {
            let at = Sql::fill("exposed + {w}", &[("w", &w)]);
            return Entry { at, reached: Sql::code("n.entry <= k.entered"), closed };
        }
        // A window that closes at midnight counts at once: the day of its last moment is the one before.
        let last = Sql::fill("(exposed + {w})", &[("w", &Sql::integer(window - 1))]);
        let at =
            day_of(&days(self.question.book, self.question.watermark).local(&last), self.warehouse.dialect());
        Entry { at, reached: Sql::code("n.entry < k.entered"), closed }
    }
}

/// Returns the looks as rows: experiment, look, what must have been entered by then, and the day.
pub(super) fn rows_of(readable: &Readable<'_>, experiments: &[&LookedAt<'_>]) -> Vec<Vec<Sql>> {
    let rows = experiments.iter().flat_map(|(number, _, watermarks)| {
        watermarks.iter().enumerate().map(|(look, watermark)| {
            let row = [*number as i64, look as i64, reach(readable, watermark), watermark.day];
            row.map(Sql::integer).to_vec()
        })
    });
    rows.collect()
}

/// Returns what an entry is compared with at a look.
fn reach(readable: &Readable<'_>, look: &Watermark) -> i64 {
    if readable.by_day() && look.day != Watermark::LAST { readable.days().day(look.at) } else { look.day }
}

type Found = Vec<Result<Measured, NotComputed>>;

/// Reads a metric out of a row for each arm and look.
fn by_look(
    rows: &[Row],
    position: usize,
    number: usize,
    experiment: &Experiment,
    metric: &Metric,
    watermarks: &[Watermark],
) -> Result<Found, SourceError> {
    let mut reads = vec![vec![Read::default(); arms(experiment).len()]; watermarks.len()];
    for row in rows.iter().filter(|row| row.count("experiment") == Some(number as u64)) {
        let place =
            |column: &str| row.count(column).and_then(|n| usize::try_from(n).ok()).ok_or(SourceError::Shape);
        let (look, arm) = (place("look")?, place("arm")?);
        let slot = reads.get_mut(look).and_then(|arms| arms.get_mut(arm)).ok_or(SourceError::Shape)?;
        *slot = Read::of(row, position, metric)?;
    }
    reads.iter().map(|arms| measured(arms, experiment, metric)).collect()
}

/// Adds up the days before each look, given as what is reached by then and the day.
fn by_period(
    rows: &[Row],
    position: usize,
    number: usize,
    experiment: &Experiment,
    metric: &Metric,
    looks: &[(i64, i64)],
    by_day: bool,
) -> Result<Found, SourceError> {
    let mut periods = Vec::new();
    for row in rows.iter().filter(|row| row.count("experiment") == Some(number as u64)) {
        let arm = row.count("arm").and_then(|arm| usize::try_from(arm).ok()).ok_or(SourceError::Shape)?;
        let entry = row.integer("entry").ok_or(SourceError::Shape)?;
        periods.push((arm, entry, row.integer("leave"), Read::of(row, position, metric)?));
    }
    let at = |(reach, day): &(i64, i64)| {
        let mut arms = vec![Read::default(); arms(experiment).len()];
        for (arm, entry, leave, read) in &periods {
            let counts = if by_day { entry <= reach } else { entry < reach };
            if let (true, Some(sum)) = (counts && leave.is_none_or(|leave| leave >= *day), arms.get_mut(*arm))
            {
                sum.add(read);
            }
        }
        measured(&arms, experiment, metric)
    };
    looks.iter().map(at).collect()
}
