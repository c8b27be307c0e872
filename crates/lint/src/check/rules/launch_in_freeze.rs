//! Something that starts or grows while nothing may be launched.

use std::fmt::Display;

use jiff::Timestamp;

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Allocation, Experiment, Holdout, Kind, Rollout};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "launch-in-freeze",
    Severity::Error,
    "crates/lint/src/check/rules/launch_in_freeze.md",
    include_str!("launch_in_freeze.md"),
    &[Each::Experiment(experiment), Each::Rollout(rollout), Each::Holdout(holdout)],
);

fn experiment(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if !context.undecided(experiment) {
        return;
    }
    let (kind, key) = (Kind::Experiment, &experiment.key);
    look(context, (kind, key, "/schedule/start"), "starts", experiment.schedule.start(), found);
    if let Allocation::Ramp(steps) = &experiment.allocation {
        // The first one is the start.
        for (i, step) in steps.all().iter().enumerate().skip(1) {
            look(context, (kind, key, &format!("/allocation/{i}/at")), "grows", step.at, found);
        }
    }
}

fn rollout(context: &Inspection<'_>, rollout: &Rollout, found: &mut Vec<Diagnostic>) {
    for (i, step) in rollout.steps.all().iter().enumerate() {
        let what = if i == 0 { "starts" } else { "grows" };
        look(context, (Kind::Rollout, &rollout.key, &format!("/steps/{i}/at")), what, step.at, found);
    }
}

fn holdout(context: &Inspection<'_>, holdout: &Holdout, found: &mut Vec<Diagnostic>) {
    let place = (Kind::Holdout, &holdout.key as &dyn Display, "/schedule/start");
    look(context, place, "starts", holdout.schedule.start(), found);
}

/// Finds the freezes that an instant is in. A freeze that is over is history: what was launched in it stays as it is.
fn look(
    context: &Inspection<'_>,
    place: (Kind, &dyn Display, &str),
    what: &str,
    at: Timestamp,
    found: &mut Vec<Diagnostic>,
) {
    let freezes = context.book.policy.freeze.iter().enumerate();
    for (i, freeze) in freezes.filter(|(_, f)| context.now < f.until && f.from <= at && at < f.until) {
        let (kind, key, _) = place;
        let message = format!("{kind} `{key}` {what} on {}, in a freeze", context.date(at));
        let (until, free) = (context.date(freeze.until), context.day_from(freeze.until));
        let help = match what {
            "starts" => format!("start it on {free} or later"),
            _ => format!("take the step on {free} or later, or before {}", context.date(freeze.from)),
        };
        let reason =
            format!("nothing is launched from {} to {until}: {}", context.date(freeze.from), freeze.reason);
        let freeze = format!("/policy/freeze/{i}");
        let finding = RULE.finding(context, message, place).help(help);
        found.push(context.relate(finding, (Kind::Book, &context.book.name, &freeze), reason));
    }
}
