//! An experiment or a rollout that gets little of its audience, because the rest is served before it.

use crate::check::collision::Served;
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::starvation;
use crate::check::text::percent;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Flag, Holdout, Kind};

/// What leaves at least this much of an audience is not worth a word.
const ENOUGH: f64 = 0.5;

/// The maximum number of takers that are named.
const NAMED: usize = 5;

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "narrowed-audience",
    Severity::Warning,
    "crates/lint/src/check/rules/narrowed_audience.md",
    include_str!("narrowed_audience.md"),
    &[Each::Flag(check)],
);

/// After its decision an experiment needs nobody: the rule that ships it takes its whole audience. So does a rule that
/// finishes a rollout.
fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let open = context.book.experiments_of(&flag.key).filter(|experiment| experiment.decision.is_none());
    for experiment in open {
        let holdouts: Vec<&Holdout> = context.book.holdouts_over(experiment).collect();
        found.extend(narrowed(context, flag, &Served::of_experiment(experiment), &holdouts));
    }
    let complete = |at| at <= context.now;
    let rollouts = context.book.rollouts_of(&flag.key);
    for rollout in rollouts.filter(|rollout| !rollout.complete_at().is_some_and(complete)) {
        found.extend(narrowed(context, flag, &Served::of_rollout(rollout), &[]));
    }
}

fn narrowed(
    context: &Inspection<'_>,
    flag: &Flag,
    served: &Served<'_>,
    holdouts: &[&Holdout],
) -> Option<Diagnostic> {
    // Most flags serve one experiment to its whole audience: nothing is to be worked out.
    let several =
        context.book.experiments_of(&flag.key).count() + context.book.rollouts_of(&flag.key).count() > 1;
    let forced = context.book.experiments_of(&flag.key).any(|experiment| !experiment.overrides.is_empty());
    if flag.rules.is_empty() && flag.overrides.is_empty() && holdouts.is_empty() && !several && !forced {
        return None;
    }
    let starvation::Left { all, left, takers, only_rules } =
        starvation::left(context, flag, served, holdouts)?;
    // Where rules leave nothing at all, another rule explains more.
    if left >= all * ENOUGH || (left <= 0.0 && only_rules) {
        return None;
    }
    let (kind, key) = (served.kind(), served.key());
    let message = format!(
        "what comes first on `{}` leaves {} of the audience of {kind} `{key}`",
        flag.key,
        percent(left / all)
    );
    let finding = RULE.finding(context, message, served.place());
    let finding = finding.label(format!("{} of all users, of whom {} are left", percent(all), percent(left)));
    let finding = match flag.rules.is_empty() {
        true => finding,
        false => context.relate(finding, (Kind::Flag, &flag.key, "/rules"), "rules come first"),
    };
    let finding = takers.into_iter().take(NAMED).fold(finding, Diagnostic::note);
    Some(finding.help(format!(
        "plan with what is left, narrow what comes first, or give `{key}` the audience that it is for"
    )))
}
