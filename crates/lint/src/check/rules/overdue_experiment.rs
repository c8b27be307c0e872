//! An experiment whose data has been complete for a while and that nobody has decided.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Duration, Experiment, ExperimentState, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overdue-experiment",
    Severity::Warning,
    "crates/lint/src/check/rules/overdue_experiment.md",
    include_str!("overdue_experiment.md"),
    &[Each::Experiment(check)],
);

/// How long a team may take to read the result and write the decision: half of the grace in which serving goes on.
const PATIENCE: Duration = Duration::days(7);

fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if context.book.state_at(experiment, context.now) != ExperimentState::Overdue {
        return;
    }
    let matured = context.book.matured_at(experiment);
    if context.now < PATIENCE.after(matured) {
        return;
    }
    let matured = context.date(matured);
    let message = format!("experiment `{}` is overdue: its data is complete since {matured}", experiment.key);
    let finding = RULE.finding(context, message, (Kind::Experiment, &experiment.key, "/schedule"));
    let finding = match context.book.serving_window(experiment).map(|window| window.end()) {
        Some(until) if until > context.now => finding
            .note(format!("it is served until {}, then everyone gets the default", context.date(until))),
        Some(until) => finding.note(format!("everyone gets the default since {}", context.date(until))),
        None => finding,
    };
    found.push(finding.help(format!("`trialbook analyze {}`, then write its `decision`", experiment.key)));
}
