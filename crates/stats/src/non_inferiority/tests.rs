use super::*;
use crate::{CoMoments, CoMomentsParts, Moments, adjusted_mean_difference, mean_difference};

fn comparison(control_mean: f64, treatment_mean: f64) -> Comparison {
    let arm = |mean| Moments::from_parts(10_000, mean, 89_991.0).unwrap();
    mean_difference(&arm(control_mean), &arm(treatment_mean)).unwrap()
}

#[test]
fn a_share_of_a_mean_that_is_not_positive_is_refused() {
    for mean in [0.0, -3.0] {
        let result = comparison(mean, 1.0).non_inferiority(Margin::Relative(0.02), Better::Higher);
        assert_eq!(result, Err(NotTestable::ControlMeanNotPositive { control_mean: mean }));
        let result = comparison(mean, 1.0).non_inferiority(Margin::Absolute(0.02), Better::Higher);
        assert!(result.unwrap().p_value < 1e-9);
    }
}

#[test]
fn what_is_no_margin_is_refused() {
    for margin in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        for margin in [Margin::Relative(margin), Margin::Absolute(margin)] {
            let result = comparison(4.0, 4.0).non_inferiority(margin, Better::Lower);
            assert!(matches!(result, Err(NotTestable::NotAMargin { .. })), "{margin:?}");
        }
    }
    let whole = Margin::Relative(1.0);
    assert!(comparison(4.0, 4.0).non_inferiority(whole, Better::Higher).is_err());
    assert!(comparison(4.0, 4.0).non_inferiority(whole, Better::Lower).is_ok());
}

#[test]
fn worse_by_just_the_margin_is_a_coin_toss_in_both_directions() {
    for (better, treatment) in [(Better::Higher, 3.92), (Better::Lower, 4.08)] {
        for margin in [Margin::Relative(0.02), Margin::Absolute(0.08)] {
            let tested = comparison(4.0, treatment).non_inferiority(margin, better).unwrap();
            assert!((tested.p_value - 0.5).abs() < 1e-9, "{better:?} {margin:?}");
            assert!((tested.p_value + tested.p_breached - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn a_relative_margin_gives_the_control_mean_its_error() {
    let tested = comparison(4.0, 4.0).non_inferiority(Margin::Relative(0.02), Better::Higher).unwrap();
    let constant = comparison(4.0, 4.0).non_inferiority(Margin::Absolute(0.08), Better::Higher).unwrap();
    assert!((tested.standard_error / constant.standard_error - 0.990_05).abs() < 1e-4);
}

#[test]
fn adjustment_sharpens_the_contrast_too() {
    let arm = |mean_y| {
        let parts = CoMomentsParts { n: 1000, mean_y, mean_x: 4.0, m2_y: 999.0, m2_x: 999.0, c_xy: 900.0 };
        CoMoments::from_parts(parts).unwrap()
    };
    let (control, treatment) = (arm(4.0), arm(3.98));
    let margin = Margin::Relative(0.02);
    let plain = mean_difference(&control.outcome(), &treatment.outcome()).unwrap();
    let adjusted = adjusted_mean_difference(&control, &treatment).unwrap();
    let plain = plain.non_inferiority(margin, Better::Higher).unwrap();
    let adjusted = adjusted.non_inferiority(margin, Better::Higher).unwrap();
    assert!((plain.contrast - adjusted.contrast).abs() < 1e-12);
    assert!(adjusted.standard_error < 0.5 * plain.standard_error);
}
