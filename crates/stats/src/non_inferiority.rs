//! Non-inferiority: the treatment is not worse than the control by the margin or more.
//!
//! With a relative margin the test is on the linear contrast of both means, which gives the error
//! of the control mean its place; the margin times the observed control mean, taken as a constant,
//! would not.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::comparison::Comparison;
use super::digits::significant;
use super::effect::Better;
use super::reference::{Reference, Tails};

/// How much worse a treatment may be: a positive size, the direction is the metric's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Margin {
    /// A share of the control mean: 0.01 is one percent.
    Relative(f64),
    /// In the metric's own unit.
    Absolute(f64),
}

/// The result of a one-sided non-inferiority test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NonInferiority {
    /// The margin tested.
    pub margin: Margin,
    /// Which way the metric should move.
    pub better: Better,
    /// Treatment minus the worst tolerated value; on the tolerated side it has the sign of
    /// better.
    pub contrast: f64,
    /// The standard error of the contrast.
    pub standard_error: f64,
    /// The contrast in standard errors.
    pub statistic: f64,
    /// The one-sided p-value of "not worse by the margin": small is non-inferior.
    pub p_value: f64,
    /// The one-sided p-value of "worse by more than the margin": small is a breach.
    pub p_breached: f64,
    /// The distribution that the statistic was compared with.
    pub reference: Reference,
}

/// A non-inferiority test, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonInferiorityResult {
    /// The test's result.
    Tested(NonInferiority),
    /// No test, and the reason.
    NotTested(NotTestable),
}

impl From<Result<NonInferiority, NotTestable>> for NonInferiorityResult {
    fn from(result: Result<NonInferiority, NotTestable>) -> Self {
        match result {
            Ok(tested) => Self::Tested(tested),
            Err(reason) => Self::NotTested(reason),
        }
    }
}

/// Why non-inferiority cannot be tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Error)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum NotTestable {
    /// The margin is not a positive number, or tolerates the loss of the whole control mean.
    #[error("{margin} is not a margin: it must be above 0, and a relative loss below 1")]
    NotAMargin {
        /// The margin given.
        margin: f64,
    },
    /// A share of a negative mean points the other way: use an absolute margin.
    #[error(
        "a relative margin has no meaning for the control mean {}: it must be above 0",
        significant(*control_mean)
    )]
    ControlMeanNotPositive {
        /// The control mean.
        control_mean: f64,
    },
    /// The contrast has no variance to test it by, or leaves the range of double precision.
    #[error("the numbers exceed the range of double precision")]
    OutOfRange,
}

impl NotTestable {
    /// A stable word for the reason, such as `control-mean-not-positive`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAMargin { .. } => "not-a-margin",
            Self::ControlMeanNotPositive { .. } => "control-mean-not-positive",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// A linear contrast treatment − factor·control, and its test against zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearContrast {
    /// The contrast.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its test against zero.
    pub tails: Tails,
}

impl Comparison {
    /// Tests that the treatment is not worse by the margin or more.
    ///
    /// A relative margin is the exact linear contrast m₁ − (1 ∓ margin)·m₀; an absolute one shifts
    /// the difference. The degrees of freedom are those of the difference. Refuses a relative
    /// margin where the control mean is not positive.
    ///
    /// ```
    /// use trialbook_stats::{Better, Margin, Moments, mean_difference};
    ///
    /// let control = Moments::from_parts(10_000, 4.0, 89_991.0)?;
    /// let treatment = Moments::from_parts(10_000, 3.99, 89_991.0)?;
    /// let comparison = mean_difference(&control, &treatment)?;
    /// let tested = comparison.non_inferiority(Margin::Relative(0.02), Better::Higher)?;
    /// // 3.99 is 0.07 above the worst tolerated 3.92.
    /// assert!((tested.contrast - 0.07).abs() < 1e-12);
    /// assert!(tested.p_value < 0.05);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn non_inferiority(&self, margin: Margin, better: Better) -> Result<NonInferiority, NotTestable> {
        let (contrast, standard_error, tails) = match margin {
            Margin::Relative(share) => {
                positive(share)?;
                if better == Better::Higher && share >= 1.0 {
                    return Err(NotTestable::NotAMargin { margin: share });
                }
                if self.control_mean <= 0.0 {
                    let control_mean = self.control_mean;
                    return Err(NotTestable::ControlMeanNotPositive { control_mean });
                }
                let factor = match better {
                    Better::Higher => 1.0 - share,
                    Better::Lower => 1.0 + share,
                };
                let contrast = self.linear_contrast(factor);
                (contrast.estimate, contrast.standard_error, contrast.tails)
            }
            Margin::Absolute(size) => {
                positive(size)?;
                let null = match better {
                    Better::Higher => -size,
                    Better::Lower => size,
                };
                (self.difference() - null, self.standard_error(), self.test(null))
            }
        };
        let (p_value, p_breached) = match better {
            Better::Higher => (tails.p_greater, tails.p_less),
            Better::Lower => (tails.p_less, tails.p_greater),
        };
        let numbers = [contrast, standard_error, tails.statistic, p_value];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(NotTestable::OutOfRange);
        }
        let (statistic, reference) = (tails.statistic, self.reference());
        Ok(NonInferiority {
            margin,
            better,
            contrast,
            standard_error,
            statistic,
            p_value,
            p_breached,
            reference,
        })
    }

    /// The contrast treatment − factor·control with its test against zero, for any factor.
    ///
    /// Unadjusted, its variance is v₁/n₁ + factor²·v₀/n₀; adjusted means bring their covariance.
    pub fn linear_contrast(&self, factor: f64) -> LinearContrast {
        let rest = 1.0 - factor;
        let estimate = self.treatment_mean - factor * self.control_mean;
        let variance = self.variance + 2.0 * rest * self.covariance + rest * rest * self.control_variance;
        let standard_error = variance.max(0.0).sqrt();
        let tails = Tails::new(estimate / standard_error, self.reference);
        LinearContrast { estimate, standard_error, tails }
    }
}

fn positive(margin: f64) -> Result<(), NotTestable> {
    if margin > 0.0 && margin.is_finite() { Ok(()) } else { Err(NotTestable::NotAMargin { margin }) }
}

#[cfg(test)]
mod tests;
