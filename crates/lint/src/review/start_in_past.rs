//! Starts that have passed before anything could be launched.

use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;

use super::Scene;
use super::place::Value;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::{Kind, PartName};

/// The rule's name.
pub(crate) const NAME: &str = "start-in-past";

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let (before, after, now) = (scene.review.before, scene.review.after, scene.review.now);
    for new in after.experiments.values().filter(|new| new.schedule.start() < now && new.decision.is_none()) {
        let is_new = before.experiments.get(&new.key).is_none_or(|old| old.schedule != new.schedule);
        if is_new && !scene.is_launched(&new.key) {
            found.push(of_change(scene, Kind::Experiment, &new.key, new.schedule.start()));
        }
    }
    for new in after.holdouts.values().filter(|new| new.schedule.start() < now) {
        let launched = |old: &trialbook_model::Holdout| old.schedule.start() <= now;
        if before.holdouts.get(&new.key).is_none_or(|old| !launched(old)) {
            found.push(of_change(scene, Kind::Holdout, &new.key, new.schedule.start()));
        }
    }
}

fn of_change(scene: &Scene<'_>, kind: Kind, key: &dyn Display, start: Timestamp) -> Diagnostic {
    let place = scene.place(&Value::new(kind, key, "/schedule/start"));
    finding((kind, key), place, &scene.date(start), &scene.date(scene.review.now))
}

/// Returns the finding that something starts before it can be launched; the dates are written for people.
pub(crate) fn finding(
    (kind, key): (Kind, &dyn Display),
    (file, span): (Arc<SourceFile>, Span),
    start: &str,
    now: &str,
) -> Diagnostic {
    let message = format!("{kind} `{key}` would start in the past, on {start}");
    Diagnostic::error(NAME, message, &file, span)
        .about([PartName::new(kind, key.to_string())])
        .note("nothing is served before the first apply, so its data would lack the days until then")
        .help(format!("write a `start` after {now}, when this can be merged and applied"))
}
