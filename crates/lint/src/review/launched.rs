//! What is launched and is no experiment's plan: the units of a rollout and of a holdout, and experiments that are over.

use std::collections::BTreeSet;

use super::moved::{Moved, Movers, of_flag, witness, worded};
use super::place::Value;
use super::touched::Touched;
use super::{CHANGED_AFTER_LAUNCH, Scene};
use trialbook_model::allocation::{Approvals, Claimant, claims};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{
    Book, Evaluator, ExperimentState, Flag, FlagKey, Holdout, HoldoutKey, Kind, Rollout, VariantKey,
};

/// A concluded experiment is not served again: its units would come back to arms that they have left.
pub(super) fn served_again(scene: &Scene<'_>, touched: &Touched, found: &mut Vec<Diagnostic>) {
    let (before, after, now) = (scene.review.before, scene.review.after, scene.review.now);
    for old in before.experiments.values() {
        let Some(new) = after.experiments.get(&old.key) else { continue };
        let was_over = before.state_at(old, now) == ExperimentState::Concluded;
        if !was_over || !touched.file(Kind::Experiment, old.key.as_str()) {
            continue;
        }
        let is_over = after.state_at(new, now) == ExperimentState::Concluded;
        let served = after.serving_window(new).is_some_and(|window| window.contains(now));
        if !is_over && served {
            let value = Value::new(Kind::Experiment, &old.key, "/decision");
            let message = format!("experiment `{}` is served again after it was concluded", old.key);
            let help = format!("leave its decision, and start another key with `previous: {}`", old.key);
            found.push(finding(scene, &value, message, None).help(help));
        }
    }
}

/// A launched rollout takes the variant from nobody.
pub(super) fn rollouts<'a>(
    scene: &'a Scene<'_>,
    touched: &Touched,
    movers: &mut Option<Movers<'a>>,
    found: &mut Vec<Diagnostic>,
) {
    let now = scene.review.now;
    for old in scene.review.before.rollouts.values().filter(|old| old.steps.first_at() <= now) {
        let Some(new) = scene.review.after.rollouts.get(&old.key) else { continue };
        if !touched.concerns(Kind::Rollout, old.key.as_str()) {
            continue;
        }
        let own = rollout_changes(old, new, now)
            .into_iter()
            .map(|(pointer, what)| (Value::new(Kind::Rollout, &old.key, pointer), what));
        for (value, what) in own.chain(draw_changes(scene, old, new)) {
            let moved = of_flag(scene, movers, &old.flag, old.key.as_str());
            let message = format!("{what} of rollout `{}` changes while it is served", old.key);
            let help = "put it back; a rollout only grows. To take it back, remove its file in a pull request of its own";
            found.push(finding(scene, &value, message, moved.as_ref()).help(help));
        }
    }
}

fn rollout_changes(old: &Rollout, new: &Rollout, now: jiff::Timestamp) -> Vec<(&'static str, &'static str)> {
    let shrinks = new.steps.share_at(now) < old.steps.share_at(now);
    let changes = [
        (old.flag != new.flag, "/flag", "the flag"),
        (old.serve != new.serve, "/serve", "the variant"),
        (old.salt != new.salt, "/salt", "the salt"),
        (old.audience != new.audience, "/audience", "the audience"),
        (shrinks, "/steps", "the share of today"),
    ];
    changes.into_iter().filter(|(differs, ..)| *differs).map(|(_, pointer, what)| (pointer, what)).collect()
}

/// What draws a rollout's units and stands in other files.
fn draw_changes(scene: &Scene<'_>, old: &Rollout, new: &Rollout) -> Vec<(Value, &'static str)> {
    let (before, after) = (scene.review.before, scene.review.after);
    let (Some(was), Some(will)) = (before.flags.get(&old.flag), after.flags.get(&new.flag)) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    let audience = |book: &Book, rollout: &Rollout| book.inlined(&rollout.audience).canonical();
    if old.audience == new.audience && audience(before, old) != audience(after, new) {
        let segments = scene.segments(Kind::Rollout, old.key.as_str());
        changes.extend(segments.into_iter().map(|value| (value, "a segment in the audience")));
    }
    let unit = |book: &Book, flag: &Flag| {
        book.entities.get(&flag.entity).map(|entity| (entity.key.clone(), entity.context.clone()))
    };
    if was.entity != will.entity {
        changes.push((Value::new(Kind::Flag, &will.key, "/entity"), "the unit"));
    } else if unit(before, was) != unit(after, will) {
        changes.push((Value::new(Kind::Book, "trialbook", "/entities"), "the unit"));
    }
    if let (Some(a), Some(b)) = (evaluators(before), evaluators(after))
        && a != b
    {
        changes.push((Value::new(Kind::Book, "trialbook", "/targets"), "the hash"));
    }
    // A holdout that is edited or removed is a finding of its own.
    let over = |book: &Book, flag: &Flag| -> BTreeSet<HoldoutKey> {
        let decided = claims(book, flag, &Approvals::Every);
        let of_this =
            |claimant: Claimant<'_>| matches!(claimant, Claimant::Rollout(rollout) if rollout.key == old.key);
        let claim = decided.claims.into_iter().find(|claim| of_this(claim.claimant));
        let holdouts = claim.map(|claim| claim.kept_out).unwrap_or_default().into_iter();
        let lasting = holdouts.filter(|withheld| withheld.window.contains(scene.review.now));
        lasting.map(|withheld| withheld.holdout.key.clone()).filter(|key| stays(scene, key)).collect()
    };
    if old.flag == new.flag && over(before, was) != over(after, will) {
        let pointer = if was.surfaces == will.surfaces { "/holdouts" } else { "/surfaces" };
        changes.push((Value::new(Kind::Flag, &will.key, pointer), "a holdout over the units"));
    }
    changes
}

fn evaluators(book: &Book) -> Option<&[Evaluator]> {
    book.primary_target().map(|target| target.evaluators())
}

fn stays(scene: &Scene<'_>, key: &HoldoutKey) -> bool {
    scene.review.before.holdouts.get(key) == scene.review.after.holdouts.get(key)
}

/// A launched holdout keeps its units, and what they are served, until it ends.
pub(super) fn holdouts(scene: &Scene<'_>, touched: &Touched, found: &mut Vec<Diagnostic>) {
    let now = scene.review.now;
    for old in scene.review.before.holdouts.values().filter(|old| old.schedule.contains(now)) {
        let Some(new) = scene.review.after.holdouts.get(&old.key) else { continue };
        if touched.file(Kind::Holdout, old.key.as_str()) {
            for (pointer, what) in holdout_changes(old, new, now) {
                let value = Value::new(Kind::Holdout, &old.key, pointer);
                let message = format!("{what} of holdout `{}` changes while it lasts", old.key);
                let help = "put it back: units that leave a holdout, or come into it, have seen both worlds";
                found.push(finding(scene, &value, message, None).help(help));
            }
        }
        for flag in scene.served.0.flags.values().filter(|flag| touched.file(Kind::Flag, flag.key.as_str())) {
            found.extend(former_default(scene, &flag.key, new));
        }
    }
}

fn holdout_changes(old: &Holdout, new: &Holdout, now: jiff::Timestamp) -> Vec<(&'static str, &'static str)> {
    let changes = [
        (old.entity != new.entity, "/entity", "the entity"),
        (old.share != new.share, "/share", "the share"),
        (old.salt != new.salt, "/salt", "the salt"),
        (old.surfaces != new.surfaces, "/surfaces", "the surfaces"),
        (old.schedule.start() != new.schedule.start(), "/schedule", "the start"),
        (new.schedule.end() <= now, "/schedule", "the end"),
    ];
    changes.into_iter().filter(|(differs, ..)| *differs).map(|(_, pointer, what)| (pointer, what)).collect()
}

/// A flag's default changes, and with it what the units of a lasting holdout are served, unless the flag keeps the old one for them.
fn former_default(scene: &Scene<'_>, flag: &FlagKey, holdout: &Holdout) -> Option<Diagnostic> {
    let (before, after) = (&scene.served.0, &scene.served.1);
    let (was, will) = (before.flags.get(flag)?, after.flags.get(flag)?);
    let of_holdout =
        |flag: &Flag| -> VariantKey { flag.holdouts.get(&holdout.key).unwrap_or(&flag.default).clone() };
    let covered = was.entity == holdout.entity
        && will.entity == holdout.entity
        && [was, will]
            .iter()
            .all(|flag| holdout.covers(&flag.surfaces) || flag.holdouts.contains_key(&holdout.key));
    let served = !was.archived && was.enabled && !will.archived && will.enabled;
    let (from, to) = (of_holdout(was), of_holdout(will));
    if !covered || !served || from == to {
        return None;
    }
    let pointer = if will.holdouts.contains_key(&holdout.key) { "/holdouts" } else { "/default" };
    let value = Value::new(Kind::Flag, flag, pointer);
    let message =
        format!("the units of holdout `{}` are served `{to}` of `{flag}` instead of `{from}`", holdout.key);
    let help =
        format!("write `holdouts: {{{}: {from}}}` into the flag until the holdout has ended", holdout.key);
    Some(finding(scene, &value, message, None).help(help))
}

fn finding(scene: &Scene<'_>, value: &Value, message: String, moved: Option<&Moved>) -> Diagnostic {
    let (file, span) = scene.place(value);
    let finding = Diagnostic::error(CHANGED_AFTER_LAUNCH, message, &file, span);
    let finding = match scene.before(value).label() {
        Some(label) => finding.label(label),
        None => finding,
    };
    match moved {
        Some(moved) => finding.note(worded(moved)).witness(witness(moved)),
        None => finding,
    }
}
