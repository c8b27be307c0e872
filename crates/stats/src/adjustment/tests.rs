use super::*;
use crate::{CoMomentsParts, Lift, Probability};

/// Deterministic units: a covariate, and an outcome that follows it with this slope and a wobble.
fn units_of(n: u64, slope: f64, shift: f64, wobble: f64) -> CoMoments {
    let pairs: Vec<(f64, f64)> = (0..n)
        .map(|i| {
            let x = 10.0 + ((i * 37) % 101) as f64 / 10.0;
            let noise = wobble * (((i * 61) % 89) as f64 / 89.0 - 0.5);
            (20.0 + shift + slope * x + noise, x)
        })
        .collect();
    CoMoments::of_pairs(&pairs).unwrap()
}

#[test]
fn enough_units_get_a_slope_in_each_arm() {
    let (control, treatment) = (units_of(500, 2.0, 0.0, 4.0), units_of(450, 2.5, 1.0, 4.0));
    let comparison = adjusted_mean_difference(&control, &treatment).unwrap();
    let Adjustment::FullRegression { control_slope, treatment_slope, variance_reduction } =
        *comparison.adjustment()
    else {
        panic!("{:?}", comparison.adjustment())
    };
    assert!((control_slope - 2.0).abs() < 0.05 && (treatment_slope - 2.5).abs() < 0.05);
    assert!(variance_reduction > 0.9);
    let difference = comparison.treatment_mean() - comparison.control_mean();
    assert!((comparison.difference() - difference).abs() < 1e-12);
}

#[test]
fn few_units_share_one_slope_and_say_so() {
    let (control, treatment) = (units_of(500, 2.0, 0.0, 4.0), units_of(49, 2.0, 1.0, 4.0));
    let comparison = adjusted_mean_difference(&control, &treatment).unwrap();
    let because = PooledThetaReason::FewUnits { arm: Arm::Treatment, units: 49 };
    assert!(matches!(
        comparison.adjustment(),
        Adjustment::PooledTheta { because: reason, .. } if *reason == because
    ));
}

#[test]
fn a_covariate_constant_in_one_arm_shares_one_slope() {
    let constant = CoMomentsParts { n: 100, mean_y: 40.0, mean_x: 15.0, m2_y: 900.0, m2_x: 0.0, c_xy: 0.0 };
    let constant = CoMoments::from_parts(constant).unwrap();
    let varied = units_of(100, 2.0, 0.0, 4.0);
    let comparison = adjusted_mean_difference(&varied, &constant).unwrap();
    let because = PooledThetaReason::ConstantCovariate { arm: Arm::Treatment };
    assert!(matches!(
        comparison.adjustment(),
        Adjustment::PooledTheta { because: reason, .. } if *reason == because
    ));
    let reason = full_regression_adjustment(&varied, &constant);
    assert_eq!(reason, Err(Unmeasurable::ConstantCovariate));
}

#[test]
fn a_covariate_that_is_all_zero_leaves_the_difference_as_it_is_and_says_so() {
    let arm = |mean_y| {
        let parts = CoMomentsParts { n: 80, mean_y, mean_x: 0.0, m2_y: 70.0, m2_x: 0.0, c_xy: 0.0 };
        CoMoments::from_parts(parts).unwrap()
    };
    let (control, treatment) = (arm(3.0), arm(4.0));
    assert_eq!(pooled_theta_adjustment(&control, &treatment), Err(Unmeasurable::ConstantCovariate));
    let comparison = adjusted_mean_difference(&control, &treatment).unwrap();
    let plain = mean_difference(&control.outcome(), &treatment.outcome()).unwrap();
    assert_eq!(comparison.standard_error(), plain.standard_error());
    let because = Unmeasurable::ConstantCovariate;
    assert_eq!(*comparison.adjustment(), Adjustment::Unadjusted { because });
}

#[test]
fn a_covariate_that_is_the_arm_explains_nothing_away() {
    let arm = |mean_y, mean_x| {
        let parts = CoMomentsParts { n: 80, mean_y, mean_x, m2_y: 70.0, m2_x: 0.0, c_xy: 0.0 };
        CoMoments::from_parts(parts).unwrap()
    };
    let comparison = adjusted_mean_difference(&arm(3.0, 0.0), &arm(4.0, 1.0)).unwrap();
    assert_eq!(comparison.difference(), 1.0);
    let because = Unmeasurable::ConstantCovariate;
    assert_eq!(*comparison.adjustment(), Adjustment::Unadjusted { because });
}

#[test]
fn a_covariate_that_is_the_outcome_is_refused() {
    let (control, treatment) = (units_of(200, 2.0, 0.0, 0.0), units_of(200, 2.0, 1.0, 0.0));
    let reason = Err(Unmeasurable::CovariateDeterminesOutcome);
    assert_eq!(adjusted_mean_difference(&control, &treatment), reason);
}

#[test]
fn arms_that_say_nothing_get_the_same_reasons_as_without_a_covariate() {
    let some = units_of(200, 2.0, 0.0, 3.0);
    let reason = adjusted_mean_difference(&some, &CoMoments::EMPTY);
    assert_eq!(reason, Err(Unmeasurable::EmptyArm { arm: Arm::Treatment }));
    let single = CoMoments::of_pairs(&[(1.0, 2.0)]).unwrap();
    let reason = adjusted_mean_difference(&single, &some);
    assert_eq!(reason, Err(Unmeasurable::SingleUnit { arm: Arm::Control }));
}

#[test]
fn equal_slopes_make_both_methods_agree() {
    let (control, treatment) = (units_of(5000, 2.0, 0.0, 5.0), units_of(4000, 2.0, 0.3, 5.0));
    let full = full_regression_adjustment(&control, &treatment).unwrap();
    let pooled = pooled_theta_adjustment(&control, &treatment).unwrap();
    assert!((full.difference() - pooled.difference()).abs() < 1e-3);
    assert!((full.standard_error() / pooled.standard_error() - 1.0).abs() < 1e-3);
    assert!(
        (full.adjustment().variance_reduction().unwrap() - pooled.adjustment().variance_reduction().unwrap())
            .abs()
            < 1e-3
    );
}

#[test]
fn the_variances_of_the_means_add_up_to_that_of_the_difference() {
    let (control, treatment) = (units_of(300, 1.0, 0.0, 5.0), units_of(200, 3.0, 0.3, 5.0));
    for comparison in [
        full_regression_adjustment(&control, &treatment).unwrap(),
        pooled_theta_adjustment(&control, &treatment).unwrap(),
    ] {
        // With the arms swapped, the control's figures are the treatment's.
        let swapped = match comparison.adjustment() {
            Adjustment::FullRegression { .. } => full_regression_adjustment(&treatment, &control),
            _ => pooled_theta_adjustment(&treatment, &control),
        }
        .unwrap();
        let of_treatment = comparison.variance + comparison.control_variance + 2.0 * comparison.covariance;
        assert!((of_treatment / swapped.control_variance - 1.0).abs() < 1e-9);
        assert!((comparison.variance / swapped.variance - 1.0).abs() < 1e-9);
    }
}

#[test]
fn the_lift_of_an_adjusted_difference_is_relative_to_the_adjusted_control() {
    let (control, treatment) = (units_of(500, 2.0, 0.0, 4.0), units_of(450, 2.5, 1.0, 4.0));
    let comparison = adjusted_mean_difference(&control, &treatment).unwrap();
    let Lift::Defined(lift) = comparison.lift(Probability::new(0.05).unwrap()) else { panic!("defined") };
    assert_eq!(lift.lift, comparison.difference() / comparison.control_mean());
    assert!(lift.interval.contains(lift.lift));
}
