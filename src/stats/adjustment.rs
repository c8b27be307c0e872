//! Covariate adjustment: what the units were like before the experiment explains part of how they
//! differ after it, and need not count as noise.
//!
//! Full regression adjustment fits a slope in each arm and evaluates both lines at the covariate
//! mean of all units (Lin 2013; Negi and Wooldridge 2021). It never loses precision in large
//! samples. Pooled θ (CUPED; Deng, Xu, Kohavi and Walker 2013) fits one slope over all units. Both
//! come from second moments alone, and both give means that share the random covariate mean, so
//! their covariance is carried along for the lift and the non-inferiority contrast.

use serde::{Deserialize, Serialize};

use super::co_moments::CoMoments;
use super::comparison::{Comparison, mean_difference, satterthwaite, units};
use super::moments::MomentsError;
use super::reason::{Arm, Unmeasurable};
use super::reference::Reference;

/// The fewest units per arm for a slope of its own.
///
/// A fitted slope costs the residual variance a degree of freedom that the second-moment formula
/// does not count: its standard error is short by about 1/(2n), one percent here.
pub const FULL_REGRESSION_MINIMUM_UNITS: u64 = 50;

/// Below this share of the outcome's sum of squares, what a covariate leaves is rounding.
const RESIDUAL_ROUNDING: f64 = 1e-12;

/// How a covariate was used in a comparison.
///
/// The variance reduction is one minus the variance of the adjusted difference over that of the
/// unadjusted one: 0.4 saves 40 % of the units. It may be slightly negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method")]
pub enum Adjustment {
    /// No covariate was given.
    NotRequested,
    /// A slope in each arm.
    FullRegression {
        /// The slope of the outcome on the covariate in the control.
        control_slope: f64,
        /// The same in the treatment.
        treatment_slope: f64,
        /// The variance saved.
        variance_reduction: f64,
    },
    /// One slope over all units.
    PooledTheta {
        /// The slope.
        theta: f64,
        /// The variance saved.
        variance_reduction: f64,
        /// Why not a slope in each arm.
        because: PooledThetaReason,
    },
    /// A covariate was given, but the estimate is unadjusted.
    Unadjusted {
        /// Why.
        because: Unmeasurable,
    },
}

impl Adjustment {
    /// A stable word for the method, such as `full-regression`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRequested => "not-requested",
            Self::FullRegression { .. } => "full-regression",
            Self::PooledTheta { .. } => "pooled-theta",
            Self::Unadjusted { .. } => "unadjusted",
        }
    }

    /// The variance saved, where a covariate was used.
    pub fn variance_reduction(&self) -> Option<f64> {
        match self {
            Self::FullRegression { variance_reduction, .. }
            | Self::PooledTheta { variance_reduction, .. } => Some(*variance_reduction),
            Self::NotRequested | Self::Unadjusted { .. } => None,
        }
    }
}

/// Why one slope was fitted over all units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum PooledThetaReason {
    /// It was asked for.
    Requested,
    /// An arm has fewer units than [`FULL_REGRESSION_MINIMUM_UNITS`].
    FewUnits {
        /// Which.
        arm: Arm,
        /// How many it has.
        units: u64,
    },
    /// The covariate is the same for every unit of one arm, so that arm has no slope.
    ConstantCovariate {
        /// Which.
        arm: Arm,
    },
}

impl std::fmt::Display for PooledThetaReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Requested => formatter.write_str("one slope for both arms was asked for"),
            Self::FewUnits { arm, units } => write!(
                formatter,
                "the {arm} has {units} units, and a slope of its own needs {FULL_REGRESSION_MINIMUM_UNITS}"
            ),
            Self::ConstantCovariate { arm } => {
                write!(formatter, "the covariate is the same for every unit of the {arm}")
            }
        }
    }
}

/// Returns the covariate-adjusted difference in means by the best method the data allow.
///
/// Full regression adjustment; with few units or a covariate that is constant in one arm, pooled
/// θ; with a covariate that is constant altogether (all zero, say), the unadjusted difference.
/// [`Comparison::adjustment`] says which, and why. A covariate that determines the outcome is an
/// error, as are the errors of [`mean_difference`].
pub fn adjusted_mean_difference(
    control: &CoMoments,
    treatment: &CoMoments,
) -> Result<Comparison, Unmeasurable> {
    let unadjusted = mean_difference(&control.outcome(), &treatment.outcome())?;
    let adjusted = match reason_to_pool(control, treatment) {
        None => full_regression_adjustment(control, treatment),
        Some(because) => pooled(control, treatment, because),
    };
    match adjusted {
        Err(because @ Unmeasurable::ConstantCovariate) => {
            Ok(Comparison { adjustment: Adjustment::Unadjusted { because }, ..unadjusted })
        }
        result => result,
    }
}

fn reason_to_pool(control: &CoMoments, treatment: &CoMoments) -> Option<PooledThetaReason> {
    let arms = [(Arm::Control, control), (Arm::Treatment, treatment)];
    let few = arms.iter().find(|(_, moments)| moments.n() < FULL_REGRESSION_MINIMUM_UNITS);
    if let Some((arm, moments)) = few {
        return Some(PooledThetaReason::FewUnits { arm: *arm, units: moments.n() });
    }
    let constant = arms.iter().find(|(_, moments)| moments.m2_x() == 0.0);
    constant.map(|(arm, _)| PooledThetaReason::ConstantCovariate { arm: *arm })
}

/// Returns the difference adjusted with a slope in each arm.
///
/// The estimate of the fully interacted regression. Its variance is that of r₁/n₁ + r₀/n₀ +
/// (b₁ − b₀)²·s²ₓ/n, where r are residual variances (n − 1) and s²ₓ the average variance of the
/// covariate within the arms, weighted by their units: the last term is the error of the covariate
/// mean at which the lines are read. Errors: those of [`mean_difference`], a covariate that is
/// constant in an arm, one that determines the outcome.
pub fn full_regression_adjustment(
    control: &CoMoments,
    treatment: &CoMoments,
) -> Result<Comparison, Unmeasurable> {
    let unadjusted = mean_difference(&control.outcome(), &treatment.outcome())?;
    let (control_slope, treatment_slope) = (slope(control)?, slope(treatment)?);
    let adjusted = Lines {
        control: Line::new(control, control_slope, Arm::Control)?,
        treatment: Line::new(treatment, treatment_slope, Arm::Treatment)?,
    }
    .compare()?;
    let adjustment = Adjustment::FullRegression {
        control_slope,
        treatment_slope,
        variance_reduction: 1.0 - adjusted.variance / unadjusted.variance,
    };
    Comparison { adjustment, ..adjusted }.checked()
}

/// Returns the difference adjusted with one slope over all units (CUPED).
///
/// θ = cov(y, x) / var(x) over both arms together; each mean is moved by θ times its distance from
/// the common covariate mean; the difference is tested as Welch's on y − θ·x. Errors: those of
/// [`mean_difference`], a covariate that is constant, one that determines the outcome.
pub fn pooled_theta_adjustment(
    control: &CoMoments,
    treatment: &CoMoments,
) -> Result<Comparison, Unmeasurable> {
    pooled(control, treatment, PooledThetaReason::Requested)
}

fn pooled(
    control: &CoMoments,
    treatment: &CoMoments,
    because: PooledThetaReason,
) -> Result<Comparison, Unmeasurable> {
    let unadjusted = mean_difference(&control.outcome(), &treatment.outcome())?;
    let together = control.merge(treatment).map_err(|_: MomentsError| Unmeasurable::OutOfRange)?;
    let theta = slope(&together)?;
    let adjusted = Lines {
        control: Line::new(control, theta, Arm::Control)?,
        treatment: Line::new(treatment, theta, Arm::Treatment)?,
    }
    .compare()?;
    let adjustment = Adjustment::PooledTheta {
        theta,
        variance_reduction: 1.0 - adjusted.variance / unadjusted.variance,
        because,
    };
    Comparison { adjustment, ..adjusted }.checked()
}

/// Returns the pooled-θ difference with the unadjusted control mean as the base of the lift.
///
/// For comparing with platforms that report the lift so; a report of this crate divides by the
/// adjusted control mean, whose error is smaller.
pub fn pooled_theta_adjustment_on_observed_base(
    control: &CoMoments,
    treatment: &CoMoments,
) -> Result<Comparison, Unmeasurable> {
    let adjusted = pooled_theta_adjustment(control, treatment)?;
    let Adjustment::PooledTheta { theta, .. } = adjusted.adjustment else {
        return Ok(adjusted);
    };
    let arm = Line::new(control, theta, Arm::Control)?;
    Comparison {
        control_mean: control.mean_y(),
        control_variance: arm.covariance((1.0, 0.0), (1.0, 0.0)),
        covariance: -arm.covariance((1.0, 0.0), (1.0, -theta)),
        ..adjusted
    }
    .checked()
}

/// The least-squares slope of the outcome on the covariate.
fn slope(moments: &CoMoments) -> Result<f64, Unmeasurable> {
    if moments.m2_x() == 0.0 {
        return Err(Unmeasurable::ConstantCovariate);
    }
    let slope = moments.c_xy() / moments.m2_x();
    if slope.is_finite() { Ok(slope) } else { Err(Unmeasurable::OutOfRange) }
}

/// An arm, with the slope that its mean is moved along; variances are of means.
struct Line<'a> {
    moments: &'a CoMoments,
    slope: f64,
    n: f64,
}

impl<'a> Line<'a> {
    fn new(moments: &'a CoMoments, slope: f64, arm: Arm) -> Result<Self, Unmeasurable> {
        Ok(Self { moments, slope, n: units(moments.n(), arm)? })
    }

    /// The sampling covariance of two linear combinations (weight of ȳ, weight of x̄).
    fn covariance(&self, a: (f64, f64), b: (f64, f64)) -> f64 {
        let sum = a.0 * b.0 * self.moments.m2_y()
            + (a.0 * b.1 + a.1 * b.0) * self.moments.c_xy()
            + a.1 * b.1 * self.moments.m2_x();
        sum / (self.n - 1.0) / self.n
    }

    /// The sampling variance of ȳ − slope·x̄ in this arm.
    fn residual_variance(&self) -> Result<f64, Unmeasurable> {
        let residual = self.covariance((1.0, -self.slope), (1.0, -self.slope));
        let outcome = self.covariance((1.0, 0.0), (1.0, 0.0));
        if outcome > 0.0 && residual <= RESIDUAL_ROUNDING * outcome {
            return Err(Unmeasurable::CovariateDeterminesOutcome);
        }
        Ok(residual.max(0.0))
    }
}

/// Both arms with their slopes.
struct Lines<'a> {
    control: Line<'a>,
    treatment: Line<'a>,
}

impl Lines<'_> {
    /// The comparison of ȳ − slope·(x̄ − common x̄) between the arms; the slopes count as known.
    fn compare(&self) -> Result<Comparison, Unmeasurable> {
        let (control, treatment) = (&self.control, &self.treatment);
        let total = control.n + treatment.n;
        let (control_share, treatment_share) = (control.n / total, treatment.n / total);
        let distance = treatment.moments.mean_x() - control.moments.mean_x();
        // Per arm, the weights of (ȳ, x̄) in the adjusted control mean and in the difference.
        let control_mean = [(1.0, -control.slope * treatment_share), (0.0, control.slope * treatment_share)];
        let common = control.slope * treatment_share + treatment.slope * control_share;
        let difference = [(-1.0, common), (1.0, -common)];
        let covariance = |a: [(f64, f64); 2], b: [(f64, f64); 2]| {
            control.covariance(a[0], b[0]) + treatment.covariance(a[1], b[1])
        };
        let residuals = (control.residual_variance()?, treatment.residual_variance()?);
        Comparison {
            control_mean: control.moments.mean_y() + control.slope * treatment_share * distance,
            treatment_mean: treatment.moments.mean_y() - treatment.slope * control_share * distance,
            difference: (treatment.moments.mean_y() - control.moments.mean_y()) - common * distance,
            variance: covariance(difference, difference),
            control_variance: covariance(control_mean, control_mean),
            covariance: covariance(difference, control_mean),
            reference: Reference::StudentT {
                degrees_of_freedom: satterthwaite(
                    (residuals.0, control.n - 1.0),
                    (residuals.1, treatment.n - 1.0),
                ),
            },
            adjustment: Adjustment::NotRequested,
        }
        .checked()
    }
}

#[cfg(test)]
mod tests;
