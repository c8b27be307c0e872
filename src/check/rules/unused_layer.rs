//! A layer that no experiment is in.

use std::collections::BTreeSet;

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Kind;

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "unused-layer",
    Severity::Warning,
    "src/check/rules/unused_layer.md",
    include_str!("unused_layer.md"),
    check,
);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let used: BTreeSet<_> = context.book.experiments.values().filter_map(|e| e.layer.as_ref()).collect();
    for layer in context.book.layers.keys().filter(|key| !used.contains(key)) {
        found.push(
            context
                .finding(&RULE, format!("no experiment is in layer `{layer}`"), (Kind::Layer, layer, ""))
                .help(format!("delete the file, or put experiments that must exclude each other in it (`layer: {layer}`)")),
        );
    }
}
