//! Who comes: how many different units an experiment enrols by when.

use serde::Serialize;

use trialbook_model::targeting;
use trialbook_model::{Allocation, Book, EntityKey, Experiment, Flag, Predicate, SurfaceKey, Traffic};

use super::evidence::Evidence;

/// What the number of units is counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The declared traffic of this surface: of the experiment's, the one that sees the most.
    Surface(SurfaceKey),
    /// The declared traffic of the whole product.
    Entity(EntityKey),
    /// The units that were exposed to anything in past weeks, on any surface.
    Warehouse,
}

/// Why fewer units may come than are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooMany {
    /// The share of the audience, after the rules before it, is unknown or only known in part.
    AudienceShare,
    /// The traffic is that of the whole product, and the experiment is seen on some surfaces.
    WholeProduct,
}

/// A part of the units that is enrolled from some day on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Enrolled {
    /// Days after the start.
    from: f64,
    /// The share of the eligible.
    share: f64,
}

/// How many units an experiment enrols by when.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    /// What the units are counted from.
    pub basis: Basis,
    /// The share of the traffic that the audience is and no rule serves before; at most this where that is marked
    /// so.
    pub audience: f64,
    /// The share of it that no holdout keeps.
    pub not_held_out: f64,
    /// The largest share of it that is enrolled.
    pub allocation: f64,
    /// Why it may be fewer.
    pub at_most: Vec<TooMany>,
    traffic: Traffic,
    /// What each step of the allocation adds.
    steps: Vec<Enrolled>,
}

impl Arrivals {
    /// Returns who comes to an experiment; `None` where no traffic is known.
    pub fn of(book: &Book, experiment: &Experiment, evidence: &Evidence) -> Option<Self> {
        let flag = book.flag_of(experiment)?;
        let mut at_most = Vec::new();
        let measured = || Some((Basis::Warehouse, evidence.seen.as_ref()?.traffic.clone()?));
        let (basis, traffic) = surface(book, experiment, flag)
            .or_else(measured)
            .or_else(|| product(book, experiment, flag, &mut at_most))?;
        let (audience, whole) = audience(book, experiment, flag);
        if !whole {
            at_most.push(TooMany::AudienceShare);
        }
        Some(Self {
            basis,
            audience,
            not_held_out: not_held_out(book, experiment),
            allocation: experiment.allocation.largest().fraction(),
            at_most,
            traffic,
            steps: steps(experiment),
        })
    }

    /// Returns the units that are enrolled within so many days after the start, not rounded, with the allocation
    /// taken `times` over.
    ///
    /// Each step adds buckets, and their units are those seen since that step.
    pub fn enrolled(&self, days: f64, times: f64) -> f64 {
        let seen = self.steps.iter().map(|step| step.share * self.traffic.within(days - step.from).units);
        self.audience * self.not_held_out * times * seen.sum::<f64>()
    }

    /// Tells whether a number of days lies beyond what is known of the traffic.
    pub fn is_extrapolated(&self, days: f64) -> bool {
        self.traffic.within(days).extrapolated
    }

    /// Returns the longest span that is known of the traffic, in days.
    pub fn known_days(&self) -> f64 {
        self.traffic.longest().as_days()
    }

    /// Returns the whole days after which so many units are enrolled; `None` where they never are within two
    /// years.
    pub fn days_for(&self, units: f64, times: f64) -> Option<u32> {
        let enough = |days: u32| self.enrolled(f64::from(days), times) >= units;
        if !enough(LONGEST) {
            return None;
        }
        let (mut few, mut many) = (0, LONGEST);
        while many - few > 1 {
            let middle = few + (many - few) / 2;
            if enough(middle) { many = middle } else { few = middle }
        }
        Some(many)
    }
}

/// The longest duration that is looked at, in days.
pub(super) const LONGEST: u32 = 731;

/// Returns the declared traffic of the experiment's surface that sees the most. Exposures do not record where they were
/// made, so this goes before what was measured.
///
/// The units of several surfaces overlap by an unknown part, so at least the largest of them come.
fn surface(book: &Book, experiment: &Experiment, flag: &Flag) -> Option<(Basis, Traffic)> {
    let days = days(experiment);
    let surfaces = experiment.surfaces.iter().filter_map(|key| {
        let traffic = book.surfaces.get(key)?.traffic.get(&flag.entity)?;
        Some((key, traffic))
    });
    let most = surfaces.max_by(|(_, a), (_, b)| a.within(days).units.total_cmp(&b.within(days).units));
    most.map(|(key, traffic)| (Basis::Surface(key.clone()), traffic.clone()))
}

/// Returns the declared traffic of the whole product.
fn product(
    book: &Book,
    experiment: &Experiment,
    flag: &Flag,
    at_most: &mut Vec<TooMany>,
) -> Option<(Basis, Traffic)> {
    let traffic = book.entities.get(&flag.entity)?.traffic.clone()?;
    if !experiment.surfaces.is_empty() {
        at_most.push(TooMany::WholeProduct);
    }
    Some((Basis::Entity(flag.entity.clone()), traffic))
}

/// Returns how many days an experiment enrols.
pub(super) fn days(experiment: &Experiment) -> f64 {
    let schedule = experiment.schedule;
    schedule.end().duration_since(schedule.start()).as_secs_f64() / 86_400.0
}

/// Returns the share of traffic that can be enrolled, and whether that is all that there is to know: where a part
/// of the audience has an unknown share, it is the share of the other parts, which it is at most.
fn audience(book: &Book, experiment: &Experiment, flag: &Flag) -> (f64, bool) {
    let mut parts = Vec::new();
    conjuncts(book.inlined(&experiment.audience), &mut parts);
    parts.extend(flag.rules.iter().map(|rule| Predicate::Not(Box::new(book.inlined(&rule.when)))));
    let share = |parts: Vec<Predicate>| targeting::share(&Predicate::All(parts), &book.attributes);
    if let Some(share) = share(parts.clone()) {
        return (share, true);
    }
    let known: Vec<_> =
        parts.into_iter().filter(|part| targeting::share(part, &book.attributes).is_some()).collect();
    (share(known).unwrap_or(1.0), false)
}

/// Takes a conjunction apart.
fn conjuncts(predicate: Predicate, parts: &mut Vec<Predicate>) {
    let mut open = vec![predicate];
    while let Some(predicate) = open.pop() {
        match predicate {
            Predicate::All(inner) => open.extend(inner),
            other => parts.push(other),
        }
    }
}

/// Returns the share of units that no holdout keeps: draws of holdouts are independent.
fn not_held_out(book: &Book, experiment: &Experiment) -> f64 {
    book.holdouts_over(experiment).map(|holdout| 1.0 - holdout.share.fraction()).product()
}

/// Returns what each step of the allocation adds, the first one at the start.
fn steps(experiment: &Experiment) -> Vec<Enrolled> {
    let start = experiment.schedule.start();
    match &experiment.allocation {
        Allocation::Fixed(share) => vec![Enrolled { from: 0.0, share: share.fraction() }],
        Allocation::Ramp(steps) => {
            let mut before = 0.0;
            let added = steps.all().iter().map(|step| {
                let (share, from) = (step.share.fraction(), step.at.duration_since(start).as_secs_f64());
                let added = share - before;
                before = share;
                Enrolled { from: (from / 86_400.0).max(0.0), share: added }
            });
            added.collect()
        }
    }
}
