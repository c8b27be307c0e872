//! A holdout that holds nothing out, and a flag that names one that does not cover it.

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use crate::check::text::listed;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Book, Flag, Holdout, HoldoutState, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "idle-holdout",
    Severity::Warning,
    "crates/lint/src/check/rules/idle_holdout.md",
    include_str!("idle_holdout.md"),
    check,
);

fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    let book = context.book;
    for holdout in book.holdouts.values() {
        if holdout.state_at(context.now) == HoldoutState::Ended {
            continue;
        }
        if !book.flags.values().any(|flag| covers(book, holdout, flag)) {
            let surfaces = listed(holdout.surfaces.iter().map(|surface| format!("`{surface}`")), "or");
            let message = format!(
                "holdout `{}` holds nothing out: no flag per `{}` is on {surfaces}",
                holdout.key, holdout.entity
            );
            let finding = RULE.finding(context, message, (Kind::Holdout, &holdout.key, "/surfaces"));
            found.push(finding.help("name the surfaces of the flags that it is about, or take the file out"));
        }
    }
    for flag in book.flags.values() {
        for key in flag.holdouts.keys() {
            let Some(holdout) = book.holdouts.get(key).filter(|holdout| holdout.entity != flag.entity) else {
                continue;
            };
            let message = format!(
                "holdout `{key}` does not cover flag `{}`: it holds out `{}`, and the flag is drawn per `{}`",
                flag.key, holdout.entity, flag.entity
            );
            let place = format!("/holdouts/{key}");
            let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, &place));
            let finding = context.relate(finding, (Kind::Holdout, key, "/entity"), "what it holds out");
            found.push(finding.help("take it out of the flag's `holdouts`"));
        }
    }
}

/// Tells whether anything on a flag can be held out, whenever it launches.
fn covers(book: &Book, holdout: &Holdout, flag: &Flag) -> bool {
    let surfaces = || book.experiments_of(&flag.key).any(|experiment| holdout.covers(&experiment.surfaces));
    let named = flag.holdouts.contains_key(&holdout.key);
    flag.entity == holdout.entity && (named || holdout.covers(&flag.surfaces) || surfaces())
}
