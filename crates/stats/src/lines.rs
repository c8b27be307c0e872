//! Adjusted means as points on a line through each arm, with their sampling covariances.

use super::co_moments::CoMoments;
use super::comparison::{Comparison, satterthwaite, units};
use super::covariate::Adjustment;
use super::reason::{Arm, Unmeasurable};
use super::reference::Reference;

/// Below this share of the outcome's sum of squares, what a covariate leaves is rounding.
const RESIDUAL_ROUNDING: f64 = 1e-12;

/// The least-squares slope of the outcome on the covariate.
pub(super) fn slope(moments: &CoMoments) -> Result<f64, Unmeasurable> {
    if moments.is_covariate_constant() {
        return Err(Unmeasurable::ConstantCovariate);
    }
    let slope = moments.c_xy() / moments.m2_x();
    if slope.is_finite() { Ok(slope) } else { Err(Unmeasurable::OutOfRange) }
}

/// An arm, with the slope that its mean is moved along; variances are of means.
pub(super) struct Line<'a> {
    moments: &'a CoMoments,
    slope: f64,
    n: f64,
}

impl<'a> Line<'a> {
    pub(super) fn new(moments: &'a CoMoments, slope: f64, arm: Arm) -> Result<Self, Unmeasurable> {
        Ok(Self { moments, slope, n: units(moments.n(), arm)? })
    }

    /// The sampling covariance of two linear combinations (weight of ȳ, weight of x̄).
    pub(super) fn covariance(&self, a: (f64, f64), b: (f64, f64)) -> f64 {
        let sum = a.0 * b.0 * self.moments.m2_y()
            + (a.0 * b.1 + a.1 * b.0) * self.moments.c_xy()
            + a.1 * b.1 * self.moments.m2_x();
        sum / (self.n - 1.0) / self.n
    }

    /// The mean of the outcome, moved along the slope to where the covariate has this value.
    fn at(&self, covariate: f64) -> f64 {
        self.moments.mean_y() - self.slope * (self.moments.mean_x() - covariate)
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
pub(super) struct Lines<'a> {
    control: Line<'a>,
    treatment: Line<'a>,
    /// The covariate at which both lines are read.
    covariate: f64,
}

impl<'a> Lines<'a> {
    /// Both arms with their slopes, read at the covariate mean of all units.
    pub(super) fn new(
        control: (&'a CoMoments, f64),
        treatment: (&'a CoMoments, f64),
    ) -> Result<Self, Unmeasurable> {
        let control = Line::new(control.0, control.1, Arm::Control)?;
        let treatment = Line::new(treatment.0, treatment.1, Arm::Treatment)?;
        let share = treatment.n / (control.n + treatment.n);
        let (first, second) = (control.moments.mean_x(), treatment.moments.mean_x());
        Ok(Self { control, treatment, covariate: first + share * (second - first) })
    }

    /// The same lines, read at another covariate that estimates the same.
    pub(super) fn read_at(mut self, covariate: f64) -> Self {
        self.covariate = covariate;
        self
    }

    /// The comparison of ȳ − slope·(x̄ − common x̄) between the arms; the slopes count as known.
    pub(super) fn compare(&self) -> Result<Comparison, Unmeasurable> {
        let (control, treatment) = (&self.control, &self.treatment);
        let total = control.n + treatment.n;
        let (control_share, treatment_share) = (control.n / total, treatment.n / total);
        // Per arm, the weights of (ȳ, x̄) in the adjusted control mean and in the difference.
        let control_mean = [(1.0, -control.slope * treatment_share), (0.0, control.slope * treatment_share)];
        let common = control.slope * treatment_share + treatment.slope * control_share;
        let difference = [(-1.0, common), (1.0, -common)];
        let covariance = |a: [(f64, f64); 2], b: [(f64, f64); 2]| {
            control.covariance(a[0], b[0]) + treatment.covariance(a[1], b[1])
        };
        let residuals = (control.residual_variance()?, treatment.residual_variance()?);
        Comparison {
            control_mean: control.at(self.covariate),
            treatment_mean: treatment.at(self.covariate),
            difference: (treatment.moments.mean_y() - control.moments.mean_y())
                - control.slope * (self.covariate - control.moments.mean_x())
                - treatment.slope * (treatment.moments.mean_x() - self.covariate),
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
