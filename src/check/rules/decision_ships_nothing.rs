//! A decision to ship that the flag does not carry out.

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{DecisionOutcome, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "decision-ships-nothing",
    Severity::Error,
    "src/check/rules/decision_ships_nothing.md",
    include_str!("decision_ships_nothing.md"),
    check,
);

/// An archived flag is served to nobody: there the code carries the decision out.
fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for experiment in context.book.experiments.values() {
        let Some(decision) = &experiment.decision else { continue };
        let (DecisionOutcome::Ship, Some(variant)) = (decision.outcome, &decision.variant) else { continue };
        let Some(flag) = context.book.flag_of(experiment).filter(|flag| !flag.archived) else { continue };
        if flag.default == *variant || flag.rules.iter().any(|rule| rule.serve == *variant) {
            continue;
        }
        let message = format!(
            "experiment `{}` decided to ship `{variant}`, and flag `{}` serves it to nobody",
            experiment.key, flag.key
        );
        let finding = context.finding(&RULE, message, (Kind::Experiment, &experiment.key, "/decision"));
        let finding = context.relate(
            finding,
            (Kind::Flag, &flag.key, "/default"),
            format!("everyone gets `{}`, and no rule serves `{variant}`", flag.default),
        );
        found.push(finding.help(if experiment.audience.is_everyone() {
            format!("write `default: {variant}` in the flag")
        } else {
            format!("add a rule to the flag with the audience that was tested and `serve: {variant}`")
        }));
    }
}
