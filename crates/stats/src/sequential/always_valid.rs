//! Asymptotic confidence sequences: valid at every look, however many there are.
//!
//! Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021). With k = n ρ², the interval's half width is
//! se √(2 (k+1)/k · ln(√(k+1)/α)) on both sides, and with ln(1 + √(k+1)/(2α)) on one. ρ is chosen so that
//! the interval is narrow at the planned number of units.

use super::group_sequential::GroupSequential;
use super::looks::{Bounds, Looks};
use crate::power::NotPlannable;
use crate::probability::Probability;

/// Returns ρ² for a planned number of units: where the two-sided interval at `alpha` is narrowest, nearly.
pub fn rho_squared(alpha: Probability, planned: f64) -> f64 {
    tuning(alpha) / planned
}

/// n ρ² at the planned number of units.
fn tuning(alpha: Probability) -> f64 {
    let log = -2.0 * alpha.get().ln();
    log + log.ln_1p()
}

/// Returns the half width of the two-sided interval in standard errors, after `n` units.
pub fn two_sided_width(alpha: Probability, n: f64, rho_squared: f64) -> f64 {
    let k = n * rho_squared;
    (2.0 * (k + 1.0) / k * ((k + 1.0).sqrt() / alpha.get()).ln()).max(0.0).sqrt()
}

/// Returns the half width of the one-sided interval in standard errors, after `n` units.
pub fn one_sided_width(alpha: Probability, n: f64, rho_squared: f64) -> f64 {
    let k = n * rho_squared;
    (2.0 * (k + 1.0) / k * ((k + 1.0).sqrt() / (2.0 * alpha.get())).ln_1p()).sqrt()
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
    use super::*;

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
