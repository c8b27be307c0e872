//! Quantiles, such as the 90th percentile of a latency, by order statistics.
//!
//! The quantile ν of n values is the one of rank ⌈n ν⌉ (the inverted distribution function, as `quantile_disc` of
//! DuckDB). Its standard error is read off the values at ν ± h, with h = z √(ν(1 − ν)/n): they are (Q(ν + h) − Q(ν − h))
//! apart, which is 2 z standard errors (Deng, Knoblich and Lu 2018; Yao, Li and Lu 2024). Where a randomised unit has
//! several rows, h is z times the standard error of the share of rows up to the quantile, a ratio of totals of units.

use serde::{Deserialize, Serialize};

use super::co_moments::CoMoments;
use super::comparison::{Comparison, Independent};
use super::distribution::normal;
use super::probability::Probability;
use super::ratio::ratio_standard_error;
use super::reason::{Arm, Unmeasurable};

/// The two-sided level whose normal quantile is the z of ν ± h.
pub const NEIGHBOURHOOD: f64 = 0.05;

/// The ranks of the values that a quantile and its error need, from 1 to the number of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantileRanks {
    /// The rank of the value at ν − h.
    pub below: u64,
    /// The rank of the quantile.
    pub at: u64,
    /// The rank of the value at ν + h.
    pub above: u64,
}

impl QuantileRanks {
    /// Returns the ranks among independent values, one for each of `units`.
    ///
    /// ```
    /// use trialbook_stats::quantile::QuantileRanks;
    /// use trialbook_stats::{Arm, Probability};
    ///
    /// let ranks = QuantileRanks::of_units(1000, Probability::new(0.9)?, Arm::Control)?;
    /// assert_eq!((ranks.below, ranks.at, ranks.above), (882, 900, 919));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No units, or so few that ν ± h leaves 0 to 1.
    pub fn of_units(units: u64, quantile: Probability, arm: Arm) -> Result<Self, Unmeasurable> {
        if units == 0 {
            return Err(Unmeasurable::EmptyArm { arm });
        }
        let share = quantile.get();
        Self::within(units, quantile, (share * (1.0 - share) / units as f64).sqrt(), arm)
    }

    /// Returns the ranks among all rows of units that have several.
    ///
    /// In `rows`, y of a unit is its number of rows up to the quantile, and x its number of rows.
    ///
    /// # Errors
    ///
    /// Fewer than two units, no rows, units whose rows show nothing about how units differ, or so few that ν ± h leaves
    /// 0 to 1.
    pub fn of_rows(rows: &CoMoments, quantile: Probability, arm: Arm) -> Result<Self, Unmeasurable> {
        let total = (rows.n() as f64 * rows.mean_x()).round();
        // 2^53: up to here a count is a double.
        if !(1.0..=9_007_199_254_740_992.0).contains(&total) {
            let none = Unmeasurable::TooFewForQuantile { arm, values: 0 };
            return Err(if total < 1.0 { none } else { Unmeasurable::OutOfRange });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 2^53")]
        let total = total as u64;
        // No row, or every row, lies up to the quantile: it is beyond what so few values can show.
        if rows.mean_y() <= 0.0 || rows.mean_y() >= rows.mean_x() {
            return Err(Unmeasurable::TooFewForQuantile { arm, values: total });
        }
        Self::within(total, quantile, ratio_standard_error(rows, arm)?, arm)
    }

    fn within(
        values: u64,
        quantile: Probability,
        standard_error: f64,
        arm: Arm,
    ) -> Result<Self, Unmeasurable> {
        let share = quantile.get();
        let reach = normal::upper_quantile(0.5 * NEIGHBOURHOOD) * standard_error;
        let too_few = Unmeasurable::TooFewForQuantile { arm, values };
        if !(share - reach > 0.0 && share + reach < 1.0) {
            return Err(too_few);
        }
        let rank = |share: f64| rank(values, share).filter(|rank| (1..=values).contains(rank));
        let ranks = (rank(share - reach), rank(share), rank(share + reach));
        let (Some(below), Some(at), Some(above)) = ranks else { return Err(too_few) };
        Ok(Self { below, at, above })
    }
}

/// Returns ⌈n·share⌉, where a product that is a whole number but for its rounding is that number.
fn rank(values: u64, share: f64) -> Option<u64> {
    let product = values as f64 * share;
    let nearest = product.round();
    let whole = (product - nearest).abs() <= 1e-12 * product.abs();
    let rank = if whole { nearest } else { product.ceil() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    (0.0..=values as f64).contains(&rank).then_some(rank as u64)
}

/// The quantile of an arm with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// The value.
    pub value: f64,
    /// Its standard error; 0 where the values around it are all the same.
    pub standard_error: f64,
}

impl Quantile {
    /// Returns the quantile from the values at the [`QuantileRanks`]: below, at and above it.
    ///
    /// # Errors
    ///
    /// Values that are not finite or do not rise.
    pub fn from_values(below: f64, at: f64, above: f64) -> Result<Self, Unmeasurable> {
        let standard_error = (above - below) / (2.0 * normal::upper_quantile(0.5 * NEIGHBOURHOOD));
        let rises = below <= at && at <= above;
        if rises && standard_error.is_finite() {
            Ok(Self { value: at, standard_error })
        } else {
            Err(Unmeasurable::OutOfRange)
        }
    }

    /// Returns the quantile of these values, one of each unit. For tests and small sets.
    ///
    /// # Errors
    ///
    /// Too few values for the quantile, and one that is not finite.
    pub fn of_values(values: &[f64], quantile: Probability, arm: Arm) -> Result<Self, Unmeasurable> {
        let ranks = QuantileRanks::of_units(values.len() as u64, quantile, arm)?;
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let value = |rank: u64| {
            let at = usize::try_from(rank - 1).ok();
            at.and_then(|at| sorted.get(at)).copied().unwrap_or(f64::NAN)
        };
        Self::from_values(value(ranks.below), value(ranks.at), value(ranks.above))
    }
}

/// Returns the difference of a quantile between the arms, tested against the normal distribution.
///
/// ```
/// use trialbook_stats::quantile::{Quantile, quantile_difference};
///
/// let control = Quantile::from_values(8.1, 8.4, 8.8)?;
/// let treatment = Quantile::from_values(7.5, 7.7, 8.0)?;
/// let comparison = quantile_difference(&control, &treatment)?;
/// assert!((comparison.difference() + 0.7).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// An arm whose values around the quantile are all the same: what is read off them is no error.
pub fn quantile_difference(control: &Quantile, treatment: &Quantile) -> Result<Comparison, Unmeasurable> {
    for (quantile, arm) in [(control, Arm::Control), (treatment, Arm::Treatment)] {
        if quantile.standard_error == 0.0 {
            return Err(Unmeasurable::ZeroSpread { arm });
        }
    }
    // The degrees of freedom do not count: the reference is the normal distribution.
    let estimate = |quantile: &Quantile| (quantile.value, quantile.standard_error.powi(2), 1.0);
    let independent = Independent { control: estimate(control), treatment: estimate(treatment) };
    Ok(independent.compare()?.with_normal_reference())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn half() -> Probability {
        Probability::new(0.5).unwrap()
    }

    #[test]
    fn a_rank_is_that_of_the_whole_number_that_is_meant() {
        // 0.07 × 100 is 7.000000000000001 in double precision.
        assert_eq!((rank(100, 0.07), rank(100, 0.071), rank(30, 0.1)), (Some(7), Some(8), Some(3)));
    }

    #[test]
    fn too_few_values_are_a_reason() {
        let high = Probability::new(0.99).unwrap();
        let few = QuantileRanks::of_units(100, high, Arm::Treatment);
        assert_eq!(few, Err(Unmeasurable::TooFewForQuantile { arm: Arm::Treatment, values: 100 }));
        assert_eq!(
            QuantileRanks::of_units(0, half(), Arm::Control),
            Err(Unmeasurable::EmptyArm { arm: Arm::Control })
        );
        assert!(QuantileRanks::of_units(1, half(), Arm::Control).is_err());
    }

    #[test]
    fn values_that_are_all_the_same_around_it_are_a_reason() {
        let (same, differing) =
            (Quantile::from_values(3.0, 3.0, 3.0).unwrap(), Quantile::from_values(2.0, 3.0, 4.0).unwrap());
        assert_eq!(quantile_difference(&same, &same), Err(Unmeasurable::ZeroSpread { arm: Arm::Control }));
        assert_eq!(
            quantile_difference(&differing, &same),
            Err(Unmeasurable::ZeroSpread { arm: Arm::Treatment })
        );
    }

    #[test]
    fn one_row_for_each_unit_makes_the_ranks_of_units() {
        let below = |n: u64| {
            let pairs: Vec<(f64, f64)> = (0..n).map(|i| (if 2 * i < n { 1.0 } else { 0.0 }, 1.0)).collect();
            CoMoments::of_pairs(&pairs).unwrap()
        };
        let rows = QuantileRanks::of_rows(&below(1000), half(), Arm::Control).unwrap();
        let units = QuantileRanks::of_units(1000, half(), Arm::Control).unwrap();
        assert_eq!(rows.at, units.at);
        // n − 1 for n.
        assert!(rows.above.abs_diff(units.above) <= 1 && rows.below.abs_diff(units.below) <= 1);
    }

    #[test]
    fn a_quantile_above_every_row_is_of_too_few() {
        let pairs = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)];
        let ranks = QuantileRanks::of_rows(&CoMoments::of_pairs(&pairs).unwrap(), half(), Arm::Treatment);
        assert_eq!(ranks, Err(Unmeasurable::TooFewForQuantile { arm: Arm::Treatment, values: 6 }));
    }

    #[test]
    fn rows_of_the_same_unit_widen_the_ranks() {
        // Ten rows a unit, all of them on the same side: as if there were a tenth of the rows.
        let pairs: Vec<(f64, f64)> = (0..400).map(|i| (if i < 200 { 10.0 } else { 0.0 }, 10.0)).collect();
        let rows =
            QuantileRanks::of_rows(&CoMoments::of_pairs(&pairs).unwrap(), half(), Arm::Control).unwrap();
        let naive = QuantileRanks::of_units(4000, half(), Arm::Control).unwrap();
        let widened = (rows.above - rows.below) as f64 / (naive.above - naive.below) as f64;
        assert!((widened - 10f64.sqrt()).abs() < 0.05, "{widened}");
    }

    proptest! {
        #[test]
        fn ranks_rise_within_the_values(values in 1_u64..100_000, share in 0.001..0.999) {
            let quantile = Probability::new(share).unwrap();
            if let Ok(ranks) = QuantileRanks::of_units(values, quantile, Arm::Control) {
                prop_assert!(1 <= ranks.below && ranks.below <= ranks.at && ranks.at <= ranks.above);
                prop_assert!(ranks.above <= values);
            }
        }

        #[test]
        fn no_values_make_a_number_that_is_none(below: f64, at: f64, above: f64) {
            if let Ok(quantile) = Quantile::from_values(below, at, above) {
                prop_assert!(quantile.standard_error >= 0.0 && quantile.value.is_finite());
                if let Ok(found) = quantile_difference(&quantile, &quantile) {
                    prop_assert_eq!(found.difference(), 0.0);
                }
            }
        }

        #[test]
        fn a_change_of_unit_changes_the_quantile_with_it(
            values in prop::collection::vec(-50.0..50.0, 40..200), unit in 0.1..10.0_f64,
        ) {
            let scaled: Vec<f64> = values.iter().map(|value| unit * value).collect();
            let of = |values: &[f64]| Quantile::of_values(values, half(), Arm::Control).unwrap();
            let (before, after) = (of(&values), of(&scaled));
            prop_assert!((unit * before.value - after.value).abs() < 1e-9);
            prop_assert!((unit * before.standard_error - after.standard_error).abs() < 1e-9);
        }
    }
}
