//! An experiment that is still served, whose flag has lost a variant.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "missing-variant",
    Severity::Error,
    "crates/lint/src/check/rules/missing_variant.md",
    include_str!("missing_variant.md"),
    &[Each::Experiment(check)],
)
.never_suppressed();

/// Without a decision, reading the book has refused it. With one, the variants that lost may go when it takes effect.
fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    let Some(decision) = experiment.decision.as_ref().filter(|_| context.undecided(experiment)) else {
        return;
    };
    let Some(flag) = context.book.flag_of(experiment) else { return };
    for variant in experiment.split.variants().filter(|variant| !flag.variants.contains_key(*variant)) {
        let message = format!(
            "experiment `{}` is served until its decision on {}, and flag `{}` has no variant `{variant}`",
            experiment.key,
            context.date(decision.date),
            flag.key
        );
        let finding = RULE.finding(context, message, (Kind::Experiment, &experiment.key, "/variants"));
        let finding = context.relate(finding, (Kind::Flag, &flag.key, "/variants"), "the flag's variants");
        found.push(finding.help("put the variant back; remove it when the decision has taken effect"));
    }
}
