//! An arm of a metric: as moments of the statistics, and as the outcome shows it.

use super::outcome::{CovariateMoments, MetricMoments, QuantileValues};
use crate::query::{ArmMoments, ArmQuantile, CentredCovariate};
use trialbook_stats::{Arm, CoMoments, CoMomentsParts, Moments, MomentsError};

pub(super) fn moments(arm: &ArmMoments) -> Result<Moments, MomentsError> {
    if let Some(events) = arm.events {
        return Moments::of_proportion(events, arm.units);
    }
    Moments::from_parts(arm.units, arm.value.mean, arm.value.m2)
}

/// Returns the moments of an arm's values together with those of its covariate or denominator.
pub(super) fn co_moments(arm: &ArmMoments, other: &CentredCovariate) -> Result<CoMoments, MomentsError> {
    CoMoments::from_parts(CoMomentsParts {
        n: arm.units,
        mean_y: arm.value.mean,
        mean_x: other.own.mean,
        m2_y: arm.value.m2,
        m2_x: other.own.m2,
        c_xy: other.co,
    })
}

/// Returns an arm as the outcome shows it; `None` for a quantile without an error.
pub(super) fn shown(arm: &ArmMoments) -> Option<MetricMoments> {
    if let Some(quantile) = &arm.quantile {
        return shown_quantile(arm.units, quantile);
    }
    let other = |c: CentredCovariate| CovariateMoments { mean: c.own.mean, m2: c.own.m2, co: c.co };
    Some(MetricMoments {
        mean: arm.value.mean,
        m2: arm.value.m2,
        covariate: arm.covariate.map(other),
        denominator: arm.denominator.map(other),
        covariate_ratio: arm.covariate_ratio,
        quantile: None,
    })
}

/// Returns a quantile as the outcome shows it; `None` where it has no error.
fn shown_quantile(units: u64, quantile: &ArmQuantile) -> Option<MetricMoments> {
    let [below, _, above] = quantile.around?;
    let found = quantile.estimate(units, Arm::Control).ok()?;
    let n = units as f64;
    Some(MetricMoments {
        mean: found.value,
        m2: n * (n - 1.0) * found.standard_error.powi(2),
        covariate: None,
        denominator: None,
        covariate_ratio: None,
        quantile: Some(QuantileValues { values: quantile.values, below, above, rows: quantile.rows }),
    })
}
