//! Whether an effect differs: between parts of the units, along an order, or with another experiment.
//!
//! For exploration: correct the p-values for their number ([`multiplicity`](super::multiplicity)), and decide nothing
//! by them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::comparison::{Comparison, satterthwaite};
use super::distribution::{chi_square, normal};
use super::reason::Unmeasurable;
use super::reference::{Reference, Tails};

/// The effect among some of the units, which no other part shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The effect, in any unit that is the same for all parts.
    pub effect: f64,
    /// Its standard error; above 0.
    pub standard_error: f64,
}

impl From<&Comparison> for Part {
    fn from(comparison: &Comparison) -> Self {
        Self { effect: comparison.difference(), standard_error: comparison.standard_error() }
    }
}

/// Why parts cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Error)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum NotComparable {
    /// There are fewer than two parts.
    #[error("a comparison of parts needs two at least, and there is {parts}")]
    TooFewParts {
        /// How many there are.
        parts: usize,
    },
    /// A part has no effect, or no standard error above 0.
    #[error("part {part} has the effect {effect} with the standard error {standard_error}")]
    NotMeasured {
        /// The part, counted from 1.
        part: usize,
        /// Its effect.
        effect: f64,
        /// Its standard error.
        standard_error: f64,
    },
    /// The numbers exceed what double precision can hold.
    #[error("the numbers exceed the range of double precision")]
    OutOfRange,
}

/// The common effect of several parts, and how much more they differ than chance explains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Heterogeneity {
    /// The mean of the effects, weighted by the inverse of their variances.
    pub effect: f64,
    /// The standard error of that mean.
    pub standard_error: f64,
    /// Cochran's Q: Σ w (effect − mean)².
    pub q: f64,
    /// The number of parts minus one.
    pub degrees_of_freedom: u32,
    /// The p-value of "the parts differ".
    pub p_value: f64,
    /// The share of the variation between parts that is not chance: max(0, (Q − df)/Q) (Higgins and Thompson 2002).
    pub i_squared: f64,
}

/// Returns Cochran's test of whether parts have different effects (Cochran 1954), with the standard errors taken as
/// known.
///
/// ```
/// use trialbook_stats::heterogeneity::{Part, cochran_q};
///
/// let part = |effect, standard_error| Part { effect, standard_error };
/// let alike = cochran_q(&[part(0.10, 0.05), part(0.12, 0.04), part(0.09, 0.06)])?;
/// let different = cochran_q(&[part(0.10, 0.02), part(-0.08, 0.02), part(0.11, 0.03)])?;
/// assert!(alike.p_value > 0.8 && different.p_value < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Fewer than two parts, a part without a standard error above 0, numbers out of range.
pub fn cochran_q(parts: &[Part]) -> Result<Heterogeneity, NotComparable> {
    let Weighted { scale, total, mean } = weighted(parts)?;
    let q = parts.iter().map(|part| ((part.effect - mean) / part.standard_error).powi(2)).sum::<f64>();
    let degrees_of_freedom = u32::try_from(parts.len() - 1).unwrap_or(u32::MAX);
    let df = f64::from(degrees_of_freedom);
    if !q.is_finite() {
        return Err(NotComparable::OutOfRange);
    }
    Ok(Heterogeneity {
        effect: mean,
        standard_error: scale / total.sqrt(),
        q,
        degrees_of_freedom,
        p_value: chi_square::sf(q, degrees_of_freedom),
        i_squared: if q > df { (q - df) / q } else { 0.0 },
    })
}

/// A straight line through the effects of ordered parts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// The change of the effect from one part to the next.
    pub slope: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The slope in standard errors.
    pub statistic: f64,
    /// The p-value of "the effect rises or falls".
    pub p_value: f64,
}

/// Returns the trend of the effect over parts in their order, such as days since the first exposure: weighted least
/// squares on 0, 1, 2, … with the standard errors taken as known.
///
/// # Errors
///
/// As for [`cochran_q`].
pub fn trend(parts: &[Part]) -> Result<Trend, NotComparable> {
    let Weighted { scale, total, mean } = weighted(parts)?;
    let weight = |part: &Part| (scale / part.standard_error).powi(2);
    let middle = parts.iter().enumerate().map(|(at, part)| weight(part) * at as f64).sum::<f64>() / total;
    let (mut spread, mut product) = (0.0, 0.0);
    for (at, part) in parts.iter().enumerate() {
        let distance = at as f64 - middle;
        spread += weight(part) * distance * distance;
        product += weight(part) * distance * (part.effect - mean);
    }
    let (slope, standard_error) = (product / spread, scale / spread.sqrt());
    let statistic = slope / standard_error;
    if !(statistic.is_finite() && standard_error > 0.0) {
        return Err(NotComparable::OutOfRange);
    }
    let p_value = (2.0 * normal::sf(statistic.abs())).min(1.0);
    Ok(Trend { slope, standard_error, statistic, p_value })
}

/// The difference between two effects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// The second effect minus the first.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The distribution that it is tested against.
    pub reference: Reference,
    /// Its test against zero.
    pub tails: Tails,
}

/// Returns by how much an effect differs between two sets of units that share none: those with and without another
/// experiment's treatment, for example, which gives m₁₁ − m₁₀ − m₀₁ + m₀₀.
///
/// Degrees of freedom by Satterthwaite's approximation over all arms.
///
/// ```
/// use trialbook_stats::heterogeneity::interaction;
/// use trialbook_stats::{Moments, mean_difference};
///
/// let arm = |n, mean| Moments::from_parts(n, mean, 6.0 * n as f64);
/// let without = mean_difference(&arm(2000, 5.0)?, &arm(2100, 5.2)?)?;
/// let with = mean_difference(&arm(1900, 5.1)?, &arm(2050, 5.3)?)?;
/// assert!(interaction(&without, &with)?.tails.p_two_sided > 0.99);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Numbers out of range.
pub fn interaction(first: &Comparison, second: &Comparison) -> Result<Interaction, Unmeasurable> {
    let variance = first.variance + second.variance;
    let estimate = second.difference - first.difference;
    if !(variance.is_normal() && estimate.is_finite()) {
        return Err(Unmeasurable::OutOfRange);
    }
    let freedom = |comparison: &Comparison| match comparison.reference {
        Reference::Normal => f64::INFINITY,
        Reference::StudentT { degrees_of_freedom } => degrees_of_freedom,
    };
    let degrees_of_freedom =
        satterthwaite((first.variance, freedom(first)), (second.variance, freedom(second)));
    let reference = if degrees_of_freedom.is_finite() {
        Reference::StudentT { degrees_of_freedom }
    } else {
        Reference::Normal
    };
    let standard_error = variance.sqrt();
    Ok(Interaction {
        estimate,
        standard_error,
        reference,
        tails: Tails::new(estimate / standard_error, reference),
    })
}

/// The weighted mean of parts; weights are (scale / standard error)², so that none leaves the range.
struct Weighted {
    scale: f64,
    total: f64,
    mean: f64,
}

fn weighted(parts: &[Part]) -> Result<Weighted, NotComparable> {
    if parts.len() < 2 {
        return Err(NotComparable::TooFewParts { parts: parts.len() });
    }
    let usable =
        |part: &Part| part.effect.is_finite() && part.standard_error.is_finite() && part.standard_error > 0.0;
    if let Some((at, part)) = parts.iter().enumerate().find(|(_, part)| !usable(part)) {
        let Part { effect, standard_error } = *part;
        return Err(NotComparable::NotMeasured { part: at + 1, effect, standard_error });
    }
    let scale = parts.iter().map(|part| part.standard_error).fold(f64::INFINITY, f64::min);
    let (mut total, mut sum) = (0.0, 0.0);
    for part in parts {
        let weight = (scale / part.standard_error).powi(2);
        total += weight;
        sum += weight * part.effect;
    }
    let mean = sum / total;
    if mean.is_finite() { Ok(Weighted { scale, total, mean }) } else { Err(NotComparable::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        prop::collection::vec(
            (-5.0..5.0, 0.01..3.0).prop_map(|(effect, standard_error)| Part { effect, standard_error }),
            2..12,
        )
    }

    proptest! {
        #[test]
        fn a_shift_and_a_change_of_unit_change_no_p_value(parts in parts(), shift in -10.0..10.0_f64, unit in 0.01..100.0_f64) {
            let moved: Vec<Part> = parts
                .iter()
                .map(|p| Part { effect: unit * (p.effect + shift), standard_error: unit * p.standard_error })
                .collect();
            let (before, after) = (cochran_q(&parts).unwrap(), cochran_q(&moved).unwrap());
            prop_assert!((before.q - after.q).abs() < 1e-6 * (1.0 + before.q));
            prop_assert!((unit * (before.effect + shift) - after.effect).abs() < 1e-9 * unit * 20.0);
            let (before, after) = (trend(&parts).unwrap(), trend(&moved).unwrap());
            prop_assert!((before.statistic - after.statistic).abs() < 1e-6 * (1.0 + before.statistic.abs()));
        }

        #[test]
        fn no_numbers_make_a_number_that_is_none(numbers: Vec<(f64, f64)>) {
            let parts: Vec<Part> =
                numbers.iter().map(|(effect, standard_error)| Part { effect: *effect, standard_error: *standard_error }).collect();
            if let Ok(found) = cochran_q(&parts) {
                prop_assert!((0.0..=1.0).contains(&found.p_value) && found.effect.is_finite());
            }
            if let Ok(found) = trend(&parts) {
                prop_assert!((0.0..=1.0).contains(&found.p_value) && found.slope.is_finite());
            }
        }
    }

    #[test]
    fn what_cannot_be_compared_is_named() {
        let part = |effect, standard_error| Part { effect, standard_error };
        assert_eq!(cochran_q(&[part(1.0, 1.0)]), Err(NotComparable::TooFewParts { parts: 1 }));
        for bad in [part(1.0, 0.0), part(f64::INFINITY, 1.0), part(1.0, -1.0)] {
            let found = trend(&[part(1.0, 1.0), bad]);
            assert!(matches!(found, Err(NotComparable::NotMeasured { part: 2, .. })), "{found:?}");
        }
    }

    #[test]
    fn an_exact_line_has_its_slope() {
        let parts: Vec<Part> =
            (0..5).map(|at| Part { effect: 1.0 + 0.25 * f64::from(at), standard_error: 0.1 }).collect();
        assert!((trend(&parts).unwrap().slope - 0.25).abs() < 1e-12);
    }
}
