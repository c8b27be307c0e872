//! Files that are gone while what they declare is served.

use super::place::Value;
use super::{DELETED_WHILE_SERVED, Scene};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{Experiment, ExperimentState, Kind, Rollout};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let (before, after) = (scene.review.before, scene.review.after);
    let now = scene.review.now;
    for old in before.experiments.values().filter(|old| !after.experiments.contains_key(&old.key)) {
        if before.state_at(old, now) != ExperimentState::Concluded && scene.is_launched(&old.key) {
            found.extend(experiment(scene, old));
        }
    }
    for old in before.flags.values().filter(|old| !after.flags.contains_key(&old.key) && !old.archived) {
        if let Some(new) = after.flags.keys().find(|new| new.as_str().eq_ignore_ascii_case(old.key.as_str()))
        {
            let message = format!("flag `{}` is renamed to `{new}`, which is another flag", old.key);
            let help = format!(
                "clients still ask for `{0}`: name the file `{0}.flag.yaml` again, or write `key: {0}` in it",
                old.key
            );
            found.extend(finding(scene, Kind::Flag, &old.key, message, &help));
            continue;
        }
        let message = format!("flag `{}` is deleted while it is served", old.key);
        let help = "write `archived: true` in one pull request and delete the file in a later one: clients that still ask for it get \
                    their own default at once";
        found.extend(finding(scene, Kind::Flag, &old.key, message, help));
    }
    for old in before.rollouts.values().filter(|old| !after.rollouts.contains_key(&old.key)) {
        if old.steps.first_at() <= now && !is_released(scene, old) {
            let message = format!("rollout `{}` is deleted while it is served", old.key);
            let help = format!(
                "make `{}` the flag's default first (or add a rule that serves it), else whoever has it loses it",
                old.serve
            );
            found.extend(finding(scene, Kind::Rollout, &old.key, message, &help));
        }
    }
    for old in before.holdouts.values().filter(|old| !after.holdouts.contains_key(&old.key)) {
        if old.schedule.contains(now) {
            let message = format!("holdout `{}` is deleted while it lasts", old.key);
            let help = format!(
                "keep the file until {}: without it every unit that it holds out is exposed at once",
                scene.date(old.schedule.end())
            );
            found.extend(finding(scene, Kind::Holdout, &old.key, message, &help));
        }
    }
}

fn experiment(scene: &Scene<'_>, old: &Experiment) -> Option<Diagnostic> {
    let message = format!("experiment `{}` is deleted while it is served", old.key);
    let help = "conclude it with a `decision`, and leave the file: it is the record of what was tried";
    let since = scene.date(old.schedule.start());
    let finding = finding(scene, Kind::Experiment, &old.key, message, help)?;
    Some(
        finding.note(format!("it enrols since {since}; without its file its units fall back to the default")),
    )
}

/// The variant is everybody's after the change, or a rule serves it.
fn is_released(scene: &Scene<'_>, rollout: &Rollout) -> bool {
    let Some(flag) = scene.review.after.flags.get(&rollout.flag) else { return true };
    flag.default == rollout.serve
        || flag.rules.iter().any(|rule| rule.serve == rollout.serve && rule.when == rollout.audience)
}

/// Returns a finding in the file as it was: after the change there is none.
fn finding(
    scene: &Scene<'_>,
    kind: Kind,
    key: &dyn std::fmt::Display,
    message: String,
    help: &str,
) -> Option<Diagnostic> {
    let (file, span) = scene.place_before(&Value::new(kind, key, ""))?;
    Some(Diagnostic::error(DELETED_WHILE_SERVED, message, &file, span).label("the file as it was").help(help))
}
