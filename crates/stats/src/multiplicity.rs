//! Several tests at once: corrections that keep the error rate of all of them together.

/// Returns each p-value times the number of tests, at most 1: the family-wise error stays below
/// the level whatever links the tests (Bonferroni). A NaN counts as a test and stays NaN.
pub fn bonferroni(p_values: &[f64]) -> Vec<f64> {
    let tests = p_values.len() as f64;
    p_values.iter().map(|p| cap(p * tests)).collect()
}

/// Returns p-values adjusted step by step from the smallest (Holm 1979), in the order given.
///
/// It keeps the same promise as [`bonferroni`] and rejects at least as much.
///
/// ```
/// use trialbook_stats::multiplicity::holm;
///
/// assert_eq!(holm(&[0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let tests = p_values.len() as f64;
    let mut highest = 0.0_f64;
    let mut adjusted = vec![f64::NAN; p_values.len()];
    for (rank, (position, p)) in ascending(p_values).into_iter().enumerate() {
        highest = highest.max(cap(p * (tests - rank as f64)));
        set(&mut adjusted, position, highest, p);
    }
    adjusted
}

/// Returns p-values adjusted for the false discovery rate (Benjamini and Hochberg 1995), in the
/// order given. For exploration: it promises less than the family-wise corrections.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let tests = p_values.len() as f64;
    let mut lowest = 1.0_f64;
    let mut adjusted = vec![f64::NAN; p_values.len()];
    for (rank, (position, p)) in ascending(p_values).into_iter().enumerate().rev() {
        lowest = lowest.min(p * (tests / (rank as f64 + 1.0)));
        set(&mut adjusted, position, lowest, p);
    }
    adjusted
}

/// Positions and values, smallest first, NaN last.
fn ascending(p_values: &[f64]) -> Vec<(usize, f64)> {
    let mut ordered: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    // A computed NaN may carry a minus sign, which the total order puts first.
    ordered.sort_by(|a, b| a.1.is_nan().cmp(&b.1.is_nan()).then(a.1.total_cmp(&b.1)));
    ordered
}

/// Writes the adjusted value, unless there was no p-value to adjust.
fn set(adjusted: &mut [f64], position: usize, value: f64, p: f64) {
    if let (Some(slot), false) = (adjusted.get_mut(position), p.is_nan()) {
        *slot = value;
    }
}

/// At most 1; NaN stays NaN.
fn cap(p: f64) -> f64 {
    if p > 1.0 { 1.0 } else { p }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holm_lies_between_the_p_value_and_bonferroni(
            p_values in prop::collection::vec(0.0..=1.0_f64, 0..40),
        ) {
            let (holm, bonferroni) = (holm(&p_values), bonferroni(&p_values));
            for ((p, holm), bonferroni) in p_values.iter().zip(&holm).zip(&bonferroni) {
                prop_assert!(p <= holm && holm <= bonferroni);
            }
        }

        #[test]
        fn the_order_of_the_tests_does_not_matter(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..40),
        ) {
            let mut reversed = p_values.clone();
            reversed.reverse();
            for correct in [bonferroni, holm, benjamini_hochberg] {
                let mut back = correct(&reversed);
                back.reverse();
                prop_assert_eq!(correct(&p_values), back);
            }
        }
    }

    #[test]
    fn a_test_without_a_p_value_costs_a_share_and_gets_none() {
        let p_values = [0.01, -f64::NAN, 0.04];
        for correct in [bonferroni, holm, benjamini_hochberg] {
            let adjusted = correct(&p_values);
            assert!(adjusted[1].is_nan());
            assert_eq!(adjusted[0], 0.03);
        }
    }
}
