//! A flag's schema that cannot be used.

use crate::check::flag_schema::FlagSchema;
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "bad-schema",
    Severity::Error,
    "crates/lint/src/check/rules/bad_schema.md",
    include_str!("bad_schema.md"),
    &[Each::Flag(check)],
)
.never_suppressed();

/// How many faults of a schema are shown.
const MOST: usize = 20;

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let faults = match flag.schema.as_ref().map(FlagSchema::new) {
        None | Some(Ok(_)) => return,
        Some(Err(faults)) => faults,
    };
    for fault in faults.into_iter().take(MOST) {
        let message = format!("flag `{}`: {}", flag.key, fault.message);
        let place = format!("/schema{}", fault.pointer);
        found.push(RULE.finding(context, message, (Kind::Flag, &flag.key, &place)).help(fault.help));
    }
}
