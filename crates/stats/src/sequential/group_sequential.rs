//! Group sequential tests: bounds that spend a level over the looks, their power, and what they cost in units.

use serde::{Deserialize, Serialize};

use super::first_passage::{Exit, Passage, exits};
use super::looks::{Bounds, Looks, LooksError};
use super::spending::Spending;
use crate::distribution::normal;
use crate::power::NotPlannable;
use crate::probability::Probability;

/// Whether effects in one direction are tested for, or in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// The level is that of the one direction.
    One,
    /// Each direction has half of the level.
    Two,
}

/// Looks with bounds on Z.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSequential {
    looks: Looks,
    bounds: Bounds,
}

impl GroupSequential {
    /// Returns the design whose bounds spend `level` as `spending` defines, by the information.
    pub fn new(
        looks: Looks,
        spending: Spending,
        level: Probability,
        sides: Sides,
    ) -> Result<Self, LooksError> {
        let share = each_side(level, sides);
        let spent = looks.shares().iter().map(|time| spending.spent(share, *time)).collect::<Vec<_>>();
        Self::spending(looks, &spent, sides)
    }

    /// Returns the design that has spent these amounts of probability by its looks, in each direction.
    ///
    /// Where what is spent follows the calendar, it need not follow the information.
    pub fn spending(looks: Looks, spent: &[f64], sides: Sides) -> Result<Self, LooksError> {
        let rises = spent.iter().all(|spent| (0.0..1.0).contains(spent)) && spent.is_sorted();
        if spent.len() != looks.shares().len() || !rises {
            return Err(LooksError::Spent);
        }
        let mut passage = Passage::begin(0.0);
        let mut upper = Vec::with_capacity(spent.len());
        let mut before = 0.0;
        for (at, (share, spent)) in looks.shares().iter().zip(spent).enumerate() {
            let bound = bound(&passage, *share, spent - before);
            upper.push(bound);
            before = *spent;
            if let Some(next) = looks.shares().get(at + 1) {
                let lower = if sides == Sides::Two { -bound } else { f64::NEG_INFINITY };
                passage.advance(*share, lower, bound, Some(*next));
            }
        }
        let bounds = match sides {
            Sides::One => Bounds::one_sided(upper),
            Sides::Two => Bounds::symmetric(upper),
        };
        Ok(Self { looks, bounds })
    }

    /// Returns a design with bounds of its own; they and the looks are as many.
    pub fn with_bounds(looks: Looks, bounds: Bounds) -> Result<Self, LooksError> {
        let looked = looks.shares().len();
        let fits = bounds.upper.len() == looked && bounds.lower.len() == looked;
        if fits { Ok(Self { looks, bounds }) } else { Err(LooksError::Spent) }
    }

    /// The looks.
    pub fn looks(&self) -> &Looks {
        &self.looks
    }

    /// The bounds on Z at each look.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Returns what has been spent in the upper direction by each look.
    pub fn cumulative_level(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let exits = exits(&self.looks, &self.bounds, 0.0).into_iter();
        exits.map(|exit| (sum += exit.upper, sum).1).collect()
    }

    /// Returns the probability that the upper bound is met first, at any look, where the effect is `drift`
    /// standard errors at full information.
    pub fn power(&self, drift: f64) -> f64 {
        exits(&self.looks, &self.bounds, drift).iter().map(|exit| exit.upper).sum::<f64>().min(1.0)
    }

    /// Returns the expected share of the full information when the test ends, at a bound or at the last look.
    pub fn expected_information(&self, drift: f64) -> f64 {
        let shares = self.looks.shares();
        let exits = exits(&self.looks, &self.bounds, drift);
        let last = shares.last().copied().unwrap_or(1.0);
        let saved = |(share, Exit { upper, lower }): (&f64, Exit)| (last - share) * (upper + lower);
        last - shares.iter().zip(exits).map(saved).sum::<f64>()
    }

    /// Returns the drift at which the power is this.
    pub fn drift_for(&self, power: Probability) -> Result<f64, NotPlannable> {
        let (wanted, spent) = (power.get(), self.power(0.0));
        if wanted <= spent {
            return Err(NotPlannable::PowerNotAboveLevel { power: wanted, level: spent });
        }
        let mut high = 4.0;
        while self.power(high) < wanted {
            high *= 2.0;
            if high > 1e4 {
                // Every bound is infinite: nothing is ever significant.
                return Err(NotPlannable::NotPositive { what: "the level of the looks", value: spent });
            }
        }
        Ok(rising_root(0.0, high, 1e-10, |drift| self.power(drift) - wanted))
    }

    /// Returns how many times the units of a single look at `level` it takes at most for the same power.
    pub fn inflation(&self, level: Probability, power: Probability) -> Result<f64, NotPlannable> {
        let once = normal::upper_quantile(level.get()) + normal::quantile(power.get());
        if once > 0.0 {
            Ok((self.drift_for(power)? / once).powi(2))
        } else {
            Err(NotPlannable::PowerNotAboveLevel { power: power.get(), level: level.get() })
        }
    }
}

fn each_side(level: Probability, sides: Sides) -> Probability {
    match sides {
        Sides::One => level,
        Sides::Two => level.halved(),
    }
}

/// Returns the bound that a path within the earlier ones passes with this probability.
fn bound(passage: &Passage, information: f64, probability: f64) -> f64 {
    if probability <= 0.0 {
        return f64::INFINITY;
    }
    // In logarithms a tail is nearly a parabola, whatever its size.
    let excess = |z: f64| (passage.above(information, z).max(f64::MIN_POSITIVE) / probability).ln();
    if excess(-REACH) <= 0.0 {
        // Below any bound that is of use: everything passes that is left.
        return -REACH;
    }
    let high = normal::upper_quantile(probability).max(1.0 - REACH) + 0.1;
    if excess(high) >= 0.0 {
        // A path that is left cannot pass more easily than one of all.
        return high;
    }
    -rising_root(-high, REACH, 1e-13, |minus_z| excess(-minus_z))
}

/// How far below zero a bound is looked for.
const REACH: f64 = 8.0;

/// Returns where a rising function passes zero between two places where its signs differ, by the method of
/// Chandrupatla (1997): inverse quadratic steps where they are safe, halves elsewhere.
pub(crate) fn rising_root(low: f64, high: f64, within: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (high, low);
    let (mut at_a, mut at_b) = (f(a), f(b));
    let mut step = 0.5;
    for _ in 0..200 {
        let x = a + step * (b - a);
        let at_x = f(x);
        let (c, at_c) = if at_x.signum() == at_a.signum() {
            (a, at_a)
        } else {
            let old = (b, at_b);
            (b, at_b) = (a, at_a);
            old
        };
        (a, at_a) = (x, at_x);
        let (best, at_best) = if at_a.abs() < at_b.abs() { (a, at_a) } else { (b, at_b) };
        let least = within * (1.0 + best.abs()) / (b - a).abs();
        if at_best == 0.0 || least > 0.5 {
            return best;
        }
        let (xi, phi) = ((a - b) / (c - b), (at_a - at_b) / (at_c - at_b));
        let safe = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
        step = if safe {
            at_a / (at_b - at_a) * at_c / (at_b - at_c)
                + (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
        } else {
            0.5
        };
        step = step.clamp(least, 1.0 - least);
    }
    if at_a.abs() < at_b.abs() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    #[test]
    fn one_look_is_the_fixed_horizon() {
        let once =
            GroupSequential::new(Looks::once(), Spending::default(), level(0.025), Sides::One).unwrap();
        assert!((once.bounds().upper[0] - normal::upper_quantile(0.025)).abs() < 1e-10);
        assert!((once.inflation(level(0.025), level(0.8)).unwrap() - 1.0).abs() < 1e-8);
    }

    #[test]
    fn the_drift_for_a_power_has_that_power() {
        let looks = Looks::new(vec![0.1, 0.4, 0.41, 1.0]).unwrap();
        let design = GroupSequential::new(looks, Spending::PocockLike, level(0.01), Sides::One).unwrap();
        let drift = design.drift_for(level(0.9)).unwrap();
        assert!((design.power(drift) - 0.9).abs() < 1e-9);
        assert!(design.drift_for(level(0.01)).is_err());
        let spent = design.cumulative_level();
        assert!((spent[3] - 0.01).abs() < 1e-10, "{spent:?}");
    }

    #[test]
    fn both_sides_together_spend_the_level() {
        let design =
            GroupSequential::new(Looks::equal(4), Spending::Power(1.0), level(0.3), Sides::Two).unwrap();
        let total: f64 =
            exits(design.looks(), design.bounds(), 0.0).iter().map(|exit| exit.upper + exit.lower).sum();
        assert!((total - 0.3).abs() < 1e-9, "{total}");
        // Each side alone would need higher bounds: a path that has left on the other side cannot come back.
        let one =
            GroupSequential::new(Looks::equal(4), Spending::Power(1.0), level(0.15), Sides::One).unwrap();
        assert!(design.bounds().upper[3] < one.bounds().upper[3]);
    }

    #[test]
    fn spending_that_follows_the_calendar_may_differ_from_the_information() {
        let looks = Looks::new(vec![0.8, 1.0]).unwrap();
        let design = GroupSequential::spending(looks.clone(), &[0.0, 0.025], Sides::One).unwrap();
        assert_eq!(design.bounds().upper[0], f64::INFINITY);
        assert!((design.bounds().upper[1] - 1.959_963_984_540_054).abs() < 1e-9);
        assert!(GroupSequential::spending(looks.clone(), &[0.02, 0.01], Sides::One).is_err());
        assert!(GroupSequential::spending(looks, &[0.02], Sides::One).is_err());
    }

    /// SplitMix64 (Steele, Lea and Flood 2014), as standard normal deviates.
    fn normal_deviate(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        normal::quantile(((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + 1e-17)
    }

    /// The share of simulated paths that meet the upper bound before the lower one.
    fn simulated(design: &GroupSequential, drift: f64, paths: u32) -> f64 {
        let mut state = 20_261_124;
        let mut met = 0_u32;
        for _ in 0..paths {
            let (mut score, mut before) = (0.0, 0.0);
            let bounds = design.bounds().upper.iter().zip(&design.bounds().lower);
            for (share, (upper, lower)) in design.looks().shares().iter().zip(bounds) {
                let gained = share - before;
                score += drift * gained + gained.sqrt() * normal_deviate(&mut state);
                before = *share;
                let z = score / share.sqrt();
                if z >= *upper || z <= *lower {
                    met += u32::from(z >= *upper);
                    break;
                }
            }
        }
        f64::from(met) / f64::from(paths)
    }

    #[test]
    fn simulated_paths_have_the_power_that_is_computed() {
        let looks = Looks::new(vec![0.2, 0.45, 0.5, 0.8, 1.0]).unwrap();
        let sides = [Sides::One, Sides::Two];
        let designs = sides.map(|sides| {
            GroupSequential::new(looks.clone(), Spending::PocockLike, level(0.05), sides).unwrap()
        });
        let sequence = super::super::always_valid::bounds(looks, level(0.05));
        let paths = 20_000;
        for design in designs.iter().chain([&sequence]) {
            let drift = design.drift_for(level(0.8)).unwrap();
            let error = (0.16 / f64::from(paths)).sqrt();
            let share = simulated(design, drift, paths);
            assert!((share - 0.8).abs() < 4.0 * error, "{share}");
            let false_alarms = simulated(design, 0.0, paths);
            assert!((false_alarms - design.power(0.0)).abs() < 4.0 * error, "{false_alarms}");
        }
    }
}
