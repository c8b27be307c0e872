//! What a book declares about the data and this version does not compute.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Kind, MetricKey};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unsupported-analysis",
    Severity::Warning,
    "crates/lint/src/check/rules/unsupported_analysis.md",
    include_str!("unsupported_analysis.md"),
    &[Each::Experiment(check)],
);

fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if !context.undecided(experiment) {
        return;
    }
    let key = &experiment.key;
    for (pointer, metric) in uses(experiment) {
        let kind = context.book.metrics.get(metric).and_then(|metric| context.book.not_computed(metric));
        let Some(what) = kind else { continue };
        let message = format!(
            "metric `{metric}` of experiment `{key}` will not be measured: this version does not compute {what}"
        );
        let finding = RULE.finding(context, message, (Kind::Experiment, key, &pointer));
        let finding = context.relate(finding, (Kind::Metric, metric, "/type"), format!("one of the {what}"));
        found.push(finding.help(
            "count the days of both sources in the same zone, or give one of them times instead of days",
        ));
    }
}

/// Returns the metrics of an experiment, each with where it stands if it is the experiment's own.
fn uses(experiment: &Experiment) -> impl Iterator<Item = (String, &MetricKey)> {
    let plan = &experiment.metrics;
    let success =
        plan.success.iter().enumerate().map(|(i, s)| (format!("/metrics/success/{i}/metric"), &s.metric));
    let guardrails = plan
        .guardrails
        .iter()
        .enumerate()
        .map(|(i, g)| (format!("/metrics/guardrails/{i}/metric"), &g.metric));
    let exploratory =
        plan.exploratory.iter().enumerate().map(|(i, key)| (format!("/metrics/exploratory/{i}"), key));
    success.chain(guardrails).chain(exploratory)
}
