//! A holdout that shows less than it promises: another one has its units, or units of another kind pass it by.

use std::collections::BTreeSet;

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::text::{listed, percent};
use trialbook_model::allocation::{BucketSet, Draw, Enrolment};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Holdout, HoldoutState, Kind, SurfaceKey};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "diluted-holdout",
    Severity::Warning,
    "crates/lint/src/check/rules/diluted_holdout.md",
    include_str!("diluted_holdout.md"),
    &[Each::Holdout(of_holdout), Each::Flag(of_flag)],
);

/// Two holdouts on one surface at the same time.
fn of_holdout(context: &Inspection<'_>, holdout: &Holdout, found: &mut Vec<Diagnostic>) {
    if holdout.state_at(context.now) == HoldoutState::Ended {
        return;
    }
    // Each pair is reported once, at the one that begins later.
    let rank = |holdout: &Holdout| (holdout.schedule.start(), holdout.key.clone());
    let others = context.book.holdouts.values().filter(|other| {
        rank(other) < rank(holdout)
            && other.entity == holdout.entity
            && other.state_at(context.now) != HoldoutState::Ended
            && other.schedule.meets(&holdout.schedule)
    });
    for other in others {
        let shared: Vec<&SurfaceKey> =
            holdout.surfaces.iter().filter(|surface| other.surfaces.contains(surface)).collect();
        if shared.is_empty() {
            continue;
        }
        let surfaces = listed(shared.iter().map(|surface| format!("`{surface}`")), "and");
        let message =
            format!("holdouts `{}` and `{}` both hold out units on {surfaces}", other.key, holdout.key);
        let finding = RULE.finding(context, message, (Kind::Holdout, &holdout.key, "/surfaces"));
        let finding = context.relate(finding, (Kind::Holdout, &other.key, "/surfaces"), "and here");
        let (a, b) = (drawn(other), drawn(holdout));
        let until = other.schedule.end().min(holdout.schedule.end());
        let finding = finding.note(format!(
            "both last from {} until {}: {} of all units are in both, and those of one are among everybody else of the other",
            context.date(holdout.schedule.start()),
            context.date(until),
            percent(a.in_both(&b))
        ));
        found.push(finding.help("let one start when the other ends, or give them different surfaces"));
    }
}

fn drawn(holdout: &Holdout) -> Enrolment<'_> {
    Enrolment {
        draw: Draw::holdout(&holdout.salt),
        buckets: BucketSet::first(holdout.share.buckets().unwrap_or(0)),
    }
}

/// What launches on a holdout's surface and is drawn for another kind of unit, so that nobody is held out.
fn of_flag(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let book = context.book;
    let lasting = |holdout: &&Holdout| holdout.state_at(context.now) != HoldoutState::Ended;
    let others = book.holdouts.values().filter(|holdout| holdout.entity != flag.entity).filter(lasting);
    for holdout in others {
        let on_flag = holdout.covers(&flag.surfaces);
        let within = |at| holdout.schedule.contains(at);
        let undecided = book.experiments_of(&flag.key).filter(|experiment| context.undecided(experiment));
        let experiments = undecided
            .filter(|e| within(e.schedule.start()) && (on_flag || holdout.covers(&e.surfaces)))
            .map(|e| format!("experiment `{}`", e.key));
        let rollouts = book
            .rollouts_of(&flag.key)
            .filter(|rollout| on_flag && within(rollout.steps.first_at()))
            .map(|rollout| format!("rollout `{}`", rollout.key));
        let launches: BTreeSet<String> = experiments.chain(rollouts).collect();
        if launches.is_empty() {
            continue;
        }
        let message = format!(
            "holdout `{}` does not hold out what launches on `{}`: it draws per `{}`, and the flag per `{}`",
            holdout.key, flag.key, holdout.entity, flag.entity
        );
        let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, "/entity"));
        let finding = context.relate(finding, (Kind::Holdout, &holdout.key, "/entity"), "what it holds out");
        let finding = finding.note(format!("{} begins while it lasts", listed(launches, "and")));
        found.push(finding.help(format!(
            "add a holdout per `{}`, or read the holdout's result as one without `{}`",
            flag.entity, flag.key
        )));
    }
}
