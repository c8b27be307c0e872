//! A metric that no experiment looks at.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Metric};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unused-metric",
    Severity::Warning,
    "crates/lint/src/check/rules/unused_metric.md",
    include_str!("unused_metric.md"),
    &[Each::Metric(check)],
);

fn check(context: &Inspection<'_>, metric: &Metric, found: &mut Vec<Diagnostic>) {
    let key = &metric.key;
    if context.book.uses().of_part(Kind::Metric, key.as_str()).is_empty() {
        found.push(
            RULE.finding(context, format!("nothing uses metric `{key}`"), (Kind::Metric, key, ""))
                .help("delete the file, or give the metric a role in an experiment, a rollout or a holdout"),
        );
    }
}
