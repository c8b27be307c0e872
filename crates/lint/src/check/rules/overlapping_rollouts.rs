//! A rollout that can serve the same unit as an experiment or another rollout of its flag.

use crate::check::collision::{Pair, Served, each_pair};
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::allocation::Claimant;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Flag, Rollout};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overlapping-rollouts",
    Severity::Error,
    "crates/lint/src/check/rules/overlapping_rollouts.md",
    include_str!("overlapping_rollouts.md"),
    &[Each::Flag(check)],
)
.never_suppressed();

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    each_pair(
        context,
        &RULE,
        flag,
        found,
        |pair| pair.experiments() < 2,
        |pair, audiences, work| {
            let who = if pair.experiments() == 1 { "an experiment and a rollout" } else { "two rollouts" };
            let what = format!("{who} on `{}` can serve the same unit", flag.key);
            pair.meeting(context, &RULE, &what, audiences, work, || advice(context, pair))
        },
    );
}

/// What ends the collision.
fn advice(context: &Inspection<'_>, pair: &Pair<'_>) -> String {
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

fn beside(
    context: &Inspection<'_>,
    experiment: &Experiment,
    rollout: &Rollout,
    served: Served<'_>,
) -> String {
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
            "make the audiences exclude each other, or start the rollout after the decision on `{}` ({})",
            experiment.key,
            context.day_from(served.window.end())
        ),
    }
}
