//! A rollout that can serve the same unit as an experiment or another rollout of its flag.

use crate::check::collision::{Pair, Served, each_pair, pairs};
use crate::check::context::Context;
use crate::check::reach::Reach;
use crate::check::rule::{Each, Rule};
use trialbook_model::allocation::Claimant;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, Work, meet_within};
use trialbook_model::{Experiment, Flag, Predicate, Rollout};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overlapping-rollouts",
    Severity::Error,
    "crates/lint/src/check/rules/overlapping_rollouts.md",
    include_str!("overlapping_rollouts.md"),
    &[Each::Flag(check)],
)
.never_suppressed();

fn check(context: &Context<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let pairs: Vec<_> = pairs(context, flag).into_iter().filter(|pair| pair.experiments() < 2).collect();
    if pairs.is_empty() {
        return;
    }
    let reach = Reach::new(context.book, flag);
    each_pair(context, &RULE, flag, &pairs, found, |pair, work| collision(context, flag, &reach, pair, work));
}

/// Returns the finding where a rollout and another claim on its flag can meet.
fn collision(
    context: &Context<'_>,
    flag: &Flag,
    reach: &Reach<'_>,
    pair: &Pair<'_>,
    work: &mut Work,
) -> Option<Diagnostic> {
    let (a, b) = (reach.left_of(pair.later.audience()), reach.left_of(pair.earlier.audience()));
    let who = match pair.experiments() {
        1 => "an experiment and a rollout",
        _ => "two rollouts",
    };
    match meet_within(&[&a, &b], context.attributes(), work) {
        Overlap::Disjoint => None,
        Overlap::At(witness) => {
            let message = format!("{who} on `{}` can serve the same unit", flag.key);
            let finding = pair.at_audiences(context, &RULE, message, None).note(pair.when(context));
            let finding = pair.proved(context, finding, &witness);
            let traffic = context.traffic(&Predicate::All(vec![a, b]));
            Some(pair.with_traffic(context, finding, traffic).help(advice(context, pair)))
        }
        Overlap::Undecided(reason) => {
            let message =
                format!("it is undecided whether {who} on `{}` can serve the same unit: {reason}", flag.key);
            let finding = pair.at_audiences(context, &RULE, message, Some(("this audience", "and this one")));
            let advice = advice(context, pair);
            let help = format!("make the audiences simpler, or take no chances: {advice}");
            Some(finding.note(pair.when(context)).help(help))
        }
    }
}

/// What ends the collision.
fn advice(context: &Context<'_>, pair: &Pair<'_>) -> String {
    match (pair.earlier.claimant, pair.later.claimant) {
        (Claimant::Experiment(experiment), Claimant::Rollout(rollout)) => {
            beside(context, experiment, rollout, pair.earlier)
        }
        (Claimant::Rollout(rollout), Claimant::Experiment(experiment)) => {
            beside(context, experiment, rollout, pair.later)
        }
        _ => format!(
            "make the audiences of `{}` and `{}` exclude each other, or make one rollout of the two",
            pair.earlier.key(),
            pair.later.key()
        ),
    }
}

fn beside(context: &Context<'_>, experiment: &Experiment, rollout: &Rollout, served: Served<'_>) -> String {
    // Which steps of a guarded one are taken is not in the book.
    let complete = rollout.complete_at().filter(|_| !rollout.is_guarded());
    match complete.filter(|complete| *complete <= experiment.schedule.start()) {
        Some(complete) => format!(
            "rollout `{}` is complete on {}: serve `{}` by default or with a rule then, and delete the rollout",
            rollout.key,
            context.date(complete),
            rollout.serve
        ),
        None => format!(
            "make the audiences exclude each other, or begin the rollout after the decision on `{}` ({})",
            experiment.key,
            context.day_from(served.window.end())
        ),
    }
}
