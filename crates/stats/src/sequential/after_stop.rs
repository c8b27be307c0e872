//! What a group sequential test found, after it stopped: a p-value, an estimate and an interval that know of the looks.
//!
//! A test that stops as soon as a bound is met stops on a high, so the plain estimate is too large and the plain
//! p-value too small. Results are ordered by stages (Armitage 1957; Tsiatis, Rosner and Mehta 1984): meeting the upper
//! bound at an earlier look is more extreme than at a later one, and at the same look a higher Z is. The estimate is the
//! effect under which half of all results are more extreme: above the truth as often as below it.

use super::first_passage::{Passage, exits};
use super::group_sequential::{GroupSequential, rising_root};
use super::looks::{Bounds, Looks};
use crate::probability::Probability;

/// How far from Z an effect is looked for, in standard errors.
const FAR: f64 = 12.0;

/// Where a test stopped: at which look, with which Z, and the bounds up to it.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// The looks before the last, with their bounds; empty where it stopped at the first.
    before: Option<GroupSequential>,
    /// The bounds at the last look.
    last: (f64, f64),
    z: f64,
}

impl Stopped {
    /// Returns where a design stopped: at a look, counted from 0, with this Z. `None` for a look that it has not, or a Z
    /// that is not a number.
    ///
    /// ```
    /// use trialbook_stats::Probability;
    /// use trialbook_stats::sequential::{GroupSequential, Looks, Sides, Spending, Stopped};
    ///
    /// let level = Probability::new(0.025)?;
    /// let design = GroupSequential::new(Looks::equal(4), Spending::default(), level, Sides::One)?;
    /// let stopped = Stopped::new(&design, 2, 2.509).ok_or("a look of the design")?;
    /// assert!((stopped.p_value() - 0.00668).abs() < 1e-5);
    /// // In standard errors at the last look: less than the 2.509 that were seen.
    /// assert!(stopped.median_unbiased() < 2.509);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(design: &GroupSequential, look: usize, z: f64) -> Option<Self> {
        let shares = design.looks().shares();
        let share = *shares.get(look)?;
        let bounds = design.bounds();
        let last = (*bounds.lower.get(look)?, *bounds.upper.get(look)?);
        let upto = |values: &[f64]| values.get(..look).map(<[f64]>::to_vec);
        // Shares of the information at the last look, so that a drift is in standard errors there.
        let before = upto(shares)?.iter().map(|earlier| earlier / share).collect();
        let bounds = Bounds { upper: upto(&bounds.upper)?, lower: upto(&bounds.lower)? };
        let before =
            Looks::new(before).ok().and_then(|looks| GroupSequential::with_bounds(looks, bounds).ok());
        (!z.is_nan()).then(|| Self { before, last, z: z.clamp(-1e3, 1e3) })
    }

    /// Returns the probability of a result at least as extreme upwards, where the effect is `drift` standard errors of
    /// the last look.
    fn above(&self, drift: f64) -> f64 {
        let lower = self.z <= self.last.0;
        let mut passage = Passage::begin(drift);
        let mut earlier = 0.0;
        if let Some(before) = &self.before {
            let (looks, bounds) = (before.looks(), before.bounds());
            let gone = exits(looks, bounds, drift);
            earlier = gone.iter().map(|exit| if lower { exit.lower } else { exit.upper }).sum();
            let shares = looks.shares();
            for (at, (share, (upper, lower))) in
                shares.iter().zip(bounds.upper.iter().zip(&bounds.lower)).enumerate()
            {
                passage.advance(*share, *lower, *upper, Some(shares.get(at + 1).copied().unwrap_or(1.0)));
            }
        }
        if lower {
            1.0 - (earlier + passage.below(1.0, self.z)).min(1.0)
        } else {
            (earlier + passage.above(1.0, self.z)).min(1.0)
        }
    }

    /// Returns the one-sided p-value of "there is an effect above zero", by the order of stages.
    pub fn p_value(&self) -> f64 {
        self.above(0.0)
    }

    /// Returns the one-sided p-value of "the effect is above `drift`", in standard errors of the last look: below alpha/2 or
    /// above 1 − alpha/2 where the [interval](Self::interval) leaves `drift` out.
    pub fn p_value_above(&self, drift: f64) -> f64 {
        self.above(drift)
    }

    /// Returns the median-unbiased effect in standard errors of the last look.
    pub fn median_unbiased(&self) -> f64 {
        self.effect_at(0.5)
    }

    /// Returns the two-sided interval of the effect at level 1 − alpha, in standard errors of the last look.
    pub fn interval(&self, alpha: Probability) -> (f64, f64) {
        let tail = alpha.halved().get();
        (self.effect_at(tail), self.effect_at(1.0 - tail))
    }

    /// The effect under which a result this extreme has this probability.
    fn effect_at(&self, probability: f64) -> f64 {
        rising_root(self.z - FAR, self.z + FAR, 1e-9, |drift| self.above(drift) - probability)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Sides, Spending};
    use super::*;

    fn level(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    fn design(looks: usize, spending: Spending) -> GroupSequential {
        GroupSequential::new(Looks::equal(looks), spending, level(0.025), Sides::One).unwrap()
    }

    #[test]
    fn a_single_look_is_the_fixed_horizon() {
        let stopped = Stopped::new(&design(1, Spending::default()), 0, 1.3).unwrap();
        assert!((stopped.p_value() - crate::distribution::normal::sf(1.3)).abs() < 1e-14);
        assert!((stopped.median_unbiased() - 1.3).abs() < 1e-8);
        let (lower, upper) = stopped.interval(level(0.05));
        assert!((lower - (1.3 - 1.959_963_985)).abs() < 1e-7 && (upper - (1.3 + 1.959_963_985)).abs() < 1e-7);
    }

    #[test]
    fn on_a_bound_the_p_value_is_what_has_been_spent() {
        for spending in [Spending::OBrienFlemingLike, Spending::PocockLike, Spending::HwangShihDeCani(-2.0)] {
            let design = design(5, spending);
            for (look, spent) in design.cumulative_level().into_iter().enumerate() {
                let stopped = Stopped::new(&design, look, design.bounds().upper[look]).unwrap();
                assert!((stopped.p_value() - spent).abs() < 1e-10, "{spending:?} look {look}");
            }
        }
    }

    #[test]
    fn a_lower_bound_mirrors_an_upper_one() {
        let both =
            GroupSequential::new(Looks::equal(3), Spending::PocockLike, level(0.05), Sides::Two).unwrap();
        let (up, down) = (Stopped::new(&both, 1, 2.6).unwrap(), Stopped::new(&both, 1, -2.6).unwrap());
        assert!((up.p_value() + down.p_value() - 1.0).abs() < 1e-10);
        assert!((up.median_unbiased() + down.median_unbiased()).abs() < 1e-7);
    }

    #[test]
    fn what_is_no_look_has_no_result() {
        let design = design(2, Spending::default());
        assert!(Stopped::new(&design, 2, 2.0).is_none() && Stopped::new(&design, 0, f64::NAN).is_none());
        for z in [f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            let stopped = Stopped::new(&design, 1, z).unwrap();
            assert!((0.0..=1.0).contains(&stopped.p_value()) && stopped.median_unbiased().is_finite());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn results_are_ordered_and_agree_with_the_bounds(look in 0_usize..4, z in -1.0..5.0, more in 0.01..1.0) {
            let design = design(4, Spending::PocockLike);
            let (here, above) =
                (Stopped::new(&design, look, z).unwrap(), Stopped::new(&design, look, z + more).unwrap());
            prop_assert!(above.p_value() < here.p_value());
            prop_assert!(above.median_unbiased() > here.median_unbiased());
            let (bound, spent) = (design.bounds().upper[look], design.cumulative_level()[look]);
            prop_assert_eq!(z >= bound, here.p_value() <= spent);
            let (lower, upper) = here.interval(level(0.05));
            prop_assert!(lower < here.median_unbiased() && here.median_unbiased() < upper);
            prop_assert_eq!(lower > 0.0, here.p_value() < 0.025);
        }
    }
}
