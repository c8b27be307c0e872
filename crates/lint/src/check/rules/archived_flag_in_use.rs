//! An experiment that waits for its decision on a flag that is no longer served.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "archived-flag-in-use",
    Severity::Error,
    "crates/lint/src/check/rules/archived_flag_in_use.md",
    include_str!("archived_flag_in_use.md"),
    &[Each::Flag(check)],
);

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    if !flag.archived {
        return;
    }
    for experiment in context.book.experiments_of(&flag.key).filter(|e| context.undecided(e)) {
        let message = format!("experiment `{}` tests flag `{}`, which is archived", experiment.key, flag.key);
        let finding = RULE
            .finding(context, message, (Kind::Experiment, &experiment.key, "/flag"))
            .label("nobody can be enrolled through it");
        found.push(context.relate(finding, (Kind::Flag, &flag.key, "/archived"), "archived here").help(
            "decide the experiment (`decision: {outcome: aborted, …}`), or take `archived` out of the flag",
        ));
    }
    for rollout in context.book.rollouts_of(&flag.key) {
        let message = format!("rollout `{}` releases flag `{}`, which is archived", rollout.key, flag.key);
        let finding = RULE
            .finding(context, message, (Kind::Rollout, &rollout.key, "/flag"))
            .label("nobody can be served through it");
        let finding = context.relate(finding, (Kind::Flag, &flag.key, "/archived"), "archived here");
        found.push(finding.help("remove the rollout, or take `archived` out of the flag"));
    }
}
