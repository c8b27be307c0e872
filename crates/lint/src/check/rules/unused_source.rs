//! A source of facts that no metric reads.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Source, SourceRole};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unused-source",
    Severity::Warning,
    "crates/lint/src/check/rules/unused_source.md",
    include_str!("unused_source.md"),
    &[Each::Source(check)],
);

fn check(context: &Inspection<'_>, source: &Source, found: &mut Vec<Diagnostic>) {
    let key = &source.key;
    let used = !context.book.uses().of_part(Kind::Source, key.as_str()).is_empty();
    if matches!(source.role, SourceRole::Facts { .. }) && !used {
        found.push(
            RULE.finding(context, format!("no metric reads source `{key}`"), (Kind::Source, key, ""))
                .help("delete the file, or measure something in it"),
        );
    }
}
