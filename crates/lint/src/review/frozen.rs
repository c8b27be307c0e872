//! Changes of what is frozen at launch: an experiment's plan.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::begun;
use super::moved::{Moved, Movers, of_flag, told, witness};
use super::place::Value;
use super::touched::Touched;
use super::{CHANGED_AFTER_LAUNCH, Scene};
use trialbook_history::Preregistration;
use trialbook_model::allocation::growth;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{
    BucketRange, Experiment, ExperimentKey, ExperimentState, Kind, Layer, LayerKey, Schedule,
};

/// How many findings say who moves: each asks thousands of units.
const SHOWN_MOVERS: usize = 20;

/// How many experiments a finding names.
const NAMED: usize = 5;

/// A value that may not change, and whose plans it is of.
struct Change {
    part: &'static str,
    experiments: Vec<ExperimentKey>,
}

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let touched = Touched::of(scene);
    let mut changes = BTreeMap::<(Value, &'static str), Change>::new();
    for old in scene.review.before.experiments.values() {
        let Some(new) = scene.review.after.experiments.get(&old.key) else { continue };
        let concluded = scene.review.before.state_at(old, scene.review.now) == ExperimentState::Concluded;
        if concluded || !touched.concerns(Kind::Experiment, old.key.as_str()) || !scene.is_launched(&old.key)
        {
            continue;
        }
        for part in parts(scene, old, new) {
            for value in scene.causes(part, &old.key) {
                let change = changes.entry((value, part)).or_insert(Change { part, experiments: Vec::new() });
                change.experiments.push(old.key.clone());
            }
        }
    }
    let mut movers = None;
    begun::served_again(scene, &touched, found);
    for (count, ((value, _), change)) in changes.into_iter().enumerate() {
        let moved =
            if count < SHOWN_MOVERS && moves(change.part) { who(scene, &mut movers, &change) } else { None };
        found.push(finding(scene, &value, &change, moved.as_ref()));
    }
    begun::rollouts(scene, &touched, &mut movers, found);
    begun::holdouts(scene, &touched, found);
}

/// The parts of a plan, by the names of the pre-registration, with the word for each.
const PARTS: [(&str, &str); 20] = [
    ("book", "the name of the book"),
    ("timezone", "the time zone"),
    ("hypothesis", "the hypothesis"),
    ("flag", "the flag"),
    ("audience", "the audience"),
    ("segments", "a segment in the audience"),
    ("attributes", "the type of an attribute in the audience"),
    ("layer", "the slots"),
    ("allocation", "the allocation"),
    ("salt", "the salt"),
    ("control", "the control"),
    ("split", "the split"),
    ("schedule", "the schedule"),
    ("metrics", "the metrics"),
    ("definitions", "the definition of a metric"),
    ("analysis", "the analysis"),
    ("quality", "the quality thresholds"),
    ("unit", "the attribute that holds the unit's id"),
    ("evaluators", "the evaluators"),
    ("holdouts", "a holdout over it"),
];

/// Tells whether a part decides what units are served.
fn moves(part: &str) -> bool {
    !matches!(
        part,
        "book"
            | "timezone"
            | "hypothesis"
            | "control"
            | "schedule"
            | "metrics"
            | "definitions"
            | "analysis"
            | "quality"
    )
}

/// Returns the parts of a launched experiment's plan that differ, without those that may.
fn parts(scene: &Scene<'_>, old: &Experiment, new: &Experiment) -> Vec<&'static str> {
    let (before, after) = (scene.review.before, scene.review.after);
    let plans = (Preregistration::of(before, old), Preregistration::of(after, new));
    let (Ok(was), Ok(will)) = plans else { return Vec::new() };
    if was.digest() == will.digest() {
        return Vec::new();
    }
    // The pull request that concludes an experiment may release its winner in the same flag.
    let concludes = old.decision.is_none() && new.decision.is_some();
    let differing = was.differences(&will);
    let mut parts: Vec<&'static str> = Vec::new();
    for name in &differing {
        let allowed = match name.as_str() {
            "flag" => concludes && old.flag == new.flag,
            "segments" | "attributes" => concludes && old.audience == new.audience,
            "schedule" => stopped_earlier(&old.schedule, &new.schedule, scene.review.now),
            "allocation" => grown(scene, old, new),
            "layer" => {
                let of = |layers: &'_ BTreeMap<LayerKey, Layer>, e: &Experiment| {
                    e.layer.as_ref().and_then(|key| layers.get(key)).cloned()
                };
                let layers = (of(&before.layers, old), of(&after.layers, new));
                let holds = matches!(layers, (Some(a), Some(b)) if holds_more(&a, &b, &old.key));
                concludes || holds && keeps_units(scene, old, new)
            }
            _ => false,
        };
        if !allowed {
            // A part that is not in the table is one that a later form of the plan has: it is frozen as well.
            parts.push(PARTS.iter().find(|(part, _)| part == name).map_or("plan", |(part, _)| part));
        }
    }
    parts
}

/// Only the end moves, to an earlier time that is to come: an end in the past, beyond what a date of today is, would choose among
/// units that have been enrolled and seen.
fn stopped_earlier(old: &Schedule, new: &Schedule, now: Timestamp) -> bool {
    let today = SignedDuration::from_hours(24);
    let passed = now.duration_since(new.end()) > today;
    old.start() == new.start() && (new.end() == old.end() || new.end() < old.end() && !passed)
}

/// Units are added and none is taken away, from now on.
fn grown(scene: &Scene<'_>, old: &Experiment, new: &Experiment) -> bool {
    let now = scene.review.now;
    let same_draw = old.split == new.split && old.salt == new.salt && old.layer == new.layer;
    same_draw
        && new.allocation.share_at(now) >= old.allocation.share_at(now)
        && new.allocation.largest() >= old.allocation.largest()
        && keeps_units(scene, old, new)
}

/// Nobody who is enrolled now falls out. A step of a ramp has the first buckets of the slots, so a slot in front of them
/// would put others in the place of who is in.
fn keeps_units(scene: &Scene<'_>, old: &Experiment, new: &Experiment) -> bool {
    let (review, now) = (scene.review, scene.review.now);
    let (was, will) = (growth(review.before, old), growth(review.after, new));
    let Some(was) = was.as_ref().and_then(|growth| growth.at(now)) else { return true };
    // Where nobody is enrolled any more, something else than the allocation ends it.
    will.as_ref().and_then(|growth| growth.at(now)).is_none_or(|will| was.difference(will).is_empty())
}

/// The layer keeps its draw, and the experiment every bucket that it holds.
fn holds_more(old: &Layer, new: &Layer, key: &ExperimentKey) -> bool {
    let held: Vec<BucketRange> = new.slots_of(key).collect();
    let kept = |range: BucketRange| {
        (range.first()..=range.last()).all(|bucket| held.iter().any(|range| range.contains(bucket)))
    };
    old.key == new.key && old.salt == new.salt && old.entity == new.entity && old.slots_of(key).all(kept)
}

fn who<'a>(scene: &'a Scene<'_>, movers: &mut Option<Movers<'a>>, change: &Change) -> Option<Moved> {
    let experiment = change.experiments.first().and_then(|key| scene.review.before.experiments.get(key))?;
    of_flag(scene, movers, &experiment.flag, experiment.key.as_str())
}

fn finding(scene: &Scene<'_>, value: &Value, change: &Change, moved: Option<&Moved>) -> Diagnostic {
    let what = PARTS.iter().find(|(part, _)| *part == change.part).map_or("the plan", |(_, words)| words);
    let named: Vec<String> =
        change.experiments.iter().take(NAMED).map(|experiment| format!("`{experiment}`")).collect();
    let more = change.experiments.len().saturating_sub(NAMED);
    let whose = if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") };
    let (file, span) = scene.place(value);
    let message = format!("{what} of {whose} changes after launch");
    let mut finding = Diagnostic::error(CHANGED_AFTER_LAUNCH, message, &file, span);
    finding = match (scene.before(value).label(), scene.place_before(value)) {
        (Some(label), _) => finding.label(label),
        (_, Some((file, span))) => {
            finding.label("as it will be").related(&file, span, "as it is before the change")
        }
        _ => finding,
    };
    let started = change.experiments.first().and_then(|key| scene.review.before.experiments.get(key));
    if let Some(experiment) = started {
        let since = scene.date(experiment.schedule.start());
        finding = finding.note(format!("launched with a start on {since}: from then on its plan is frozen"));
    }
    finding = match moved {
        Some(moved) => finding.note(told(moved)).witness(witness(moved)),
        None if moves(change.part) => finding.note("of the units that were tried, none is served anything else"),
        None => finding.note("nobody is served anything else, but the verdict would be reached by a rule that was not declared before launch"),
    };
    let key = change.experiments.first().map_or("", ExperimentKey::as_str);
    finding.help(format!(
        "put it back; to test something else, conclude `{key}` and start another key with `previous: {key}`"
    ))
}
