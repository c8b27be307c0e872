//! Covariate adjustment: what the units were like before the experiment explains part of how they
//! differ after it, and need not count as noise.
//!
//! Full regression adjustment fits a slope in each arm and evaluates both lines at the covariate
//! mean of all units (Lin 2013; Negi and Wooldridge 2021). It never loses precision in large
//! samples. Pooled θ (CUPED; Deng, Xu, Kohavi and Walker 2013) fits one slope over all units. Both
//! come from second moments alone, and both give means that share the random covariate mean, so
//! their covariance is carried along for the lift and the non-inferiority contrast.

use super::co_moments::CoMoments;
use super::comparison::{Comparison, mean_difference};
pub use super::covariate::{Adjustment, FULL_REGRESSION_MINIMUM_UNITS, PooledThetaReason};
use super::lines::{Line, Lines, slope};
use super::moments::MomentsError;
use super::reason::{Arm, Unmeasurable};

/// Returns the covariate-adjusted difference in means by the best method the data allow.
///
/// Full regression adjustment; with few units or a covariate that is constant in one arm, pooled
/// θ; with a covariate that is constant altogether (all zero, for example), the unadjusted difference.
/// [`Comparison::adjustment`] has which, and why. A covariate that determines the outcome is an
/// error, as are the errors of [`mean_difference`].
///
/// ```
/// use trialbook_stats::{CoMoments, CoMomentsParts, adjusted_mean_difference};
///
/// let arm = |mean_y| {
///     CoMoments::from_parts(CoMomentsParts {
///         n: 1000, mean_y, mean_x: 9.0, m2_y: 4000.0, m2_x: 4000.0, c_xy: 3200.0,
///     })
/// };
/// let comparison = adjusted_mean_difference(&arm(10.0)?, &arm(10.2)?)?;
/// // A correlation of 0.8 saves 64 % of the units.
/// let saved = comparison.adjustment().variance_reduction().ok_or("adjusted")?;
/// assert!((saved - 0.64).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    let constant = arms.iter().find(|(_, moments)| moments.is_covariate_constant());
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
    let adjusted = Lines::new((control, control_slope), (treatment, treatment_slope))?.compare()?;
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
    // What is constant within both arms and differs between them is the arm itself: its slope would
    // be the effect.
    if control.is_covariate_constant() && treatment.is_covariate_constant() {
        return Err(Unmeasurable::ConstantCovariate);
    }
    let theta = slope(&together)?;
    let adjusted = Lines::new((control, theta), (treatment, theta))?.compare()?;
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

#[cfg(test)]
mod tests;
