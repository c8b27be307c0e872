//! Which variants of a flag a unit can be served, now or later, in any target: never fewer than there are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use trialbook_model::targeting::{Attributes, Overlap, rest, satisfiable};
use trialbook_model::{Attribute, Book, ExperimentKey, Flag, HoldoutKey, Predicate, RolloutKey, VariantKey};

/// How a unit gets a variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By the flag's rule of this number, from one.
    Rule(usize),
    /// Where nothing else decides.
    Default,
    /// By an experiment that is not over.
    Experiment(ExperimentKey),
    /// By a rollout.
    Rollout(RolloutKey),
    /// In place of the default, to the units of a holdout.
    Holdout(HoldoutKey),
}

/// The variants that units can be served, each with the ways in which they get it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Ways(BTreeMap<VariantKey, BTreeSet<Way>>);

impl Ways {
    /// Tells whether a unit can be served a variant.
    pub fn reaches(&self, variant: &VariantKey) -> bool {
        self.0.contains_key(variant)
    }

    /// Returns the variant that everybody is served, where it is one.
    pub fn only(&self) -> Option<&VariantKey> {
        match self.0.len() {
            1 => self.0.keys().next(),
            _ => None,
        }
    }

    /// Returns the variants with the ways, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&VariantKey, &BTreeSet<Way>)> {
        self.0.iter()
    }

    fn add(&mut self, variant: &VariantKey, way: Way) {
        self.0.entry(variant.clone()).or_default().insert(way);
    }
}

/// Returns which variants of a flag a unit can be served from an instant on, in any target.
///
/// A kill switch may be switched back, so that nothing counts as unreachable because of one. What is not decided counts as
/// reachable, and so does everything that an experiment or a rollout serves, whatever its audience.
pub fn ways(book: &Book, flag: &Flag, now: Timestamp) -> Ways {
    let mut ways = Ways::default();
    let mut seen: Vec<Flag> = Vec::new();
    let of_targets = book.targets.keys().map(|target| flag.in_target(target).into_owned());
    for served in of_targets.chain(book.targets.is_empty().then(|| flag.clone())) {
        if !seen.contains(&served) {
            of_rules(book, &served, &mut ways);
            seen.push(served);
        }
    }
    for experiment in book.experiments_of(&flag.key) {
        let over = experiment.decision.is_some()
            && book.serving_window(experiment).is_none_or(|window| window.end() <= now);
        if !over {
            let forced = experiment.overrides.iter().map(|forced| &forced.serve);
            for variant in experiment.split.variants().chain(forced) {
                ways.add(variant, Way::Experiment(experiment.key.clone()));
            }
        }
    }
    for rollout in book.rollouts_of(&flag.key) {
        ways.add(&rollout.serve, Way::Rollout(rollout.key.clone()));
    }
    for (holdout, variant) in &flag.holdouts {
        ways.add(variant, Way::Holdout(holdout.clone()));
    }
    ways
}

/// Adds what the rules serve and what they leave to the default.
fn of_rules(book: &Book, flag: &Flag, ways: &mut Ways) {
    // Whoever has a value that is not declared is served too.
    let any =
        |attribute: &Attribute| Attribute { values: Vec::new(), min: None, max: None, ..attribute.clone() };
    let attributes: Attributes =
        book.attributes.iter().map(|(key, attribute)| (key.clone(), any(attribute))).collect();
    let audiences: Vec<Predicate> = flag.rules.iter().map(|rule| book.inlined(&rule.when)).collect();
    for (index, (rule, audience)) in flag.rules.iter().zip(&audiences).enumerate() {
        let earlier: Vec<&Predicate> = audiences.iter().take(index).collect();
        if rest(audience, &earlier, &attributes) != Overlap::Disjoint {
            ways.add(&rule.serve, Way::Rule(index + 1));
        }
    }
    let left: Vec<Predicate> =
        audiences.into_iter().map(|audience| Predicate::Not(Box::new(audience))).collect();
    if !flag.enabled || satisfiable(&Predicate::All(left), &attributes) != Overlap::Disjoint {
        ways.add(&flag.default, Way::Default);
    }
}
