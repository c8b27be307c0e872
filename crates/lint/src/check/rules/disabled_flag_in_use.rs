//! An experiment or a rollout on a flag that is switched off.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "disabled-flag-in-use",
    Severity::Warning,
    "crates/lint/src/check/rules/disabled_flag_in_use.md",
    include_str!("disabled_flag_in_use.md"),
    &[Each::Flag(check)],
);

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    if flag.enabled || flag.archived {
        return;
    }
    let off = |finding| context.relate(finding, (Kind::Flag, &flag.key, "/enabled"), "switched off here");
    for experiment in context.book.experiments_of(&flag.key) {
        let served = context.book.serving_window(experiment).is_some_and(|window| window.end() > context.now);
        if !context.undecided(experiment) || !served {
            continue;
        }
        let message =
            format!("experiment `{}` enrols nobody: flag `{}` is switched off", experiment.key, flag.key);
        let finding = RULE.finding(context, message, (Kind::Experiment, &experiment.key, "/flag"));
        found.push(off(finding).help(
            "switch the flag on again, or conclude the experiment: units that come back after a pause are no longer those that \
             were enrolled",
        ));
    }
    for rollout in context.book.rollouts_of(&flag.key) {
        let message =
            format!("rollout `{}` reaches nobody: flag `{}` is switched off", rollout.key, flag.key);
        let finding = RULE.finding(context, message, (Kind::Rollout, &rollout.key, "/flag"));
        found.push(off(finding).help("switch the flag on again, or delete the rollout's file"));
    }
}
