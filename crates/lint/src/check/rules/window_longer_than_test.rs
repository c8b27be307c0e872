//! A metric that takes longer to close than the experiment enrols.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Kind, Window};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "window-longer-than-test",
    Severity::Warning,
    "crates/lint/src/check/rules/window_longer_than_test.md",
    include_str!("window_longer_than_test.md"),
    &[Each::Experiment(check)],
);

fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if !context.undecided(experiment) {
        return;
    }
    let (start, end) = (experiment.schedule.start(), experiment.schedule.end());
    for key in experiment.metrics.deciding() {
        let Some(Window::Closed(window)) = context.book.metrics.get(key).map(|metric| metric.window) else {
            continue;
        };
        if window.after(start) <= end {
            continue;
        }
        let message = format!("`{key}` takes {window} to close, longer than `{}` enrols", experiment.key);
        let closes = context.date(window.after(end));
        let finding = RULE
            .finding(context, message, (Kind::Experiment, &experiment.key, "/schedule"))
            .label(format!("the last unit counts from {closes} on"));
        let finding = context.relate(finding, (Kind::Metric, key, "/window"), "the metric's window");
        found.push(finding.help(
            "enrol for at least as long as the window, choose a metric with a shorter one, or make this one exploratory",
        ));
    }
}
