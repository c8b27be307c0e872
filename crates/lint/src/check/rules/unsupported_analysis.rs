//! What a book says about the data and this version does not compute.

use crate::check::context::Context;
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

fn check(context: &Context<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if !context.undecided(experiment) {
        return;
    }
    let key = &experiment.key;
    let method = experiment.analysis.method;
    if let Some(why) = context.book.warehouse.as_ref().and_then(|warehouse| warehouse.cannot_open()) {
        let message = format!("experiment `{key}` cannot be analysed: {why}");
        let finding = RULE.finding(context, message, (Kind::Experiment, key, "/metrics"));
        let place = (Kind::Book, &context.book.name as &dyn std::fmt::Display, "/warehouse/engine");
        let finding = context.relate(finding, place, "the book's warehouse");
        found.push(
            finding.help("write `engine: duckdb`, and give it the data as files or as a DuckDB database"),
        );
    }
    if !method.is_computed() {
        let message = format!(
            "experiment `{key}` cannot be analysed: this version does not compute `{}`",
            method.as_str()
        );
        found.push(RULE.finding(context, message, (Kind::Experiment, key, "/analysis/method")).help(
            "write `analysis: {method: fixed-horizon}`: the data is judged once, when the last window has closed",
        ));
    }
    for (pointer, metric) in uses(experiment) {
        let kind = context.book.metrics.get(metric).and_then(|metric| metric.kind.not_computed());
        let Some(what) = kind else { continue };
        let message = format!(
            "metric `{metric}` of experiment `{key}` will not be measured: this version does not compute {what}"
        );
        let finding = RULE.finding(context, message, (Kind::Experiment, key, &pointer));
        let finding = context.relate(finding, (Kind::Metric, metric, "/type"), format!("one of the {what}"));
        found.push(finding.help("use a metric of type `mean` or `proportion`"));
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
