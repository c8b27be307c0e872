//! What one book serves a unit at one instant, and when that may change.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{Asked, Given, Served};
use trialbook_model::allocation::{Approvals, Claims, claims, forced};
use trialbook_model::capability::HashProfile;
use trialbook_model::resolve::{Candidate, Passed as Passing, Reason, Resolution, Resolver, Why};
use trialbook_model::targeting::Context;
use trialbook_model::{Book, Entity, ExperimentKey, FlagKey, Kind};

/// What could have served a unit and did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// What it is.
    pub kind: &'static str,
    /// Its key; of a rule its number, from 1.
    pub source: String,
    /// Why it did not.
    #[serde(flatten)]
    pub why: PassedBecause,
}

/// Why something did not serve a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum PassedBecause {
    /// The unit is not in its audience.
    Audience,
    /// The unit's bucket is not among those that it has.
    Bucket {
        /// The unit's.
        bucket: u32,
        /// How many it has.
        has: u32,
    },
    /// It begins later.
    NotStarted {
        /// When.
        at: Timestamp,
    },
    /// It is over.
    Over,
    /// It has no bucket at that time.
    NoBucket,
}

impl Passed {
    fn of(passing: &Passing<'_>) -> Self {
        let (kind, source) = match passing.what {
            Candidate::Rule(number) => ("rule", number.to_string()),
            Candidate::Experiment(key) => ("experiment", key.to_owned()),
            Candidate::Rollout(key) => ("rollout", key.to_owned()),
        };
        let why = match passing.why {
            Why::Audience(_) => PassedBecause::Audience,
            Why::Bucket { bucket, has } => PassedBecause::Bucket { bucket, has },
            Why::Before(at) => PassedBecause::NotStarted { at },
            Why::Over => PassedBecause::Over,
            Why::Empty => PassedBecause::NoBucket,
        };
        Self { kind, source, why }
    }
}

/// The part of the book that decided.
pub(super) struct Decider {
    pub(super) kind: Kind,
    pub(super) key: String,
}

impl Decider {
    /// Returns what decided: the source, or else the flag.
    pub(super) fn of(served: &Served, flag: &FlagKey) -> Self {
        let kind = match served.reason {
            Reason::Experiment | Reason::Override => Kind::Experiment,
            Reason::Rollout => Kind::Rollout,
            Reason::Holdout => Kind::Holdout,
            Reason::Rule | Reason::Default | Reason::Disabled | Reason::NoUnit => Kind::Flag,
        };
        let key = served.source.clone().filter(|_| kind != Kind::Flag);
        match key {
            Some(key) => Self { kind, key },
            None => Self { kind: Kind::Flag, key: flag.to_string() },
        }
    }

    /// Returns the experiment that decided.
    pub(super) fn experiment(&self) -> Option<ExperimentKey> {
        (self.kind == Kind::Experiment).then(|| ExperimentKey::new(&self.key).ok()).flatten()
    }
}

/// Returns what a book serves a unit of a flag at an instant.
pub(super) fn at(book: &Book, flag: &FlagKey, asked: &Asked<'_>, instant: Timestamp) -> Given {
    let (book, profile) = served(book);
    let entity = book.flags.get(flag).and_then(|flag| book.entities.get(&flag.entity));
    let context = context(&book, entity, asked);
    let resolver = Resolver::new(&book, instant, profile);
    let Some(resolution) = resolver.resolve(flag, &context) else { return Given::NoFlag };
    let passed: Vec<Passed> = resolver.passed(flag, &context).iter().map(Passed::of).collect();
    let rules = passed.iter().filter(|one| one.kind == "rule").count();
    // Others than rules are looked at only where no rule matches.
    let rule = (resolution.reason == Reason::Rule).then_some(rules + 1);
    Given::Variant(Box::new(Served {
        variant: resolution.variant.clone(),
        served: resolution.served.to_string(),
        value: resolution.value.clone(),
        reason: resolution.reason,
        source: resolution.source.map(str::to_owned),
        rule,
        bucket: resolution.bucket,
        passed: if resolution.reason == Reason::Override { Vec::new() } else { passed },
        written: None,
        launch: None,
    }))
}

/// Calls a function with what a book serves a unit of each flag, at the instant that is asked about.
pub(super) fn each(book: &Book, asked: &Asked<'_>, mut take: impl FnMut(&Book, Resolution<'_>)) {
    let (book, profile) = served(book);
    let resolver = Resolver::new(&book, asked.at, profile);
    for flag in resolver.flags() {
        let entity = book.flags.get(flag).and_then(|flag| book.entities.get(&flag.entity));
        if let Some(resolution) = resolver.resolve(flag, &context(&book, entity, asked)) {
            take(&book, resolution);
        }
    }
}

/// Returns the book as its primary target serves it, and how the target draws.
fn served(book: &Book) -> (Cow<'_, Book>, HashProfile) {
    let Some(target) = book.primary_target() else { return (Cow::Borrowed(book), HashProfile::Utf8) };
    let profile = target.evaluators().first().map_or(HashProfile::Utf8, |first| first.hash_profile());
    (book.in_target(&target.key), profile)
}

/// Returns the context of the unit: where it gives no id of the flag's entity, the one that is asked about.
fn context(book: &Book, entity: Option<&Entity>, asked: &Asked<'_>) -> Context {
    let mut json = asked.context.clone();
    let field = entity.and_then(|entity| entity.context.as_ref());
    let field = field.map_or(Context::TARGETING_KEY, |attribute| attribute.as_str());
    json.entry(field).or_insert_with(|| asked.unit.into());
    Context::new(json, &book.attributes)
}

/// Returns the instants within `[since, until]` at which a flag may begin to serve another variant, the first one included.
pub(super) fn instants(
    book: &Book,
    flag: &FlagKey,
    since: Option<Timestamp>,
    until: Timestamp,
    asked: &Asked<'_>,
) -> BTreeSet<Timestamp> {
    let first = since.unwrap_or(asked.at);
    let mut instants = BTreeSet::from([first]);
    let (book, _) = served(book);
    let Some(flag) = book.flags.get(flag) else { return instants };
    let Claims { claims, former_defaults } = claims(&book, flag, &Approvals::default());
    for claim in &claims {
        instants.extend(claim.growth.steps().iter().map(|(at, _)| *at));
        instants.insert(claim.growth.window().end());
        let windows = claim.kept_out.iter().map(|holdout| holdout.window);
        instants.extend(windows.flat_map(|window| [window.start(), window.end()]));
    }
    let windows = former_defaults.iter().map(|(holdout, _)| holdout.window);
    instants.extend(windows.flat_map(|window| [window.start(), window.end()]));
    instants.extend(forced(&book, flag).map(|forced| forced.until));
    instants.retain(|instant| first <= *instant && *instant < until || *instant == first);
    instants
}
