//! Two arms compared: the estimates, their sampling (co)variances, and every test on them.
//!
//! Whatever made them (means, ratios of totals, adjusted means), the difference, the lift, the
//! non-inferiority contrast and their intervals follow from the same six numbers.

use serde::{Deserialize, Serialize};

use super::covariate::Adjustment;
use super::moments::Moments;
use super::probability::Probability;
use super::reason::{Arm, Unmeasurable};
use super::reference::{Interval, Reference, Tails};

/// The estimates of two arms with their sampling variances and covariance.
///
/// Made by [`mean_difference`], by a ratio or by an adjustment; `control_mean` and
/// `treatment_mean` are the adjusted ones where an adjustment was made. The difference is always
/// treatment minus control, and its variance is positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ComparisonParts")]
pub struct Comparison {
    pub(super) control_mean: f64,
    pub(super) treatment_mean: f64,
    pub(super) difference: f64,
    pub(super) variance: f64,
    pub(super) control_variance: f64,
    /// The covariance of the difference and the control mean.
    pub(super) covariance: f64,
    pub(super) reference: Reference,
    pub(super) adjustment: Adjustment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComparisonParts {
    control_mean: f64,
    treatment_mean: f64,
    difference: f64,
    variance: f64,
    control_variance: f64,
    covariance: f64,
    reference: Reference,
    adjustment: Adjustment,
}

impl TryFrom<ComparisonParts> for Comparison {
    type Error = Unmeasurable;

    fn try_from(parts: ComparisonParts) -> Result<Self, Unmeasurable> {
        let ComparisonParts {
            control_mean,
            treatment_mean,
            difference,
            variance,
            control_variance,
            covariance,
            reference,
            adjustment,
        } = parts;
        Self {
            control_mean,
            treatment_mean,
            difference,
            variance,
            control_variance,
            covariance,
            reference,
            adjustment,
        }
        .checked()
    }
}

/// Returns the difference in means with unequal variances (Welch 1947), with Satterthwaite's
/// degrees of freedom.
///
/// An arm without variance is no obstacle while the other
/// has some. Errors: an empty arm, a single unit, no variance in either arm, numbers out of range.
pub fn mean_difference(control: &Moments, treatment: &Moments) -> Result<Comparison, Unmeasurable> {
    let control_variance = variance_of_mean(control, Arm::Control)?;
    let treatment_variance = variance_of_mean(treatment, Arm::Treatment)?;
    Independent {
        control: (control.mean(), control_variance, control.n() as f64 - 1.0),
        treatment: (treatment.mean(), treatment_variance, treatment.n() as f64 - 1.0),
    }
    .compare()
}

/// Returns the difference in proportions with the variance p·(1 − p)/n of each arm, tested against
/// the normal distribution.
///
/// Moments are those of zeros and ones; others are refused. Errors otherwise as for
/// [`mean_difference`], from which it differs by n − 1 becoming n.
pub fn proportion_difference(control: &Moments, treatment: &Moments) -> Result<Comparison, Unmeasurable> {
    let independent = Independent {
        control: proportion(control, Arm::Control)?,
        treatment: proportion(treatment, Arm::Treatment)?,
    };
    Ok(independent.compare()?.with_normal_reference())
}

/// The proportion of an arm, its sampling variance, and the degrees of freedom of that.
fn proportion(moments: &Moments, arm: Arm) -> Result<(f64, f64, f64), Unmeasurable> {
    let n = units(moments.n(), arm)?;
    // The number of ones, which a mean of merged moments holds but for its rounding.
    let ones = (n * moments.mean()).round();
    let m2 = ones * ((n - ones) / n);
    let zeros_and_ones = (0.0..=n).contains(&ones)
        && (n * moments.mean() - ones).abs() <= 1e-9 * ones.max(1.0)
        && (moments.m2() - m2).abs() <= 1e-6 * m2.max(1e-6);
    if zeros_and_ones {
        Ok((ones / n, m2 / n / n, n - 1.0))
    } else {
        Err(Unmeasurable::NotAProportion { arm })
    }
}

/// Returns the sampling variance of an arm's mean.
pub(super) fn variance_of_mean(moments: &Moments, arm: Arm) -> Result<f64, Unmeasurable> {
    units(moments.n(), arm)?;
    let variance = moments.variance().ok_or(Unmeasurable::SingleUnit { arm })?;
    Ok(variance / moments.n() as f64)
}

/// Returns the number of units when there are two at least.
pub(super) fn units(n: u64, arm: Arm) -> Result<f64, Unmeasurable> {
    match n {
        0 => Err(Unmeasurable::EmptyArm { arm }),
        1 => Err(Unmeasurable::SingleUnit { arm }),
        n => Ok(n as f64),
    }
}

/// Two independent estimates: (estimate, sampling variance, degrees of freedom of it).
pub(super) struct Independent {
    pub(super) control: (f64, f64, f64),
    pub(super) treatment: (f64, f64, f64),
}

impl Independent {
    pub(super) fn compare(self) -> Result<Comparison, Unmeasurable> {
        let (control_mean, control_variance, control_df) = self.control;
        let (treatment_mean, treatment_variance, treatment_df) = self.treatment;
        Comparison {
            control_mean,
            treatment_mean,
            difference: treatment_mean - control_mean,
            variance: control_variance + treatment_variance,
            control_variance,
            covariance: -control_variance,
            reference: Reference::StudentT {
                degrees_of_freedom: satterthwaite(
                    (control_variance, control_df),
                    (treatment_variance, treatment_df),
                ),
            },
            adjustment: Adjustment::NotRequested,
        }
        .checked()
    }
}

/// Returns the degrees of freedom of a sum of two variances (Satterthwaite 1946), each given with
/// its own degrees of freedom. NaN when both variances are zero.
pub(super) fn satterthwaite(first: (f64, f64), second: (f64, f64)) -> f64 {
    // By shares of the sum: the squares of the variances themselves may leave the range.
    let sum = first.0 + second.0;
    let (a, b) = (first.0 / sum, second.0 / sum);
    1.0 / (a * a / first.1 + b * b / second.1)
}

impl Comparison {
    /// Returns the comparison when every number in it is usable.
    pub(super) fn checked(self) -> Result<Self, Unmeasurable> {
        if self.variance == 0.0 {
            return Err(Unmeasurable::ZeroVariance);
        }
        let numbers =
            [self.control_mean, self.treatment_mean, self.difference, self.control_variance, self.covariance];
        let df_usable = match self.reference {
            Reference::Normal => true,
            Reference::StudentT { degrees_of_freedom } => {
                degrees_of_freedom.is_finite() && degrees_of_freedom > 0.0
            }
        };
        let usable = numbers.iter().all(|number| number.is_finite())
            && self.variance.is_normal()
            && self.variance > 0.0
            && self.control_variance >= 0.0
            && df_usable;
        if usable { Ok(self) } else { Err(Unmeasurable::OutOfRange) }
    }

    /// The same estimates, tested against the normal distribution.
    pub fn with_normal_reference(mut self) -> Self {
        self.reference = Reference::Normal;
        self
    }

    /// The mean of the control; adjusted where an adjustment was made.
    pub fn control_mean(&self) -> f64 {
        self.control_mean
    }

    /// The mean of the treatment; adjusted where an adjustment was made.
    pub fn treatment_mean(&self) -> f64 {
        self.treatment_mean
    }

    /// Treatment minus control.
    pub fn difference(&self) -> f64 {
        self.difference
    }

    /// The standard error of the difference.
    pub fn standard_error(&self) -> f64 {
        self.variance.sqrt()
    }

    /// The standard error of the control mean.
    pub fn control_standard_error(&self) -> f64 {
        self.control_variance.sqrt()
    }

    /// The distribution that the difference is tested against.
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// How a covariate was used.
    pub fn adjustment(&self) -> &Adjustment {
        &self.adjustment
    }

    /// Tests the difference against `null`, in both directions.
    pub fn test(&self, null: f64) -> Tails {
        Tails::new((self.difference - null) / self.standard_error(), self.reference)
    }

    /// The two-sided interval of the difference at level 1 − alpha.
    ///
    /// Its ends are the one-sided bounds at alpha/2 each. An end out of range is an error.
    pub fn interval(&self, alpha: Probability) -> Result<Interval, Unmeasurable> {
        let half_width = self.reference.upper_quantile(alpha.halved().get()) * self.standard_error();
        let (lower, upper) = (self.difference - half_width, self.difference + half_width);
        if lower.is_finite() && upper.is_finite() {
            Ok(Interval { lower, upper })
        } else {
            Err(Unmeasurable::OutOfRange)
        }
    }
}

#[cfg(test)]
mod tests;
