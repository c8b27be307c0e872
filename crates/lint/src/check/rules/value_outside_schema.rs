//! A variant whose value does not fit the flag's schema.

use crate::check::flag_schema::{FlagSchema, escaped};
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "value-outside-schema",
    Severity::Error,
    "crates/lint/src/check/rules/value_outside_schema.md",
    include_str!("value_outside_schema.md"),
    &[Each::Flag(check)],
);

/// How many misfits of a value are shown.
const MOST: usize = 10;

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    // A schema that cannot be used is a finding of its own.
    let Some(Ok(schema)) = flag.schema.as_ref().map(FlagSchema::new) else { return };
    for (variant, value) in &flag.variants {
        let place = format!("/variants/{}", escaped(variant.as_str()));
        match schema.misfits(value, MOST) {
            Ok(misfits) => found.extend(misfits.into_iter().map(|misfit| {
                let message =
                    format!("the value of `{variant}` does not fit the flag's schema: {}", misfit.message);
                let place = format!("{place}{}", misfit.pointer);
                let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, &place));
                let asked = format!("/schema{}", misfit.schema);
                let finding =
                    context.relate(finding, (Kind::Flag, &flag.key, &asked), "the schema asks for this");
                finding.help("correct the value, or the schema where it is too narrow")
            })),
            Err(steps) => {
                let message =
                    format!("the value of `{variant}` is too large for the flag's schema: {steps} steps");
                let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, &place));
                found.push(finding.help("make the value or the schema smaller"));
            }
        }
    }
}
