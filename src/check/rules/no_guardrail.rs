//! An experiment that would not notice that it hurts.

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Kind;

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "no-guardrail",
    Severity::Warning,
    "src/check/rules/no_guardrail.md",
    include_str!("no_guardrail.md"),
    check,
);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for experiment in context.book.experiments.values() {
        if experiment.metrics.guardrails.is_empty() && context.undecided(experiment) {
            let message = format!("experiment `{}` has no guardrail", experiment.key);
            found.push(
                context
                    .finding(&RULE, message, (Kind::Experiment, &experiment.key, "/metrics"))
                    .label("only what should improve is watched")
                    .help(
                        "add `guardrails: [{metric: KEY, margin: 5%}]` here, or once for everyone under `defaults` in \
                         trialbook.yaml",
                    ),
            );
        }
    }
}
