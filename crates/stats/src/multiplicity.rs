//! Several tests at once: corrections that keep the error rate of all of them together.

use super::probability::Probability;

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

/// Returns the level at which Holm's procedure tests each p-value, in the order given: α over the tests that are left at its step.
/// Where a test is not passed the steps end, and all that are left have its level.
///
/// A p-value is at most its level exactly where [`holm`] rejects it, so an interval at that level leaves out what is tested
/// against exactly there.
///
/// ```
/// use trialbook_stats::Probability;
/// use trialbook_stats::multiplicity::holm_levels;
///
/// let levels = holm_levels(&[0.04, 0.01, 0.03], Probability::new(0.06)?);
/// let levels: Vec<f64> = levels.into_iter().map(Probability::get).collect();
/// assert_eq!(levels, [0.06, 0.02, 0.03]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn holm_levels(p_values: &[f64], alpha: Probability) -> Vec<Probability> {
    let mut left = p_values.len() as u64;
    let mut levels = vec![alpha; p_values.len()];
    for (position, p) in ascending(p_values) {
        let level = alpha.shared_by(left);
        if let Some(slot) = levels.get_mut(position) {
            *slot = level;
        }
        if level.rejects(p) {
            left = left.saturating_sub(1).max(1);
        }
    }
    levels
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
        fn a_test_is_passed_at_the_level_of_its_step_exactly_where_holm_rejects(
            p_values in prop::collection::vec(prop_oneof![0.0..=0.06_f64, 0.0..=1.0_f64], 1..12),
        ) {
            let alpha = Probability::new(0.05).unwrap();
            for ((p, level), adjusted) in p_values.iter().zip(holm_levels(&p_values, alpha)).zip(holm(&p_values)) {
                // On the level itself the last bit decides.
                prop_assume!((adjusted - 0.05).abs() > 1e-12);
                prop_assert_eq!(level.rejects(*p), adjusted <= 0.05, "{} {:?} {}", p, level, adjusted);
                prop_assert!(level <= alpha && level >= alpha.shared_by(p_values.len() as u64));
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
