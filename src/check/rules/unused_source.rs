//! A source of facts that no metric reads.

use std::collections::BTreeSet;

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{Kind, SourceRole};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "unused-source",
    Severity::Warning,
    "src/check/rules/unused_source.md",
    include_str!("unused_source.md"),
    check,
);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let used: BTreeSet<_> =
        context.book.metrics.values().map(|metric| &metric.kind.measurement().source).collect();
    for source in context.book.sources.values() {
        if matches!(source.role, SourceRole::Facts { .. }) && !used.contains(&source.key) {
            let message = format!("no metric reads source `{}`", source.key);
            found.push(
                context
                    .finding(&RULE, message, (Kind::Source, &source.key, ""))
                    .help("delete the file, or measure something in it"),
            );
        }
    }
}
