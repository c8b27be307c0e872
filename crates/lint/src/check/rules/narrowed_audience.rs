//! An experiment or a rollout of whose audience the flag's rules leave little.

use std::fmt::Display;

use crate::check::context::Context;
use crate::check::reach::Reach;
use crate::check::rule::{Each, Rule};
use crate::check::text::percent;
use crate::check::traffic::Traffic;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Kind, Predicate};

/// Rules that leave at least this much of an audience are not worth a word.
const ENOUGH: f64 = 0.5;

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "narrowed-audience",
    Severity::Warning,
    "crates/lint/src/check/rules/narrowed_audience.md",
    include_str!("narrowed_audience.md"),
    &[Each::Flag(check)],
);

/// After its decision an experiment needs nobody: the rule that ships it takes its whole audience. So does a rule that
/// finishes a rollout.
fn check(context: &Context<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    if flag.rules.is_empty() {
        return;
    }
    let reach = Reach::in_primary(context.book, flag);
    for experiment in context.book.experiments_of(&flag.key).filter(|e| e.decision.is_none()) {
        let name: (Kind, &dyn Display) = (Kind::Experiment, &experiment.key);
        found.extend(narrowed(context, flag, &reach, name, &experiment.audience));
    }
    let complete = |at| at <= context.now;
    let rollouts = context.book.rollouts_of(&flag.key);
    for rollout in rollouts.filter(|rollout| !rollout.complete_at().is_some_and(complete)) {
        let name: (Kind, &dyn Display) = (Kind::Rollout, &rollout.key);
        found.extend(narrowed(context, flag, &reach, name, &rollout.audience));
    }
}

fn narrowed(
    context: &Context<'_>,
    flag: &Flag,
    reach: &Reach<'_>,
    (kind, key): (Kind, &dyn Display),
    audience: &Predicate,
) -> Option<Diagnostic> {
    let share = |audience: &Predicate| {
        Some(match context.traffic(audience)? {
            Traffic::Declared(share) => share,
            Traffic::Sampled(measured) => measured.share,
        })
    };
    let all = share(&context.book.inlined(audience)).filter(|all| *all > 0.0)?;
    let left = share(&reach.left_of(audience))?;
    // Where nothing is left at all, another rule says more.
    if left <= 0.0 || left >= all * ENOUGH {
        return None;
    }
    let message = format!(
        "the rules of `{}` leave {} of the audience of {kind} `{key}`",
        flag.key,
        percent(left / all)
    );
    let place = if audience.is_everyone() { "" } else { "/audience" };
    let finding = RULE.finding(context, message, (kind, key, place));
    let finding = finding.label(format!("{} of all users, of whom {} are left", percent(all), percent(left)));
    let finding = context.relate(finding, (Kind::Flag, &flag.key, "/rules"), "rules come first");
    Some(finding.help(format!(
        "plan with what is left, narrow the rules, or give `{key}` the audience that it is for"
    )))
}
