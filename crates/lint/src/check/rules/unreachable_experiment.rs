//! An experiment whose audience is empty, or is served by rules before it gets there.

use crate::check::context::Context;
use crate::check::reach::Reach;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, satisfiable};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unreachable-experiment",
    Severity::Error,
    "crates/lint/src/check/rules/unreachable_experiment.md",
    include_str!("unreachable_experiment.md"),
    &[Each::Flag(check)],
);

/// After its decision an experiment needs nobody: the rule that ships it takes its whole audience.
///
/// What cannot be decided is left alone here: an experiment that enrols nobody harms nobody.
fn check(context: &Context<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let attributes = context.attributes();
    let reach = Reach::in_primary(context.book, flag);
    for experiment in context.book.experiments_of(&flag.key).filter(|e| e.decision.is_none()) {
        if satisfiable(&reach.left_of(&experiment.audience), attributes) != Overlap::Disjoint {
            continue;
        }
        let alone = satisfiable(&context.book.inlined(&experiment.audience), attributes);
        let message = format!("experiment `{}` can enrol nobody", experiment.key);
        let place = if experiment.audience.is_everyone() { "" } else { "/audience" };
        let finding = RULE.finding(context, message, (Kind::Experiment, &experiment.key, place));
        found.push(if alone == Overlap::Disjoint {
            finding
                .label("no unit matches all of this")
                .help("take out the conditions that contradict each other")
        } else {
            context
                .relate(
                    finding.label("every unit of this audience is served by a rule"),
                    (Kind::Flag, &flag.key, "/rules"),
                    "rules come before experiments",
                )
                .help("widen the audience, or narrow the rules")
        });
    }
}
