//! A decision to ship that the flag does not carry out.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, overlap};
use trialbook_model::{DecisionOutcome, Experiment, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "decision-ships-nothing",
    Severity::Error,
    "crates/lint/src/check/rules/decision_ships_nothing.md",
    include_str!("decision_ships_nothing.md"),
    &[Each::Experiment(check)],
);

/// An archived flag is served to nobody: there the code carries the decision out.
fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    let Some(decision) = &experiment.decision else { return };
    let (DecisionOutcome::Ship, Some(variant)) = (decision.outcome, &decision.variant) else { return };
    let Some(flag) = context.book.flag_of(experiment).filter(|flag| !flag.archived) else { return };
    let tested = context.book.inlined(&experiment.audience);
    // A rule for others, employees for example, ships nothing to those on whom it was tested.
    let reaches_the_tested = flag.rules.iter().filter(|rule| rule.serve == *variant).any(|rule| {
        let served = context.book.inlined(&rule.when);
        overlap(&tested, &served, &context.book.attributes) != Overlap::Disjoint
    });
    if flag.default == *variant || reaches_the_tested {
        return;
    }
    let message = format!(
        "experiment `{}` decided to ship `{variant}`, and flag `{}` serves it to nobody on whom it was tested",
        experiment.key, flag.key
    );
    let finding = RULE.finding(context, message, (Kind::Experiment, &experiment.key, "/decision"));
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
