//! Watching for harm from the first day on: p-values that are valid at every look, however many there are.
//!
//! Harm is found by the asymptotic confidence sequence of [`always_valid`](super::always_valid), read as a p-value: the level at which
//! its one-sided interval just excludes no difference. It spends nothing by being looked at.

use super::always_valid::{one_sided_p, one_sided_rho_squared, one_sided_width};
use super::split::log_bayes_factor;
use crate::distribution::normal;
use crate::probability::Probability;
use crate::sample_ratio::SampleRatioUntestable;

/// The number of units, over both arms, at which the sequence for harm is narrowest.
///
/// It is fixed, because a number that followed the data would spoil what is promised of the sequence, and small, because harm is worth
/// finding early: the width in standard errors is within a fifth of the narrowest possible at 1,000 times as many units.
const NARROWEST_AT: f64 = 2_000.0;

/// The units' worth of the prior for the split. The prior is narrowest around the declared shares for large numbers; 200 finds a split
/// that is 4.5 standard errors off at level 0.001 with 1,000 units as well as with 200,000.
const SPLIT_CONCENTRATION: f64 = 200.0;

/// Returns ρ² of the sequence for harm at a one-sided level.
fn rho_squared(level: Probability) -> f64 {
    one_sided_rho_squared(level, NARROWEST_AT)
}

/// Returns the half width, in standard errors, of the one-sided interval that is valid at every look, after so many units over both
/// arms.
pub fn harm_width(level: Probability, units: f64) -> f64 {
    one_sided_width(level, units, rho_squared(level))
}

/// Returns the p-value, valid at every look, of a directional test whose p-value at a single look is `p_once`, after so many units
/// over both arms. It is 1 at most, and falls below `level` where the interval of [`harm_width`] excludes no difference.
///
/// `level` is the one at which the test will be judged: the sequence is made for it. The test at a single look may be an exact one, or
/// one against Student's t distribution: what counts is how many standard errors of the normal distribution its p-value stands for.
///
/// ```
/// use trialbook_stats::Probability;
/// use trialbook_stats::sequential::harm::always_valid_p;
///
/// let level = Probability::new(0.003)?;
/// // Significant at a single look, and not when one looks every day.
/// assert!(always_valid_p(0.002, 5_000.0, level) > 0.003);
/// assert!(always_valid_p(1e-6, 5_000.0, level) < 0.003);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn always_valid_p(p_once: f64, units: f64, level: Probability) -> f64 {
    let k = units * rho_squared(level);
    if p_once == 0.0 && k > 0.0 {
        return 0.0;
    }
    one_sided_p(normal::upper_quantile(p_once), k)
}

/// Returns the p-value, valid at every look, of "the units are not split as promised", for (observed units, promised share) per arm.
///
/// It is one over the Bayes factor of [`split`](super::split).
///
/// # Errors
///
/// As [`sample_ratio`](crate::sample_ratio::sample_ratio), without its need for expected units: no number of units is too small.
pub fn split_p(arms: &[(u64, f64)]) -> Result<f64, SampleRatioUntestable> {
    if arms.iter().all(|(observed, _)| *observed == 0) {
        return Err(SampleRatioUntestable::NoUnits);
    }
    Ok((-log_bayes_factor(arms, SPLIT_CONCENTRATION)?).exp().min(1.0))
}

#[cfg(test)]
mod tests;
