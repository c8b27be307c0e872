//! A metric that no experiment looks at.

use std::collections::BTreeSet;

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Kind;

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "unused-metric",
    Severity::Warning,
    "src/check/rules/unused_metric.md",
    include_str!("unused_metric.md"),
    check,
);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let used: BTreeSet<_> = context.book.experiments.values().flat_map(|e| e.metrics.all()).collect();
    for metric in context.book.metrics.keys().filter(|key| !used.contains(key)) {
        found.push(
            context
                .finding(&RULE, format!("no experiment uses metric `{metric}`"), (Kind::Metric, metric, ""))
                .help("delete the file, or give the metric a role in an experiment"),
        );
    }
}
