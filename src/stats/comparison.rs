//! Two arms compared: the estimates, their sampling (co)variances, and every test on them.
//!
//! Whatever made them (means, ratios of totals, adjusted means), the difference, the lift, the
//! non-inferiority contrast and their intervals follow from the same six numbers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::adjustment::Adjustment;
use super::distribution::{normal, student_t};
use super::lift::Lift;
use super::moments::Moments;
use super::probability::Probability;

/// One of the two arms of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// What the others are compared with.
    Control,
    /// What is compared with it.
    Treatment,
}

impl std::fmt::Display for Arm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Control => "control",
            Self::Treatment => "treatment",
        })
    }
}

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Unmeasurable {
    /// An arm has no unit.
    #[error("the {arm} has no units")]
    EmptyArm {
        /// Which.
        arm: Arm,
    },
    /// An arm has one unit, which says nothing about how much units differ.
    #[error("the {arm} has a single unit, so its variance is unknown")]
    SingleUnit {
        /// Which.
        arm: Arm,
    },
    /// No unit differs from another within its arm, so there is nothing to measure an error by.
    #[error("no unit differs from another in either arm")]
    ZeroVariance,
    /// The denominator of a ratio is zero on average.
    #[error("the denominator is zero in the {arm}")]
    ZeroDenominator {
        /// Which.
        arm: Arm,
    },
    /// The values are not zeros and ones.
    #[error("the values of the {arm} are not all 0 or 1")]
    NotAProportion {
        /// Which.
        arm: Arm,
    },
    /// The covariate is the same for every unit (all zero, say): it explains nothing.
    #[error("the covariate is the same for every unit")]
    ConstantCovariate,
    /// The covariate leaves nothing of the outcome: it is the outcome, or made from it.
    #[error("the covariate determines the outcome, so it cannot be a covariate of it")]
    CovariateDeterminesOutcome,
    /// The numbers exceed what double precision can hold.
    #[error("the numbers exceed the range of double precision")]
    OutOfRange,
}

/// Which way a metric should move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better (`increase_is: good`).
    Higher,
    /// Less is better (`increase_is: bad`).
    Lower,
}

/// The distribution that a statistic is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "distribution")]
pub enum Reference {
    /// The standard normal distribution.
    Normal,
    /// Student's t distribution.
    StudentT {
        /// Degrees of freedom; fractional by Satterthwaite's approximation.
        degrees_of_freedom: f64,
    },
}

impl Reference {
    /// P(statistic > value) when there is no effect.
    pub fn sf(self, value: f64) -> f64 {
        match self {
            Self::Normal => normal::sf(value),
            Self::StudentT { degrees_of_freedom } => student_t::sf(value, degrees_of_freedom),
        }
    }

    /// The value that the statistic exceeds with this probability when there is no effect.
    pub fn upper_quantile(self, tail: f64) -> f64 {
        match self {
            Self::Normal => normal::upper_quantile(tail),
            Self::StudentT { degrees_of_freedom } => student_t::upper_quantile(tail, degrees_of_freedom),
        }
    }
}

/// An interval from `lower` to `upper`, both finite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl Interval {
    /// Whether a value lies in the interval, its ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// One-sided test of a statistic against its reference distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// The estimate minus the value tested against, in standard errors.
    pub statistic: f64,
    /// The p-value of "greater than the value tested against".
    pub p_greater: f64,
    /// The p-value of "less than the value tested against".
    pub p_less: f64,
    /// The p-value of "different from the value tested against".
    pub p_two_sided: f64,
}

impl Tails {
    pub(super) fn new(statistic: f64, reference: Reference) -> Self {
        let outer = reference.sf(statistic.abs());
        Self {
            statistic,
            p_greater: reference.sf(statistic),
            p_less: reference.sf(-statistic),
            p_two_sided: (2.0 * outer).min(1.0),
        }
    }
}

/// The estimates of two arms with their sampling variances and covariance.
///
/// Made by [`mean_difference`], by a ratio or by an adjustment; `control_mean` and
/// `treatment_mean` are the adjusted ones where an adjustment was made. The difference is always
/// treatment minus control, and its variance is positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    let share = moments.mean();
    let m2 = n * share * (1.0 - share);
    let zeros_and_ones =
        (0.0..=1.0).contains(&share) && (moments.m2() - m2).abs() <= 1e-6 * m2.max(f64::EPSILON);
    if zeros_and_ones { Ok((share, m2 / n / n, n - 1.0)) } else { Err(Unmeasurable::NotAProportion { arm }) }
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

    /// Everything that a report says of the difference, at the two-sided level `alpha`.
    pub fn effect(&self, alpha: Probability) -> Result<Effect, Unmeasurable> {
        let tails = self.test(0.0);
        Ok(Effect {
            comparison: *self,
            alpha,
            standard_error: self.standard_error(),
            interval: self.interval(alpha)?,
            statistic: tails.statistic,
            p_two_sided: tails.p_two_sided,
            p_greater: tails.p_greater,
            p_less: tails.p_less,
            lift: self.lift(alpha),
        })
    }
}

/// A measured effect: the comparison, and what follows from it at a level.
///
/// P-values may be as small as double precision allows, and 0 below that: print a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The estimates, their variances, and how they were adjusted.
    pub comparison: Comparison,
    /// The two-sided level that the intervals belong to; each directional test has half of it.
    pub alpha: Probability,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// The interval of the absolute difference.
    pub interval: Interval,
    /// The difference in standard errors.
    pub statistic: f64,
    /// The p-value of "there is a difference".
    pub p_two_sided: f64,
    /// The one-sided p-value of "the treatment is higher".
    pub p_greater: f64,
    /// The one-sided p-value of "the treatment is lower".
    pub p_less: f64,
    /// The difference relative to the control mean, or why it is undefined.
    pub lift: Lift,
}

impl Effect {
    /// The one-sided p-value of "the treatment is better".
    pub fn p_better(&self, better: Better) -> f64 {
        match better {
            Better::Higher => self.p_greater,
            Better::Lower => self.p_less,
        }
    }

    /// The one-sided p-value of "the treatment is worse".
    pub fn p_worse(&self, better: Better) -> f64 {
        match better {
            Better::Higher => self.p_less,
            Better::Lower => self.p_greater,
        }
    }
}

/// What was measured, or why nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// An effect.
    Measured(Effect),
    /// No number, and the reason.
    NotMeasured(Unmeasurable),
}

impl Estimate {
    /// Returns the effect of a comparison at the two-sided level `alpha`, or why there is none.
    pub fn of(comparison: Result<Comparison, Unmeasurable>, alpha: Probability) -> Self {
        match comparison.and_then(|comparison| comparison.effect(alpha)) {
            Ok(effect) => Self::Measured(effect),
            Err(reason) => Self::NotMeasured(reason),
        }
    }

    /// The effect, if one was measured.
    pub fn effect(&self) -> Option<&Effect> {
        match self {
            Self::Measured(effect) => Some(effect),
            Self::NotMeasured(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
