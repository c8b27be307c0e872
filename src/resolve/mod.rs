//! Context to variant, with the reason: the reference that every target must agree with.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Serialize;

use crate::allocation::{Draw, Enrolment, enrolment};
use crate::model::capability::HashProfile;
use crate::model::{Book, Entity, Experiment, ExperimentKey, Flag, FlagKey, ServedName, VariantKey};
use crate::targeting::{Context, matches_among};

/// What decided what a unit is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The first rule of the flag that matches.
    Rule,
    /// An experiment enrolled the unit.
    Experiment,
    /// Nothing else applied.
    Default,
    /// The flag is switched off.
    Disabled,
    /// An experiment would have drawn, but the context names no unit; the default is served.
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
    /// The experiment that decided, where one did.
    pub source: Option<&'a ExperimentKey>,
    /// The unit's bucket in that experiment's enrolment draw.
    pub bucket: Option<u32>,
}

/// Resolves the flags of a book at one instant, for evaluators that hash alike.
///
/// Which of a flag's experiments are served is worked out when it is first asked for; an answer looks at that flag's rules
/// and served experiments only, however large the book is.
pub struct Resolver<'a> {
    book: &'a Book,
    at: Timestamp,
    profile: HashProfile,
    flags: BTreeMap<&'a FlagKey, OnceLock<Prepared<'a>>>,
}

/// A flag with those of its experiments that are served.
struct Prepared<'a> {
    flag: &'a Flag,
    entity: Option<&'a Entity>,
    arms: Vec<Arms<'a>>,
}

struct Arms<'a> {
    experiment: &'a Experiment,
    enrolment: Enrolment<'a>,
}

impl<'a> Resolver<'a> {
    /// Prepares to resolve the flags of a book as they are served at an instant.
    pub fn new(book: &'a Book, at: Timestamp, profile: HashProfile) -> Self {
        let served = book.flags.values().filter(|flag| !flag.archived);
        let flags = served.map(|flag| (&flag.key, OnceLock::new())).collect();
        Self { book, at, profile, flags }
    }

    /// Returns the flags that are served, in byte order: all that are not archived.
    pub fn flags(&self) -> impl Iterator<Item = &'a FlagKey> {
        self.flags.keys().copied()
    }

    /// Returns what a unit is served; `None` where the book has no such flag or has archived it.
    ///
    /// The order is total: a disabled flag's default; rules in order; experiments by key; the default. Where the
    /// context names no unit, only rules and the default apply.
    pub fn resolve(&self, flag: &FlagKey, context: &Context) -> Option<Resolution<'a>> {
        let (key, cell) = self.flags.get_key_value(flag)?;
        let flag = self.book.flags.get(*key)?;
        let prepared = cell.get_or_init(|| self.prepare(flag));
        let plain = |variant, reason| prepared.answer(variant, reason, None);
        if !flag.enabled {
            return plain(&flag.default, Reason::Disabled);
        }
        let matches = |audience| matches_among(audience, context, &self.book.segments);
        if let Some(rule) = flag.rules.iter().find(|rule| matches(&rule.when)) {
            return plain(&rule.serve, Reason::Rule);
        }
        let unit = prepared.entity.and_then(|entity| context.unit(entity));
        for arms in prepared.arms.iter().filter(|arms| matches(&arms.experiment.audience)) {
            let Some(unit) = unit else { return plain(&flag.default, Reason::NoUnit) };
            if let Some(bucket) = arms.enrolment.bucket(self.profile, unit) {
                let experiment = arms.experiment;
                let variant = Draw::variant(&experiment.salt).pick(self.profile, unit, &experiment.split);
                return prepared.answer(variant, Reason::Experiment, Some((&experiment.key, bucket)));
            }
        }
        plain(&flag.default, Reason::Default)
    }

    fn prepare(&self, flag: &'a Flag) -> Prepared<'a> {
        let served = |experiment: &&Experiment| {
            self.book.serving_window(experiment).is_some_and(|window| window.contains(self.at))
        };
        let arms = self
            .book
            .experiments_of(&flag.key)
            .filter(served)
            .map(|experiment| Arms { experiment, enrolment: enrolment(self.book, experiment) });
        Prepared { flag, entity: self.book.entities.get(&flag.entity), arms: arms.collect() }
    }
}

impl<'a> Prepared<'a> {
    /// Returns the answer; never `None`, since a book's flag has every variant that is served.
    fn answer(
        &self,
        variant: &'a VariantKey,
        reason: Reason,
        source: Option<(&'a ExperimentKey, u32)>,
    ) -> Option<Resolution<'a>> {
        let served = match source {
            Some((experiment, _)) => ServedName::Arm(experiment.clone(), variant.clone()),
            None => ServedName::Plain(variant.clone()),
        };
        Some(Resolution {
            flag: &self.flag.key,
            variant,
            served,
            value: self.flag.variants.get(variant)?,
            reason,
            source: source.map(|(experiment, _)| experiment),
            bucket: source.map(|(_, bucket)| bucket),
        })
    }
}

#[cfg(test)]
mod tests;
