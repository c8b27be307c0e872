//! A layer of which more is claimed than there is.

use std::collections::BTreeMap;

use crate::check::Arrival;
use crate::check::booking::{Overbooked, overbooked, share};
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::text::listed;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{BUCKETS, Duration, ExperimentKey, Kind, Layer, PartName};

/// So many claims are listed; of more, how many there are.
const LISTED: usize = 8;

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overbooked-layer",
    Severity::Error,
    "crates/lint/src/check/rules/overbooked_layer.md",
    include_str!("overbooked_layer.md"),
    &[Each::Layer(check)],
);

fn check(context: &Inspection<'_>, layer: &Layer, found: &mut Vec<Diagnostic>) {
    found.extend(overbooked(context, layer).iter().map(|stretch| finding(context, layer, stretch)));
}

fn finding(context: &Inspection<'_>, layer: &Layer, stretch: &Overbooked<'_>) -> Diagnostic {
    let message = format!(
        "layer `{}` is over-booked from {}: {} of it is claimed on {}",
        layer.key,
        context.date(stretch.from),
        share(stretch.buckets),
        context.date(stretch.worst)
    );
    let last = newcomer(context, layer, stretch);
    let finding = match last {
        Some(key) => RULE.finding(context, message, (Kind::Experiment, key, "/allocation")),
        None => RULE.finding(context, message, (Kind::Layer, &layer.key, "")),
    };
    let experiments = stretch.everyone.iter().map(|key| PartName::new(Kind::Experiment, key.as_str()));
    let layer_itself = PartName::new(Kind::Layer, layer.key.as_str());
    let finding = finding.about(std::iter::once(layer_itself).chain(experiments));
    let mut largest: Vec<_> = stretch.claims.iter().collect();
    largest.sort_by_key(|(key, buckets)| (std::cmp::Reverse(**buckets), **key));
    let mut who: Vec<String> =
        largest.iter().take(LISTED).map(|(key, buckets)| format!("`{key}` {}", share(**buckets))).collect();
    if let Some(more @ 1..) = largest.len().checked_sub(LISTED) {
        who.push(format!("{more} others"));
    }
    let finding = finding.label(format!("until {}", context.date(stretch.until)));
    let finding = context.relate(finding, (Kind::Layer, &layer.key, "/slots"), "the layer");
    let finding = finding.note(format!("claimed then: {}", listed(who, "and")));
    let finding = if layer.quarantine > Duration::ZERO {
        finding.note(format!("a freed bucket of this layer rests for {}", layer.quarantine))
    } else {
        finding
    };
    let excess = share(stretch.buckets.saturating_sub(u64::from(BUCKETS)));
    let help = match last {
        Some(key) => format!(
            "allocate {excess} less, let `{key}` begin later (`trialbook allocate {key}` shows from when on it fits), or \
             take one of them out of the layer"
        ),
        None => format!("allocate {excess} less, or let one of them start later"),
    };
    finding.help(help)
}

/// Of so many claims at most the history is asked: each asks for a walk along all commits.
const TRACED: usize = 8;

/// Returns who asked for too much: whoever came into the book last, as far as its history is known; of those that came
/// together, who has no slots yet, and then who begins last.
fn newcomer<'a>(
    context: &Inspection<'_>,
    layer: &Layer,
    stretch: &Overbooked<'a>,
) -> Option<&'a ExperimentKey> {
    let asked = stretch.claims.keys().take(if stretch.claims.len() <= TRACED { TRACED } else { 0 });
    let arrivals = asked.map(|key| (*key, context.arrival(Kind::Experiment, key.as_str())));
    let arrivals: BTreeMap<_, _> = arrivals.collect();
    // One unknown arrival could be before or after any other.
    let known = !arrivals.is_empty() && arrivals.values().all(|arrival| *arrival != Arrival::Unknown);
    let arrival = |key: &ExperimentKey| arrivals.get(key).copied().filter(|_| known);
    let start = |key: &ExperimentKey| context.book.experiments.get(key).map(|e| e.schedule.start());
    let has_slots = |key: &ExperimentKey| layer.slots_of(key).next().is_some();
    let rank = |key: &'a ExperimentKey| (arrival(key), !has_slots(key), start(key), key);
    stretch.claims.keys().copied().max_by_key(|key| rank(key))
}
