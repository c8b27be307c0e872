//! A layer that no experiment is in.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Layer};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unused-layer",
    Severity::Warning,
    "crates/lint/src/check/rules/unused_layer.md",
    include_str!("unused_layer.md"),
    &[Each::Layer(check)],
);

fn check(context: &Inspection<'_>, layer: &Layer, found: &mut Vec<Diagnostic>) {
    let key = &layer.key;
    if context.book.uses().of_part(Kind::Layer, key.as_str()).is_empty() {
        found.push(
            RULE.finding(context, format!("no experiment is in layer `{key}`"), (Kind::Layer, key, "")).help(
                format!(
                    "delete the file, or put experiments that must exclude each other in it (`layer: {key}`)"
                ),
            ),
        );
    }
}
