//! Planning for a fixed horizon: units, detectable effect and power of a comparison of two arms.
//!
//! By the normal approximation. Levels are those of a one-sided test: half of the two-sided level
//! for a two-sided plan, of which the far tail is ignored except in [`two_sided_power`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::distribution::normal;
use super::probability::Probability;

/// A one-sided level and a power to plan for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// The one-sided level of the test.
    pub level: Probability,
    /// The probability of finding the effect when it is there.
    pub power: Probability,
}

/// Why a plan cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NotPlannable {
    /// A quantity must be a positive number.
    #[error("{what} is {value}, but must be a number above 0")]
    NotPositive {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// No number of units reaches a power that is not above the level.
    #[error("a power of {power} is not above the level {level} of the test")]
    PowerNotAboveLevel {
        /// The power asked for.
        power: f64,
        /// The level of the test.
        level: f64,
    },
    /// A share would leave 0 % to 100 %.
    #[error("the effect would bring the share to {value}, which no share is")]
    OutsideShares {
        /// The share that would be.
        value: f64,
    },
}

/// The units that a plan needs; not rounded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RequiredUnits {
    /// In the control.
    pub control: f64,
    /// In the treatment.
    pub treatment: f64,
}

/// The variance of a unit in each arm; for a proportion p(1 − p).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UnitVariances {
    /// In the control.
    pub control: f64,
    /// In the treatment.
    pub treatment: f64,
}

impl UnitVariances {
    /// The variances of two proportions.
    pub fn of_proportions(control: f64, treatment: f64) -> Self {
        Self { control: control * (1.0 - control), treatment: treatment * (1.0 - treatment) }
    }
}

impl Goal {
    /// How many standard errors the effect must be away from the value tested against.
    fn separation(&self) -> Result<f64, NotPlannable> {
        let level = normal::upper_quantile(self.level.get());
        let power = normal::quantile(self.power.get());
        if level + power > 0.0 {
            Ok(level + power)
        } else {
            let (power, level) = (self.power.get(), self.level.get());
            Err(NotPlannable::PowerNotAboveLevel { power, level })
        }
    }

    /// Returns the units at which `distance` is found with the target's power.
    ///
    /// `distance` is the size of the effect or, for non-inferiority, the distance between the
    /// expected effect and the margin. `treatment_per_control` is the ratio of units.
    ///
    /// ```
    /// use trialbook_stats::Probability;
    /// use trialbook_stats::power::{Goal, UnitVariances};
    ///
    /// let target = Goal { level: Probability::new(0.025)?, power: Probability::new(0.8)? };
    /// let variances = UnitVariances::of_proportions(0.1, 0.11);
    /// let units = target.required_units(0.01, variances, 1.0)?;
    /// assert_eq!(units.control.ceil(), 14_749.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn required_units(
        &self,
        distance: f64,
        variances: UnitVariances,
        treatment_per_control: f64,
    ) -> Result<RequiredUnits, NotPlannable> {
        let distance = positive("the distance to detect", distance.abs())?;
        let ratio = positive("the ratio of units", treatment_per_control)?;
        let variance = variances.control + variances.treatment / ratio;
        let variance = positive("the variance", variance)?;
        let separation = self.separation()? / distance;
        let control = separation * separation * variance;
        Ok(RequiredUnits { control, treatment: control * ratio })
    }

    /// Returns the smallest effect that a comparison with this standard error finds with the
    /// target's power.
    pub fn detectable_effect(&self, standard_error: f64) -> Result<f64, NotPlannable> {
        Ok(self.separation()? * positive("the standard error", standard_error)?)
    }

    /// Returns how many times the present units are needed to find `distance` with the target's
    /// power; at most 1 when the present units suffice.
    ///
    /// The standard error falls with the root of the units, so adjusted and ratio metrics are
    /// served alike.
    pub fn required_growth(&self, distance: f64, standard_error: f64) -> Result<f64, NotPlannable> {
        let distance = positive("the distance to detect", distance.abs())?;
        let growth = self.detectable_effect(standard_error)? / distance;
        Ok(growth * growth)
    }
}

/// Returns the standard error of a difference in means that a plan expects.
pub fn planned_standard_error(variances: UnitVariances, units: RequiredUnits) -> Result<f64, NotPlannable> {
    let control = variances.control / positive("the units of the control", units.control)?;
    let treatment = variances.treatment / positive("the units of the treatment", units.treatment)?;
    Ok(positive("the variance", control + treatment)?.sqrt())
}

/// Returns the probability that a one-sided test at `level` finds an effect of this size.
pub fn one_sided_power(distance: f64, standard_error: f64, level: Probability) -> Result<f64, NotPlannable> {
    let standard_error = positive("the standard error", standard_error)?;
    Ok(normal::cdf(distance / standard_error - normal::upper_quantile(level.get())))
}

/// Returns the probability that a two-sided test at `alpha` rejects, in either direction.
pub fn two_sided_power(effect: f64, standard_error: f64, alpha: Probability) -> Result<f64, NotPlannable> {
    let level = alpha.halved();
    let near = one_sided_power(effect, standard_error, level)?;
    let far = one_sided_power(-effect, standard_error, level)?;
    Ok(near + far)
}

fn positive(what: &'static str, value: f64) -> Result<f64, NotPlannable> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(NotPlannable::NotPositive { what, value }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Goal {
        let [level, power] = [0.025, 0.8].map(|value| Probability::new(value).unwrap());
        Goal { level, power }
    }

    #[test]
    fn the_required_units_have_the_power_they_were_planned_for() {
        let variances = UnitVariances::of_proportions(0.1, 0.11);
        let units = target().required_units(0.01, variances, 3.0).unwrap();
        let standard_error = planned_standard_error(variances, units).unwrap();
        let power = one_sided_power(0.01, standard_error, target().level).unwrap();
        assert!((power - 0.8).abs() < 1e-12);
        assert!((target().detectable_effect(standard_error).unwrap() - 0.01).abs() < 1e-12);
        assert!((target().required_growth(0.01, standard_error).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(units.treatment, 3.0 * units.control);
    }

    #[test]
    fn twice_the_error_needs_four_times_the_units() {
        let once = target().required_growth(-0.3, 0.1).unwrap();
        let twice = target().required_growth(-0.3, 0.2).unwrap();
        assert!((twice / once - 4.0).abs() < 1e-12);
    }

    #[test]
    fn what_no_number_of_units_reaches_is_refused() {
        let variances = UnitVariances { control: 1.0, treatment: 1.0 };
        for (distance, variances, ratio) in [
            (0.0, variances, 1.0),
            (f64::NAN, variances, 1.0),
            (0.1, UnitVariances { control: 0.0, treatment: 0.0 }, 1.0),
            (0.1, variances, -1.0),
        ] {
            assert!(target().required_units(distance, variances, ratio).is_err());
        }
        let hopeless = Goal { power: Probability::new(0.01).unwrap(), ..target() };
        assert!(matches!(hopeless.required_growth(1.0, 1.0), Err(NotPlannable::PowerNotAboveLevel { .. })));
    }
}
