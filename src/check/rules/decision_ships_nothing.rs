//! A decision to ship that the flag does not carry out.

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{DecisionOutcome, Kind};
use crate::targeting::{Overlap, overlap};

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
        let tested = context.book.inlined(&experiment.audience);
        // A rule for others, employees for example, ships nothing to those on whom it was tested.
        let reaches_the_tested = flag.rules.iter().filter(|rule| rule.serve == *variant).any(|rule| {
            let served = context.book.inlined(&rule.when);
            overlap(&tested, &served, &context.book.attributes) != Overlap::Disjoint
        });
        if flag.default == *variant || reaches_the_tested {
            continue;
        }
        let message = format!(
            "experiment `{}` decided to ship `{variant}`, and flag `{}` serves it to nobody on whom it was tested",
            experiment.key, flag.key
        );
        let finding = context.finding(&RULE, message, (Kind::Experiment, &experiment.key, "/decision"));
        let finding = context.relate(
            finding,
            (Kind::Flag, &flag.key, "/default"),
            format!("the default is `{}`, and no rule serves them `{variant}`", flag.default),
        );
        found.push(finding.help(if experiment.audience.is_everyone() {
            format!("write `default: {variant}` in the flag")
        } else {
            format!("add a rule to the flag with the audience that was tested and `serve: {variant}`")
        }));
    }
}
