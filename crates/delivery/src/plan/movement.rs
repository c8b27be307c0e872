//! Who moves when what an experiment or a rollout claims changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::enrolment::set;
use super::{Drawn, Enrolment, Exception, ExperimentBranch, HoldoutBranch, RolloutBranch};
use trialbook_model::allocation::BucketSet;
use trialbook_model::{BUCKETS, Salt, Share, Split, VariantKey};

/// Shares of an audience that a change moves, each between 0 and 1.
///
/// Exact where the draws keep their salts. Where a salt changes, units are drawn anew and the shares are what
/// independent draws give on average. Units that only the audience adds or takes away are not among them. Who would come
/// in later anyway, by a step of a ramp, enters when they are in earlier; who is not in yet cannot leave.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Movement {
    /// Were not in, and will be.
    pub enters: f64,
    /// Were in, and will not be.
    pub leaves: f64,
    /// Stay in and get another variant.
    pub switches: f64,
}

/// The units that an experiment or a rollout has of its audience.
#[derive(Debug, Clone, Copy)]
struct Units<'a> {
    start: Timestamp,
    enrolment: &'a Enrolment,
    except: &'a [Exception],
}

impl<'a> From<&'a ExperimentBranch> for Units<'a> {
    fn from(branch: &'a ExperimentBranch) -> Self {
        Self { start: branch.window.start(), enrolment: &branch.enrolment, except: &branch.except }
    }
}

impl<'a> From<&'a Drawn> for Units<'a> {
    fn from(drawn: &'a Drawn) -> Self {
        Self { start: drawn.window.start(), enrolment: &drawn.enrolment, except: &drawn.except }
    }
}

impl<'a> From<&'a RolloutBranch> for Units<'a> {
    fn from(branch: &'a RolloutBranch) -> Self {
        Self { start: branch.start, enrolment: &branch.enrolment, except: &branch.except }
    }
}

impl Movement {
    /// Returns the movement from one form of an experiment to another at an instant; `None` stands for not being served.
    pub fn of_experiment(
        before: Option<&ExperimentBranch>,
        after: Option<&ExperimentBranch>,
        now: Timestamp,
    ) -> Self {
        let switching = before.zip(after).map_or(0.0, |(before, after)| {
            switching((&before.salt, &before.split), (&after.salt, &after.split))
        });
        Self::between(before.map(Units::from), after.map(Units::from), switching, now)
    }

    /// Returns the movement from one draw of an experiment to another at an instant.
    pub(super) fn of_draws(before: &Drawn, after: &Drawn, now: Timestamp) -> Self {
        let switching = switching((&before.salt, &before.split), (&after.salt, &after.split));
        Self::between(Some(before.into()), Some(after.into()), switching, now)
    }

    /// Returns the movement from one form of a rollout to another at an instant; `None` stands for not being served.
    pub fn of_rollout(before: Option<&RolloutBranch>, after: Option<&RolloutBranch>, now: Timestamp) -> Self {
        let switches = before.zip(after).is_some_and(|(before, after)| before.serve != after.serve);
        let switching = if switches { 1.0 } else { 0.0 };
        Self::between(before.map(Units::from), after.map(Units::from), switching, now)
    }

    /// Returns the movement where every draw of an experiment is done anew at an instant, by another hash.
    pub(super) fn of_experiment_redrawn(branch: &ExperimentBranch, at: Timestamp) -> Self {
        if at < branch.window.start() || branch.window.end() <= at {
            return Self::default();
        }
        let switching = 1.0 - agrees_by_chance(&branch.split, &branch.split);
        Self::redrawn(Units::from(branch).share_at(at), switching)
    }

    /// As [`Movement::of_experiment_redrawn`], of a rollout.
    pub(super) fn of_rollout_redrawn(branch: &RolloutBranch, at: Timestamp) -> Self {
        if at < branch.start {
            return Self::default();
        }
        Self::redrawn(Units::from(branch).share_at(at), 0.0)
    }

    /// As [`Movement::of_experiment_redrawn`], of a holdout that keeps a former default.
    pub(super) fn of_holdout_redrawn(branch: &HoldoutBranch, at: Timestamp) -> Self {
        if at < branch.window.start() || branch.window.end() <= at {
            return Self::default();
        }
        Self::redrawn(branch.units.share().fraction(), 0.0)
    }

    /// The movement of two independent draws that each have a share of the audience.
    fn redrawn(share: f64, switching: f64) -> Self {
        let changes = none_of_little(share * (1.0 - share));
        Self { enters: changes, leaves: changes, switches: none_of_little(share * share * switching) }
    }

    fn between(before: Option<Units<'_>>, after: Option<Units<'_>>, switching: f64, now: Timestamp) -> Self {
        let (before, after) = match (before, after) {
            (None, None) => return Self::default(),
            (None, Some(after)) => return Self { enters: after.largest(), ..Self::default() },
            (Some(before), None) => return Self { leaves: before.share_at(now), ..Self::default() },
            (Some(before), Some(after)) => (before, after),
        };
        let stays = before.kept(&after, now);
        let instants = [now].into_iter().chain(before.turns(now)).chain(after.turns(now));
        let enters = instants.map(|at| after.share_at(at) - before.kept(&after, at)).fold(0.0, f64::max);
        Self {
            enters: none_of_little(enters),
            leaves: none_of_little(before.share_at(now) - stays),
            switches: stays * switching,
        }
    }

    /// Tells whether a unit that was in loses its variant.
    pub fn disturbs(&self) -> bool {
        self.leaves > 0.0 || self.switches > 0.0
    }
}

/// Products of shares differ in their last digit by the order of the factors; the least true share is a bucket of a bucket.
fn none_of_little(share: f64) -> f64 {
    if share > 1e-9 { share } else { 0.0 }
}

impl<'a> Units<'a> {
    /// Before the start, what is planned is compared: all that will ever be in.
    fn begin(&self, now: Timestamp) -> Timestamp {
        if now < self.start { Timestamp::MAX } else { now }
    }

    /// Returns the instants after one at which units enter.
    fn turns(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> + use<'a> {
        let grows = self.enrolment.grows().iter().map(|step| step.at);
        let ends = self.except.iter().map(|exception| exception.until);
        grows.chain(ends).filter(move |at| *at > now)
    }

    fn buckets(&self, at: Timestamp) -> BucketSet {
        set(self.enrolment.at(at))
    }

    /// Returns the buckets that are kept from it at an instant, by the draw that they are of.
    fn kept_out(&self, at: Timestamp) -> impl Iterator<Item = (&'a Salt, BucketSet)> + use<'a> {
        let lasting = self.except.iter().filter(move |exception| at < exception.until);
        lasting.map(|exception| (exception.units.salt(), set(exception.units.buckets())))
    }

    fn share_at(&self, now: Timestamp) -> f64 {
        let at = self.begin(now);
        fraction(&self.buckets(at)) * remaining(self.kept_out(now))
    }

    /// Every unit that will ever be in.
    fn largest(&self) -> f64 {
        self.share_at(Timestamp::MAX)
    }

    /// Returns the share of units that both have at an instant.
    fn kept(&self, after: &Self, now: Timestamp) -> f64 {
        let (was, will) = (self.buckets(self.begin(now)), after.buckets(after.begin(now)));
        let both = if self.enrolment.salt() == after.enrolment.salt() {
            fraction(&was.intersection(&will))
        } else {
            fraction(&was) * fraction(&will)
        };
        both * remaining(self.kept_out(now).chain(after.kept_out(now)))
    }
}

fn fraction(buckets: &BucketSet) -> f64 {
    f64::from(buckets.count()) / f64::from(BUCKETS)
}

/// The share of units that none of the draws keeps out.
fn remaining<'a>(kept_out: impl Iterator<Item = (&'a Salt, BucketSet)>) -> f64 {
    let mut draws: Vec<(&Salt, BucketSet)> = Vec::new();
    for (salt, buckets) in kept_out {
        match draws.iter_mut().find(|(other, _)| *other == salt) {
            Some((_, held)) => *held = held.union(&buckets),
            None => draws.push((salt, buckets)),
        }
    }
    draws.iter().map(|(_, held)| 1.0 - fraction(held)).product()
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

/// The share of units that two draws of a variant give different ones.
fn switching(before: (&Salt, &Split), after: (&Salt, &Split)) -> f64 {
    if before.0 == after.0 { differs(before.1, after.1) } else { 1.0 - agrees_by_chance(before.1, after.1) }
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
    use crate::plan::Condition;
    use crate::plan::enrolment::EnrolmentStep;
    use trialbook_model::{BucketRange, ExperimentKey, HoldoutKey, Schedule};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a timestamp")
    }

    fn branch(salt: &str, buckets: &[&str], shares: &[(&str, u32)]) -> ExperimentBranch {
        let range = |text: &&str| BucketRange::parse(text).expect("a range");
        let share = |(name, percent): &(&str, u32)| {
            (VariantKey::new(name).expect("a variant"), Share::from_percent(*percent).expect("a share"))
        };
        let salt = Salt::new(salt).expect("a salt");
        ExperimentBranch {
            key: ExperimentKey::new("test").expect("a key"),
            window: Schedule::new(at(10), at(100)).expect("a window"),
            audience: Condition::everyone(),
            enrolment: Enrolment::new(salt.clone(), buckets.iter().map(range).collect()).expect("ranges"),
            except: Vec::new(),
            salt,
            split: Split::new(shares.iter().map(share).collect()).expect("a split"),
        }
    }

    fn moved(before: Option<&ExperimentBranch>, after: Option<&ExperimentBranch>) -> [f64; 3] {
        moved_at(10, before, after)
    }

    fn moved_at(
        second: i64,
        before: Option<&ExperimentBranch>,
        after: Option<&ExperimentBranch>,
    ) -> [f64; 3] {
        let movement = Movement::of_experiment(before, after, at(second));
        [movement.enters, movement.leaves, movement.switches].map(|share| (share * 1e9).round() / 1e9)
    }

    const HALVES: &[(&str, u32)] = &[("a", 50), ("b", 50)];

    #[test]
    fn growing_adds_units_and_moves_none() {
        let small = branch("s", &["0-499"], HALVES);
        let large = branch("s", &["0-499", "2000-3499"], HALVES);
        assert_eq!(moved(Some(&small), Some(&large)), [0.15, 0.0, 0.0]);
        assert!(!Movement::of_experiment(Some(&small), Some(&large), at(10)).disturbs());
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

    #[test]
    fn another_hash_draws_everybody_anew_as_another_salt_does() {
        let one = branch("one", &["0-4999"], &[("a", 20), ("b", 80)]);
        let two = branch("two", &["0-4999"], &[("a", 20), ("b", 80)]);
        let redrawn = |second| Movement::of_experiment_redrawn(&one, at(second));
        assert_eq!(redrawn(50), Movement::of_experiment(Some(&one), Some(&two), at(50)));
        // It has not begun, or is over: nobody is in.
        assert_eq!((redrawn(9), redrawn(100)), (Movement::default(), Movement::default()));
        // Everybody is in, and stays in.
        let all = branch("all", &["0-9999"], HALVES);
        let movement = Movement::of_experiment_redrawn(&all, at(50));
        assert_eq!((movement.enters, movement.leaves, movement.switches), (0.0, 0.0, 0.5));
    }

    /// The branch with buckets from a second on.
    fn ramp(first: &str, steps: &[(i64, &str)]) -> ExperimentBranch {
        let step = |(second, text): &(i64, &str)| EnrolmentStep {
            at: at(*second),
            buckets: vec![BucketRange::parse(text).expect("a range")],
        };
        let mut branch = branch("s", &[first], HALVES);
        branch.enrolment =
            branch.enrolment.growing(steps.iter().map(step).collect()).expect("steps that grow");
        branch
    }

    #[test]
    fn a_ramp_that_ends_larger_moves_nobody() {
        let short = ramp("0-499", &[(20, "0-1999")]);
        let long = ramp("0-499", &[(20, "0-1999"), (30, "0-3999")]);
        assert_eq!(moved_at(15, Some(&short), Some(&long)), [0.2, 0.0, 0.0]);
        assert_eq!(moved_at(25, Some(&short), Some(&long)), [0.2, 0.0, 0.0]);
    }

    #[test]
    fn a_ramp_that_slows_down_after_a_step_takes_units_out_and_before_it_none() {
        let fast = ramp("0-499", &[(20, "0-1999")]);
        let slow = ramp("0-499", &[(30, "0-1999")]);
        assert_eq!(moved_at(15, Some(&fast), Some(&slow)), [0.0, 0.0, 0.0]);
        assert_eq!(moved_at(25, Some(&fast), Some(&slow)), [0.0, 0.15, 0.0]);
        assert_eq!(moved_at(15, Some(&slow), Some(&fast)), [0.15, 0.0, 0.0]);
    }

    #[test]
    fn buckets_below_those_of_a_ramp_that_has_begun_move_whom_it_has() {
        let before = ramp("2000-2499", &[(20, "2000-3999")]);
        let after = ramp("0-499", &[(20, "0-3999")]);
        assert_eq!(moved_at(15, Some(&before), Some(&after)), [0.2, 0.05, 0.0]);
    }

    #[test]
    fn leaving_a_holdout_brings_units_in_and_a_new_one_takes_them_out() {
        let held = |until| {
            let buckets = vec![BucketRange::parse("0-499").expect("a range")];
            let units = Enrolment::new(Salt::new("h").expect("a salt"), buckets).expect("ranges");
            let holdout = HoldoutKey::new("h").expect("a key");
            ExperimentBranch {
                except: vec![Exception { holdout, until: at(until), units }],
                ..branch("s", &["0-1999"], HALVES)
            }
        };
        let free = branch("s", &["0-1999"], HALVES);
        assert_eq!(moved_at(15, Some(&held(50)), Some(&free)), [0.01, 0.0, 0.0]);
        assert_eq!(moved_at(15, Some(&free), Some(&held(50))), [0.0, 0.01, 0.0]);
        // It has ended anyway.
        assert_eq!(moved_at(60, Some(&held(50)), Some(&free)), [0.0, 0.0, 0.0]);
        // It ends earlier: its units enter earlier.
        assert_eq!(moved_at(15, Some(&held(50)), Some(&held(30))), [0.01, 0.0, 0.0]);
    }
}
