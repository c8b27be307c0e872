//! Asymptotic confidence sequences: valid at every look, however many there are.
//!
//! Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021). With k = n ρ², the interval's half width is
//! se √(2 (k+1)/k · ln(√(k+1)/α)) on both sides, and with ln(1 + √(k+1)/(2α)) on one. ρ is chosen so that
//! the interval is narrow at the planned number of units. The mixture sequential probability ratio test with the mixing
//! variance τ² is the same with k = τ²/se² (Johari, Koomen, Pekelis and Walsh 2022), and so is GAVI.

use serde::{Deserialize, Serialize};

use super::group_sequential::GroupSequential;
use super::looks::{Bounds, Looks};
use crate::power::NotPlannable;
use crate::probability::Probability;
use crate::reference::Interval;

/// Returns ρ² for a planned number of units: where the two-sided interval at `alpha` is narrowest, nearly.
pub fn rho_squared(alpha: Probability, planned: f64) -> f64 {
    tuning(alpha) / planned
}

/// n ρ² at the planned number of units.
fn tuning(alpha: Probability) -> f64 {
    let log = -2.0 * alpha.get().ln();
    log + log.ln_1p()
}

/// Returns the half width of the two-sided interval in standard errors, after `n` units; infinite where n ρ² is not a
/// number above 0.
pub fn two_sided_width(alpha: Probability, n: f64, rho_squared: f64) -> f64 {
    width(n * rho_squared, |root| (root / alpha.get()).ln())
}

/// Returns the half width of the one-sided interval in standard errors, after `n` units; infinite where n ρ² is not a
/// number above 0.
pub fn one_sided_width(alpha: Probability, n: f64, rho_squared: f64) -> f64 {
    width(n * rho_squared, |root| (root / (2.0 * alpha.get())).ln_1p())
}

fn width(k: f64, log: impl Fn(f64) -> f64) -> f64 {
    if !(k > 0.0 && k.is_finite()) {
        return f64::INFINITY;
    }
    let half = (2.0 * ((k + 1.0) / k) * log((k + 1.0).sqrt())).sqrt();
    if half.is_nan() { f64::INFINITY } else { half }
}

/// Returns the logarithm of the e-value of "there is an effect": z² k/(2(k + 1)) − ln(k + 1)/2 for z standard errors.
///
/// Negative infinity where an argument is not a number or k is not above 0.
pub fn log_e_value(statistic: f64, k: f64) -> f64 {
    if statistic.is_nan() || !(k > 0.0 && k.is_finite()) {
        return f64::NEG_INFINITY;
    }
    0.5 * (statistic * statistic * (k / (k + 1.0)) - k.ln_1p())
}

/// Returns the p-value of "there is an effect": the least level whose interval leaves out zero, at most 1.
pub fn two_sided_p(statistic: f64, k: f64) -> f64 {
    (-log_e_value(statistic, k)).exp().min(1.0)
}

/// Returns the p-value of "the effect is above zero": the least level whose lower limit is above zero, at most 1.
pub fn one_sided_p(statistic: f64, k: f64) -> f64 {
    if !(statistic > 0.0 && k > 0.0 && k.is_finite()) {
        return 1.0;
    }
    // α of √(2 (k+1)/k · ln(1 + √(k+1)/(2α))) = z.
    let odds = (0.5 * statistic * statistic * (k / (k + 1.0))).exp_m1();
    (0.5 * (k + 1.0).sqrt() / odds).min(1.0)
}

/// Returns n ρ² of a mixture with the variance τ² over effects.
pub fn k_of_mixture(tau_squared: f64, standard_error: f64) -> f64 {
    tau_squared / (standard_error * standard_error)
}

/// The two-sided sequence of an effect over its looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceSequence {
    alpha: Probability,
    rho_squared: f64,
    running: Running,
}

/// What holds after all looks so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// The least p-value of any look.
    pub p_value: f64,
    /// The intersection of all intervals: at most alpha of all experiments ever lose the true effect out of it.
    /// Infinite ends before the first look.
    pub interval: (f64, f64),
}

impl Running {
    /// Whether the intervals have nothing in common: the effect changed, or the assumptions do not hold.
    pub fn is_empty(&self) -> bool {
        self.interval.0 > self.interval.1
    }
}

/// One look by the sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequenceLook {
    /// The interval of this look; `None` where it has no finite ends.
    pub interval: Option<Interval>,
    /// The p-value of this look.
    pub p_value: f64,
    /// All looks so far.
    pub running: Running,
}

impl ConfidenceSequence {
    /// Begins a sequence at the two-sided level `alpha`, tuned for this number of units.
    ///
    /// ```
    /// use trialbook_stats::Probability;
    /// use trialbook_stats::sequential::always_valid::ConfidenceSequence;
    ///
    /// let mut sequence = ConfidenceSequence::new(Probability::new(0.05)?, 10_000.0);
    /// let early = sequence.look(0.3, 0.20, 1000.0);
    /// let late = sequence.look(0.25, 0.06, 11_000.0);
    /// assert!(early.p_value > 0.5 && late.running.p_value < 0.01);
    /// assert!(late.interval.is_some_and(|interval| interval.lower > 0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(alpha: Probability, planned: f64) -> Self {
        let running = Running { p_value: 1.0, interval: (f64::NEG_INFINITY, f64::INFINITY) };
        Self { alpha, rho_squared: rho_squared(alpha, planned), running }
    }

    /// Looks once more: at an estimate with its standard error after `n` units in both arms.
    ///
    /// A look without a finite estimate or a standard error above 0 finds nothing and changes nothing.
    pub fn look(&mut self, estimate: f64, standard_error: f64, n: f64) -> SequenceLook {
        let half = standard_error * two_sided_width(self.alpha, n, self.rho_squared);
        let (lower, upper) = (estimate - half, estimate + half);
        let measured = standard_error > 0.0 && lower.is_finite() && upper.is_finite();
        if !measured {
            return SequenceLook { interval: None, p_value: 1.0, running: self.running };
        }
        let p_value = two_sided_p(estimate / standard_error, n * self.rho_squared);
        self.running = Running {
            p_value: self.running.p_value.min(p_value),
            interval: (self.running.interval.0.max(lower), self.running.interval.1.min(upper)),
        };
        SequenceLook { interval: Some(Interval { lower, upper }), p_value, running: self.running }
    }
}

/// Returns ρ² for a one-sided interval: that of the two-sided one at twice the level.
pub fn one_sided_rho_squared(alpha: Probability, planned: f64) -> f64 {
    let doubled = Probability::new(2.0 * alpha.get()).unwrap_or(alpha);
    rho_squared(doubled, planned)
}

/// Returns the bounds of a one-sided test by the sequence, where full information is the planned one.
pub fn bounds(looks: Looks, alpha: Probability) -> GroupSequential {
    let rho = one_sided_rho_squared(alpha, 1.0);
    let upper = looks.shares().iter().map(|share| one_sided_width(alpha, *share, rho)).collect();
    GroupSequential::with_bounds(looks, Bounds::one_sided(upper))
        .unwrap_or_else(|_| unreachable!("there is one bound for each look"))
}

/// Returns the probability that the sequence excludes zero by the last look: a first passage over them.
pub fn power(looks: Looks, alpha: Probability, drift: f64) -> f64 {
    bounds(looks, alpha).power(drift)
}

/// Returns the drift at full information that the sequence finds with this power by the last look.
pub fn drift_for(looks: Looks, alpha: Probability, power: Probability) -> Result<f64, NotPlannable> {
    bounds(looks, alpha).drift_for(power)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_p_value_is_the_level_whose_interval_ends_at_zero(
            level in 1e-8..0.3, k in 0.01..1e4,
        ) {
            let alpha = Probability::new(level).unwrap();
            let two = two_sided_p(two_sided_width(alpha, k, 1.0), k);
            prop_assert!((two / level - 1.0).abs() < 1e-8, "two-sided {two}");
            let one = one_sided_p(one_sided_width(alpha, k, 1.0), k);
            prop_assert!((one / level - 1.0).abs() < 1e-8, "one-sided {one}");
        }

        #[test]
        fn nothing_makes_a_p_value_that_is_none_or_a_width_of_nothing(z: f64, k: f64, n: f64, level in 1e-9..0.999) {
            let alpha = Probability::new(level).unwrap();
            for p in [two_sided_p(z, k), one_sided_p(z, k)] {
                prop_assert!((0.0..=1.0).contains(&p), "{p}");
            }
            for width in [two_sided_width(alpha, n, k), one_sided_width(alpha, n, k)] {
                prop_assert!(width > 0.0, "{width}");
            }
            let look = ConfidenceSequence::new(alpha, k).look(z, n, k);
            prop_assert!((0.0..=1.0).contains(&look.running.p_value));
        }

        #[test]
        fn what_holds_after_all_looks_only_gets_narrower(
            looks in prop::collection::vec((-3.0..3.0, 0.05..2.0, 10.0..1e5), 1..20),
        ) {
            let mut sequence = ConfidenceSequence::new(Probability::new(0.05).unwrap(), 1000.0);
            let mut before = sequence.running;
            for (estimate, error, n) in looks {
                let look = sequence.look(estimate, error, n);
                let interval = look.interval.unwrap();
                prop_assert_eq!(look.p_value <= 0.05, !interval.contains(0.0));
                prop_assert!(look.running.p_value <= before.p_value);
                prop_assert!(look.running.interval.0 >= before.interval.0);
                prop_assert!(look.running.interval.1 <= before.interval.1);
                before = look.running;
            }
        }
    }

    #[test]
    fn the_interval_is_narrowest_near_the_planned_units() {
        let alpha = Probability::new(0.05).unwrap();
        let width_at = |planned: f64| two_sided_width(alpha, 1000.0, rho_squared(alpha, planned));
        assert!(width_at(1000.0) < width_at(200.0) && width_at(1000.0) < width_at(5000.0));
    }

    #[test]
    fn looking_every_day_never_spends_the_level_and_costs_power() {
        let [alpha, power_of_one] = [0.025, 0.8].map(|value| Probability::new(value).unwrap());
        let false_positives = power(Looks::equal(14), alpha, 0.0);
        assert!(false_positives < 0.025, "{false_positives}");
        // A single look finds 2.8 standard errors with 80 %; so does nothing that is valid at any time.
        let once = power(Looks::equal(14), alpha, 2.8016);
        assert!((0.4..0.6).contains(&once), "{once}");
        let drift = drift_for(Looks::equal(14), alpha, power_of_one).unwrap();
        assert!((power(Looks::equal(14), alpha, drift) - 0.8).abs() < 1e-8 && drift > 2.8016);
    }
}
