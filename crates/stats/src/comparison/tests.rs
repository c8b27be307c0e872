use proptest::prelude::*;

use super::*;
use crate::lift::LINEAR_UP_TO_VARIATION;
use crate::{Better, Estimate, Lift, LiftMethod, LiftUndefined};

fn moments(n: u64, mean: f64, variance: f64) -> Moments {
    Moments::from_parts(n, mean, variance * (n as f64 - 1.0).max(0.0)).unwrap()
}

fn alpha() -> Probability {
    Probability::new(0.05).unwrap()
}

fn reason(control: Moments, treatment: Moments) -> Unmeasurable {
    mean_difference(&control, &treatment).unwrap_err()
}

#[test]
fn arms_that_say_nothing_get_a_reason_and_no_number() {
    let some = moments(50, 1.0, 2.0);
    let single = Moments::from_parts(1, 3.0, 0.0).unwrap();
    let (control, treatment) = (Arm::Control, Arm::Treatment);
    assert_eq!(reason(Moments::EMPTY, some), Unmeasurable::EmptyArm { arm: control });
    assert_eq!(reason(some, Moments::EMPTY), Unmeasurable::EmptyArm { arm: treatment });
    assert_eq!(reason(some, single), Unmeasurable::SingleUnit { arm: treatment });
    assert_eq!(reason(moments(9, 1.0, 0.0), moments(9, 2.0, 0.0)), Unmeasurable::ZeroVariance);
    assert_eq!(reason(moments(9, 0.0, 1e-320), moments(9, 2.0, 0.0)), Unmeasurable::OutOfRange);
}

#[test]
fn equal_values_have_no_variance_whatever_the_rounding_of_their_mean() {
    // Three times a tenth is not three tenths: the mean is off by its last bit.
    let arm = |value: f64| {
        let rounded = value * (1.0 + f64::EPSILON);
        Moments::from_parts(1000, rounded, 1000.0 * (value - rounded).powi(2)).unwrap()
    };
    assert!(arm(0.1).m2() > 0.0);
    assert_eq!(reason(arm(0.1), arm(0.3)), Unmeasurable::ZeroVariance);
}

#[test]
fn values_that_are_not_zero_or_one_are_no_proportion() {
    let half = Moments::of_proportion(25, 50).unwrap();
    let mean = moments(50, 0.5, 0.01);
    let reason = Err(Unmeasurable::NotAProportion { arm: Arm::Treatment });
    assert_eq!(proportion_difference(&half, &mean), reason);
    assert!(proportion_difference(&half, &moments(50, 1.5, 0.0)).is_err());
    let all = Moments::of_proportion(50, 50).unwrap();
    assert_eq!(proportion_difference(&all, &all), Err(Unmeasurable::ZeroVariance));
    assert!(proportion_difference(&half, &all).is_ok());
}

#[test]
fn a_lift_is_undefined_where_the_control_mean_could_be_zero() {
    let lift = |mean| {
        let comparison = mean_difference(&moments(100, mean, 1.0), &moments(100, 1.0, 1.0));
        comparison.unwrap().lift(alpha())
    };
    assert_eq!(lift(0.0), Lift::Undefined(LiftUndefined::ZeroControlMean));
    // 1.9 standard errors from zero, then 2.1, then 9.9 and 10.1: the rule changes at 10.
    assert!(matches!(lift(0.19), Lift::Undefined(LiftUndefined::ControlMeanNotSeparatedFromZero { .. })));
    assert_eq!(LINEAR_UP_TO_VARIATION, 0.1);
    for (mean, method) in [
        (0.21, LiftMethod::Fieller),
        (0.99, LiftMethod::Fieller),
        (1.01, LiftMethod::LinearDelta),
        (-1.01, LiftMethod::LinearDelta),
    ] {
        assert_eq!(lift(mean).defined().unwrap().method, method, "{mean}");
    }
}

#[test]
fn a_tail_beyond_the_range_of_an_interval_is_a_reason() {
    let comparison = mean_difference(&moments(2, 1.0, 1e300), &moments(2, 2.0, 0.0)).unwrap();
    let least = Probability::new(1e-300).unwrap();
    assert_eq!(comparison.effect(least), Err(Unmeasurable::OutOfRange));
}

#[test]
fn a_comparison_without_a_variance_cannot_be_read() {
    let comparison = mean_difference(&moments(50, 1.0, 2.0), &moments(60, 2.0, 2.0)).unwrap();
    let mut json = serde_json::to_value(comparison).unwrap();
    assert_eq!(serde_json::from_value::<Comparison>(json.clone()).unwrap(), comparison);
    json["variance"] = 0.0.into();
    assert!(serde_json::from_value::<Comparison>(json).is_err());
}

#[test]
fn a_reason_is_written_under_its_code() {
    for reason in [
        Unmeasurable::EmptyArm { arm: Arm::Control },
        Unmeasurable::SingleUnit { arm: Arm::Control },
        Unmeasurable::ZeroVariance,
        Unmeasurable::ZeroDenominator { arm: Arm::Control },
        Unmeasurable::ZeroCovariateDenominator { arm: Arm::Control },
        Unmeasurable::NotAProportion { arm: Arm::Control },
        Unmeasurable::ConstantCovariate,
        Unmeasurable::CovariateDeterminesOutcome,
        Unmeasurable::OutOfRange,
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap()["reason"], reason.code());
    }
}

#[test]
fn better_and_worse_follow_the_metric() {
    let comparison = mean_difference(&moments(50, 1.0, 2.0), &moments(60, 2.0, 2.0)).unwrap();
    let effect = comparison.effect(alpha()).unwrap();
    assert!(effect.p_better(Better::Higher) < 0.01 && effect.p_better(Better::Lower) > 0.99);
    assert_eq!(effect.p_worse(Better::Lower), effect.p_better(Better::Higher));
    assert_eq!(effect.p_worse(Better::Higher), effect.p_better(Better::Lower));
}

proptest! {
    #[test]
    fn an_effect_is_finite_and_survives_being_written(
        n in (2..10_000_000_u64, 2..10_000_000_u64),
        means in (-1e6..1e6_f64, -1e6..1e6_f64),
        variances in (0.0..1e9_f64, 1e-3..1e9_f64),
    ) {
        let comparison = mean_difference(
            &moments(n.0, means.0, variances.0), &moments(n.1, means.1, variances.1));
        let estimate = Estimate::of(comparison, alpha());
        let json = serde_json::to_string(&estimate).unwrap();
        // What is not finite would be written as null.
        prop_assert!(!json.contains("null"), "{}", json);
        prop_assert_eq!(serde_json::from_str::<Estimate>(&json).unwrap(), estimate);
    }

    #[test]
    fn the_interval_excludes_zero_when_the_test_rejects(
        n in (2..1000_u64, 2..1000_u64),
        difference in -3.0..3.0_f64,
        variances in (0.1..9.0_f64, 0.1..9.0_f64),
    ) {
        let comparison = mean_difference(
            &moments(n.0, 5.0, variances.0), &moments(n.1, 5.0 + difference, variances.1));
        let effect = comparison.unwrap().effect(alpha()).unwrap();
        if (effect.p_two_sided - 0.05).abs() > 1e-9 {
            prop_assert_eq!(effect.interval.contains(0.0), effect.p_two_sided > 0.05);
        }
        let smaller = effect.p_greater.min(effect.p_less);
        prop_assert!((effect.p_two_sided - 2.0 * smaller).abs() < 1e-12);
    }

    #[test]
    fn fieller_agrees_with_the_test_at_no_lift(
        n in 5..1000_u64,
        control in 1.0..9.0_f64,
        difference in -3.0..3.0_f64,
    ) {
        let comparison = mean_difference(
            &moments(n, control, 1.0), &moments(n, control + difference, 2.0)).unwrap();
        if let Ok(lift) = comparison.fieller_lift(alpha()) {
            let p = comparison.test(0.0).p_two_sided;
            if (p - 0.05).abs() > 1e-9 {
                prop_assert_eq!(lift.interval.contains(0.0), p > 0.05);
            }
        }
    }

    #[test]
    fn swapping_the_arms_swaps_the_sign(
        n in (2..1000_u64, 2..1000_u64), means in (-5.0..5.0_f64, -5.0..5.0_f64),
    ) {
        let (control, treatment) = (moments(n.0, means.0, 1.5), moments(n.1, means.1, 0.5));
        let there = mean_difference(&control, &treatment).unwrap().test(0.0);
        let back = mean_difference(&treatment, &control).unwrap().test(0.0);
        prop_assert!((there.statistic + back.statistic).abs() < 1e-12);
        prop_assert!((there.p_greater - back.p_less).abs() < 1e-12);
    }
}
