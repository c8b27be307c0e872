//! At which look a statistic first leaves its bounds, by recursive numerical integration.
//!
//! Armitage, McPherson and Rowe (1969): the density of the score √t Z among the paths that are still within
//! the bounds is carried from look to look. Panels are as fine as the increments on either side of a look, so
//! looks that are close to each other cost more and are as accurate.

use super::looks::{Bounds, Looks};
use super::quadrature::panels;
use crate::distribution::normal;

/// How many deviations from its mean the score is followed; beyond lies less than 1e-19.
const REACH: f64 = 9.0;

/// How many deviations of an increment matter: a density beyond them is below 1e-18 of its peak.
const STEP: f64 = 9.0;

/// The probability to leave the bounds first at a look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exit {
    /// Through the upper bound.
    pub upper: f64,
    /// Through the lower bound.
    pub lower: f64,
}

/// The paths that are within the bounds so far.
#[derive(Debug, Clone)]
pub(super) struct Passage {
    drift: f64,
    /// The information at the last look; zero before the first.
    information: f64,
    /// Scores at the last look, rising, each with the probability that it stands for.
    inside: Vec<(f64, f64)>,
}

impl Passage {
    /// Begins before the first look, with E[Z] = drift √t.
    pub(super) fn begin(drift: f64) -> Self {
        Self { drift, information: 0.0, inside: vec![(0.0, 1.0)] }
    }

    /// Returns the probability that a path still within the bounds has Z at or above a value at a later look.
    pub(super) fn above(&self, information: f64, z: f64) -> f64 {
        let (deviation, shift) = self.increment(information);
        let score = z * information.sqrt();
        let tails = self.inside.iter().map(|(at, mass)| mass * normal::sf((score - at - shift) / deviation));
        tails.sum()
    }

    /// Returns the probability that a path still within the bounds has Z at or below a value at a later look.
    pub(super) fn below(&self, information: f64, z: f64) -> f64 {
        let (deviation, shift) = self.increment(information);
        let score = z * information.sqrt();
        let tails = self.inside.iter().map(|(at, mass)| mass * normal::cdf((score - at - shift) / deviation));
        tails.sum()
    }

    /// The deviation and the mean of the score's increment up to a later look.
    fn increment(&self, information: f64) -> (f64, f64) {
        let gained = information - self.information;
        (gained.sqrt(), self.drift * gained)
    }

    /// Goes on to a later look with bounds on Z; `next` is the information at the look after it, where there is one.
    pub(super) fn advance(&mut self, information: f64, lower: f64, upper: f64, next: Option<f64>) {
        let (deviation, shift) = self.increment(information);
        let root = information.sqrt();
        let mean = self.drift * information;
        let low = (lower * root).max(mean - REACH * root);
        let high = (upper * root).min(mean + REACH * root);
        let finest = next.map_or(deviation, |next| deviation.min((next - information).sqrt()));
        let mut inside = panels(low, high, finest);
        for (score, mass) in &mut inside {
            *mass *= self.density(*score - shift, deviation);
        }
        (self.information, self.inside) = (information, inside);
    }

    /// The density of the score after an increment without a mean.
    fn density(&self, score: f64, deviation: f64) -> f64 {
        let near = STEP * deviation;
        let from = self.inside.partition_point(|(at, _)| *at < score - near);
        let to = self.inside.partition_point(|(at, _)| *at <= score + near);
        let within = self.inside.get(from..to).unwrap_or_default();
        let sum: f64 = within.iter().map(|(at, mass)| mass * normal::pdf((score - at) / deviation)).sum();
        sum / deviation
    }
}

/// Returns the probability to leave the bounds first at each look. `bounds` has one pair for each.
pub(super) fn exits(looks: &Looks, bounds: &Bounds, drift: f64) -> Vec<Exit> {
    let shares = looks.shares();
    let mut passage = Passage::begin(drift);
    let mut exits = Vec::with_capacity(shares.len());
    for (at, (share, (upper, lower))) in shares.iter().zip(bounds.upper.iter().zip(&bounds.lower)).enumerate()
    {
        exits.push(Exit { upper: passage.above(*share, *upper), lower: passage.below(*share, *lower) });
        if let Some(next) = shares.get(at + 1) {
            passage.advance(*share, *lower, *upper, Some(*next));
        }
    }
    exits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_is_the_normal_tail() {
        let bounds = Bounds::symmetric(vec![1.96]);
        let exits = exits(&Looks::once(), &bounds, 2.8);
        assert!((exits[0].upper - normal::sf(1.96 - 2.8)).abs() < 1e-14);
        assert!((exits[0].lower - normal::cdf(-1.96 - 2.8)).abs() < 1e-14);
    }

    #[test]
    fn bounds_that_are_never_met_lose_nothing_on_the_way() {
        let looks = Looks::equal(5);
        let mut upper = vec![f64::INFINITY; 4];
        upper.push(1.0);
        let exits = exits(&looks, &Bounds::one_sided(upper), 0.7);
        let total: f64 = exits.iter().map(|exit| exit.upper).sum();
        assert!((total - normal::sf(0.3)).abs() < 1e-12, "{total}");
    }

    /// Jennison and Turnbull (2000), tables 2.1 and 2.3: constants of two-sided tests at 5 % with equal looks.
    #[test]
    fn the_published_constants_of_two_sided_tests_spend_their_level() {
        for (looks, pocock, fleming) in [(2, 2.178, 1.977), (5, 2.413, 2.040), (10, 2.555, 2.087)] {
            let equal = Looks::equal(looks);
            let spent = |bounds: Vec<f64>| -> f64 {
                exits(&equal, &Bounds::symmetric(bounds), 0.0).iter().map(|e| e.upper + e.lower).sum()
            };
            let flat = spent(vec![pocock; looks]);
            let falling = spent(equal.shares().iter().map(|share| fleming / share.sqrt()).collect());
            // The constants have three decimals.
            assert!((flat - 0.05).abs() < 1e-4, "{looks} looks, Pocock: {flat}");
            assert!((falling - 0.05).abs() < 1e-4, "{looks} looks, O'Brien and Fleming: {falling}");
        }
    }
}
