//! Two experiments that divide the same units in the same way, one after the other.

use std::collections::BTreeMap;

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use trialbook_model::allocation::BucketSet;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{ExperimentKey, Kind, Layer, TargetType};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "repeated-draw",
    Severity::Error,
    "crates/lint/src/check/rules/repeated_draw.md",
    include_str!("repeated_draw.md"),
    check,
);

fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    for one in context.book.layers.values() {
        layer(context, one, found);
    }
}

fn layer(context: &Inspection<'_>, layer: &Layer, found: &mut Vec<Diagnostic>) {
    let book = context.book;
    let unleash =
        |target: &&trialbook_model::Target| target.kind() == TargetType::Unleash && target.experiments;
    let Some(target) = book.targets.values().find(unleash) else { return };
    let mut held = BTreeMap::<&ExperimentKey, BucketSet>::new();
    for slot in &layer.slots {
        let buckets: BucketSet = [slot.buckets].into_iter().collect();
        let all = held.entry(&slot.experiment).or_default();
        *all = all.union(&buckets);
    }
    let start = |key: &ExperimentKey| book.experiments.get(key).map(|experiment| experiment.schedule.start());
    let mut holders: Vec<_> =
        held.iter().filter_map(|(key, buckets)| Some((start(key)?, *key, buckets))).collect();
    holders.sort_by_key(|(start, key, _)| (*start, *key));
    for (at, (_, later, buckets)) in holders.iter().enumerate() {
        let decided = book.experiments.get(*later).is_some_and(|experiment| experiment.decision.is_some());
        let before =
            holders.iter().take(at).rev().find(|(_, _, other)| !buckets.intersection(other).is_empty());
        let Some((_, earlier, other)) = before.filter(|_| !decided) else { continue };
        let message = format!(
            "`{later}` would divide the units that it shares with `{earlier}` just as that one did: target `{}` draws all \
             arms of a layer alike",
            target.key
        );
        let finding = RULE.finding(context, message, (Kind::Experiment, later, "/layer"));
        let finding = finding.note(format!("both hold {}", buckets.intersection(other)));
        found.push(
            finding.help("give it buckets that no other experiment of the layer has held, or a new layer"),
        );
    }
}
