//! Two experiments on one flag that can enrol the same unit.

use crate::check::collision::{Pair, each_pair, pairs};
use crate::check::context::Context;
use crate::check::reach::Reach;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, Work, meet_within};
use trialbook_model::{Flag, Predicate};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overlapping-experiments",
    Severity::Error,
    "crates/lint/src/check/rules/overlapping_experiments.md",
    include_str!("overlapping_experiments.md"),
    &[Each::Flag(check)],
)
.never_suppressed();

fn check(context: &Context<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let pairs: Vec<_> = pairs(context, flag).into_iter().filter(|pair| pair.experiments() == 2).collect();
    if pairs.is_empty() {
        return;
    }
    let reach = Reach::new(context.book, flag);
    each_pair(context, &RULE, flag, &pairs, found, |pair, work| collision(context, flag, &reach, pair, work));
}

/// Returns the finding where two experiments that are served at the same time can meet.
fn collision(
    context: &Context<'_>,
    flag: &Flag,
    reach: &Reach<'_>,
    pair: &Pair<'_>,
    work: &mut Work,
) -> Option<Diagnostic> {
    let (a, b) = (reach.left_of(pair.later.audience()), reach.left_of(pair.earlier.audience()));
    match meet_within(&[&a, &b], context.attributes(), work) {
        Overlap::Disjoint => None,
        Overlap::At(witness) => {
            let message = format!("two experiments on `{}` can enrol the same unit", flag.key);
            let finding = pair.at_audiences(context, &RULE, message, None).note(pair.when(context));
            let finding = pair.proved(context, finding, &witness);
            let traffic = context.traffic(&Predicate::All(vec![a, b]));
            Some(pair.with_traffic(context, finding, traffic).help(advice(context, pair)))
        }
        Overlap::Undecided(reason) => {
            let message = format!(
                "it is undecided whether two experiments on `{}` can enrol the same unit: {reason}",
                flag.key
            );
            let finding = pair.at_audiences(context, &RULE, message, Some(("this audience", "and this one")));
            let advice = advice(context, pair);
            let help = format!("make the audiences simpler, or take no chances: {advice}");
            Some(finding.note(pair.when(context)).help(help))
        }
    }
}

/// What ends the collision: a layer in common, or another start.
fn advice(context: &Context<'_>, pair: &Pair<'_>) -> String {
    let layers = [pair.earlier, pair.later].map(|served| served.experiment()?.layer.as_ref());
    let together = match layers.into_iter().flatten().next() {
        Some(layer) => format!("put both in one layer (`layer: {layer}`, then `trialbook allocate`)"),
        None => "put both in one layer (then `trialbook allocate`)".to_owned(),
    };
    format!(
        "{together}, or start `{}` on {} or later",
        pair.later.key(),
        context.day_from(pair.earlier.window.end())
    )
}
