//! Ratios of totals, such as clicks per view, when units have several views each.
//!
//! The randomised unit stays the unit: numerator and denominator are its totals, and the ratio is
//! linearised around the means (Deng, Knoblich and Lu 2018).

use super::co_moments::CoMoments;
use super::comparison::{Comparison, Independent, units};
use super::reason::{Arm, Unmeasurable};

/// Returns the difference of Σ numerator / Σ denominator between the arms.
///
/// In each [`CoMoments`] y is the numerator and x the denominator of a unit. The per-unit variance
/// is (v_n − 2·r·c + r²·v_d) / mean(d)²; degrees of freedom as for means. Errors: those of
/// [`mean_difference`](super::mean_difference), and a denominator of zero.
pub fn ratio_difference(control: &CoMoments, treatment: &CoMoments) -> Result<Comparison, Unmeasurable> {
    Independent {
        control: linearised(control, Arm::Control)?,
        treatment: linearised(treatment, Arm::Treatment)?,
    }
    .compare()
}

/// The ratio of an arm, its sampling variance, and the degrees of freedom of that.
fn linearised(arm: &CoMoments, name: Arm) -> Result<(f64, f64, f64), Unmeasurable> {
    let n = units(arm.n(), name)?;
    if arm.mean_x() == 0.0 {
        return Err(Unmeasurable::ZeroDenominator { arm: name });
    }
    let ratio = arm.mean_y() / arm.mean_x();
    let (numerator, product, denominator) =
        (arm.m2_y(), -2.0 * ratio * arm.c_xy(), ratio * ratio * arm.m2_x());
    let sum = numerator + product + denominator;
    // A numerator proportional to the denominator leaves only rounding.
    let sum = if sum <= 1e-12 * (numerator + denominator) { 0.0 } else { sum };
    Ok((ratio, sum / (arm.mean_x() * arm.mean_x()) / (n - 1.0) / n, n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Moments, mean_difference};

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
    fn a_numerator_proportional_to_the_denominator_has_no_variance() {
        let arm = co_moments(&[(0.3, 0.1), (0.9, 0.3), (2.1, 0.7), (3.3, 1.1)]);
        assert_eq!(ratio_difference(&arm, &arm), Err(Unmeasurable::ZeroVariance));
    }
}
