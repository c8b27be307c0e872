//! Who serves whom: what an experiment or a rollout claims of a flag's units, and what a holdout keeps from it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{BucketSet, Draw, Growth, enrolment};
use crate::capability::HashProfile;
use crate::{
    Allocation, BUCKETS, Book, Experiment, Flag, ForcedVariant, Holdout, Predicate, Rollout, RolloutKey,
    Schedule, Share, Step, SurfaceKey, VariantKey,
};

/// How far guarded rollouts may go: of each the largest share that was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approvals {
    /// Every step counts as approved: what a book plans.
    Every,
    /// These shares are, and the first step of every other rollout, which its launch approves.
    Of(BTreeMap<RolloutKey, Share>),
}

impl Default for Approvals {
    fn default() -> Self {
        Self::Of(BTreeMap::new())
    }
}

impl Approvals {
    /// Returns the share beyond which a rollout does not go.
    pub fn limit(&self, rollout: &Rollout) -> Share {
        let first = || rollout.steps.all().first().map_or(Share::NONE, |step| step.share);
        match self {
            Self::Of(shares) if rollout.is_guarded() => {
                shares.get(&rollout.key).copied().unwrap_or_else(first)
            }
            Self::Every | Self::Of(_) => Share::ALL,
        }
    }

    /// Returns the first step of a rollout that goes beyond what is approved.
    pub fn next<'a>(&self, rollout: &'a Rollout) -> Option<&'a Step> {
        let limit = self.limit(rollout);
        rollout.steps.all().iter().find(|step| step.share > limit)
    }
}

/// What makes a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claimant<'a> {
    /// Its units are served an arm.
    Experiment(&'a Experiment),
    /// Its units are served a plain variant.
    Rollout(&'a Rollout),
}

impl<'a> Claimant<'a> {
    /// Returns the key, for people: an experiment and a rollout may share one.
    pub fn key(&self) -> &'a str {
        match self {
            Self::Experiment(experiment) => experiment.key.as_str(),
            Self::Rollout(rollout) => rollout.key.as_str(),
        }
    }
}

/// Which units of a flag an experiment or a rollout serves: those of its audience in some buckets of a draw, at some
/// times, unless a holdout has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim<'a> {
    /// What makes the claim.
    pub claimant: Claimant<'a>,
    /// Who; those that the flag's rules serve are not taken off.
    pub audience: &'a Predicate,
    /// The draw, onto [`BUCKETS`].
    pub draw: Draw<'a>,
    /// Which buckets when.
    pub growth: Growth,
    /// The holdouts that cover it, the earliest first.
    pub kept_out: Vec<Withheld<'a>>,
}

/// The units of a holdout, and until when it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Withheld<'a> {
    /// The holdout.
    pub holdout: &'a Holdout,
    /// The draw, onto [`BUCKETS`].
    pub draw: Draw<'a>,
    /// The buckets of the units that are held out.
    pub buckets: BucketSet,
    /// While the holdout lasts.
    pub window: Schedule,
}

impl<'a> Withheld<'a> {
    fn of(holdout: &'a Holdout) -> Self {
        Self {
            holdout,
            draw: Draw::holdout(&holdout.salt),
            buckets: BucketSet::first(holdout.share.buckets().unwrap_or(0)),
            window: holdout.schedule,
        }
    }

    /// Returns a unit's bucket where it is held out.
    pub fn bucket(&self, profile: HashProfile, unit: &str) -> Option<u32> {
        Some(self.draw.bucket(profile, unit, BUCKETS)).filter(|bucket| self.buckets.contains(*bucket))
    }
}

/// What decides about a flag's units after its rules, in the order in which it is tried.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims<'a> {
    /// Experiments by key, then rollouts by key. A claim passes over the units that a holdout keeps from it.
    pub claims: Vec<Claim<'a>>,
    /// After them, the earliest first: the units of a holdout are served the default as of its start.
    pub former_defaults: Vec<(Withheld<'a>, &'a VariantKey)>,
}

/// Returns what decides about a flag's units after its rules.
///
/// A holdout covers what begins while it lasts, where it is of the flag's entity and one of its surfaces is the flag's or
/// the experiment's, or the flag names the holdout. What began before goes on for everybody.
pub fn claims<'a>(book: &'a Book, flag: &'a Flag, approvals: &Approvals) -> Claims<'a> {
    let mut holdouts: Vec<&Holdout> =
        book.holdouts.values().filter(|holdout| holdout.entity == flag.entity).collect();
    holdouts.sort_by_key(|holdout| (holdout.schedule.start(), &holdout.key));
    let kept_out = |surfaces: &[SurfaceKey], start: Timestamp| {
        let here = |holdout: &&&Holdout| {
            holdout.covers(&flag.surfaces)
                || holdout.covers(surfaces)
                || flag.holdouts.contains_key(&holdout.key)
        };
        let covering = holdouts.iter().filter(here).filter(|holdout| holdout.schedule.contains(start));
        covering.map(|holdout| Withheld::of(holdout)).collect::<Vec<_>>()
    };
    let experiments = book.experiments_of(&flag.key).filter_map(|experiment| {
        Some(Claim {
            claimant: Claimant::Experiment(experiment),
            audience: &experiment.audience,
            draw: enrolment(book, experiment).draw,
            growth: growth(book, experiment)?,
            kept_out: kept_out(&experiment.surfaces, experiment.schedule.start()),
        })
    });
    let rollouts = book.rollouts_of(&flag.key).filter_map(|rollout| {
        Some(Claim {
            claimant: Claimant::Rollout(rollout),
            audience: &rollout.audience,
            draw: Draw::rollout(&rollout.salt),
            growth: released(rollout, approvals)?,
            kept_out: kept_out(&[], rollout.steps.first_at()),
        })
    });
    let claims = experiments.chain(rollouts).collect();
    let mut former_defaults: Vec<_> = holdouts
        .iter()
        .filter_map(|holdout| Some((Withheld::of(holdout), flag.holdouts.get(&holdout.key)?)))
        .collect();
    // Whom none of the others has is served the default anyway.
    while former_defaults.last().is_some_and(|(_, variant)| **variant == flag.default) {
        former_defaults.pop();
    }
    Claims { claims, former_defaults }
}

/// An override of an experiment, while it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forced<'a> {
    /// Whose.
    pub experiment: &'a Experiment,
    /// Who is served what.
    pub forced: &'a ForcedVariant,
    /// When it ends: with the serving of the experiment.
    pub until: Timestamp,
}

/// Returns the overrides of a flag's experiments in the order in which they are tried: by experiment, then as written.
///
/// They count before the experiment's start too, so that it can be tried out, and until its serving window ends.
pub fn forced<'a>(book: &'a Book, flag: &'a Flag) -> impl Iterator<Item = Forced<'a>> {
    book.experiments_of(&flag.key).flat_map(|experiment| {
        let until = book.serving_window(experiment).map(|window| window.end());
        let all = until
            .map(|until| experiment.overrides.iter().map(move |forced| Forced { experiment, forced, until }));
        all.into_iter().flatten()
    })
}

/// Returns which buckets an experiment enrols when; `None` where it never enrols any.
///
/// The slots of a layer hold the largest share of a ramp: an earlier step has the first of its buckets.
pub fn growth(book: &Book, experiment: &Experiment) -> Option<Growth> {
    let window = book.serving_window(experiment)?;
    let all = enrolment(book, experiment).buckets;
    match &experiment.allocation {
        Allocation::Fixed(_) => Growth::new(window, [(window.start(), all)]),
        Allocation::Ramp(steps) => {
            let largest = steps.largest();
            let buckets = |share: Share| {
                if share == largest { all.clone() } else { all.take_first(share.buckets().unwrap_or(0)) }
            };
            Growth::new(window, steps.all().iter().map(|step| (step.at, buckets(step.share))))
        }
    }
}

/// Returns which buckets a rollout serves when, no more of them than are approved.
fn released(rollout: &Rollout, approvals: &Approvals) -> Option<Growth> {
    let limit = approvals.limit(rollout);
    let steps = rollout.steps.all().iter();
    let steps = steps.map(|step| (step.at, BucketSet::first(step.share.min(limit).buckets().unwrap_or(0))));
    Growth::new(rollout.serving_window(), steps)
}
