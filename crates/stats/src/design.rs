//! Planning one comparison, whatever its metric and however often it is looked at.
//!
//! A metric is known before the test by its [`Level`]: its value, the variance of a unit and the share of it
//! that a covariate leaves. With what is to be shown ([`Claim`]) and how the units are split, that gives the
//! separation per unit; a [`Design`] has the separation that a method needs. Everything is a function of the
//! (linearised) variance of a unit, so means, proportions, ratios and quantiles are planned alike.

use serde::{Deserialize, Serialize};

use super::distribution::normal;
use super::effect::Better;
use super::power::{Goal, NotPlannable, UnitVariances};
use super::sequential::{GroupSequential, Looks, LooksError, Sides, always_valid};

/// What is known of a metric among the control's units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The mean, the share, the ratio or the quantile.
    pub value: f64,
    /// The variance of a unit; of a ratio or a quantile, of its linearised value.
    pub variance: f64,
    /// The share of the variance that adjusting for a covariate leaves; 1 without.
    pub kept: f64,
    /// Whether the variance follows from the value, as p(1 − p) of a share.
    pub share: bool,
}

/// The size of an effect or a margin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// As a share of the control's value.
    Relative(f64),
    /// In the metric's own unit.
    Absolute(f64),
}

impl Size {
    /// Returns a size of the same kind.
    pub fn with(self, size: f64) -> Self {
        match self {
            Self::Relative(_) => Self::Relative(size),
            Self::Absolute(_) => Self::Absolute(size),
        }
    }

    /// Returns the number.
    pub fn number(self) -> f64 {
        match self {
            Self::Relative(size) | Self::Absolute(size) => size,
        }
    }
}

/// What a comparison is to show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// That the treatment is better, where it is better by this much.
    Better(Size),
    /// That the treatment is not worse by this much, where it makes no difference.
    NotWorse(Size),
}

impl Claim {
    /// Returns the size of the effect or the margin.
    pub fn size(self) -> Size {
        match self {
            Self::Better(size) | Self::NotWorse(size) => size,
        }
    }

    /// Returns the same claim of another size.
    pub fn with(self, size: f64) -> Self {
        match self {
            Self::Better(kind) => Self::Better(kind.with(size)),
            Self::NotWorse(kind) => Self::NotWorse(kind.with(size)),
        }
    }
}

/// The shares of all units that the two arms of a comparison have; both above 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arms {
    /// Of the control.
    pub control: f64,
    /// Of the treatment.
    pub treatment: f64,
}

/// A comparison that is planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// What is known of the metric.
    pub level: Level,
    /// What is to be shown.
    pub claim: Claim,
    /// Which direction is good.
    pub better: Better,
    /// How units are split.
    pub arms: Arms,
}

impl Planned {
    /// Returns by how many standard errors the claim stands out with one unit in all arms together; it grows
    /// with the root of the units.
    pub fn separation_per_root_unit(&self) -> Result<f64, NotPlannable> {
        let Level { value, variance, kept, share } = self.level;
        let size = positive("the effect or margin", self.claim.size().number())?;
        let distance = match self.claim.size() {
            Size::Relative(_) => size * positive("the baseline, of which the effect is a share,", value)?,
            Size::Absolute(_) => size,
        };
        let variances = match self.claim {
            Claim::Better(_) if share => {
                let moved = if self.better == Better::Higher { value + distance } else { value - distance };
                if !(moved > 0.0 && moved < 1.0) {
                    return Err(NotPlannable::OutsideShares { value: moved });
                }
                UnitVariances::of_proportions(value, moved)
            }
            Claim::Better(_) => UnitVariances { control: variance, treatment: variance },
            Claim::NotWorse(margin) => {
                // A relative margin is tested by m₁ − (1 ∓ margin) m₀.
                let factor = match (margin, self.better) {
                    (Size::Absolute(_), _) => 1.0,
                    (Size::Relative(_), Better::Higher) => 1.0 - size,
                    (Size::Relative(_), Better::Lower) => 1.0 + size,
                };
                UnitVariances { control: factor * factor * variance, treatment: variance }
            }
        };
        let control = variances.control / positive("the control's share of units", self.arms.control)?;
        let treatment =
            variances.treatment / positive("the treatment's share of units", self.arms.treatment)?;
        let variance = positive("the variance", (control + treatment) * kept)?;
        Ok(distance / variance.sqrt())
    }

    /// Returns the units over all arms at which the claim stands out by this many standard errors; not rounded.
    pub fn units_for(&self, separation: f64) -> Result<f64, NotPlannable> {
        Ok((separation / self.separation_per_root_unit()?).powi(2))
    }

    /// Returns the smallest size of the claim that stands out by this many standard errors among these units.
    pub fn reachable(&self, separation: f64, units: f64) -> Result<Size, NotPlannable> {
        let root = positive("the number of units", units)?.sqrt();
        let excess = |log_size: f64| {
            let claimed = Self { claim: self.claim.with(log_size.exp()), ..*self };
            // A share cannot leave 0 to 100 %: what is larger than it can be stands out no more.
            claimed.separation_per_root_unit().map_or(f64::INFINITY, |per_unit| {
                if per_unit > 0.0 { (per_unit * root / separation).ln() } else { f64::NEG_INFINITY }
            })
        };
        let (mut low, mut high) = (-60.0_f64, 60.0_f64);
        if excess(low) > 0.0 {
            // Not even the smallest size can be planned for: return why.
            self.separation_per_root_unit()?;
        }
        // The infinite side would spoil an interpolation, so this halves.
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if excess(middle) < 0.0 { low = middle } else { high = middle }
        }
        if excess(high).is_infinite() && excess(low) < -1e-6 {
            // The largest size that there is does not stand out enough; the next one has the reason.
            Self { claim: self.claim.with(high.exp()), ..*self }.separation_per_root_unit()?;
        }
        Ok(self.claim.size().with(high.exp()))
    }
}

/// When a comparison is looked at, with the level and the power that it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    target: Goal,
    bounds: Option<GroupSequential>,
}

impl Design {
    /// One look, at the end.
    pub fn once(target: Goal) -> Self {
        Self { target, bounds: None }
    }

    /// Several looks, which have spent these amounts of the level.
    pub fn group_sequential(target: Goal, looks: Looks, spent: &[f64]) -> Result<Self, LooksError> {
        Ok(Self { target, bounds: Some(GroupSequential::spending(looks, spent, Sides::One)?) })
    }

    /// Several looks by a confidence sequence, which is tuned for full information.
    pub fn always_valid(target: Goal, looks: Looks) -> Self {
        Self { target, bounds: Some(always_valid::bounds(looks, target.level)) }
    }

    /// Returns the separation at full information that is found with the power planned for.
    pub fn separation(&self) -> Result<f64, NotPlannable> {
        match &self.bounds {
            None => self.target.detectable_effect(1.0),
            Some(bounds) => bounds.drift_for(self.target.power),
        }
    }

    /// Returns the probability of finding a claim that stands out by this much at full information.
    pub fn power(&self, separation: f64) -> f64 {
        match &self.bounds {
            None => normal::cdf(separation - normal::upper_quantile(self.target.level.get())),
            Some(bounds) => bounds.power(separation),
        }
    }
}

/// Returns the control's share at which several treatments, all as large, need the fewest units: √k : 1 : … : 1.
pub fn best_control_share(treatments: u32) -> f64 {
    let root = f64::from(treatments.max(1)).sqrt();
    1.0 / (1.0 + root)
}

/// Returns how many times the units of the best split a split of control and treatments needs; at least 1.
///
/// The treatment with the fewest units decides. `None` where a share is not above 0.
pub fn cost_of_split(control: f64, treatments: &[f64]) -> Option<f64> {
    let least = treatments.iter().copied().fold(f64::INFINITY, f64::min);
    let total = control + treatments.iter().sum::<f64>();
    if !(control > 0.0 && least > 0.0 && total.is_finite() && least.is_finite()) {
        return None;
    }
    let variance = total * (1.0 / control + 1.0 / least);
    let count = treatments.len() as f64;
    let best = (1.0 + count.sqrt()).powi(2);
    Some((variance / best).max(1.0))
}

fn positive(what: &'static str, value: f64) -> Result<f64, NotPlannable> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(NotPlannable::NotPositive { what, value }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Probability;

    fn target(level: f64, power: f64) -> Goal {
        let [level, power] = [level, power].map(|value| Probability::new(value).unwrap());
        Goal { level, power }
    }

    fn planned(claim: Claim) -> Planned {
        let level = Level { value: 0.4, variance: 0.8, kept: 1.0, share: false };
        Planned { level, claim, better: Better::Higher, arms: Arms { control: 0.5, treatment: 0.5 } }
    }

    fn claims() -> impl Strategy<Value = Claim> {
        let sizes =
            prop_oneof![(0.001..0.5).prop_map(Size::Relative), (0.0005..0.1).prop_map(Size::Absolute),];
        (sizes, any::<bool>())
            .prop_map(|(size, better)| if better { Claim::Better(size) } else { Claim::NotWorse(size) })
    }

    proptest! {
        #[test]
        fn the_units_for_an_effect_reach_that_effect(
            claim in claims(), control in 0.1..0.9, kept in 0.1..1.0, value in 0.02..0.6,
            share in any::<bool>(), higher in any::<bool>(),
        ) {
            let variance = if share { value * (1.0 - value) } else { 0.7 };
            let better = if higher { Better::Higher } else { Better::Lower };
            let arms = Arms { control, treatment: 1.0 - control };
            let plan = Planned { level: Level { value, variance, kept, share }, claim, better, arms };
            let separation = Design::once(target(0.025, 0.8)).separation().unwrap();
            if let Ok(units) = plan.units_for(separation) {
                let reached = plan.reachable(separation, units).unwrap().number();
                prop_assert!((reached / claim.size().number() - 1.0).abs() < 1e-6, "{reached} of {claim:?}");
            }
        }

        #[test]
        fn half_the_effect_needs_four_times_the_units_of_a_mean(size in 0.001..0.5) {
            let units = |size| planned(Claim::Better(Size::Absolute(size))).units_for(2.8).unwrap();
            prop_assert!((units(size / 2.0) / units(size) - 4.0).abs() < 1e-9);
        }

        #[test]
        fn no_split_is_better_than_the_best(treatments in prop::collection::vec(0.05..1.0, 1..6), control in 0.05..2.0) {
            let cost = cost_of_split(control, &treatments).unwrap();
            prop_assert!(cost >= 1.0);
            let count = treatments.len() as u32;
            let share = best_control_share(count);
            let each = (1.0 - share) / f64::from(count);
            prop_assert!((cost_of_split(share, &vec![each; treatments.len()]).unwrap() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_covariate_that_explains_half_of_the_variance_halves_the_units() {
        let plain = planned(Claim::Better(Size::Relative(0.02)));
        let adjusted = Planned { level: Level { kept: 0.5, ..plain.level }, ..plain };
        assert!((plain.units_for(2.8).unwrap() / adjusted.units_for(2.8).unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn looking_more_often_needs_more_units_and_more_so_at_any_time() {
        let looks = Looks::equal(5);
        let target = target(0.025, 0.8);
        let spent: Vec<f64> = looks
            .shares()
            .iter()
            .map(|time| super::super::sequential::Spending::default().spent(target.level, *time))
            .collect();
        let once = Design::once(target);
        let several = Design::group_sequential(target, looks.clone(), &spent).unwrap();
        let always = Design::always_valid(target, looks);
        let drifts = [&once, &several, &always].map(|design| design.separation().unwrap());
        assert!(
            drifts.is_sorted() && drifts[1] < 1.05 * drifts[0] && drifts[2] > 1.2 * drifts[0],
            "{drifts:?}"
        );
        for (design, drift) in [&once, &several, &always].into_iter().zip(drifts) {
            assert!((design.power(drift) - 0.8).abs() < 1e-8);
        }
    }

    #[test]
    fn a_share_that_would_leave_its_range_is_refused() {
        let level = Level { value: 0.9, variance: 0.09, kept: 1.0, share: true };
        let plan = Planned { level, ..planned(Claim::Better(Size::Relative(0.2))) };
        assert!(matches!(plan.units_for(2.8), Err(NotPlannable::OutsideShares { .. })));
        let small = Planned { claim: Claim::Better(Size::Relative(0.05)), ..plan };
        assert!(small.units_for(2.8).is_ok());
        // So few units find no share that there is.
        assert!(small.reachable(2.8, 3.0).is_err());
    }

    #[test]
    fn a_relative_effect_on_nothing_is_refused() {
        let level = Level { value: 0.0, variance: 1.0, kept: 1.0, share: false };
        let plan = Planned { level, ..planned(Claim::Better(Size::Relative(0.2))) };
        assert!(plan.units_for(2.8).is_err() && plan.reachable(2.8, 100.0).is_err());
    }
}
