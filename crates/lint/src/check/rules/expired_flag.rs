//! A flag that is still there after the date on which it should have been gone.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "expired-flag",
    Severity::Warning,
    "crates/lint/src/check/rules/expired_flag.md",
    include_str!("expired_flag.md"),
    &[Each::Flag(check)],
);

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let Some(expires) = flag.expires.filter(|expires| *expires <= context.now) else { return };
    let message = format!("flag `{}` expired on {}", flag.key, context.date(expires));
    let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, "/expires"));
    let waiting = context.book.experiments_of(&flag.key).find(|experiment| context.undecided(experiment));
    found.push(match waiting {
        Some(experiment) => finding.help(format!(
            "conclude `{}` first, then take the flag out of the code and archive it (`archived: true`)",
            experiment.key
        )),
        None => finding.help(format!(
            "take the flag out of the code, keep what `{}` does, and archive it (`archived: true`); or give it \
             a later date",
            flag.default
        )),
    });
}
