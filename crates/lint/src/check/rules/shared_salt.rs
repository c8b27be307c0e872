//! Draws that are one draw, because they have one salt.

use std::collections::BTreeMap;

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Salt};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "shared-salt",
    Severity::Warning,
    "crates/lint/src/check/rules/shared_salt.md",
    include_str!("shared_salt.md"),
    check,
);

/// Draws of the same purpose are compared: an experiment without a layer draws as a layer does. A salt that follows the key is
/// nobody else's, so only those count that were given.
fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    let book = context.book;
    let (mut enrolments, mut variants) = (Users::new(), Users::new());
    for layer in book.layers.values() {
        enrolments.entry(&layer.salt).or_default().push((Kind::Layer, layer.key.as_str()));
    }
    for experiment in book.experiments.values().filter(|experiment| context.undecided(experiment)) {
        let user = (Kind::Experiment, experiment.key.as_str());
        variants.entry(&experiment.salt).or_default().push(user);
        if experiment.layer.is_none() {
            enrolments.entry(&experiment.salt).or_default().push(user);
        }
    }
    let mut rollouts = Users::new();
    for rollout in book.rollouts.values() {
        rollouts.entry(&rollout.salt).or_default().push((Kind::Rollout, rollout.key.as_str()));
    }
    let mut holdouts = Users::new();
    for holdout in book.holdouts.values() {
        holdouts.entry(&holdout.salt).or_default().push((Kind::Holdout, holdout.key.as_str()));
    }
    // Two experiments that share a salt share both draws: one finding is enough.
    enrolments.retain(|salt, users| variants.get(salt).is_none_or(|others| others.len() < users.len()));
    for users in [enrolments, variants, rollouts, holdouts] {
        found.extend(users.into_iter().filter_map(|(salt, users)| shared(context, salt, &users)));
    }
}

/// Who draws with a salt.
type Users<'a> = BTreeMap<&'a Salt, Vec<(Kind, &'a str)>>;

fn shared(context: &Inspection<'_>, salt: &Salt, users: &[(Kind, &str)]) -> Option<Diagnostic> {
    // The one whose key the salt is has not declared it; the finding is where somebody did.
    let declares = |user: &&(Kind, &str)| user.1 != salt.as_str();
    let [(kind, key), ..] = users.iter().rev().filter(declares).collect::<Vec<_>>()[..] else { return None };
    let others: Vec<_> = users.iter().filter(|user| (user.0, user.1) != (*kind, *key)).collect();
    let (other_kind, other) = others.first()?;
    let message = format!("{kind} `{key}` draws with the salt of {other_kind} `{other}`");
    let finding = RULE
        .finding(context, message, (*kind, key, "/salt"))
        .label("the same units are in the same place of both draws");
    let finding = context.relate(finding, (*other_kind, other, "/salt"), "the same salt");
    Some(finding.help("remove `salt`: the key, which is unique, is then the salt"))
}
