//! A target that this version cannot write.

use crate::check::context::Context;
use crate::check::rule::Rule;
use trialbook_model::Kind;
use trialbook_model::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "unsupported-target",
    Severity::Warning,
    "crates/lint/src/check/rules/unsupported_target.md",
    include_str!("unsupported_target.md"),
    check,
);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for target in context.book.targets.values() {
        let Some(why) = target.backend.cannot_open() else { continue };
        let message = format!("nothing can be planned or applied for target `{}`: {why}", target.key);
        let place = format!("/targets/{}", target.key);
        let finding = RULE.finding(context, message, (Kind::Book, &context.book.name, &place));
        found.push(finding.help(
            "serve it from a flag file: `type: flagd` with a `store` such as `file://live/staging.json`",
        ));
    }
}
