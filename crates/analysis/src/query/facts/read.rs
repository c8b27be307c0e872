//! How a row of moments is read.

use super::moments::{ONES, ONES_BEFORE, ONES_BOTH, PRODUCTS};
use super::prepared::{ALL_NAMES, Names};
use super::{ArmMoments, Centred, CentredCovariate};
use crate::query::relation::SourceError;
use crate::warehouse::Row;
use trialbook_model::{Metric, MetricType, VariantKey};
use trialbook_stats::ratio_moments::{PAIRS, QUANTITIES};
use trialbook_stats::{Moments, RatioMomentsParts};

/// A metric in one arm, as rows of the result have it. Rows of units that differ add up.
#[derive(Debug, Clone, Default)]
pub(super) struct Read {
    units: u64,
    /// Rows that count and have no usable measure, of each quantity.
    unusable: [u64; QUANTITIES],
    /// Units whose values are too large.
    pub(super) too_large: u64,
    non_zero: u64,
    /// The cap's limit, and the units above it.
    pub(super) limit: Option<(f64, u64)>,
    /// Of a proportion: the units with a value, with a covariate and with both.
    ones: [u64; 3],
    quantities: [Option<Quantity>; QUANTITIES],
    /// The sums of the products of each of [`PRODUCTS`].
    products: [f64; PRODUCTS.len()],
}

impl Read {
    /// Reads the metric at a position out of a row.
    pub(super) fn of(row: &Row, position: usize, metric: &Metric) -> Result<Self, SourceError> {
        let columns = Columns { row, position };
        let names = ALL_NAMES.get(..count(metric)).unwrap_or_default();
        let mut read = Self {
            units: columns.count("c")?,
            too_large: columns.count("o")?,
            non_zero: columns.count("z")?,
            ..Self::default()
        };
        for (unusable, names) in read.unusable.iter_mut().zip(names) {
            *unusable = columns.count(names.unusable)?;
        }
        if let MetricType::Proportion(_) = metric.kind {
            read.ones[0] = columns.count(ONES)?;
            if metric.covariate.is_some() {
                (read.ones[1], read.ones[2]) = (columns.count(ONES_BEFORE)?, columns.count(ONES_BOTH)?);
            }
        } else {
            for (quantity, names) in read.quantities.iter_mut().zip(names) {
                *quantity = columns.quantity(names);
            }
            for (products, (_, second, name)) in read.products.iter_mut().zip(PRODUCTS) {
                if second < names.len() {
                    *products = columns.number(name).unwrap_or(0.0);
                }
            }
        }
        if let Some(at) = columns.number("l") {
            read.limit = Some((at, columns.count("a")?));
        }
        Ok(read)
    }

    /// Returns the rows that count and have no usable measure, and how many of those before the exposure have none.
    pub(super) fn unusable_rows(&self, metric: &Metric) -> (u64, u64) {
        let of_parts = metric.kind.measurements().count();
        let sum = |rows: &[u64]| rows.iter().sum();
        let (after, before) = self.unusable.split_at(of_parts.min(QUANTITIES));
        (sum(after), sum(before))
    }

    /// Adds units of the same arm, centred at the same means.
    pub(super) fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.too_large += other.too_large;
        self.non_zero += other.non_zero;
        self.limit = match (self.limit, other.limit) {
            (Some((at, above)), Some((_, more))) => Some((at, above + more)),
            (limit, other) => limit.or(other),
        };
        let counts = self.unusable.iter_mut().zip(other.unusable);
        for (sum, more) in counts.chain(self.ones.iter_mut().zip(other.ones)) {
            *sum += more;
        }
        for (sum, more) in self.quantities.iter_mut().zip(other.quantities) {
            *sum = match (*sum, more) {
                (Some(one), Some(more)) => {
                    Some(Quantity { sum: one.sum + more.sum, squares: one.squares + more.squares, ..one })
                }
                (one, more) => one.or(more),
            };
        }
        for (sum, more) in self.products.iter_mut().zip(other.products) {
            *sum += more;
        }
    }

    /// Returns the moments of an arm; one without units has none.
    pub(super) fn moments(&self, variant: &VariantKey, metric: &Metric) -> Result<ArmMoments, SourceError> {
        let is_ratio = matches!(metric.kind, MetricType::Ratio { .. });
        let covariate = metric.covariate.filter(|_| !is_ratio).map(|_| CentredCovariate::default());
        let is_proportion = matches!(metric.kind, MetricType::Proportion(_));
        let mut arm = ArmMoments {
            variant: variant.clone(),
            units: self.units,
            events: is_proportion.then_some(self.ones[0]),
            non_zero: self.non_zero,
            value: Centred::default(),
            covariate,
            denominator: is_ratio.then(CentredCovariate::default),
            covariate_ratio: None,
            quantile: None,
        };
        if self.units == 0 {
            return Ok(arm);
        }
        if is_proportion {
            self.proportion(&mut arm)?;
        } else {
            self.values(&mut arm);
        }
        Ok(arm)
    }

    /// Makes the moments of a proportion from counts.
    fn proportion(&self, arm: &mut ArmMoments) -> Result<(), SourceError> {
        let of = |ones| {
            let moments = Moments::of_proportion(ones, arm.units).map_err(|_| SourceError::Shape)?;
            Ok::<_, SourceError>(Centred { mean: moments.mean(), m2: moments.m2() })
        };
        let [events, before, both] = self.ones;
        let value = of(events)?;
        if let Some(covariate) = &mut arm.covariate {
            // Σ(y − ȳ)(x − x̄) = both − events·before/n, of which the numerator is a whole number.
            let co = i128::from(both) * i128::from(arm.units) - i128::from(events) * i128::from(before);
            *covariate = CentredCovariate { own: of(before)?, co: co as f64 / arm.units.max(1) as f64 };
        }
        arm.value = value;
        Ok(())
    }

    /// Makes the moments of values.
    fn values(&self, arm: &mut ArmMoments) {
        let n = arm.units as f64;
        let quantity = |place: usize| self.quantities.get(place).copied().flatten();
        let Some(value) = quantity(0) else { return };
        arm.value = value.centred(n);
        let Some(second) = quantity(1) else { return };
        let centred = CentredCovariate { own: second.centred(n), co: self.co(0, 1, n).unwrap_or(0.0) };
        if let Some(covariate) = arm.covariate.as_mut().or(arm.denominator.as_mut()) {
            *covariate = centred;
        }
        arm.covariate_ratio = self.ratio(arm.units);
    }

    /// Returns the moments of a ratio and of its covariate, where it has one.
    fn ratio(&self, units: u64) -> Option<RatioMomentsParts> {
        let n = units as f64;
        let [Some(a), Some(b), Some(c), Some(d)] = self.quantities else { return None };
        let centred = [a, b, c, d].map(|quantity| quantity.centred(n));
        let mut m2 = [0.0; PAIRS.len()];
        for (sum, (row, column)) in m2.iter_mut().zip(PAIRS) {
            *sum = if row == column { centred.get(row)?.m2 } else { self.co(row, column, n)? };
        }
        Some(RatioMomentsParts { n: units, means: centred.map(|one| one.mean), m2 })
    }

    /// Returns the sum of the products of the deviations of two quantities.
    fn co(&self, row: usize, column: usize, n: f64) -> Option<f64> {
        let pair = PRODUCTS.iter().position(|(a, b, _)| (*a, *b) == (row, column))?;
        let (a, b) = ((*self.quantities.get(row)?)?, (*self.quantities.get(column)?)?);
        Some(a.range * b.range * (self.products.get(pair)? - a.sum * (b.sum / n)))
    }
}

/// Returns how many quantities a metric has, as `Prepared::quantities` does.
fn count(metric: &Metric) -> usize {
    metric.kind.measurements().count() * if metric.covariate.is_some() { 2 } else { 1 }
}

/// The columns of the metric at a position.
struct Columns<'a> {
    row: &'a Row,
    position: usize,
}

impl Columns<'_> {
    fn count(&self, name: &str) -> Result<u64, SourceError> {
        self.row.count(&format!("{name}{}", self.position)).ok_or(SourceError::Shape)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.row.number(&format!("{name}{}", self.position))
    }

    fn quantity(&self, names: &Names) -> Option<Quantity> {
        let (mean, range) = (self.number(names.mean)?, self.number(names.range)?);
        // Without a usable value there is no sum.
        let (sum, squares) = (self.number(names.sum)?, self.number(names.squares)?);
        Some(Quantity { mean, range, sum, squares })
    }
}

/// A quantity as the result has it.
#[derive(Debug, Clone, Copy)]
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
