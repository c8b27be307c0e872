//! Starts that have passed before anything could be launched.

use super::place::Value;
use super::{START_IN_PAST, Scene};
use trialbook_model::Kind;
use trialbook_model::diagnostic::Diagnostic;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let (before, after, now) = (scene.review.before, scene.review.after, scene.review.now);
    for new in after.experiments.values().filter(|new| new.schedule.start() < now && new.decision.is_none()) {
        let is_new = before.experiments.get(&new.key).is_none_or(|old| old.schedule != new.schedule);
        if is_new && !scene.is_launched(&new.key) {
            found.push(finding(scene, Kind::Experiment, &new.key, new.schedule.start()));
        }
    }
    for new in after.holdouts.values().filter(|new| new.schedule.start() < now) {
        let begun = |old: &trialbook_model::Holdout| old.schedule.start() <= now;
        if before.holdouts.get(&new.key).is_none_or(|old| !begun(old)) {
            found.push(finding(scene, Kind::Holdout, &new.key, new.schedule.start()));
        }
    }
}

fn finding(scene: &Scene<'_>, kind: Kind, key: &dyn std::fmt::Display, start: jiff::Timestamp) -> Diagnostic {
    let (file, span) = scene.place(&Value::new(kind, key, "/schedule/start"));
    let message = format!("{kind} `{key}` would have started in the past, on {}", scene.date(start));
    Diagnostic::error(START_IN_PAST, message, &file, span)
        .note("nothing is served before the first apply, so its data would lack the days until then")
        .help(format!(
            "write a `start` after {}, when this can be merged and applied",
            scene.date(scene.review.now)
        ))
}
