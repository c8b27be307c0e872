//! From a book to what a target should serve.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Branch, Condition, Enrolment, ExperimentBranch, FlagState, Serving, State, Unit};
use crate::model::{
    BUCKETS, Book, BucketRange, Experiment, Flag, Predicate, Schedule, ServedName, VariantKey,
};

/// Returns what every target of the book should serve at an instant.
///
/// Archived flags are not served. An experiment is, from now until its serving window ends: one that is
/// decided or over is left out with its entries, and so is one that holds no bucket. Windows are in whole
/// seconds, the end rounded up with the start, because evaluators know no finer time.
pub fn desired(book: &Book, now: Timestamp) -> State {
    let flags = book.flags.values().filter(|flag| !flag.archived);
    State { flags: flags.map(|flag| (flag.key.clone(), flag_state(book, flag, now))).collect() }
}

fn flag_state(book: &Book, flag: &Flag, now: Timestamp) -> FlagState {
    let plain = |(key, value): (&VariantKey, &serde_json::Value)| {
        let mut value = value.clone();
        value.sort_all_objects();
        (ServedName::Plain(key.clone()), value)
    };
    let mut entries: BTreeMap<_, _> = flag.variants.iter().map(plain).collect();
    let serving = if flag.enabled {
        let rules = flag
            .rules
            .iter()
            .map(|rule| Branch::Rule { when: condition(book, &rule.when), serve: rule.serve.clone() });
        let mut branches: Vec<_> = rules.collect();
        for branch in book.experiments_of(&flag.key).filter_map(|experiment| branch(book, experiment, now)) {
            for variant in branch.split.variants() {
                if let Some(value) = entries.get(&ServedName::Plain(variant.clone())).cloned() {
                    entries.insert(ServedName::Arm(branch.key.clone(), variant.clone()), value);
                }
            }
            branches.push(Branch::Experiment(branch));
        }
        Serving::Enabled(branches)
    } else {
        Serving::Disabled
    };
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
    }
}

fn branch(book: &Book, experiment: &Experiment, now: Timestamp) -> Option<ExperimentBranch> {
    let window = book.serving_window(experiment)?;
    let window = Schedule::new(whole_second(window.start()), whole_second(window.end())).ok()?;
    if window.end() <= now {
        return None;
    }
    let enrolment = match &experiment.layer {
        Some(layer) => {
            let layer = book.layers.get(layer)?;
            Enrolment::new(layer.salt.clone(), layer.slots_of(&experiment.key).collect())
        }
        None => {
            let last = experiment.allocation.buckets()?.min(BUCKETS).checked_sub(1)?;
            Enrolment::new(experiment.salt.clone(), vec![BucketRange::new(0, last)?])
        }
    };
    Some(ExperimentBranch {
        key: experiment.key.clone(),
        window,
        audience: condition(book, &experiment.audience),
        enrolment: enrolment?,
        salt: experiment.salt.clone(),
        split: experiment.split.clone(),
    })
}

fn condition(book: &Book, predicate: &Predicate) -> Condition {
    Condition::of(&book.inlined(predicate), &book.attributes)
        .unwrap_or_else(|| unreachable!("a book names only segments and attributes that it declares"))
}

/// Rounds up: an evaluator that counts whole seconds is past it exactly when the clock is.
fn whole_second(instant: Timestamp) -> Timestamp {
    let up = i64::from(instant.subsec_nanosecond() > 0);
    Timestamp::from_second(instant.as_second() + up).unwrap_or(instant)
}
