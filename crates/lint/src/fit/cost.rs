//! What an edit costs whom, in days.

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::Party;
use trialbook_decision::power::{Evidence, forecast};
use trialbook_model::targeting::{remainder, share};
use trialbook_model::{Book, Experiment, Kind, Predicate};

/// What an edit costs one experiment or rollout.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Whose it is.
    #[serde(flatten)]
    pub party: Party,
    /// Who answers for it.
    pub owner: String,
    /// By how many days it begins later.
    pub later_days: f64,
    /// By how many days it takes longer to enrol the units that it needs; below zero where it is faster. `None`:
    /// unknown, because the share of its audience is.
    pub longer_days: Option<f64>,
}

/// What is known of an experiment or a rollout in one state of the book.
#[derive(Debug, Clone, PartialEq)]
struct Measure {
    party: Party,
    start: Timestamp,
    /// How long units are enrolled, in days.
    days: f64,
    /// The days that it needs, where baselines and traffic are known.
    need: Option<u32>,
    audience: Predicate,
    /// The share of all traffic that its audience is after the rules.
    share: Option<f64>,
    /// The share of the audience that is enrolled.
    allocation: f64,
}

/// What is known of the parties of a collision.
pub(super) struct Measures(Vec<Measure>);

impl Measures {
    pub(super) fn of(book: &Book, parties: &[Party]) -> Self {
        Self(parties.iter().filter_map(|party| Measure::of(book, party)).collect())
    }
}

impl Measure {
    fn of(book: &Book, party: &Party) -> Option<Self> {
        match party.kind {
            Kind::Experiment => {
                let experiment = book.experiments.get(party.key.as_str())?;
                let (start, end) = (experiment.schedule.start(), experiment.schedule.end());
                let rules = book.flag_of(experiment)?.rules.iter();
                let earlier: Vec<_> = rules.map(|rule| book.inlined(&rule.when)).collect();
                let audience = book.inlined(&experiment.audience);
                let left = remainder(&audience, &earlier.iter().collect::<Vec<_>>());
                Some(Self {
                    party: party.clone(),
                    start,
                    days: end.duration_since(start).as_secs_f64() / 86_400.0,
                    need: needed(book, experiment),
                    share: share(&left, &book.attributes),
                    audience,
                    allocation: experiment.allocation.largest().fraction(),
                })
            }
            Kind::Rollout => {
                let rollout = book.rollouts.get(party.key.as_str())?;
                Some(Self {
                    party: party.clone(),
                    start: rollout.steps.first_at(),
                    days: 0.0,
                    need: None,
                    share: None,
                    audience: rollout.audience.clone(),
                    allocation: rollout.steps.largest().fraction(),
                })
            }
            _ => None,
        }
    }
}

/// Returns the days that an experiment needs, as far as the book declares what that depends on.
fn needed(book: &Book, experiment: &Experiment) -> Option<u32> {
    forecast(book, experiment, &Evidence::declared(book, experiment)).need?.days
}

/// Returns what lies between two states, for every party that had a cost or could have had one.
pub(super) fn between(book: &Book, before: &Measures, after: &Measures) -> Vec<Cost> {
    let pairs = before.0.iter().filter_map(|old| {
        let new = after.0.iter().find(|new| new.party == old.party)?;
        Some(Cost {
            owner: owner(book, &old.party),
            party: old.party.clone(),
            later_days: later(old.start, new.start),
            longer_days: longer(old, new),
        })
    });
    pairs.collect()
}

fn owner(book: &Book, party: &Party) -> String {
    let owner = match party.kind {
        Kind::Rollout => book.rollouts.get(party.key.as_str()).map(|rollout| rollout.owner.clone()),
        _ => book.experiments.get(party.key.as_str()).map(|experiment| experiment.owner.clone()),
    };
    owner.unwrap_or_default()
}

fn later(old: Timestamp, new: Timestamp) -> f64 {
    let hours = new.since((Unit::Hour, old)).map_or(0, |span| span.get_hours());
    (f64::from(hours) / 24.0 * 10.0).round() / 10.0
}

/// Returns by how many days enrolling as many units takes longer.
///
/// Where the book declares what an experiment needs, that is the difference of the needs. Otherwise the schedule is taken
/// for what it needs, and grows as its share of the traffic shrinks.
fn longer(old: &Measure, new: &Measure) -> Option<f64> {
    if old.party.kind == Kind::Rollout {
        return Some(0.0);
    }
    if old.audience == new.audience && (old.allocation - new.allocation).abs() < 1e-9 {
        return Some(0.0);
    }
    if let (Some(old), Some(new)) = (old.need, new.need) {
        return Some(f64::from(new) - f64::from(old));
    }
    let audience = if old.audience == new.audience { 1.0 } else { old.share? / new.share? };
    let times = audience * old.allocation / new.allocation;
    let days = (old.days * (times - 1.0) * 10.0).round() / 10.0;
    days.is_finite().then_some(days)
}

/// Returns the days that all lose together; without end where that is unknown.
pub(super) fn total(costs: &[Cost]) -> f64 {
    costs
        .iter()
        .map(|cost| cost.later_days.max(0.0) + cost.longer_days.map_or(f64::INFINITY, |d| d.max(0.0)))
        .sum()
}
