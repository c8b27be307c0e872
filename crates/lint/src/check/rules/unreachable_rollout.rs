//! A rollout whose audience is empty, or is served by rules before it gets there.

use crate::check::collision::Served;
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::unreachable::{self, Words};
use trialbook_model::Flag;
use trialbook_model::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unreachable-rollout",
    Severity::Error,
    "crates/lint/src/check/rules/unreachable_rollout.md",
    include_str!("unreachable_rollout.md"),
    &[Each::Flag(check)],
);

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let words = Words {
        does: "serve nobody",
        help: "widen the audience, narrow the rules, or delete the rollout if it is complete",
    };
    let rollouts = context.book.rollouts_of(&flag.key);
    unreachable::check(context, &RULE, flag, &words, rollouts.map(Served::of_rollout), found);
}
