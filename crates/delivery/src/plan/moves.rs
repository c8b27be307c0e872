//! Who is served another variant by an apply.
//!
//! Contexts are divided by the conditions that both forms of a flag ask, as far as an answer depends on them. Within
//! each part the draws decide: draws of different purposes, salts or units are independent, and those that both forms share
//! are one draw. So the shares are exact, up to what attributes declare of traffic. A unit without an id is left out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audience::predicate;
use super::draws::{Program, Step, flows};
use super::{Audience, Branch, Condition, FlagState};
use trialbook_model::targeting::{self, Overlap, Work};
use trialbook_model::{Attribute, AttributeKey, Predicate, VariantKey};

/// How many parts of the traffic are distinguished.
const PARTS: usize = 64;

/// How many parts are kept where their shares of traffic are unknown.
const GROUPS: usize = 6;

/// How many later instants are looked at.
const TURNS: usize = 12;

/// What telling parts apart may cost for one flag, in steps of about ten nanoseconds.
const WORK: usize = 3_000_000;

/// Who is served another variant at an instant, because of an apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moves {
    /// When: the instant of the plan, or when something that it changes begins.
    pub at: Timestamp,
    /// Who.
    pub who: Movers,
}

/// Who is served another variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Movers {
    /// Shares of all traffic; none: nobody.
    OfTraffic(Vec<Move>),
    /// Parts of the traffic whose shares are unknown.
    ByAudience {
        /// Each with the shares of it that move; not all of many.
        groups: Vec<MovingGroup>,
        /// How many more parts there are.
        more: usize,
    },
    /// It depends on more conditions than are distinguished.
    Unknown,
}

/// A part of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovingGroup {
    /// Who they are.
    pub who: Audience,
    /// Shares of them.
    pub moves: Vec<Move>,
}

/// Units that are served one variant, and will be served another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// The variant that they have.
    pub from: VariantKey,
    /// The variant that they will have.
    pub to: VariantKey,
    /// Which share of the whole or of the group they are, between 0 and 1.
    pub share: f64,
}

impl Moves {
    /// Returns who moves at an instant, and who moves when the first later thing begins that is another.
    ///
    /// Empty where both forms serve the same to everybody. Without `attributes` conditions are distinguished, and their shares are unknown.
    pub fn between(
        before: &FlagState,
        after: &FlagState,
        now: Timestamp,
        attributes: Option<&BTreeMap<AttributeKey, Attribute>>,
    ) -> Vec<Self> {
        let draws_alike =
            (&before.unit, &before.default, &before.serving) == (&after.unit, &after.default, &after.serving);
        if draws_alike {
            return Vec::new();
        }
        let at = |at| Self { at, who: Parts::of(before, after, at, attributes) };
        let now = at(now);
        let moves = |moves: &Self| !matches!(&moves.who, Movers::OfTraffic(none) if none.is_empty());
        let turns: BTreeSet<Timestamp> = turns(before, after, now.at).collect();
        let mut later = turns.into_iter().take(TURNS).map(at);
        let later = later.find(|later| moves(later) && later.who != now.who);
        // That nobody moves now is worth a line only where nobody moves later either.
        let now = Some(now).filter(|now| moves(now) || later.is_none());
        now.into_iter().chain(later).collect()
    }
}

/// The instants after one at which something begins or grows that only one of the two forms has.
fn turns<'a>(
    before: &'a FlagState,
    after: &'a FlagState,
    now: Timestamp,
) -> impl Iterator<Item = Timestamp> + use<'a> {
    let own = |one: &'a FlagState, other: &'a FlagState| {
        one.branches().iter().filter(|branch| !other.branches().contains(branch))
    };
    let branches = own(before, after).chain(own(after, before));
    let instants = branches.flat_map(|branch| -> Vec<Timestamp> {
        let (start, enrolment) = match branch {
            Branch::Override(_) | Branch::Rule { .. } => return Vec::new(),
            Branch::Holdout(holdout) => return vec![holdout.window.start()],
            Branch::Experiment(experiment) => (experiment.window.start(), &experiment.enrolment),
            Branch::Rollout(rollout) => (rollout.start, &rollout.enrolment),
        };
        [start].into_iter().chain(enrolment.grows().iter().map(|step| step.at)).collect()
    });
    instants.filter(move |at| *at > now)
}

/// The parts of the traffic that both forms of a flag distinguish at an instant.
struct Parts<'a> {
    before: Program<'a>,
    after: Program<'a>,
    conditions: Vec<(&'a Condition, Predicate)>,
    attributes: Option<&'a BTreeMap<AttributeKey, Attribute>>,
    work: Work,
    found: Vec<(Vec<Condition>, Vec<Move>)>,
    /// How many parts may still be distinguished.
    left: usize,
}

impl<'a> Parts<'a> {
    fn of(
        before: &'a FlagState,
        after: &'a FlagState,
        at: Timestamp,
        attributes: Option<&'a BTreeMap<AttributeKey, Attribute>>,
    ) -> Movers {
        let mut conditions: Vec<(&Condition, Predicate)> = Vec::new();
        let mut number = |condition: &'a Condition| {
            conditions.iter().position(|(known, _)| *known == condition).unwrap_or_else(|| {
                conditions.push((condition, predicate(condition)));
                conditions.len() - 1
            })
        };
        let (before, after) = (Program::at(before, at, &mut number), Program::at(after, at, &mut number));
        let mut truths: Vec<Option<bool>> =
            conditions.iter().map(|(condition, _)| condition.is_everyone().then_some(true)).collect();
        let work = Work::of(WORK);
        let mut parts = Self { before, after, conditions, attributes, work, found: Vec::new(), left: PARTS };
        if parts.divide(&mut truths, &mut Vec::new()).is_none() {
            return Movers::Unknown;
        }
        parts.movers()
    }

    /// Divides who is left by the first condition that an answer depends on; `None` where there are too many parts.
    fn divide(
        &mut self,
        truths: &mut Vec<Option<bool>>,
        who: &mut Vec<(Condition, Predicate)>,
    ) -> Option<()> {
        let steps = (self.before.steps(truths), self.after.steps(truths));
        let number = match steps {
            (Ok(before), Ok(after)) => {
                self.left = self.left.checked_sub(1)?;
                let moves = self.moves(&before, &after);
                if !moves.is_empty() {
                    self.found.push((who.iter().map(|(condition, _)| condition.clone()).collect(), moves));
                }
                return Some(());
            }
            (Err(number), _) | (_, Err(number)) => number,
        };
        let (condition, holds) = self.conditions.get(number).cloned()?;
        let fails = (Condition::Not(Box::new(condition.clone())), Predicate::Not(Box::new(holds.clone())));
        let holds = (condition.clone(), holds);
        let can_hold = self.can_be(who, &holds.1);
        let can_fail = self.can_be(who, &fails.1);
        for (truth, possible, certain, part) in
            [(true, can_hold, !can_fail, holds), (false, can_fail, !can_hold, fails)]
        {
            if !possible {
                continue;
            }
            if let Some(slot) = truths.get_mut(number) {
                *slot = Some(truth);
            }
            // What follows from the rest is left out.
            if !certain {
                who.push(part);
            }
            let divided = self.divide(truths, who);
            if !certain {
                who.pop();
            }
            divided?;
        }
        if let Some(slot) = truths.get_mut(number) {
            *slot = None;
        }
        Some(())
    }

    /// Tells whether anybody may be among them; what cannot be decided may be.
    fn can_be(&mut self, who: &[(Condition, Predicate)], part: &Predicate) -> bool {
        let Some(attributes) = self.attributes else { return true };
        let all: Vec<&Predicate> = who.iter().map(|(_, one)| one).chain([part]).collect();
        targeting::meet_within(&all, attributes, &mut self.work) != Overlap::Disjoint
    }

    fn moves(&self, before: &[&Step<'_>], after: &[&Step<'_>]) -> Vec<Move> {
        let defaults = (self.before.default, self.after.default);
        let flows = flows((before, defaults.0), (after, defaults.1));
        let moving = flows.into_iter().filter(|((from, to), share)| from != to && *share > 1e-9);
        moving.map(|((from, to), share)| Move { from: from.clone(), to: to.clone(), share }).collect()
    }

    /// Returns a part without the conditions that follow from its others.
    fn simplified(&mut self, mut who: Vec<Condition>) -> Vec<Condition> {
        let mut at = 0;
        while at < who.len() && who.len() > 1 {
            let one = who.remove(at);
            let rest: Vec<_> = who.iter().map(|part| (part.clone(), predicate(part))).collect();
            let fails = Predicate::Not(Box::new(predicate(&one)));
            if self.can_be(&rest, &fails) {
                who.insert(at, one);
                at += 1;
            }
        }
        who
    }

    fn movers(mut self) -> Movers {
        let found = std::mem::take(&mut self.found);
        let share = |who: &[Condition]| match (who, self.attributes) {
            ([], _) => Some(1.0),
            (who, Some(attributes)) => {
                targeting::share(&Predicate::All(who.iter().map(predicate).collect()), attributes)
            }
            (_, None) => None,
        };
        let shares: Option<Vec<f64>> = found.iter().map(|(who, _)| share(who)).collect();
        match shares {
            Some(shares) => {
                let mut sums: BTreeMap<(VariantKey, VariantKey), f64> = BTreeMap::new();
                for ((_, moves), of) in found.into_iter().zip(shares) {
                    for one in moves {
                        *sums.entry((one.from, one.to)).or_default() += one.share * of;
                    }
                }
                let moves = sums.into_iter().filter(|(_, share)| *share > 1e-9);
                Movers::OfTraffic(
                    moves.map(|((from, to), share)| Move { from, to, share: share.min(1.0) }).collect(),
                )
            }
            None => {
                let more = found.len().saturating_sub(GROUPS);
                let groups = found.into_iter().take(GROUPS).map(|(who, moves)| {
                    let mut who = self.simplified(who);
                    let who = if who.len() == 1 { who.pop() } else { None }.unwrap_or(Condition::All(who));
                    let mut who = Audience::new(&who);
                    who.measure(self.attributes);
                    MovingGroup { who, moves }
                });
                Movers::ByAudience { groups: groups.collect(), more }
            }
        }
    }
}
