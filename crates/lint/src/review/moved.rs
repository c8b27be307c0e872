//! Who would notice a change: units that are served something else after it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Scene;
use trialbook_model::capability::HashProfile;
use trialbook_model::resolve::{Resolution, Resolver};
use trialbook_model::targeting::{Context, Overlap, meet};
use trialbook_model::{Book, Flag, FlagKey, Predicate};

/// How many units are looked at in each context. Their ids are the same in every run.
const UNITS: u32 = 2_000;

/// How many contexts are looked at.
const CONTEXTS: usize = 12;

/// Units that a change moves.
pub(super) struct Moved {
    /// The share of units in this context that are served something else.
    pub(super) share: f64,
    /// One of them, and its context.
    pub(super) unit: String,
    /// The rest of its context.
    pub(super) context: Map<String, Value>,
    /// What it is served before, and after.
    pub(super) from: String,
    pub(super) to: String,
}

/// The two books, ready to be asked.
pub(super) struct Movers<'a> {
    before: (&'a Book, Resolver<'a>),
    after: (&'a Book, Resolver<'a>),
}

impl<'a> Movers<'a> {
    /// Prepares to ask what is served at an instant before and after a change.
    pub(super) fn new(before: &'a Book, after: &'a Book, at: jiff::Timestamp) -> Self {
        let profile = |book: &Book| {
            let evaluator = book.primary_target().and_then(|target| target.evaluators().first().copied());
            evaluator.map_or(HashProfile::Utf8, |evaluator| evaluator.hash_profile())
        };
        Self {
            before: (before, Resolver::new(before, at, profile(before))),
            after: (after, Resolver::new(after, at, profile(after))),
        }
    }

    /// Returns the units of a flag that are served something else, of the context in which most are; `None` where none of the units
    /// that are looked at is. Only those count that `source` (an experiment's or a rollout's key) serves before or after.
    pub(super) fn of(&self, flag: &FlagKey, source: &str) -> Option<Moved> {
        let mut most: Option<Moved> = None;
        for context in self.contexts(flag) {
            let moved = self.in_context(flag, source, &context);
            if let Some(moved) = moved
                && most.as_ref().is_none_or(|most| most.share < moved.share)
            {
                most = Some(moved);
            }
        }
        most
    }

    fn in_context(&self, flag: &FlagKey, source: &str, attributes: &Map<String, Value>) -> Option<Moved> {
        let entity =
            self.before.0.flags.get(flag).and_then(|flag| self.before.0.entities.get(&flag.entity))?;
        let field = entity.context.as_ref().map_or(Context::TARGETING_KEY, |key| key.as_str());
        let (mut count, mut first) = (0_u32, None);
        for n in 0..UNITS {
            let unit = format!("{}-{n}", entity.key);
            let mut json = attributes.clone();
            json.insert(field.to_owned(), Value::from(unit.as_str()));
            let served = |(book, resolver): &(&Book, Resolver<'_>)| {
                let context = Context::new(json.clone(), &book.attributes);
                resolver.resolve(flag, &context).map(|answer| {
                    let of_source = answer.source.is_some_and(|key| key == source);
                    (shown(&answer), of_source)
                })
            };
            let (from, to) = (served(&self.before), served(&self.after));
            let concerned = [&from, &to].into_iter().flatten().any(|(_, of_source)| *of_source);
            if concerned && from != to {
                count += 1;
                first.get_or_insert((unit, from, to));
            }
        }
        let (unit, from, to) = first?;
        let shown = |answer: Option<(String, bool)>| answer.map_or("nothing".to_owned(), |(shown, _)| shown);
        Some(Moved {
            share: f64::from(count) / f64::from(UNITS),
            unit,
            context: attributes.clone(),
            from: shown(from),
            to: shown(to),
        })
    }

    /// Returns contexts that tell the two books apart, as far as their audiences do: those that match an audience before, after,
    /// both, or one and not the other.
    fn contexts(&self, flag: &FlagKey) -> Vec<Map<String, Value>> {
        let audiences = |book: &Book| -> Vec<Predicate> {
            let experiments = book.experiments_of(flag).map(|experiment| &experiment.audience);
            let rollouts = book.rollouts_of(flag).map(|rollout| &rollout.audience);
            let rules =
                book.flags.get(flag).into_iter().flat_map(|flag: &Flag| &flag.rules).map(|rule| &rule.when);
            experiments.chain(rollouts).chain(rules).map(|audience| book.inlined(audience)).collect()
        };
        let (before, after) = (audiences(self.before.0), audiences(self.after.0));
        let mut contexts = Vec::new();
        let mut add = |parts: &[&Predicate]| {
            if contexts.len() < CONTEXTS
                && let Overlap::At(witness) = meet(parts, &self.after.0.attributes)
            {
                let context: Map<String, Value> = witness.json().into_iter().collect();
                if !contexts.contains(&context) {
                    contexts.push(context);
                }
            }
        };
        for (one, others) in [(&before, &after), (&after, &before)] {
            for audience in one.iter().filter(|audience| !others.contains(audience)) {
                for other in others {
                    let without = Predicate::Not(Box::new(other.clone()));
                    add(&[audience, &without]);
                }
                add(&[audience]);
            }
        }
        before.iter().chain(&after).for_each(|audience| add(&[audience]));
        add(&[]);
        contexts
    }
}

/// What is served, so that an arm is distinguished from a plain variant, and a changed value from the old one.
fn shown(answer: &Resolution<'_>) -> String {
    let value = answer.value.to_string();
    let short: String = value.chars().take(40).collect();
    let more = if short.len() < value.len() { "…" } else { "" };
    format!("{} ({short}{more})", answer.served)
}

/// Returns the units of a flag that a change moves; the two books are prepared when first asked.
pub(super) fn of_flag<'a>(
    scene: &'a Scene<'_>,
    movers: &mut Option<Movers<'a>>,
    flag: &FlagKey,
    source: &str,
) -> Option<Moved> {
    let (before, after) = &scene.served;
    movers.get_or_insert_with(|| Movers::new(before, after, scene.review.now)).of(flag, source)
}

/// Describes who moves, for a note.
pub(super) fn worded(moved: &Moved) -> String {
    let context = if moved.context.is_empty() {
        "units without attributes".to_owned()
    } else {
        let values: Vec<_> =
            moved.context.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect();
        format!("units with {{{}}}", values.join(", "))
    };
    format!(
        "who moves: about {:.1} % of {context}, `{}` among them: {} → {}",
        moved.share * 100.0,
        moved.unit,
        moved.from,
        moved.to
    )
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns a unit that moves, with its context.
pub(super) fn witness(moved: &Moved) -> BTreeMap<String, serde_json::Value> {
    let unit = [("targetingKey".to_owned(), serde_json::Value::from(moved.unit.as_str()))];
    moved.context.clone().into_iter().chain(unit).collect()
}
