//! A rollout that everybody has, and that is still a rollout.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Duration, Kind, Rollout};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "finished-rollout",
    Severity::Warning,
    "crates/lint/src/check/rules/finished_rollout.md",
    include_str!("finished_rollout.md"),
    &[Each::Rollout(check)],
);

/// How long a finished rollout may rest: time to see that nothing breaks at full size.
const REST: Duration = Duration::days(30);

/// The steps of a rollout with guardrails are taken where they were approved, which the book does not record: its plan is no
/// proof that everybody has it.
fn check(context: &Inspection<'_>, rollout: &Rollout, found: &mut Vec<Diagnostic>) {
    if rollout.is_guarded() {
        return;
    }
    let Some(complete) = rollout.complete_at() else { return };
    if context.now < REST.after(complete) {
        return;
    }
    let key = &rollout.key;
    let message =
        format!("rollout `{key}` has been at 100% since {}, and is still a rollout", context.date(complete));
    let last = rollout.steps.all().len().saturating_sub(1);
    let finding = RULE.finding(context, message, (Kind::Rollout, key, &format!("/steps/{last}")));
    let finding = context.relate(finding, (Kind::Flag, &rollout.flag, "/default"), "the flag's default");
    found.push(finding.help(if rollout.audience.is_everyone() {
        format!("write `default: {}` into the flag and delete the rollout's file", rollout.serve)
    } else {
        format!("add a rule that serves `{}` to its audience and delete the rollout's file", rollout.serve)
    }));
}
