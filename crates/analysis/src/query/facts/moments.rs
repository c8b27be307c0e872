//! Centred moments per arm: their SQL, and how a row of its result is read.
//!
//! Everything is added up in whole numbers, so that the same data gives the same bits whatever the number of threads.
//! A proportion is counted. Any other value is centred at its arm's mean and divided by its arm's largest distance
//! from that mean, which makes fractions of values as large as 1e45 and as small as they get.

use super::sql::Prepared;
use super::{ArmMoments, Centred, CentredCovariate};
use crate::query::relation::SourceError;
use crate::warehouse::{Dialect, Row, Sql};
use trialbook_model::{Cap, Metric, MetricType, VariantKey};
use trialbook_stats::Moments;

/// Columns of the result per metric, after the experiment and the arm: units, unusable rows, unusable covariate rows,
/// units out of range; then nine of moments; the limit of the
/// cap, units above it; units with a value other than 0.
///
/// Of moments a proportion has the units with a value, with a covariate and with both; any other metric has the mean,
/// the largest distance from it, the sum and the sum of squares of the distances as fractions of that; the same of
/// the covariate; and the sum of the products of both fractions.
const WIDTH: usize = 16;

/// Returns the rest of the query after `numbers`, which has a row per experiment and unit.
pub(super) fn sql(metrics: &[Prepared], dialect: &dyn Dialect) -> Sql {
    let each = |make: &dyn Fn(usize, &Prepared) -> Sql| {
        Sql::join(metrics.iter().enumerate().map(|(k, metric)| make(k, metric)), "")
    };
    Sql::fill(
        "limits AS (\n  SELECT experiment{limits}\n  FROM numbers GROUP BY experiment\n),\n\
         capped AS (\n  SELECT n.experiment, n.arm{capped}\n  \
         FROM numbers n JOIN limits l ON l.experiment = n.experiment\n),\n\
         arms AS (\n  SELECT experiment, arm{means}\n  FROM capped GROUP BY experiment, arm\n),\n\
         ranges AS (\n  SELECT c.experiment, c.arm{ranges}\n  \
         FROM capped c JOIN arms a ON a.experiment = c.experiment AND a.arm = c.arm\n  \
         GROUP BY c.experiment, c.arm\n),\n\
         centred AS (\n  SELECT c.experiment, c.arm{centred}\n  \
         FROM capped c JOIN ranges r ON r.experiment = c.experiment AND r.arm = c.arm\n)\n\
         SELECT experiment, arm{moments}\nFROM centred GROUP BY experiment, arm ORDER BY experiment, arm",
        &[
            ("limits", &each(&|k, metric| limits(k, metric, dialect))),
            ("capped", &each(&capped)),
            ("means", &each(&|k, metric| means(k, metric, dialect))),
            ("ranges", &each(&ranges)),
            ("centred", &each(&centred)),
            ("moments", &each(&|k, metric| moments(k, metric, dialect))),
        ],
    )
}

/// The names of a quantity in the query: its value, the cap's limit, its mean, its largest distance from the mean.
#[derive(Clone, Copy)]
struct Names {
    value: &'static str,
    limit: &'static str,
    mean: &'static str,
    range: &'static str,
}

const VALUE: Names = Names { value: "y", limit: "l", mean: "s", range: "r" };
const COVARIATE: Names = Names { value: "x", limit: "lx", mean: "sx", range: "rx" };

impl Names {
    /// Puts the names of metric `k` into a template's `{v}`, `{l}`, `{s}` and `{r}`.
    fn fill(self, k: usize, template: &'static str) -> Sql {
        Sql::fill(
            template,
            &[
                ("v", &Sql::name(self.value, k)),
                ("l", &Sql::name(self.limit, k)),
                ("s", &Sql::name(self.mean, k)),
                ("r", &Sql::name(self.range, k)),
            ],
        )
    }
}

/// The quantities of a metric.
fn quantities(metric: &Prepared) -> &'static [Names] {
    if metric.before.is_some() { &[VALUE, COVARIATE] } else { &[VALUE] }
}

fn over_quantities(k: usize, metric: &Prepared, template: &'static str) -> Sql {
    Sql::join(quantities(metric).iter().map(|names| names.fill(k, template)), "")
}

/// Per experiment: the cap's limit over all arms together.
fn limits(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    let limit = |names: &Names| {
        let at = match metric.cap {
            None => Sql::code("CAST(NULL AS DOUBLE)"),
            Some(Cap::Value(value)) => Sql::float(value),
            Some(Cap::Quantile(share)) => dialect.quantile(&Sql::name(names.value, k), share.fraction()),
        };
        Sql::fill(",\n    {at} AS {l}", &[("at", &at), ("l", &Sql::name(names.limit, k))])
    };
    Sql::join(quantities(metric).iter().map(limit), "")
}

/// Per unit: the capped value and covariate.
fn capped(k: usize, metric: &Prepared) -> Sql {
    let values = over_quantities(
        k,
        metric,
        if metric.cap.is_some() {
            ", CASE WHEN n.{v} > l.{l} THEN l.{l} ELSE n.{v} END AS {v}"
        } else {
            ", n.{v}"
        },
    );
    let above = VALUE.fill(k, if metric.cap.is_some() { "n.{v} > l.{l}" } else { "FALSE" });
    Sql::fill(
        ",\n    n.{c}, n.{b}, n.{bx}, n.{o}, l.{l}{values}, {above} AS {a},\n    n.{y} <> 0 AS {z}",
        &[
            ("c", &Sql::name("c", k)),
            ("b", &Sql::name("b", k)),
            ("bx", &Sql::name("bx", k)),
            ("o", &Sql::name("o", k)),
            ("l", &Sql::name("l", k)),
            ("values", &values),
            ("above", &above),
            ("a", &Sql::name("a", k)),
            ("y", &Sql::name("y", k)),
            ("z", &Sql::name("z", k)),
        ],
    )
}

/// Per arm: the means.
fn means(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    if metric.positive {
        return Sql::code("");
    }
    let mean = |names: &Names| {
        let value = Sql::name(names.value, k);
        let known = Sql::fill("{v} IS NOT NULL", &[("v", &value)]);
        Sql::fill(
            ",\n    coalesce(({sum}) / nullif(count({v}), 0), 0) AS {s}",
            &[("sum", &dialect.sum(&value, &known)), ("v", &value), ("s", &Sql::name(names.mean, k))],
        )
    };
    Sql::join(quantities(metric).iter().map(mean), "")
}

/// Per arm: the means again, and the largest distances from them.
fn ranges(k: usize, metric: &Prepared) -> Sql {
    if metric.positive {
        return Sql::code("");
    }
    over_quantities(k, metric, ",\n    min(a.{s}) AS {s}, coalesce(max(abs(c.{v} - a.{s})), 0) AS {r}")
}

/// Per unit: the distances from the means as fractions of the largest.
fn centred(k: usize, metric: &Prepared) -> Sql {
    let values = over_quantities(
        k,
        metric,
        if metric.positive {
            ", c.{v}"
        } else {
            ",\n    CASE WHEN r.{r} > 0 THEN (c.{v} - r.{s}) / r.{r} \
             WHEN c.{v} IS NOT NULL THEN CAST(0 AS DOUBLE) END AS {v}, r.{s}, r.{r}"
        },
    );
    Sql::fill(
        ",\n    c.{c}, c.{b}, c.{bx}, c.{o}, c.{l}, c.{a}, c.{z}{values}",
        &[
            ("c", &Sql::name("c", k)),
            ("b", &Sql::name("b", k)),
            ("bx", &Sql::name("bx", k)),
            ("o", &Sql::name("o", k)),
            ("l", &Sql::name("l", k)),
            ("a", &Sql::name("a", k)),
            ("z", &Sql::name("z", k)),
            ("values", &values),
        ],
    )
}

/// Per arm: the columns of the result.
fn moments(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    let nothing = |columns| Sql::join((0..columns).map(|_| Sql::code("CAST(NULL AS DOUBLE)")), ", ");
    let (y, x) = (Sql::name("y", k), Sql::name("x", k));
    let columns = if metric.positive {
        let count = |condition: &Sql| Sql::fill("count(*) FILTER (WHERE {c})", &[("c", condition)]);
        let ones = |value: &Sql| Sql::fill("{v} = 1", &[("v", value)]);
        let known = match metric.before {
            None => vec![count(&ones(&y))],
            Some(_) => {
                let both = Sql::fill("{y} = 1 AND {x} = 1", &[("y", &y), ("x", &x)]);
                vec![count(&ones(&y)), count(&ones(&x)), count(&both)]
            }
        };
        let rest = nothing(9 - known.len());
        vec![Sql::join(known, ", "), rest]
    } else {
        let of = |names: &Names| {
            let value = Sql::name(names.value, k);
            let square = Sql::fill("{v} * {v}", &[("v", &value)]);
            Sql::fill(
                "min({s}), min({r}), {sum}, {squares}",
                &[
                    ("s", &Sql::name(names.mean, k)),
                    ("r", &Sql::name(names.range, k)),
                    ("sum", &dialect.sum_of_fractions(&value)),
                    ("squares", &dialect.sum_of_fractions(&square)),
                ],
            )
        };
        let mut columns: Vec<Sql> = quantities(metric).iter().map(of).collect();
        columns.push(match metric.before {
            None => nothing(5),
            Some(_) => dialect.sum_of_fractions(&Sql::fill("{y} * {x}", &[("y", &y), ("x", &x)])),
        });
        columns
    };
    Sql::fill(
        ",\n  count(*) FILTER (WHERE {c}), CAST(coalesce(sum({b}) FILTER (WHERE {c}), 0) AS BIGINT), \
         CAST(coalesce(sum({bx}) FILTER (WHERE {c}), 0) AS BIGINT), count(*) FILTER (WHERE {c} AND {o}), \
         {columns}, min({l}), count(*) FILTER (WHERE {a}), count(*) FILTER (WHERE {z})",
        &[
            ("c", &Sql::name("c", k)),
            ("b", &Sql::name("b", k)),
            ("bx", &Sql::name("bx", k)),
            ("o", &Sql::name("o", k)),
            ("columns", &Sql::join(columns, ", ")),
            ("l", &Sql::name("l", k)),
            ("a", &Sql::name("a", k)),
            ("z", &Sql::name("z", k)),
        ],
    )
}

/// A metric in one arm, as a row of the result has it.
pub(super) struct Read {
    pub(super) moments: ArmMoments,
    /// Rows that count and have no usable measure.
    pub(super) unusable_rows: u64,
    /// The same of the covariate's rows.
    pub(super) unusable_covariate_rows: u64,
    /// Units whose values are too large.
    pub(super) too_large: u64,
    /// The cap's limit, and the units above it.
    pub(super) limit: Option<(f64, u64)>,
}

impl Read {
    /// Reads the metric at a position out of an arm's row; an arm without units has none.
    pub(super) fn of(
        row: Option<&Row>,
        position: usize,
        variant: &VariantKey,
        metric: &Metric,
    ) -> Result<Self, SourceError> {
        let covariate = metric.covariate.map(|_| CentredCovariate::default());
        let is_proportion = matches!(metric.kind, MetricType::Proportion(_));
        let mut read = Self {
            moments: ArmMoments {
                variant: variant.clone(),
                units: 0,
                events: is_proportion.then_some(0),
                non_zero: 0,
                value: Centred::default(),
                covariate,
            },
            unusable_rows: 0,
            unusable_covariate_rows: 0,
            too_large: 0,
            limit: None,
        };
        let Some(row) = row else { return Ok(read) };
        let columns = Columns { row, at: 2 + position * WIDTH };
        read.moments.units = columns.count(0)?;
        read.unusable_rows = columns.count(1)?;
        read.unusable_covariate_rows = columns.count(2)?;
        read.too_large = columns.count(3)?;
        read.moments.non_zero = columns.count(15)?;
        if is_proportion {
            columns.proportion(&mut read.moments)?;
        } else {
            columns.values(&mut read.moments);
        }
        if let Some(at) = columns.number(13) {
            read.limit = Some((at, columns.count(14)?));
        }
        Ok(read)
    }
}

struct Columns<'a> {
    row: &'a Row,
    at: usize,
}

impl Columns<'_> {
    fn count(&self, offset: usize) -> Result<u64, SourceError> {
        self.row.count(self.at + offset).ok_or(SourceError::Shape)
    }

    fn number(&self, offset: usize) -> Option<f64> {
        self.row.number(self.at + offset)
    }

    /// Reads the counts of a proportion.
    fn proportion(&self, arm: &mut ArmMoments) -> Result<(), SourceError> {
        let of = |ones| {
            let moments = Moments::of_proportion(ones, arm.units).map_err(|_| SourceError::Shape)?;
            Ok::<_, SourceError>(Centred { mean: moments.mean(), m2: moments.m2() })
        };
        let events = self.count(4)?;
        let value = of(events)?;
        if let Some(covariate) = &mut arm.covariate {
            let (before, both) = (self.count(5)?, self.count(6)?);
            // Σ(y − ȳ)(x − x̄) = both − events·before/n, of which the numerator is a whole number.
            let co = i128::from(both) * i128::from(arm.units) - i128::from(events) * i128::from(before);
            *covariate = CentredCovariate { own: of(before)?, co: co as f64 / arm.units.max(1) as f64 };
        }
        (arm.events, arm.value) = (Some(events), value);
        Ok(())
    }

    /// Reads the moments of values.
    fn values(&self, arm: &mut ArmMoments) {
        let n = arm.units as f64;
        let quantity = |first| {
            let (mean, range) = (self.number(first)?, self.number(first + 1)?);
            let (sum, squares) = (self.number(first + 2)?, self.number(first + 3)?);
            Some(Quantity { mean, range, sum, squares })
        };
        let Some(value) = quantity(4) else { return };
        arm.value = value.centred(n);
        let Some(covariate) = &mut arm.covariate else { return };
        let (Some(x), Some(products)) = (quantity(8), self.number(12)) else { return };
        let co = value.range * x.range * (products - value.sum * (x.sum / n));
        *covariate = CentredCovariate { own: x.centred(n), co };
    }
}

/// A quantity as the result has it: see [`WIDTH`].
struct Quantity {
    mean: f64,
    range: f64,
    sum: f64,
    squares: f64,
}

impl Quantity {
    fn centred(&self, n: f64) -> Centred {
        // The mean is rounded, so that the distances from it do not quite add up to zero.
        let left = self.sum / n;
        let m2 = self.range * self.range * (self.squares - self.sum * left).max(0.0);
        Centred { mean: self.mean + self.range * left, m2 }
    }
}
