//! An experiment that enrols longer than the book allows.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "too-long",
    Severity::Error,
    "crates/lint/src/check/rules/too_long.md",
    include_str!("too_long.md"),
    &[Each::Experiment(check)],
);

fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    let Some(longest) = context.book.policy.max_duration else { return };
    if !context.undecided(experiment) {
        return;
    }
    let latest = context.book.policy.latest_end(experiment.schedule.start(), context.timezone());
    let Some(latest) = latest else { return };
    if experiment.schedule.end() <= latest {
        return;
    }
    let message = format!("experiment `{}` enrols for more than {longest}", experiment.key);
    let finding =
        RULE.finding(context, message, (Kind::Experiment, &experiment.key, "/schedule")).help(format!(
            "write `end: {}` or an earlier date, or raise the limit for everyone",
            context.day_by(latest)
        ));
    let limit = (Kind::Book, &context.book.name as &dyn std::fmt::Display, "/policy/max_duration");
    found.push(context.relate(finding, limit, "the longest that the book allows"));
}
