//! A flag that is seen nowhere in the product, as far as the book declares.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "no-surface",
    Severity::Warning,
    "crates/lint/src/check/rules/no_surface.md",
    include_str!("no_surface.md"),
    &[Each::Flag(check)],
);

/// An experiment that declares where it is seen declares it for its flag too.
fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    if context.book.surfaces.is_empty() || flag.archived || !flag.surfaces.is_empty() {
        return;
    }
    let blind: Vec<_> = context
        .book
        .experiments_of(&flag.key)
        .filter(|experiment| context.undecided(experiment) && experiment.surfaces.is_empty())
        .collect();
    let Some(first) = blind.first() else { return };
    let message = format!("experiment `{}` and its flag `{}` name no surface", first.key, flag.key);
    let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, ""));
    let finding = context.relate(finding, (Kind::Experiment, &first.key, ""), "tested here");
    let surfaces: Vec<_> = context.book.surfaces.keys().map(|key| key.as_str()).take(8).collect();
    found
        .push(finding.help(format!("add `surfaces: [KEY]` to the flag; there are: {}", surfaces.join(", "))));
}
