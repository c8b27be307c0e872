//! Ratios of totals, such as clicks per view, when units have several views each.
//!
//! The randomised unit stays the unit: numerator and denominator are its totals, and the ratio is
//! linearised around the means (Deng, Knoblich and Lu 2018).

use super::adjustment::{Adjustment, PooledThetaReason};
use super::co_moments::{CoMoments, CoMomentsParts};
use super::comparison::{Comparison, Independent, units};
use super::lines::{Lines, slope};
use super::moments::MomentsError;
use super::ratio_moments::{QUANTITIES, RatioMoments};
use super::reason::{Arm, Unmeasurable};

/// Returns the difference of Σ numerator / Σ denominator between the arms.
///
/// In each [`CoMoments`] y is the numerator and x the denominator of a unit. The per-unit variance
/// is (v_n − 2·r·c + r²·v_d) / mean(d)²; degrees of freedom as for means. Errors: those of
/// [`mean_difference`](super::mean_difference), a denominator of zero, and one that may be zero: within two standard
/// errors of it.
pub fn ratio_difference(control: &CoMoments, treatment: &CoMoments) -> Result<Comparison, Unmeasurable> {
    Independent {
        control: linearised(control, Arm::Control)?,
        treatment: linearised(treatment, Arm::Treatment)?,
    }
    .compare()
}

/// Returns the standard error of an arm's ratio Σ y / Σ x over its units.
///
/// # Errors
///
/// Fewer than two units, a denominator of zero, no variance.
pub(super) fn ratio_standard_error(arm: &CoMoments, name: Arm) -> Result<f64, Unmeasurable> {
    let (_, variance, _) = linearised(arm, name)?;
    if variance > 0.0 { Ok(variance.sqrt()) } else { Err(Unmeasurable::ZeroSpread { arm: name }) }
}

/// The ratio of an arm, its sampling variance, and the degrees of freedom of that.
fn linearised(arm: &CoMoments, name: Arm) -> Result<(f64, f64, f64), Unmeasurable> {
    let n = units(arm.n(), name)?;
    if arm.mean_x() == 0.0 {
        return Err(Unmeasurable::ZeroDenominator { arm: name });
    }
    // Closer to zero than two standard errors the ratio is far from linear in it.
    if arm.mean_x().abs() <= 2.0 * (arm.m2_x() / (n - 1.0) / n).sqrt() {
        return Err(Unmeasurable::UncertainDenominator { arm: name });
    }
    let ratio = arm.mean_y() / arm.mean_x();
    let (numerator, product, denominator) =
        (arm.m2_y(), -2.0 * ratio * arm.c_xy(), ratio * ratio * arm.m2_x());
    let sum = numerator + product + denominator;
    // A numerator proportional to the denominator leaves only rounding.
    let sum = if sum <= 1e-12 * (numerator + denominator) { 0.0 } else { sum };
    Ok((ratio, sum / (arm.mean_x() * arm.mean_x()) / (n - 1.0) / n, n - 1.0))
}

/// Returns the difference of ratios, adjusted for a ratio as the covariate.
///
/// The slope θ is that of the metric on the covariate over all units, both linearised around the
/// means of both arms together; the variance of an arm is that of its metric less θ times its
/// covariate, both linearised around its own means. The covariate may be the same ratio before the
/// experiment. Where it
/// cannot be used (constant, or with a denominator of zero), the difference is unadjusted, and
/// [`Comparison::adjustment`] has the reason. Errors otherwise: those of [`ratio_difference`], and a
/// covariate that determines the metric.
pub fn adjusted_ratio_difference(
    control: &RatioMoments,
    treatment: &RatioMoments,
) -> Result<Comparison, Unmeasurable> {
    let metric = |arm: &RatioMoments| arm.metric().map_err(out_of_range);
    let unadjusted = ratio_difference(&metric(control)?, &metric(treatment)?)?;
    match along_one_line(control, treatment) {
        Ok((adjusted, theta)) => {
            let adjustment = Adjustment::PooledTheta {
                theta,
                variance_reduction: 1.0 - adjusted.variance / unadjusted.variance,
                because: PooledThetaReason::Ratio,
            };
            Comparison { adjustment, ..adjusted }.checked()
        }
        Err(because @ (Unmeasurable::ConstantCovariate | Unmeasurable::ZeroCovariateDenominator { .. })) => {
            Ok(Comparison { adjustment: Adjustment::Unadjusted { because }, ..unadjusted })
        }
        Err(reason) => Err(reason),
    }
}

/// Returns the ratios of units, of the metric as y and of its covariate as x, with the co-moments of both linearised around
/// them: what a covariate explains of a ratio.
///
/// # Errors
///
/// A denominator of zero, and moments that no units have.
pub fn linearised_with_covariate(units: &RatioMoments) -> Result<CoMoments, Unmeasurable> {
    Linear::of(units, Arm::Control)
}

fn out_of_range(_: MomentsError) -> Unmeasurable {
    Unmeasurable::OutOfRange
}

/// The adjusted comparison and its slope.
fn along_one_line(
    control: &RatioMoments,
    treatment: &RatioMoments,
) -> Result<(Comparison, f64), Unmeasurable> {
    let together = control.merge(treatment).map_err(out_of_range)?;
    let all = Linear::of(&together, Arm::Control)?;
    let (control, treatment) = (Linear::of(control, Arm::Control)?, Linear::of(treatment, Arm::Treatment)?);
    if control.is_covariate_constant() && treatment.is_covariate_constant() {
        return Err(Unmeasurable::ConstantCovariate);
    }
    let theta = slope(&all)?;
    let lines = Lines::new((&control, theta), (&treatment, theta))?;
    Ok((lines.read_at(all.mean_x()).compare()?, theta))
}

/// The weights of the quantities in the linearised metric and covariate.
struct Linear {
    metric: [f64; QUANTITIES],
    covariate: [f64; QUANTITIES],
}

impl Linear {
    fn around(moments: &RatioMoments, arm: Arm) -> Result<Self, Unmeasurable> {
        let [numerator, denominator, before, before_denominator] = moments.means();
        if denominator == 0.0 {
            return Err(Unmeasurable::ZeroDenominator { arm });
        }
        if before_denominator == 0.0 {
            return Err(Unmeasurable::ZeroCovariateDenominator { arm });
        }
        let weights =
            |numerator: f64, denominator: f64| (1.0 / denominator, -numerator / denominator / denominator);
        let (metric, covariate) = (weights(numerator, denominator), weights(before, before_denominator));
        Ok(Self { metric: [metric.0, metric.1, 0.0, 0.0], covariate: [0.0, 0.0, covariate.0, covariate.1] })
    }

    /// The ratios of these units, with the co-moments of the quantities linearised around them.
    fn of(moments: &RatioMoments, arm: Arm) -> Result<CoMoments, Unmeasurable> {
        let linear = Self::around(moments, arm)?;
        let [numerator, denominator, before, before_denominator] = moments.means();
        let square = |weights: [f64; QUANTITIES]| {
            let sum = moments.product(weights, weights);
            // A numerator proportional to its denominator leaves only rounding.
            let parts = weights.map(f64::abs);
            if sum <= 1e-12 * moments.product_of_sizes(parts) { 0.0 } else { sum }
        };
        let (m2_y, m2_x) = (square(linear.metric), square(linear.covariate));
        let limit = m2_y.sqrt() * m2_x.sqrt();
        CoMoments::from_parts(CoMomentsParts {
            n: moments.n(),
            mean_y: numerator / denominator,
            mean_x: before / before_denominator,
            m2_y,
            m2_x,
            c_xy: moments.product(linear.metric, linear.covariate).clamp(-limit, limit),
        })
        .map_err(out_of_range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Moments, mean_difference};

    fn co_moments(pairs: &[(f64, f64)]) -> CoMoments {
        CoMoments::of_pairs(pairs).unwrap()
    }

    #[test]
    fn a_denominator_of_one_makes_the_ratio_a_mean() {
        let (control, treatment) = ([1.0, 4.0, 2.5, 3.0], [2.0, 5.0, 4.5]);
        let pairs =
            |values: &[f64]| co_moments(&values.iter().map(|value| (*value, 1.0)).collect::<Vec<_>>());
        let ratio = ratio_difference(&pairs(&control), &pairs(&treatment)).unwrap();
        let mean =
            mean_difference(&Moments::of_values(&control).unwrap(), &Moments::of_values(&treatment).unwrap())
                .unwrap();
        assert!((ratio.standard_error() - mean.standard_error()).abs() < 1e-12);
        assert!((ratio.difference() - mean.difference()).abs() < 1e-12);
    }

    #[test]
    fn a_denominator_of_zero_is_a_reason() {
        let (some, none) = (co_moments(&[(1.0, 2.0), (3.0, 4.0)]), co_moments(&[(1.0, 0.0); 4]));
        let reason = Err(Unmeasurable::ZeroDenominator { arm: Arm::Treatment });
        assert_eq!(ratio_difference(&some, &none), reason);
    }

    #[test]
    fn a_denominator_that_may_be_zero_is_a_reason() {
        let some = co_moments(&[(1.0, 2.0), (3.0, 4.0), (2.0, 3.0)]);
        let mixed = co_moments(&[(1.0, 2.0), (3.0, -1.0), (2.0, -2.0), (1.0, 1.5)]);
        let reason = Err(Unmeasurable::UncertainDenominator { arm: Arm::Treatment });
        assert_eq!(ratio_difference(&some, &mixed), reason);
    }

    /// Deterministic units: clicks per view, with the same before, both following a trait.
    fn units_with_history(n: u64, shift: f64) -> Vec<[f64; QUANTITIES]> {
        (0..n)
            .map(|i| {
                let wave = |step: u64, length: u64| ((i * step) % length) as f64 / length as f64;
                let (views, before) =
                    (1.0 + (9.0 * wave(37, 101)).floor(), 1.0 + (7.0 * wave(53, 97)).floor());
                let rate = 0.2 + 0.5 * wave(61, 89);
                [
                    views * (rate + shift) + 0.3 * wave(17, 83),
                    views,
                    before * rate + 0.3 * wave(29, 79),
                    before,
                ]
            })
            .collect()
    }

    fn ratio_moments(n: u64, shift: f64) -> RatioMoments {
        RatioMoments::of_units(&units_with_history(n, shift)).unwrap()
    }

    #[test]
    fn a_ratio_before_the_experiment_explains_the_ratio_after_it() {
        let (control, treatment) = (ratio_moments(800, 0.0), ratio_moments(700, 0.05));
        let plain = ratio_difference(&control.metric().unwrap(), &treatment.metric().unwrap()).unwrap();
        let adjusted = adjusted_ratio_difference(&control, &treatment).unwrap();
        assert!(adjusted.standard_error() < 0.8 * plain.standard_error());
        assert!((adjusted.difference() - 0.05).abs() < 3.0 * adjusted.standard_error());
        let because = PooledThetaReason::Ratio;
        assert!(
            matches!(adjusted.adjustment(), Adjustment::PooledTheta { because: why, .. } if *why == because)
        );
    }

    #[test]
    fn a_covariate_without_a_denominator_leaves_the_ratio_as_it_is() {
        let without = |n, shift| {
            let units: Vec<_> = units_with_history(n, shift)
                .into_iter()
                .map(|[clicks, views, _, _]| [clicks, views, 0.0, 0.0])
                .collect();
            RatioMoments::of_units(&units).unwrap()
        };
        let (control, treatment) = (without(100, 0.0), without(90, 0.1));
        let plain = ratio_difference(&control.metric().unwrap(), &treatment.metric().unwrap()).unwrap();
        let adjusted = adjusted_ratio_difference(&control, &treatment).unwrap();
        assert_eq!(adjusted.standard_error(), plain.standard_error());
        let because = Unmeasurable::ZeroCovariateDenominator { arm: Arm::Control };
        assert_eq!(*adjusted.adjustment(), Adjustment::Unadjusted { because });
    }

    #[test]
    fn a_covariate_ratio_that_never_varies_leaves_the_ratio_as_it_is() {
        let constant = |n, shift| {
            let units: Vec<_> = units_with_history(n, shift)
                .into_iter()
                .map(|[clicks, views, _, before]| [clicks, views, 0.3 * before, before])
                .collect();
            RatioMoments::of_units(&units).unwrap()
        };
        let adjusted = adjusted_ratio_difference(&constant(100, 0.0), &constant(90, 0.1)).unwrap();
        let because = Unmeasurable::ConstantCovariate;
        assert_eq!(*adjusted.adjustment(), Adjustment::Unadjusted { because });
    }

    #[test]
    fn ratio_moments_of_parts_add_up_and_survive_being_written() {
        let units = units_with_history(60, 0.1);
        let whole = RatioMoments::of_units(&units).unwrap();
        let (left, right) = units.split_at(23);
        let merged =
            RatioMoments::of_units(left).unwrap().merge(&RatioMoments::of_units(right).unwrap()).unwrap();
        for (a, b) in [(0, 0), (0, 1), (2, 3), (1, 3)] {
            let pick = |quantity: usize| {
                let mut weights = [0.0; QUANTITIES];
                weights[quantity] = 1.0;
                weights
            };
            let (got, want) = (merged.product(pick(a), pick(b)), whole.product(pick(a), pick(b)));
            assert!((got - want).abs() < 1e-9, "{a} {b}");
        }
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<RatioMoments>(&json).unwrap(), whole);
        assert!(serde_json::from_str::<RatioMoments>(&json.replacen("60", "1", 1)).is_err());
    }

    #[test]
    fn a_numerator_proportional_to_the_denominator_has_no_variance() {
        let arm = co_moments(&[(0.3, 0.1), (0.9, 0.3), (2.1, 0.7), (3.3, 1.1)]);
        assert_eq!(ratio_difference(&arm, &arm), Err(Unmeasurable::ZeroVariance));
    }
}
