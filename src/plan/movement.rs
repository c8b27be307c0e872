//! Who moves when an experiment's enrolment or split changes.

use serde::{Deserialize, Serialize};

use super::{Enrolment, ExperimentBranch};
use crate::model::{BUCKETS, BucketRange, Share, Split, VariantKey};

/// Shares of an experiment's audience that a change moves, each between 0 and 1.
///
/// Exact where the draws keep their salts. Where a salt changes, units are drawn anew and the shares are what
/// independent draws give on average. Units that only the audience adds or takes away are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Movement {
    /// Were not enrolled and will be.
    pub enters: f64,
    /// Were enrolled and will not be.
    pub leaves: f64,
    /// Stay enrolled and get another variant.
    pub switches: f64,
}

impl Movement {
    /// Returns the movement from one form of an experiment to another; `None` stands for not being served.
    pub fn between(before: Option<&ExperimentBranch>, after: Option<&ExperimentBranch>) -> Self {
        match (before, after) {
            (None, None) => Self::default(),
            (None, Some(after)) => Self { enters: after.enrolment.share().fraction(), ..Self::default() },
            (Some(before), None) => Self { leaves: before.enrolment.share().fraction(), ..Self::default() },
            (Some(before), Some(after)) => {
                let (was, will) = (before.enrolment.share().fraction(), after.enrolment.share().fraction());
                let stays = kept(&before.enrolment, &after.enrolment);
                let switches = if before.salt == after.salt {
                    differs(&before.split, &after.split)
                } else {
                    1.0 - agrees_by_chance(&before.split, &after.split)
                };
                Self {
                    enters: (will - stays).max(0.0),
                    leaves: (was - stays).max(0.0),
                    switches: stays * switches,
                }
            }
        }
    }

    /// Tells whether a unit that was enrolled loses its variant.
    pub fn disturbs(&self) -> bool {
        self.leaves > 0.0 || self.switches > 0.0
    }
}

/// The share of units that both enrolments take.
fn kept(before: &Enrolment, after: &Enrolment) -> f64 {
    if before.salt() != after.salt() {
        return before.share().fraction() * after.share().fraction();
    }
    let pairs = before.buckets().iter().flat_map(|a| after.buckets().iter().map(move |b| (a, b)));
    let both: u32 = pairs.map(|(a, b)| common(*a, *b)).sum();
    f64::from(both) / f64::from(BUCKETS)
}

fn common(a: BucketRange, b: BucketRange) -> u32 {
    if a.meets(b) { a.last().min(b.last()) - a.first().max(b.first()) + 1 } else { 0 }
}

/// Where each variant's part of `[0, 1 000 000)` begins and ends.
fn parts(split: &Split) -> Vec<(&VariantKey, u32, u32)> {
    let mut end = 0;
    let mut parts = Vec::with_capacity(split.shares().len());
    for (variant, share) in split.shares() {
        let begin = end;
        end += share.ppm();
        parts.push((variant, begin, end));
    }
    parts
}

/// The share of one draw that two splits give different variants.
fn differs(before: &Split, after: &Split) -> f64 {
    let after = parts(after);
    let same: u32 = parts(before)
        .iter()
        .flat_map(|(variant, begin, end)| {
            let same = after.iter().filter(move |(other, ..)| other == variant);
            same.map(move |(_, from, to)| (*end).min(*to).saturating_sub((*begin).max(*from)))
        })
        .sum();
    1.0 - f64::from(same) / f64::from(Share::ALL.ppm())
}

/// The chance that two independent draws give the same variant.
fn agrees_by_chance(before: &Split, after: &Split) -> f64 {
    let both = |(variant, share): &(VariantKey, Share)| {
        after.share(variant).map_or(0.0, |other| share.fraction() * other.fraction())
    };
    before.shares().iter().map(both).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExperimentKey, Salt, Schedule};
    use crate::plan::Condition;

    fn branch(salt: &str, buckets: &[&str], shares: &[(&str, u32)]) -> ExperimentBranch {
        let range = |text: &&str| BucketRange::parse(text).expect("a range");
        let share = |(name, percent): &(&str, u32)| {
            (VariantKey::new(name).expect("a variant"), Share::from_percent(*percent).expect("a share"))
        };
        let at = |second| jiff::Timestamp::from_second(second).expect("a timestamp");
        let salt = Salt::new(salt).expect("a salt");
        ExperimentBranch {
            key: ExperimentKey::new("test").expect("a key"),
            window: Schedule::new(at(0), at(1)).expect("a window"),
            audience: Condition::everyone(),
            enrolment: Enrolment::new(salt.clone(), buckets.iter().map(range).collect()).expect("ranges"),
            salt,
            split: Split::new(shares.iter().map(share).collect()).expect("a split"),
        }
    }

    fn moved(before: Option<&ExperimentBranch>, after: Option<&ExperimentBranch>) -> [f64; 3] {
        let movement = Movement::between(before, after);
        [movement.enters, movement.leaves, movement.switches].map(|share| (share * 1e9).round() / 1e9)
    }

    const HALVES: &[(&str, u32)] = &[("a", 50), ("b", 50)];

    #[test]
    fn growing_adds_units_and_moves_none() {
        let small = branch("s", &["0-499"], HALVES);
        let large = branch("s", &["0-499", "2000-3499"], HALVES);
        assert_eq!(moved(Some(&small), Some(&large)), [0.15, 0.0, 0.0]);
        assert!(!Movement::between(Some(&small), Some(&large)).disturbs());
        assert_eq!(moved(Some(&large), Some(&small)), [0.0, 0.15, 0.0]);
        assert_eq!(moved(None, Some(&small)), [0.05, 0.0, 0.0]);
        assert_eq!(moved(Some(&small), None), [0.0, 0.05, 0.0]);
    }

    #[test]
    fn other_weights_give_some_units_another_variant() {
        let halves = branch("s", &["0-9999"], HALVES);
        let uneven = branch("s", &["0-9999"], &[("a", 60), ("b", 40)]);
        assert_eq!(moved(Some(&halves), Some(&uneven)), [0.0, 0.0, 0.1]);
        // Only a's first tenth stays: b moves to the second tenth, and c takes the rest.
        let three = branch("s", &["0-9999"], &[("a", 10), ("b", 10), ("c", 80)]);
        assert_eq!(moved(Some(&halves), Some(&three)), [0.0, 0.0, 0.9]);
    }

    #[test]
    fn another_salt_draws_everybody_anew() {
        let one = branch("one", &["0-4999"], HALVES);
        let two = branch("two", &["0-4999"], HALVES);
        assert_eq!(moved(Some(&one), Some(&two)), [0.25, 0.25, 0.125]);
    }
}
