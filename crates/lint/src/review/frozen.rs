//! Changes of what is frozen at launch: an experiment's plan.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::launched;
use super::moved::{Moved, Movers, of_flag, witness, worded};
use super::place::Value;
use super::touched::Touched;
use super::{CHANGED_AFTER_LAUNCH, Scene};
use trialbook_history::{Defaults, Preregistration, grown, holds_more, keeps_units};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::targeting::{Overlap, meet};
use trialbook_model::{
    AttributeType, Book, Experiment, ExperimentKey, ExperimentState, Flag, Kind, Layer, LayerKey, Predicate,
    Schedule, VariantKey,
};

/// How many findings name who moves: each asks thousands of units.
const SHOWN_MOVERS: usize = 20;

/// How many experiments a finding names.
const NAMED: usize = 5;

/// A value that may not change, and whose plans it is of.
struct PlanEdit {
    part: &'static str,
    experiments: Vec<ExperimentKey>,
}

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let touched = Touched::of(scene);
    let mut changes = BTreeMap::<(Value, &'static str), PlanEdit>::new();
    let mut repairs = BTreeMap::<Value, Vec<ExperimentKey>>::new();
    for old in scene.review.before.experiments.values() {
        let Some(new) = scene.review.after.experiments.get(&old.key) else { continue };
        let concluded = scene.review.before.state_at(old, scene.review.now) == ExperimentState::Concluded;
        if concluded || !touched.concerns(Kind::Experiment, old.key.as_str()) || !scene.is_launched(&old.key)
        {
            continue;
        }
        for part in parts(scene, old, new) {
            for value in scene.causes(part, &old.key) {
                if part == "definitions" && repair(scene, &value).is_some() {
                    repairs.entry(value).or_default().push(old.key.clone());
                    continue;
                }
                let change =
                    changes.entry((value, part)).or_insert(PlanEdit { part, experiments: Vec::new() });
                change.experiments.push(old.key.clone());
            }
        }
    }
    let mut movers = None;
    launched::served_again(scene, &touched, found);
    for (count, ((value, _), change)) in changes.into_iter().enumerate() {
        let moved =
            if count < SHOWN_MOVERS && moves(change.part) { who(scene, &mut movers, &change) } else { None };
        found.push(finding(scene, &value, &change, moved.as_ref()));
    }
    found.extend(repairs.iter().filter_map(|(value, experiments)| repaired(scene, value, experiments)));
    launched::rollouts(scene, &touched, &mut movers, found);
    launched::holdouts(scene, &touched, found);
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
    let Ok(was) = Preregistration::of(before, old) else { return Vec::new() };
    // A default that is written out changes nothing, and a default is what it was at the launch.
    let recorded = scene.review.recorded.get(&old.key);
    let defaults = recorded.and_then(|digest| was.defaults_of(digest)).unwrap_or(Defaults::Current);
    let plans =
        (Preregistration::read_with(defaults, before, old), Preregistration::read_with(defaults, after, new));
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
            "flag" => concludes && old.flag == new.flag || spared(scene, old, new),
            "segments" | "attributes" => concludes && old.audience == new.audience || spared(scene, old, new),
            "schedule" => stopped_earlier(&old.schedule, &new.schedule, scene.review.now),
            "allocation" => grown(before, after, old, new, scene.review.now),
            "layer" => {
                let of = |layers: &'_ BTreeMap<LayerKey, Layer>, e: &Experiment| {
                    e.layer.as_ref().and_then(|key| layers.get(key)).cloned()
                };
                let layers = (of(&before.layers, old), of(&after.layers, new));
                let holds = matches!(layers, (Some(a), Some(b)) if holds_more(&a, &b, &old.key));
                concludes || holds && keeps_units(before, after, old, new, scene.review.now)
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

/// Another experiment on the flag is concluded, and what the flag then serves concerns nobody in this one's audience: the rule that
/// ships the other's winner.
fn spared(scene: &Scene<'_>, old: &Experiment, new: &Experiment) -> bool {
    let (before, after) = (&*scene.served.0, &*scene.served.1);
    let (Some(was), Some(will)) = (before.flags.get(&old.flag), after.flags.get(&new.flag)) else {
        return false;
    };
    let concluded = |other: &Experiment| {
        let decided = |book: &Book| book.experiments.get(&other.key).is_some_and(|e| e.decision.is_some());
        other.key != old.key && !decided(before) && decided(after)
    };
    let arms = |flag: &Flag| -> Vec<_> {
        old.split.variants().map(|variant| flag.variants.get(variant).cloned()).collect()
    };
    let kept = old.flag == new.flag
        && was.entity == will.entity
        && was.kind == will.kind
        && was.default == will.default;
    kept && before.experiments_of(&old.flag).any(concluded)
        && arms(was) == arms(will)
        && first(before, old, was) == first(after, new, will)
}

/// The audience of an experiment with the type of each attribute in it, and the rules before it that can meet it.
type First = (Predicate, Vec<Option<AttributeType>>, Vec<(Predicate, VariantKey)>);

/// Returns who gets as far as an experiment, whatever else its flag serves.
fn first(book: &Book, experiment: &Experiment, flag: &Flag) -> First {
    let audience = book.inlined(&experiment.audience);
    let meets = |when: &Predicate| !matches!(meet(&[&audience, when], &book.attributes), Overlap::Disjoint);
    let rules = flag.rules.iter().map(|rule| (book.inlined(&rule.when), rule.serve.clone()));
    let rules: Vec<_> =
        rules.filter(|(when, _)| meets(when)).map(|(when, serve)| (when.canonical(), serve)).collect();
    let mut types = Vec::new();
    audience.walk(&mut |key, _| types.push(book.attributes.get(key).map(|a| a.kind)), &mut |_| ());
    (audience.canonical(), types, rules)
}

/// Only the end moves, to an earlier time that is to come: an end in the past, beyond what a date of today is, would choose among
/// units that have been enrolled and seen.
fn stopped_earlier(old: &Schedule, new: &Schedule, now: Timestamp) -> bool {
    let today = SignedDuration::from_hours(24);
    let passed = now.duration_since(new.end()) > today;
    old.start() == new.start() && (new.end() == old.end() || new.end() < old.end() && !passed)
}

/// Returns why a metric that a change defines otherwise is said to be repaired: its file says it newly, and only what is measured
/// differs.
fn repair<'a>(scene: &Scene<'a>, value: &Value) -> Option<&'a str> {
    let metric = |book: &'a Book| book.metrics.get(value.key.as_str());
    let (was, will) = (metric(scene.review.before)?, metric(scene.review.after)?);
    let repair =
        will.repair.as_deref().filter(|_| value.kind == Kind::Metric && was.repair != will.repair)?;
    was.measures_otherwise(will).then_some(repair)
}

/// Notes a repair: whether the launched definition really has no number is known to the data alone.
fn repaired(scene: &Scene<'_>, value: &Value, experiments: &[ExperimentKey]) -> Option<Diagnostic> {
    let repair = repair(scene, value)?;
    let condition = Value::new(Kind::Metric, &value.key, "/where");
    let (file, span) = scene.place(&condition);
    let message = format!("metric `{}` of {} is repaired after launch", value.key, named(experiments));
    let finding = Diagnostic::warning(CHANGED_AFTER_LAUNCH, message, &file, span);
    let finding = match scene.before(&condition).label() {
        Some(label) => finding.label(label),
        None => finding,
    };
    Some(
        finding
            .note(format!("its `repair`: {repair}"))
            .note(
                "the analysis uses the new definition only where the launched one cannot be measured in the data, and the report \
                 lists it as a deviation",
            )
            .help("confirm that nothing was ever measured: `trialbook analyze` on the branch before this change names the metric"),
    )
}

/// Names experiments, not too many.
fn named(experiments: &[ExperimentKey]) -> String {
    let named: Vec<String> = experiments.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
    let more = experiments.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") }
}

fn who<'a>(scene: &'a Scene<'_>, movers: &mut Option<Movers<'a>>, change: &PlanEdit) -> Option<Moved> {
    let experiment = change.experiments.first().and_then(|key| scene.review.before.experiments.get(key))?;
    of_flag(scene, movers, &experiment.flag, experiment.key.as_str())
}

fn finding(scene: &Scene<'_>, value: &Value, change: &PlanEdit, moved: Option<&Moved>) -> Diagnostic {
    let what = PARTS.iter().find(|(part, _)| *part == change.part).map_or("the plan", |(_, words)| words);
    let whose = named(&change.experiments);
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
        Some(moved) => finding.note(worded(moved)).witness(witness(moved)),
        None if moves(change.part) => finding.note("of the units that were tried, none is served anything else"),
        None => finding.note("nobody is served anything else, but the verdict would be reached by a rule that was not declared before launch"),
    };
    let key = change.experiments.first().map_or("", ExperimentKey::as_str);
    let repair = if change.part == "definitions" {
        "if nothing could ever be measured by it, say so in the metric's `repair:`; "
    } else {
        ""
    };
    finding.help(format!(
        "put it back; {repair}to test something else, conclude `{key}` and start another key with `previous: {key}`"
    ))
}
