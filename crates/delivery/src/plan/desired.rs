//! From a book to what a target should serve.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::enrolment::EnrolmentStep;
use super::{
    Approval, Branch, Condition, Enrolment, Exception, ExperimentBranch, FlagState, HoldoutBranch,
    OverrideBranch, OverrideUnits, RolloutBranch, Serving, State, Unit,
};
use trialbook_model::allocation::{Approvals, Claim, Claimant, Forced, Growth, Withheld, claims, forced};
use trialbook_model::{
    Book, Flag, ForcedUnits, Predicate, Rollout, RolloutKey, Salt, Schedule, ServedName, VariantKey,
};

/// Returns what a target should serve at an instant, given the book as it serves it ([`Book::in_target`]) and how far
/// rollouts were approved in it.
///
/// Archived flags are not served. An experiment is, from now until its serving window ends: one that is
/// decided or over is left out with its entries, and so is one that holds no bucket. Steps that are to come are served
/// with the time from which on they count, so that nothing has to run for one to happen. All times are in whole
/// seconds, an end rounded up with a start, because evaluators know no finer time.
pub fn desired(book: &Book, now: Timestamp, approvals: &Approvals) -> State {
    let flags = book.flags.values().filter(|flag| !flag.archived);
    State { flags: flags.map(|flag| (flag.key.clone(), flag_state(book, flag, now, approvals))).collect() }
}

fn flag_state(book: &Book, flag: &Flag, now: Timestamp, approvals: &Approvals) -> FlagState {
    let plain = |(key, value): (&VariantKey, &serde_json::Value)| {
        let mut value = value.clone();
        value.sort_all_objects();
        (ServedName::Plain(key.clone()), value)
    };
    let mut entries: BTreeMap<_, _> = flag.variants.iter().map(plain).collect();
    let serving = if flag.enabled {
        let branches = branches(book, flag, now, approvals);
        for branch in &branches {
            let Branch::Experiment(experiment) = branch else { continue };
            for variant in experiment.split.variants() {
                if let Some(value) = entries.get(&ServedName::Plain(variant.clone())).cloned() {
                    entries.insert(ServedName::Arm(experiment.key.clone(), variant.clone()), value);
                }
            }
        }
        Serving::Enabled(branches)
    } else {
        Serving::Disabled
    };
    let guarded = book.rollouts_of(&flag.key).filter(|rollout| flag.enabled && rollout.is_guarded());
    let context = book.entities.get(&flag.entity).and_then(|entity| entity.context.clone());
    FlagState {
        book: book.name.clone(),
        owner: flag.owner.clone(),
        entity: flag.entity.clone(),
        unit: context.map_or(Unit::TargetingKey, Unit::Attribute),
        entries,
        default: flag.default.clone(),
        serving,
        launches: BTreeMap::new(),
        approvals: guarded.map(|rollout| approval(rollout, approvals)).collect(),
    }
}

fn approval(rollout: &Rollout, approvals: &Approvals) -> (RolloutKey, Approval) {
    (rollout.key.clone(), Approval { share: approvals.limit(rollout), at: None, commit: None })
}

/// The overrides of experiments, the rules in order, then what claims units, then whom a holdout leaves with a former default.
fn branches(book: &Book, flag: &Flag, now: Timestamp, approvals: &Approvals) -> Vec<Branch> {
    let overrides = forced(book, flag).filter_map(|forced| override_of(book, &forced, now));
    let rules = flag
        .rules
        .iter()
        .map(|rule| Branch::Rule { when: condition(book, &rule.when), serve: rule.serve.clone() });
    let decided = claims(book, flag, approvals);
    let claims = decided.claims.iter().filter_map(|claim| claimed(book, claim, now));
    let holdouts = decided.former_defaults.iter().filter_map(|(holdout, serve)| {
        let window = in_whole_seconds(holdout.window).filter(|window| now < window.end())?;
        let (key, units) = (holdout.holdout.key.clone(), held(holdout)?);
        Some(Branch::Holdout(HoldoutBranch { key, window, units, serve: VariantKey::clone(serve) }))
    });
    overrides.chain(rules).chain(claims).chain(holdouts).collect()
}

fn override_of(book: &Book, forced: &Forced<'_>, now: Timestamp) -> Option<Branch> {
    let until = whole_second(forced.until);
    let who = match &forced.forced.who {
        ForcedUnits::Units(units) => OverrideUnits::Units(units.clone()),
        ForcedUnits::Segment(key) => OverrideUnits::Segment {
            key: key.clone(),
            audience: condition(book, &Predicate::Segment(key.clone())),
        },
    };
    let (experiment, serve) = (forced.experiment.key.clone(), forced.forced.serve.clone());
    (now < until).then_some(Branch::Override(OverrideBranch { experiment, until, who, serve }))
}

fn claimed(book: &Book, claim: &Claim<'_>, now: Timestamp) -> Option<Branch> {
    let window = in_whole_seconds(claim.growth.window()).filter(|window| now < window.end())?;
    let audience = condition(book, claim.audience);
    let enrolment = enrolment(claim.draw.salt, &claim.growth)?;
    let except = claim.kept_out.iter().filter_map(|holdout| {
        let until = whole_second(holdout.window.end());
        let units = held(holdout).filter(|_| now < until)?;
        Some(Exception { holdout: holdout.holdout.key.clone(), until, units })
    });
    let except = except.collect();
    Some(match claim.claimant {
        Claimant::Experiment(experiment) => Branch::Experiment(ExperimentBranch {
            key: experiment.key.clone(),
            window,
            audience,
            enrolment,
            except,
            salt: experiment.salt.clone(),
            split: experiment.split.clone(),
        }),
        Claimant::Rollout(rollout) => Branch::Rollout(RolloutBranch {
            key: rollout.key.clone(),
            start: window.start(),
            audience,
            enrolment,
            except,
            serve: rollout.serve.clone(),
        }),
    })
}

/// The steps of a growth in whole seconds; of those that come to the same second the last.
fn enrolment(salt: &Salt, growth: &Growth) -> Option<Enrolment> {
    let mut steps: Vec<EnrolmentStep> = Vec::new();
    for (at, buckets) in growth.steps() {
        let step = EnrolmentStep { at: whole_second(*at), buckets: buckets.ranges().to_vec() };
        match steps.last_mut() {
            Some(last) if last.at == step.at => *last = step,
            _ => steps.push(step),
        }
    }
    let mut steps = steps.into_iter();
    Enrolment::new(salt.clone(), steps.next()?.buckets)?.growing(steps.collect())
}

fn held(holdout: &Withheld<'_>) -> Option<Enrolment> {
    Enrolment::new(holdout.draw.salt.clone(), holdout.buckets.ranges().to_vec())
}

fn condition(book: &Book, predicate: &Predicate) -> Condition {
    Condition::of(&book.inlined(predicate), &book.attributes)
        .unwrap_or_else(|| unreachable!("a book names only segments and attributes that it declares"))
}

fn in_whole_seconds(window: Schedule) -> Option<Schedule> {
    Schedule::new(whole_second(window.start()), whole_second(window.end())).ok()
}

/// Rounds up: an evaluator that counts whole seconds is past it exactly when the clock is.
fn whole_second(instant: Timestamp) -> Timestamp {
    let up = i64::from(instant.subsec_nanosecond() > 0);
    Timestamp::from_second(instant.as_second() + up).unwrap_or(instant)
}
