//! An experiment that starts while nothing may be launched.

use crate::check::context::Context;
use crate::check::rule::{Each, Rule};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{Experiment, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "launch-in-freeze",
    Severity::Error,
    "src/check/rules/launch_in_freeze.md",
    include_str!("launch_in_freeze.md"),
    &[Each::Experiment(check)],
);

/// A freeze that is over is history: what was launched in it stays as it is.
fn check(context: &Context<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if !context.undecided(experiment) {
        return;
    }
    for (i, freeze) in context.book.policy.freeze.iter().enumerate().filter(|(_, f)| context.now < f.until) {
        let start = experiment.schedule.start();
        if start < freeze.from || freeze.until <= start {
            continue;
        }
        let message =
            format!("experiment `{}` starts on {}, in a freeze", experiment.key, context.date(start));
        let until = context.date(freeze.until);
        let finding = context
            .finding(&RULE, message, (Kind::Experiment, &experiment.key, "/schedule/start"))
            .help(format!("start it on {until} or later"));
        let place =
            (Kind::Book, &context.book.name as &dyn std::fmt::Display, &*format!("/policy/freeze/{i}"));
        found.push(context.relate(
            finding,
            place,
            format!("nothing is launched from {} to {until}: {}", context.date(freeze.from), freeze.reason),
        ));
    }
}
