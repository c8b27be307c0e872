//! A rollout whose audience is empty, or is served by rules before it gets there.

use crate::check::context::Context;
use crate::check::reach::Reach;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, satisfiable};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unreachable-rollout",
    Severity::Error,
    "crates/lint/src/check/rules/unreachable_rollout.md",
    include_str!("unreachable_rollout.md"),
    &[Each::Flag(check)],
);

/// What cannot be decided is left alone here: a rollout that serves nobody harms nobody.
fn check(context: &Context<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let attributes = context.attributes();
    let mut rollouts = context.book.rollouts_of(&flag.key).peekable();
    if rollouts.peek().is_none() {
        return;
    }
    let reach = Reach::in_primary(context.book, flag);
    for rollout in rollouts {
        if satisfiable(&reach.left_of(&rollout.audience), attributes) != Overlap::Disjoint {
            continue;
        }
        let alone = satisfiable(&context.book.inlined(&rollout.audience), attributes);
        let message = format!("rollout `{}` can serve nobody", rollout.key);
        let place = if rollout.audience.is_everyone() { "" } else { "/audience" };
        let finding = RULE.finding(context, message, (Kind::Rollout, &rollout.key, place));
        found.push(if alone == Overlap::Disjoint {
            finding
                .label("no unit matches all of this")
                .help("take out the conditions that contradict each other")
        } else {
            context
                .relate(
                    finding.label("every unit of this audience is served by a rule"),
                    (Kind::Flag, &flag.key, "/rules"),
                    "rules come before rollouts",
                )
                .help("widen the audience, narrow the rules, or delete the rollout if it has done its work")
        });
    }
}
