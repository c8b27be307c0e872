//! Starts that have passed before anything could be launched, where there is no branch to compare with.
//!
//! The review of a change finds all of them. Here it is known only of a file that is in no commit yet.

use std::fmt::Display;

use jiff::Timestamp;

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::review::start_in_past;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Holdout, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_change(
    start_in_past::NAME,
    Severity::Error,
    "crates/lint/src/check/rules/change/start-in-past.md",
    include_str!("change/start-in-past.md"),
)
.judging(&[Each::Experiment(experiment), Each::Holdout(holdout)]);

fn experiment(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if experiment.decision.is_none() {
        check(context, Kind::Experiment, &experiment.key, experiment.schedule.start(), found);
    }
}

fn holdout(context: &Inspection<'_>, holdout: &Holdout, found: &mut Vec<Diagnostic>) {
    check(context, Kind::Holdout, &holdout.key, holdout.schedule.start(), found);
}

fn check(
    context: &Inspection<'_>,
    kind: Kind,
    key: &dyn Display,
    start: Timestamp,
    found: &mut Vec<Diagnostic>,
) {
    if start < context.now && context.is_uncommitted(kind, &key.to_string()) {
        let place = context.place(kind, key, "/schedule/start");
        found.push(start_in_past::finding(
            (kind, key),
            place,
            &context.date(start),
            &context.date(context.now),
        ));
    }
}
