//! Quantiles: the values at the ranks that a quantile of an arm and its error need.
//!
//! Two queries for each metric. The first counts the units and, for a quantile of rows, how the rows of each unit lie about
//! it; from that follow the ranks. The second returns the values at these ranks. A quantile of several days is none of the
//! quantiles of the days, so each look has rows of its own.

use std::collections::BTreeMap;

use super::super::looks::{entered_units, looked_at};
use super::super::relation::SourceError;
use super::super::{Answer, Asked, arms};
use super::looks::{LookedAt, rows_of};
use super::sql::{Builder, Slices};
use super::{ArmMoments, Centred, Copied, Extent, Measured, NotComputed, Reading, Viewed};
use crate::warehouse::{Row, Sql};
use trialbook_model::{Experiment, Metric, MetricType, Share};
use trialbook_stats::{Arm, CoMoments, CoMomentsParts, Probability, Quantile, QuantileRanks, Unmeasurable};

/// A quantile in one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmQuantile {
    /// Which quantile.
    pub at: Probability,
    /// How many values it is one of: units, or rows.
    pub values: u64,
    /// Of rows: the moments over units of those up to the quantile (y) and of all (x).
    pub rows: Option<CoMoments>,
    /// The values at its ranks: below, at and above it. `None` where there are too few values for these.
    pub around: Option<[f64; 3]>,
}

impl ArmQuantile {
    /// Returns the ranks of the values that it needs.
    fn ranks(&self, units: u64, arm: Arm) -> Result<QuantileRanks, Unmeasurable> {
        match &self.rows {
            Some(rows) => QuantileRanks::of_rows(rows, self.at, arm),
            None => QuantileRanks::of_units(units, self.at, arm),
        }
    }

    /// Returns the quantile with its standard error, of an arm of so many units; or why there is none.
    pub(crate) fn estimate(&self, units: u64, arm: Arm) -> Result<Quantile, Unmeasurable> {
        match self.around {
            Some([below, at, above]) => Quantile::from_values(below, at, above),
            None => Err(self.ranks(units, arm).err().unwrap_or(Unmeasurable::OutOfRange)),
        }
    }
}

/// Where a row of a result belongs: the numbers of the experiment, of the look (0 where there are none) and of the arm.
type Place = (usize, usize, usize);

/// What was found of an arm.
struct Found {
    units: u64,
    unusable: u64,
    too_large: u64,
    non_zero: u64,
    quantile: ArmQuantile,
}

/// One metric that is asked for.
struct Asking<'a> {
    reading: &'a Reading<'a>,
    builder: &'a Builder<'a>,
    relations: &'a [Sql],
    watermark: &'a Sql,
    at: Share,
    name: String,
}

impl Reading<'_> {
    /// Measures quantiles over relations of their sources, at the watermark and, with checks, at each look.
    pub(super) fn quantiles(
        &self,
        viewed: &Viewed<'_>,
        relations: &[Sql],
        copied: Copied,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let watermark = viewed.readable.tick_at(self.question.watermark);
        for (position, (metric, users)) in viewed.asked.iter().enumerate() {
            let MetricType::Quantile { at, .. } = metric.kind else { continue };
            let builder = viewed.builder.of(&[position]);
            let asking = Asking {
                reading: self,
                builder: &builder,
                relations,
                watermark: &watermark,
                at,
                name: viewed.name(1, copied),
            };
            let found = asking.ask(&self.units.ctes, &Slices::Arms, answer)?;
            for number in *users {
                let Some(experiment) = self.question.experiments.get(*number) else { continue };
                let metrics = copied.of(&mut answer.metrics, &mut answer.without_copies);
                let measured = measured(&found, (*number, 0), experiment);
                metrics.insert((experiment.key.clone(), metric.key.clone()), measured);
            }
            if self.extent == Extent::WithChecks {
                self.quantile_looks(viewed, (metric, users), asking, copied, answer)?;
            }
        }
        Ok(())
    }

    fn quantile_looks(
        &self,
        viewed: &Viewed<'_>,
        (metric, users): (&Metric, &[usize]),
        asking: Asking<'_>,
        copied: Copied,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let experiments = looked_at(self.question, self.units);
        let experiments: Vec<&LookedAt<'_>> =
            experiments.iter().filter(|(number, ..)| users.contains(number)).collect();
        // What an open window has would change from look to look.
        let Some(window) = asking.builder.metrics().first().and_then(|prepared| prepared.window) else {
            return Ok(());
        };
        if experiments.is_empty() {
            return Ok(());
        }
        let entry = self.entry(viewed.readable, window, asking.watermark);
        let slices = Slices::Looks(&entry, rows_of(viewed.readable, &experiments));
        let units = entered_units(self.question, self.units, self.warehouse.dialect());
        let asking = Asking { name: format!("{} by day", asking.name), ..asking };
        let found = asking.ask(&units, &slices, answer)?;
        for (number, experiment, _) in experiments {
            let looks = answer.looks.entry(experiment.key.clone()).or_default();
            for (look, at) in looks.iter_mut().enumerate() {
                let metrics = copied.of(&mut at.metrics, &mut at.without_copies);
                let measured = measured(&found, (*number, look), experiment);
                metrics.insert((experiment.key.clone(), metric.key.clone()), measured);
            }
        }
        Ok(())
    }
}

impl Asking<'_> {
    fn ask(
        &self,
        units: &Sql,
        slices: &Slices<'_>,
        answer: &mut Answer,
    ) -> Result<BTreeMap<Place, Found>, SourceError> {
        let mut found = BTreeMap::new();
        for row in self.select(&self.counting(units, slices)?, "", answer)? {
            found.insert(place(&row)?, self.found(&row)?);
        }
        let keys = slices.keys().rows;
        let mut wanted = Vec::new();
        for ((experiment, look, arm), found) in &found {
            // Too few values in an arm are reported where arms are compared.
            let Ok(ranks) = found.quantile.ranks(found.units, Arm::Control) else { continue };
            let numbers = keys.iter().map(|key| match *key {
                "experiment" => *experiment as u64,
                "look" => *look as u64,
                _ => *arm as u64,
            });
            let numbers = numbers.chain([ranks.below, ranks.at, ranks.above]);
            wanted.push(numbers.map(|number| Sql::integer(number as i64)).collect::<Vec<_>>());
        }
        if !wanted.is_empty() {
            for row in self.select(&self.values(units, slices, &wanted)?, ", values", answer)? {
                let number = |name| row.number(name).ok_or(SourceError::Shape);
                let around = [number("v_below")?, number("v_at")?, number("v_above")?];
                let found = found.get_mut(&place(&row)?).ok_or(SourceError::Shape)?;
                found.quantile.around = Some(around);
            }
        }
        Ok(found)
    }

    fn select(&self, sql: &Sql, what: &str, answer: &mut Answer) -> Result<Vec<Row>, SourceError> {
        let (name, source) = (format!("{}{what}", self.name), self.reading.source.key.clone());
        answer.queries.push(Asked { name, source, sql: sql.to_string() });
        Ok(self.reading.warehouse.select(sql)?)
    }

    /// The common table expressions that end in `ranked`: each value of an arm, with its rank and how many there are.
    fn ranked(&self, units: &Sql, slices: &Slices<'_>) -> Result<Sql, SourceError> {
        let prepared = self.builder.metrics().first().ok_or(SourceError::Shape)?;
        let keys = slices.keys();
        let entity = &self.reading.units.entity;
        let (quantity, unit) = if prepared.is_of_rows() {
            let sql = Sql::fill(
                "SELECT {keys}, u.unit, f.{m} AS v FROM numbers u JOIN facts f ON f.unit = u.unit\n    \
                 AND {counts} AND f.t < {watermark}\n  WHERE u.c0 AND f.{m} IS NOT NULL",
                &[
                    ("keys", &keys.of_rows("u.")),
                    ("m", &prepared.measure(0)),
                    ("counts", &prepared.counts(0)),
                    ("watermark", self.watermark),
                ],
            );
            (sql, "unit, ")
        } else {
            let template = "SELECT {keys}, y0 AS v FROM numbers WHERE c0 AND y0 IS NOT NULL";
            (Sql::fill(template, &[("keys", &keys.of_rows(""))]), "")
        };
        Ok(Sql::fill(
            "{numbers},\nquantity AS (\n  {quantity}\n),\n\
             ranked AS (\n  SELECT {keys}, {unit}v, row_number() OVER (PARTITION BY {keys} ORDER BY v) AS place,\n    \
             count(*) OVER (PARTITION BY {keys}) AS n\n  FROM quantity\n)",
            &[
                ("numbers", &self.builder.numbers(self.relations, units, entity, self.watermark, slices)?),
                ("quantity", &quantity),
                ("keys", &keys.of_rows("")),
                ("unit", &Sql::code(unit)),
            ],
        ))
    }

    /// Counts the units of each arm; for a quantile of rows also their rows, and those up to the quantile.
    fn counting(&self, units: &Sql, slices: &Slices<'_>) -> Result<Sql, SourceError> {
        let prepared = self.builder.metrics().first().ok_or(SourceError::Shape)?;
        let keys = slices.keys();
        let counted = Sql::fill(
            "counted AS (\n  SELECT {keys}, count(CASE WHEN c0 THEN 1 END) AS units,\n    \
             CAST(coalesce(sum(CASE WHEN c0 THEN b0 END), 0) AS BIGINT) AS unusable,\n    \
             count(CASE WHEN c0 AND o0 THEN 1 END) AS too_large, count(CASE WHEN c0 AND y0 <> 0 THEN 1 END) AS non_zero\n  \
             FROM numbers GROUP BY {keys}\n)",
            &[("keys", &keys.of_rows(""))],
        );
        if !prepared.is_of_rows() {
            let entity = &self.reading.units.entity;
            let numbers = self.builder.numbers(self.relations, units, entity, self.watermark, slices)?;
            return Ok(Sql::fill(
                "{numbers},\n{counted}\nSELECT * FROM counted ORDER BY {keys}",
                &[("numbers", &numbers), ("counted", &counted), ("keys", &keys.of_rows(""))],
            ));
        }
        let dialect = self.reading.warehouse.dialect();
        Ok(Sql::fill(
            "{ranked},\n{counted},\n\
             chosen AS (\n  SELECT {keys}, min(v) AS quantile FROM ranked WHERE place * 1000000 >= n * {ppm} GROUP BY {keys}\n),\n\
             per_unit AS (\n  SELECT {of_ranked}, r.unit, count(*) AS n, count(CASE WHEN r.v <= c.quantile THEN 1 END) AS below\n  \
             FROM ranked r JOIN chosen c USING ({keys}) GROUP BY {of_ranked}, r.unit\n),\n\
             of_rows AS (\n  SELECT {keys}, CAST(sum(n) AS BIGINT) AS n, CAST(sum(below) AS BIGINT) AS below,\n    \
             {squares} AS squares, {below_squares} AS below_squares, {products} AS products\n  \
             FROM per_unit GROUP BY {keys}\n)\n\
             SELECT {of_counted}, c.units, c.unusable, c.too_large, c.non_zero, r.n, r.below, r.squares, \
             r.below_squares, r.products\nFROM counted c LEFT JOIN of_rows r USING ({keys}) ORDER BY {of_counted}",
            &[
                ("ranked", &self.ranked(units, slices)?),
                ("counted", &counted),
                ("keys", &keys.of_rows("")),
                ("of_ranked", &keys.of_rows("r.")),
                ("of_counted", &keys.of_rows("c.")),
                ("ppm", &Sql::integer(i64::from(self.at.ppm()))),
                ("squares", &dialect.double(&Sql::code("sum(n * n)"))),
                ("below_squares", &dialect.double(&Sql::code("sum(below * below)"))),
                ("products", &dialect.double(&Sql::code("sum(n * below)"))),
            ],
        ))
    }

    /// Asks for the values at the ranks that are wanted of each arm.
    fn values(&self, units: &Sql, slices: &Slices<'_>, wanted: &[Vec<Sql>]) -> Result<Sql, SourceError> {
        let keys = slices.keys();
        let columns: Vec<&'static str> =
            keys.rows.iter().copied().chain(["at_below", "at_quantile", "at_above"]).collect();
        Ok(Sql::fill(
            "{ranked},\n{wanted}\nSELECT {of_wanted}, min(CASE WHEN r.place = w.at_below THEN r.v END) AS v_below,\n  \
             min(CASE WHEN r.place = w.at_quantile THEN r.v END) AS v_at,\n  \
             min(CASE WHEN r.place = w.at_above THEN r.v END) AS v_above\n\
             FROM ranked r JOIN wanted w USING ({keys}) GROUP BY {of_wanted} ORDER BY {of_wanted}",
            &[
                ("ranked", &self.ranked(units, slices)?),
                ("wanted", &self.reading.warehouse.dialect().table("wanted", &columns, wanted)),
                ("keys", &keys.of_rows("")),
                ("of_wanted", &keys.of_rows("w.")),
            ],
        ))
    }

    fn found(&self, row: &Row) -> Result<Found, SourceError> {
        let count = |name: &str| row.count(name).ok_or(SourceError::Shape);
        let of_rows = self.builder.metrics().first().is_some_and(super::prepared::Prepared::is_of_rows);
        let units = count("units")?;
        // Units without a row are units without a row up to the quantile.
        let rows = if of_rows && units > 0 {
            Some(moments(units, |name| row.number(name).unwrap_or(0.0))?)
        } else {
            None
        };
        let values = if of_rows { row.count("n").unwrap_or(0) } else { units };
        let at = Probability::new(self.at.fraction()).map_err(|_| SourceError::Shape)?;
        Ok(Found {
            units,
            unusable: count("unusable")?,
            too_large: count("too_large")?,
            non_zero: count("non_zero")?,
            quantile: ArmQuantile { at, values, rows, around: None },
        })
    }
}

/// Returns the moments over units of their rows: y those up to the quantile, x all.
fn moments(units: u64, number: impl Fn(&'static str) -> f64) -> Result<CoMoments, SourceError> {
    let n = units as f64;
    let (below, all) = (number("below"), number("n"));
    let m2_y = (number("below_squares") - below * (below / n)).max(0.0);
    let m2_x = (number("squares") - all * (all / n)).max(0.0);
    // Rounding may leave a little where nothing varies.
    let most = m2_y.sqrt() * m2_x.sqrt();
    let c_xy = (number("products") - below * (all / n)).clamp(-most, most);
    CoMoments::from_parts(CoMomentsParts { n: units, mean_y: below / n, mean_x: all / n, m2_y, m2_x, c_xy })
        .map_err(|_| SourceError::Shape)
}

fn place(row: &Row) -> Result<Place, SourceError> {
    let number =
        |name| row.count(name).and_then(|number| usize::try_from(number).ok()).ok_or(SourceError::Shape);
    let look = if row.count("look").is_some() { number("look")? } else { 0 };
    Ok((number("experiment")?, look, number("arm")?))
}

/// Returns a quantile of an experiment at a look as its arms have it.
fn measured(
    found: &BTreeMap<Place, Found>,
    (experiment, look): (usize, usize),
    declared: &Experiment,
) -> Result<Measured, NotComputed> {
    let of_arm = |arm: usize| found.get(&(experiment, look, arm));
    let (mut unusable, mut too_large, mut measured) = (0, 0, Vec::new());
    for (arm, variant) in arms(declared).into_iter().enumerate() {
        let found = of_arm(arm);
        unusable += found.map_or(0, |found| found.unusable);
        too_large += found.map_or(0, |found| found.too_large);
        measured.push(ArmMoments {
            variant: variant.clone(),
            units: found.map_or(0, |found| found.units),
            events: None,
            non_zero: found.map_or(0, |found| found.non_zero),
            value: Centred::default(),
            covariate: None,
            denominator: None,
            covariate_ratio: None,
            quantile: found.map(|found| found.quantile),
        });
    }
    if unusable > 0 {
        return Err(NotComputed::UnusableRows { rows: unusable });
    }
    if too_large > 0 {
        return Err(NotComputed::OutOfRange { units: too_large });
    }
    Ok(Measured { arms: measured, limit: None, unusable_covariate_rows: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_alike_up_to_the_quantile_have_moments() {
        // One row of each unit is up to it, and so many are in all, that the mean is rounded.
        for units in [3_u64, 7, 1_200, 1_201, 99_999] {
            for all in [2 * units + 5, 3 * units + 1] {
                let (n, all) = (units as f64, all as f64);
                let sums = |name| match name {
                    "below" | "below_squares" => n,
                    "n" | "products" => all,
                    _ => 20.0 * n,
                };
                let moments =
                    moments(units, sums).unwrap_or_else(|error| panic!("{units} of {all}: {error:?}"));
                assert_eq!(moments.m2_y(), 0.0);
            }
        }
    }
}
