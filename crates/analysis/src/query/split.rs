//! Where units of a broken split come from: counted by the values of their dimensions, two at a time, and by when they were first
//! exposed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clock::{Clock, DAY};
use super::exposures::{Exposures, Units};
use super::looks::days;
use super::relation::SourceError;
use super::{Answer, Asked, BookChange, Question, arms};
use crate::warehouse::{Dialect, Row, Sql, Warehouse};
use trialbook_model::{DimensionKey, Experiment, SourceKey, VariantKey};
use trialbook_stats::sample_ratio::sample_ratio;

/// The most periods of whole days into which the time is divided.
const MOST_PERIODS: i64 = 31;
/// The most changes of the book that are compared, the latest first.
const MOST_CHANGES: usize = 20;

/// A dimension and one of its values, each by its number.
pub(crate) type Condition = (usize, usize);

/// The units of an experiment by dimension values and time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SplitCells {
    /// The dimensions, each with the values that are compared.
    pub(crate) dimensions: Vec<(DimensionKey, Vec<String>)>,
    /// The times at which slices begin, in order, each with the change of the book that was made then.
    pub(crate) slices: Vec<(Timestamp, Option<BookChange>)>,
    /// The units that fulfil no, one or two conditions: a row per slice, in it a number per arm, in byte order of the variants.
    pub(crate) units: BTreeMap<Vec<Condition>, Vec<Vec<u64>>>,
}

/// Asks for the cells of each experiment whose split is uneven.
pub(super) fn ask(
    question: Question<'_>,
    units: &Units,
    source: &SourceKey,
    warehouse: &dyn Warehouse,
    answer: &mut Answer,
) -> Result<(), SourceError> {
    for number in &units.experiments {
        let Some(experiment) = question.experiments.get(*number) else { continue };
        let Some(exposures) = answer.exposures.get(&experiment.key) else { continue };
        if !is_uneven(question, experiment, exposures) {
            continue;
        }
        let Some(grid) = Grid::new(question, experiment, exposures) else { continue };
        let sql = grid.query(*number, units, warehouse.dialect());
        answer.queries.push(Asked {
            name: format!("units of {} by part and time", experiment.key),
            source: source.clone(),
            sql: sql.to_string(),
        });
        let cells = grid.collect(&warehouse.select(&sql)?, arms(experiment).len())?;
        answer.split.insert(experiment.key.clone(), cells);
    }
    Ok(())
}

/// Tells whether the split may be found broken: by the single test, for the one that is valid at every look is stricter.
pub(super) fn is_uneven(question: Question<'_>, experiment: &Experiment, exposures: &Exposures) -> bool {
    let units = |variant: &VariantKey| {
        exposures.overall.arms.iter().find(|arm| arm.variant == *variant).map_or(0, |a| a.units)
    };
    let observed: Vec<_> =
        experiment.split.shares().iter().map(|(v, share)| (units(v), f64::from(share.ppm()))).collect();
    let threshold = question.book.policy.quality.sample_ratio_p.fraction();
    sample_ratio(&observed).is_ok_and(|test| test.p_value < threshold)
}

/// What units are counted by.
struct Grid<'a> {
    /// The place of each compared dimension in the SQL, its name and its values.
    dimensions: Vec<(usize, &'a DimensionKey, Vec<&'a str>)>,
    clock: Clock,
    first_day: i64,
    /// The days of a period.
    step: i64,
    periods: i64,
    changes: Vec<&'a BookChange>,
}

impl<'a> Grid<'a> {
    fn new(question: Question<'a>, experiment: &Experiment, exposures: &'a Exposures) -> Option<Self> {
        let (first, last) = (exposures.first?, exposures.last?);
        let clock = days(question.book, question.watermark);
        let first_day = clock.day(first);
        let length = clock.day(last) - first_day + 1;
        let step = (length + MOST_PERIODS - 1) / MOST_PERIODS;
        let dimensions = exposures.largest_parts().into_iter().map(|(place, name, parts)| {
            (place, name, parts.into_iter().map(|part| part.value.as_str()).collect())
        });
        let changes = question.changes.get(&experiment.key).map_or(&[][..], Vec::as_slice);
        // What was there before the first unit, or since the last one, divides no units.
        let mut changes: Vec<_> =
            changes.iter().filter(|change| first < change.at && change.at <= last).collect();
        changes.sort_by_key(|change| Reverse(change.at));
        changes.dedup_by_key(|change| change.at);
        changes.truncate(MOST_CHANGES);
        changes.reverse();
        let periods = (length + step - 1) / step;
        Some(Self { dimensions: dimensions.collect(), clock, first_day, step, periods, changes })
    }

    /// The pairs of compared dimensions by which units are counted: all of two different ones, where there are two.
    fn pairs(&self) -> Vec<Vec<usize>> {
        let all = self.dimensions.len();
        match all {
            0 => vec![Vec::new()],
            1 => vec![vec![0]],
            _ => (0..all).flat_map(|i| (i + 1..all).map(move |j| vec![i, j])).collect(),
        }
    }

    fn query(&self, number: usize, units: &Units, dialect: &dyn Dialect) -> Sql {
        let value = |(at, (place, _, values)): (usize, &(usize, &DimensionKey, Vec<&str>))| {
            let d = Sql::name("d", *place);
            let cases = values.iter().enumerate().map(|(n, value)| {
                Sql::fill(
                    " WHEN {d} = {value} THEN {n}",
                    &[("d", &d), ("value", &dialect.text(value)), ("n", &Sql::integer(n as i64))],
                )
            });
            let cases = Sql::join(cases, "");
            let name = Sql::name("v", at);
            // A dimension without any value that is compared has the same for all units.
            let template = if values.is_empty() { ", -1 AS {v}" } else { ", CASE{cases} ELSE -1 END AS {v}" };
            Sql::fill(template, &[("cases", &cases), ("v", &name)])
        };
        let eras = self.changes.iter().enumerate().rev().map(|(n, change)| {
            Sql::fill(
                " WHEN exposed >= {at} THEN {n}",
                &[("at", &Sql::integer(change.at.as_microsecond())), ("n", &Sql::integer(n as i64 + 1))],
            )
        });
        let eras = Sql::join(eras, "");
        let era = if self.changes.is_empty() { "0" } else { "CASE{eras} ELSE 0 END" };
        let since = Sql::fill(
            "{local} - {first}",
            &[
                ("local", &self.clock.local(&Sql::code("exposed"))),
                ("first", &Sql::integer(self.first_day * DAY)),
            ],
        );
        let period = Sql::fill(
            "CAST(floor({since} / {length}) AS BIGINT)",
            &[
                ("since", &dialect.double(&Sql::fill("({since})", &[("since", &since)]))),
                ("length", &dialect.float((self.step * DAY) as f64)),
            ],
        );
        let pairs = self.pairs();
        let names = |pair: &[usize], template| {
            Sql::join(pair.iter().map(|at| Sql::fill(template, &[("v", &Sql::name("v", *at))])), "")
        };
        let sets = pairs
            .iter()
            .map(|pair| Sql::fill("(arm, period, era{names})", &[("names", &names(pair, ", {v}"))]));
        let parts = pairs.iter().enumerate().map(|(n, pair)| {
            let n = Sql::integer(n as i64);
            let is_counted = names(pair, " AND grouping({v}) = 0");
            Sql::fill(" WHEN 0 = 0{counted} THEN {n}", &[("counted", &is_counted), ("n", &n)])
        });
        let all: Vec<usize> = (0..self.dimensions.len()).collect();
        Sql::fill(
            "{ctes},\n\
             cells AS (\n  SELECT arm, {period} AS period, {era} AS era{values}\n  FROM classified\n  \
             WHERE state = 3 AND experiment = {number}\n)\n\
             SELECT CASE{parts} END AS part, arm, period, era{names}, count(*) AS units\nFROM cells\n\
             GROUP BY GROUPING SETS ({sets})\nORDER BY part, arm, period, era{names}",
            &[
                ("ctes", &units.ctes),
                ("period", &period),
                ("era", &Sql::fill(era, &[("eras", &eras)])),
                ("values", &Sql::join(self.dimensions.iter().enumerate().map(value), "")),
                ("number", &Sql::integer(number as i64)),
                ("parts", &Sql::join(parts, "")),
                ("names", &names(&all, ", {v}")),
                ("sets", &Sql::join(sets, ", ")),
            ],
        )
    }

    /// Puts the times at which periods begin between those of the changes.
    fn slices(&self) -> Result<Vec<(Timestamp, Option<BookChange>)>, SourceError> {
        let mut slices = BTreeMap::new();
        for period in 0..self.periods {
            let start = self.clock.start(self.first_day + period * self.step).ok_or(SourceError::Shape)?;
            slices.insert(start, None);
        }
        slices.extend(self.changes.iter().map(|change| (change.at, Some((*change).clone()))));
        Ok(slices.into_iter().collect())
    }

    fn collect(&self, rows: &[Row], arms: usize) -> Result<SplitCells, SourceError> {
        let slices = self.slices()?;
        let pairs = self.pairs();
        let mut cells = SplitCells {
            dimensions: self
                .dimensions
                .iter()
                .map(|(_, name, values)| ((*name).clone(), values.iter().map(|v| (*v).to_owned()).collect()))
                .collect(),
            slices: slices.clone(),
            units: BTreeMap::new(),
        };
        let number = |row: &Row, column: &str| {
            row.count(column).and_then(|n| usize::try_from(n).ok()).ok_or(SourceError::Shape)
        };
        for row in rows {
            let (part, arm) = (number(row, "part")?, number(row, "arm")?);
            let slice = self.slice(&slices, row.integer("period"), number(row, "era")?)?;
            let units = row.count("units").ok_or(SourceError::Shape)?;
            let pair = pairs.get(part).ok_or(SourceError::Shape)?;
            let mut conditions: Vec<Condition> = Vec::new();
            for at in pair {
                // Values that are not compared have a number below zero.
                let value = row.integer(&format!("v{at}")).ok_or(SourceError::Shape)?;
                conditions.extend(usize::try_from(value).ok().map(|value| (*at, value)));
            }
            let mut sums: Vec<Vec<Condition>> = Vec::new();
            if part == 0 {
                sums.push(Vec::new());
            }
            // Each dimension is counted with each other one: its own sums are those of one such pair.
            let alone = |at: usize| {
                pair.len() == 1 || if at == 0 { pair == &[0, 1] } else { pair.first() == Some(&0) }
            };
            sums.extend(conditions.iter().filter(|(at, _)| alone(*at)).map(|condition| vec![*condition]));
            if conditions.len() == 2 {
                sums.push(conditions);
            }
            for key in sums {
                let found = cells.units.entry(key).or_insert_with(|| vec![vec![0; arms]; slices.len()]);
                let cell = found.get_mut(slice).and_then(|slice| slice.get_mut(arm));
                *cell.ok_or(SourceError::Shape)? += units;
            }
        }
        Ok(cells)
    }

    /// Returns the slice of a period and the number of changes before it.
    fn slice(
        &self,
        slices: &[(Timestamp, Option<BookChange>)],
        period: Option<i64>,
        era: usize,
    ) -> Result<usize, SourceError> {
        let period = period.ok_or(SourceError::Shape)?.clamp(0, self.periods - 1);
        let start = self.clock.start(self.first_day + period * self.step).ok_or(SourceError::Shape)?;
        let change = era.checked_sub(1).and_then(|era| self.changes.get(era));
        let start = change.map_or(start, |change| start.max(change.at));
        slices.iter().position(|(at, _)| *at == start).ok_or(SourceError::Shape)
    }
}
