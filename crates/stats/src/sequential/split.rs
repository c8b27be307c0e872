//! The sample ratio at every look: whether units are split as promised, tested as often as one likes.
//!
//! The Bayes factor of "the split is another one" against "as promised", with a Dirichlet distribution around the
//! promised shares (Lindon and Malek 2022). One over it is a p-value that stays valid at every look.

use super::super::sample_ratio::{SampleRatioUntestable, promised_shares};

/// The concentration of the Dirichlet distribution around the promised shares: it finds mismatches of some percent of
/// a share soonest, which is the size that losing units has.
pub const CONCENTRATION: f64 = 10_000.0;

/// Returns the logarithm of the Bayes factor at these counts, each with its promised share; 0 without units.
///
/// # Errors
///
/// Fewer than two arms, a share that is not above 0, a concentration that is not a number above 0.
pub fn log_bayes_factor(arms: &[(u64, f64)], concentration: f64) -> Result<f64, SampleRatioUntestable> {
    let shares = promised_shares(arms)?;
    if !(concentration > 0.0 && concentration.is_finite()) {
        return Err(SampleRatioUntestable::NotAConcentration { concentration });
    }
    let units = arms.iter().map(|(observed, _)| *observed as f64).sum::<f64>();
    let all = concentration + units;
    let mut log = 0.5 * (units / concentration).ln_1p() + remainder(concentration) - remainder(all);
    for ((observed, _), share) in arms.iter().zip(&shares) {
        let (observed, prior) = (*observed as f64, concentration * share);
        let expected = all * share;
        log += expected * excess((observed - units * share) / expected) - 0.5 * (observed / prior).ln_1p()
            + remainder(prior + observed)
            - remainder(prior);
    }
    Ok(log)
}

// The Bayes factor is Γ(c)/Γ(c + N) · Π Γ(c pᵢ + nᵢ)/Γ(c pᵢ) / pᵢ^nᵢ. With ln Γ(x) = (x − ½) ln x − x + ½ ln 2π + r(x)
// everything that is as large as the counts cancels but Σ mᵢ ((1 + δᵢ) ln(1 + δᵢ) − δᵢ), where mᵢ = (c + N) pᵢ and δᵢ is
// the relative distance of c pᵢ + nᵢ from it. So no digits are lost among billions of units.

/// (1 + δ) ln(1 + δ) − δ, from −1.
fn excess(delta: f64) -> f64 {
    if delta.abs() < 0.03 {
        // δ²/2 − δ³/6 + …: the terms are δᵏ/(k (k − 1)).
        return (2..12).rev().fold(0.0, |sum, k| {
            let k = f64::from(k);
            1.0 / (k * (k - 1.0)) - delta * sum
        }) * delta
            * delta;
    }
    let ratio = 1.0 + delta;
    if ratio > 0.0 { ratio * delta.ln_1p() - delta } else { -delta }
}

/// What Stirling's formula leaves of ln Γ(x), above 0 (DLMF 5.11.1).
fn remainder(x: f64) -> f64 {
    if x < 12.0 {
        return libm::lgamma(x) - (x - 0.5) * x.ln() + x - 0.5 * (2.0 * std::f64::consts::PI).ln();
    }
    let r = 1.0 / (x * x);
    (1.0 / 12.0 + r * (-1.0 / 360.0 + r * (1.0 / 1260.0 + r * (-1.0 / 1680.0 + r / 1188.0)))) / x
}

/// The smallest p-value of a sample ratio over its looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialSampleRatio {
    concentration: f64,
    p_value: f64,
}

impl Default for SequentialSampleRatio {
    fn default() -> Self {
        Self::new(CONCENTRATION)
    }
}

impl SequentialSampleRatio {
    /// Begins before the first look.
    pub fn new(concentration: f64) -> Self {
        Self { concentration, p_value: 1.0 }
    }

    /// Looks at (observed units, promised share) of each arm, counted since the start, and returns the p-value so far.
    ///
    /// ```
    /// use trialbook_stats::sequential::split::SequentialSampleRatio;
    ///
    /// let mut split = SequentialSampleRatio::default();
    /// assert!(split.look(&[(500, 0.5), (520, 0.5)])? > 0.5);
    /// assert!(split.look(&[(50_000, 0.5), (51_500, 0.5)])? < 1e-3);
    /// // Later counts do not take back what was found.
    /// assert!(split.look(&[(500_000, 0.5), (500_000, 0.5)])? < 1e-3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`log_bayes_factor`]; nothing changes then.
    pub fn look(&mut self, arms: &[(u64, f64)]) -> Result<f64, SampleRatioUntestable> {
        let log = log_bayes_factor(arms, self.concentration)?;
        self.p_value = self.p_value.min((-log).exp().min(1.0));
        Ok(self.p_value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_counts_have_a_p_value(counts in prop::collection::vec((any::<u64>(), 1e-6..1e6), 2..6)) {
            let p = SequentialSampleRatio::default().look(&counts).unwrap();
            prop_assert!((0.0..=1.0).contains(&p));
        }

        #[test]
        fn the_order_of_the_arms_and_the_unit_of_the_shares_do_not_matter(
            counts in prop::collection::vec((0_u64..100_000, 0.05..1.0), 2..6), unit in 0.01..100.0,
        ) {
            let mut turned: Vec<(u64, f64)> = counts.iter().map(|(n, share)| (*n, unit * share)).collect();
            turned.reverse();
            let (a, b) = (log_bayes_factor(&counts, 100.0).unwrap(), log_bayes_factor(&turned, 100.0).unwrap());
            prop_assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    /// The expectation of the Bayes factor under the promised split is 1: it is a test martingale.
    #[test]
    fn the_bayes_factor_is_one_on_average_under_the_promised_split() {
        let trials = 40_u64;
        let mean: f64 = (0..=trials)
            .map(|k| {
                let n = trials as f64;
                let rising = |n: f64| libm::lgamma(1.0 + n);
                let choices = rising(n) - rising(k as f64) - rising(n - k as f64);
                let probability = choices + k as f64 * 0.3_f64.ln() + (n - k as f64) * 0.7_f64.ln();
                (probability + log_bayes_factor(&[(k, 0.3), (trials - k, 0.7)], 25.0).unwrap()).exp()
            })
            .sum();
        assert!((mean - 1.0).abs() < 1e-10, "{mean}");
    }

    #[test]
    fn no_digits_are_lost_among_billions_of_units() {
        for (units, off) in [(40_u64, 9), (4_000_000_000, 94_868), (4_000_000_000_000_000, 94_868_330)] {
            let arms = [(units / 2 + off, 0.5), (units / 2 - off, 0.5)];
            // By the gamma function, whose error is that of its largest term.
            let direct = |c: f64| {
                let rising = |a: f64, n: f64| libm::lgamma(a + n) - libm::lgamma(a);
                let arm = |n: u64| rising(0.5 * c, n as f64) - n as f64 * 0.5_f64.ln();
                arm(arms[0].0) + arm(arms[1].0) - rising(c, units as f64)
            };
            let found = log_bayes_factor(&arms, 100.0).unwrap();
            let error = 1e-15 * units as f64 * (units as f64).ln() + 1e-11;
            assert!((found - direct(100.0)).abs() < error, "{units}: {found} {}", direct(100.0));
        }
    }

    /// In 60 digits with mpmath.
    #[test]
    fn the_split_of_two_billion_units_is_exact_to_the_last_digits() {
        let arms = [(1_000_000_000, 0.5), (1_000_200_000, 0.5)];
        for (concentration, want) in [(10_000.0, 3.895_836_312_014_791), (100.0, 1.590_828_225_280_533)] {
            let got = log_bayes_factor(&arms, concentration).unwrap();
            assert!((got - want).abs() < 1e-13, "{got}");
        }
    }

    #[test]
    fn what_is_no_split_is_refused() {
        for concentration in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(log_bayes_factor(&[(1, 0.5), (1, 0.5)], concentration).is_err());
        }
        assert!(log_bayes_factor(&[(1, 0.5)], 10.0).is_err());
        assert!(log_bayes_factor(&[(1, 0.5), (1, 0.0)], 10.0).is_err());
        assert_eq!(log_bayes_factor(&[(0, 0.5), (0, 0.5)], 10.0), Ok(0.0));
    }
}
