//! Context to variant, with the reason: the reference that every target must agree with.

mod passed;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Serialize;

use crate::allocation::{
    Approvals, BucketSet, Claim, Claimant, Claims, Draw, Forced, Withheld, claims, forced,
};
use crate::capability::HashProfile;
use crate::targeting::{Context, matches_among};
use crate::{BUCKETS, Book, Entity, Flag, FlagKey, ForcedUnits, ServedName, VariantKey};

pub use passed::{Candidate, Failing, Passed, Why};

/// What decided what a unit is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// An override of an experiment names the unit, or a segment that it is in.
    Override,
    /// The first rule of the flag that matches.
    Rule,
    /// A holdout has the unit: it is kept from what it would have been served, and is served a default.
    Holdout,
    /// An experiment enrolled the unit.
    Experiment,
    /// A rollout has come to the unit.
    Rollout,
    /// Nothing else applied.
    Default,
    /// The flag is switched off.
    Disabled,
    /// There would have been a draw, but the context names no unit; the default is served.
    NoUnit,
}

/// What a unit is served, and why. Serialised, it is a line of `trialbook evaluate`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolution<'a> {
    /// The flag.
    pub flag: &'a FlagKey,
    /// The variant whose value is served.
    pub variant: &'a VariantKey,
    /// The entry's name in a target: it tells an experiment's arm from a plain variant.
    pub served: ServedName,
    /// The value.
    pub value: &'a serde_json::Value,
    /// What decided.
    pub reason: Reason,
    /// The key of the experiment, the rollout or the holdout that decided, where one did; of an override its experiment's.
    pub source: Option<&'a str>,
    /// The unit's bucket in its draw.
    pub bucket: Option<u32>,
}

/// Resolves the flags of a book at one instant, for evaluators that hash alike.
///
/// The book is that of one target, see [`Book::in_target`]. Which of a flag's experiments and rollouts are served is worked
/// out when it is first asked for; an answer looks at that flag's rules and at those only, however large the book is.
pub struct Resolver<'a> {
    book: &'a Book,
    at: Timestamp,
    profile: HashProfile,
    approvals: Approvals,
    flags: BTreeMap<&'a FlagKey, OnceLock<Prepared<'a>>>,
}

/// A flag with what is served of it at one instant.
struct Prepared<'a> {
    flag: &'a Flag,
    entity: Option<&'a Entity>,
    forced: Vec<Forced<'a>>,
    claims: Vec<Open<'a>>,
    former_defaults: Vec<(Withheld<'a>, &'a VariantKey)>,
}

/// A claim with the buckets that it has at one instant.
struct Open<'a> {
    claim: Claim<'a>,
    buckets: BucketSet,
}

impl<'a> Resolver<'a> {
    /// Prepares to resolve the flags of a book as they are served at an instant, of guarded rollouts the first step.
    pub fn new(book: &'a Book, at: Timestamp, profile: HashProfile) -> Self {
        let served = book.flags.values().filter(|flag| !flag.archived);
        let flags = served.map(|flag| (&flag.key, OnceLock::new())).collect();
        Self { book, at, profile, approvals: Approvals::default(), flags }
    }

    /// Lets guarded rollouts go as far as they were approved.
    #[must_use]
    pub fn approved(self, approvals: Approvals) -> Self {
        Self { approvals, ..self }
    }

    /// Returns the flags that are served, in byte order: all that are not archived.
    pub fn flags(&self) -> impl Iterator<Item = &'a FlagKey> {
        self.flags.keys().copied()
    }

    /// Returns what a unit is served; `None` where the book has no such flag or has archived it.
    ///
    /// The order is total: a disabled flag's default; overrides of experiments by key; rules in order; experiments by key and rollouts by key, each
    /// without the units that a holdout keeps from it; for the units of a holdout the default as of its start; the default.
    /// Where the context names no unit, only rules, overrides for a segment and the default apply.
    pub fn resolve(&self, flag: &FlagKey, context: &Context) -> Option<Resolution<'a>> {
        let (key, cell) = self.flags.get_key_value(flag)?;
        let flag = self.book.flags.get(*key)?;
        let prepared = cell.get_or_init(|| self.prepare(flag));
        let plain = |variant, reason, source| {
            prepared.answer(ServedName::Plain(VariantKey::clone(variant)), variant, reason, source)
        };
        if !flag.enabled {
            return plain(&flag.default, Reason::Disabled, None);
        }
        let matches = |audience| matches_among(audience, context, &self.book.segments);
        let unit = prepared.entity.and_then(|entity| context.unit(entity));
        for forced in &prepared.forced {
            let fits = match &forced.forced.who {
                ForcedUnits::Units(units) => unit.is_some_and(|unit| units.contains(unit)),
                ForcedUnits::Segment(key) => {
                    self.book.segments.get(key).is_some_and(|segment| matches(&segment.audience))
                }
            };
            if fits {
                let mut answer = plain(&forced.forced.serve, Reason::Override, None)?;
                answer.source = Some(forced.experiment.key.as_str());
                return Some(answer);
            }
        }
        if let Some(rule) = flag.rules.iter().find(|rule| matches(&rule.when)) {
            return plain(&rule.serve, Reason::Rule, None);
        }
        let mut kept_out = None;
        for Open { claim, buckets } in prepared.claims.iter().filter(|open| matches(open.claim.audience)) {
            let Some(unit) = unit else { return plain(&flag.default, Reason::NoUnit, None) };
            let bucket = claim.draw.bucket(self.profile, unit, BUCKETS);
            if !buckets.contains(bucket) {
                continue;
            }
            if let Some(holdout) = claim.kept_out.iter().find_map(|holdout| self.held(holdout, unit)) {
                kept_out = kept_out.or(Some(holdout));
                continue;
            }
            let source = Some((claim.claimant.key(), bucket));
            return match claim.claimant {
                Claimant::Rollout(rollout) => plain(&rollout.serve, Reason::Rollout, source),
                Claimant::Experiment(experiment) => {
                    let draw = Draw::variant(&experiment.salt);
                    let variant = draw.pick(self.profile, unit, &claim.draw, &experiment.split);
                    let arm = ServedName::Arm(experiment.key.clone(), variant.clone());
                    prepared.answer(arm, variant, Reason::Experiment, source)
                }
            };
        }
        for (holdout, variant) in &prepared.former_defaults {
            let Some(unit) = unit else { return plain(&flag.default, Reason::NoUnit, None) };
            if let Some(source) = self.held(holdout, unit) {
                return plain(variant, Reason::Holdout, Some(source));
            }
        }
        match kept_out {
            Some(source) => plain(&flag.default, Reason::Holdout, Some(source)),
            None => plain(&flag.default, Reason::Default, None),
        }
    }

    /// Returns a holdout's key and the unit's bucket, where it has the unit.
    fn held(&self, holdout: &Withheld<'a>, unit: &str) -> Option<(&'a str, u32)> {
        Some((holdout.holdout.key.as_str(), holdout.bucket(self.profile, unit)?))
    }

    fn prepare(&self, flag: &'a Flag) -> Prepared<'a> {
        let forced = forced(self.book, flag).filter(|forced| self.at < forced.until).collect();
        let Claims { claims, mut former_defaults } = claims(self.book, flag, &self.approvals);
        let lasts = |holdout: &Withheld<'a>| holdout.window.contains(self.at);
        let open = claims.into_iter().filter_map(|mut claim| {
            let buckets = claim.growth.at(self.at)?.clone();
            claim.kept_out.retain(lasts);
            Some(Open { claim, buckets })
        });
        let claims = open.collect();
        former_defaults.retain(|(holdout, _)| lasts(holdout));
        Prepared { flag, entity: self.book.entities.get(&flag.entity), forced, claims, former_defaults }
    }
}

impl<'a> Prepared<'a> {
    /// Returns the answer; never `None`, since a book's flag has every variant that is served.
    fn answer(
        &self,
        served: ServedName,
        variant: &'a VariantKey,
        reason: Reason,
        source: Option<(&'a str, u32)>,
    ) -> Option<Resolution<'a>> {
        Some(Resolution {
            flag: &self.flag.key,
            variant,
            served,
            value: self.flag.variants.get(variant)?,
            reason,
            source: source.map(|(key, _)| key),
            bucket: source.map(|(_, bucket)| bucket),
        })
    }
}

#[cfg(test)]
mod tests;
