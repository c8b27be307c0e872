//! An experiment whose audience is empty, or is served by rules before it gets there.

use crate::check::collision::Served;
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::unreachable::{self, Words};
use trialbook_model::Flag;
use trialbook_model::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unreachable-experiment",
    Severity::Error,
    "crates/lint/src/check/rules/unreachable_experiment.md",
    include_str!("unreachable_experiment.md"),
    &[Each::Flag(check)],
);

/// After its decision an experiment needs nobody: the rule that ships it takes its whole audience.
fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let words = Words { does: "enrol nobody", help: "widen the audience, or narrow the rules" };
    let waiting = context.book.experiments_of(&flag.key).filter(|experiment| experiment.decision.is_none());
    unreachable::check(context, &RULE, flag, &words, waiting.map(Served::of_experiment), found);
}
