use proptest::prelude::*;

use super::*;
use crate::{CoMoments, CoMomentsParts};

#[test]
fn impossible_parts_are_refused() {
    for (n, mean, m2) in [
        (5, f64::NAN, 1.0),
        (5, 1.0, f64::INFINITY),
        (5, 1.0, -1e-9),
        (0, 1.0, 0.0),
        (0, 0.0, 1.0),
        (1, 3.0, 0.5),
    ] {
        assert!(Moments::from_parts(n, mean, m2).is_err(), "{n} {mean} {m2}");
    }
    assert!(Moments::of_proportion(6, 5).is_err());
}

#[test]
fn a_co_moment_beyond_cauchy_and_schwarz_is_refused() {
    let parts = CoMomentsParts { n: 9, mean_y: 1.0, mean_x: 2.0, m2_y: 4.0, m2_x: 9.0, c_xy: 6.0 };
    assert!(CoMoments::from_parts(parts).is_ok());
    let error = CoMoments::from_parts(CoMomentsParts { c_xy: -6.1, ..parts });
    assert_eq!(error, Err(MomentsError::CoMomentTooLarge { co_moment: -6.1, limit: 6.0 }));
}

#[test]
fn moments_that_no_units_have_cannot_be_read() {
    assert!(serde_json::from_str::<Moments>(r#"{"n":2,"mean":1.0,"m2":-1.0}"#).is_err());
    let json = r#"{"n":2,"mean_y":1,"mean_x":1,"m2_y":1,"m2_x":1,"c_xy":2}"#;
    assert!(serde_json::from_str::<CoMoments>(json).is_err());
    let json = r#"{"n":2,"mean":1.0,"m2":1.0,"kurtosis":3.0}"#;
    assert!(serde_json::from_str::<Moments>(json).is_err());
}

#[test]
fn sums_without_the_variance_are_refused() {
    // n = 2e6, mean 1e8, standard deviation 0.01: nothing of the variance is left.
    let refused = Moments::from_sums(2_000_000, 2e14, 2e22);
    assert!(matches!(refused, Err(MomentsError::Cancelled { .. })), "{refused:?}");
    // n = 1e9, mean 1e6, standard deviation 1.
    assert!(Moments::from_sums(1_000_000_000, 1e15, 1.000_000_000_001e21).is_err());
}

#[test]
fn sums_that_hold_the_variance_give_the_centred_moments() {
    let moments = Moments::from_sums(5000, 62_000.0, 2_019_799.75).unwrap();
    assert_eq!((moments.n(), moments.mean()), (5000, 12.4));
    assert!((moments.m2() - 1_250_999.75).abs() < 1e-6);
    assert_eq!(Moments::from_sums(0, 0.0, 0.0), Ok(Moments::EMPTY));
    assert_eq!(Moments::from_sums(9, 0.0, 0.0), Moments::from_parts(9, 0.0, 0.0));
    assert!(Moments::from_sums(0, 1.0, 1.0).is_err());
    assert!(Moments::from_sums(3, 1.0, -1.0).is_err());
}

#[test]
fn a_merge_that_leaves_the_range_says_so() {
    let far = |mean| Moments::from_parts(2, mean, 0.0).unwrap();
    assert_eq!(far(1e200).merge(&far(-1e200)), Err(MomentsError::OutOfRange));
    let many = Moments::from_parts(u64::MAX, 1.0, 0.0).unwrap();
    assert_eq!(many.merge(&many), Err(MomentsError::OutOfRange));
}

#[test]
fn the_moments_of_a_proportion_are_those_of_its_zeros_and_ones() {
    let mut values = vec![0.0; 7];
    values.extend([1.0; 3]);
    let (counted, listed) = (Moments::of_proportion(3, 10).unwrap(), Moments::of_values(&values).unwrap());
    assert!((counted.mean() - listed.mean()).abs() < 1e-15);
    assert!((counted.m2() - listed.m2()).abs() < 1e-14);
}

fn close(got: f64, want: f64, scale: f64) -> bool {
    (got - want).abs() <= 1e-9 * scale
}

proptest! {
    #[test]
    fn moments_of_parts_add_up_to_the_moments_of_the_whole(
        pairs in prop::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64), 0..60),
        offset in -1e6..1e6_f64,
        cut in 0..60_usize,
    ) {
        let pairs: Vec<(f64, f64)> = pairs.iter().map(|(y, x)| (y + offset, *x)).collect();
        let (left, right) = pairs.split_at(cut.min(pairs.len()));
        let merged = CoMoments::of_pairs(left).unwrap()
            .merge(&CoMoments::of_pairs(right).unwrap()).unwrap();
        // Two passes over all the values, by the definition.
        let n = pairs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| {
            if pairs.is_empty() { 0.0 } else { pairs.iter().map(of).sum::<f64>() / n }
        };
        let (mean_y, mean_x) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let product = |y: f64, x: f64| pairs.iter()
            .map(|pair| (y * (pair.0 - mean_y) + x * (pair.1 - mean_x)).powi(2)).sum::<f64>();
        let (m2_y, m2_x) = (product(1.0, 0.0), product(0.0, 1.0));
        let c_xy = 0.5 * (product(1.0, 1.0) - m2_y - m2_x);
        prop_assert_eq!(merged.n(), pairs.len() as u64);
        prop_assert!(close(merged.mean_y(), mean_y, 1e6) && close(merged.mean_x(), mean_x, 1e3));
        prop_assert!(close(merged.m2_y(), m2_y, 1e8) && close(merged.m2_x(), m2_x, 1e8));
        prop_assert!(close(merged.c_xy(), c_xy, 1e8));
        prop_assert_eq!(merged.outcome().m2(), merged.m2_y());
    }

    #[test]
    fn what_is_written_is_read_back_the_same(
        values in prop::collection::vec(-1e9..1e9_f64, 0..20),
    ) {
        let moments = Moments::of_values(&values).unwrap();
        let json = serde_json::to_string(&moments).unwrap();
        prop_assert_eq!(serde_json::from_str::<Moments>(&json).unwrap(), moments);
    }
}
