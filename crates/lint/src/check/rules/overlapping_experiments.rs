//! Two experiments on one flag that can enrol the same unit.

use crate::check::booking::share;
use crate::check::collision::{Pair, each_pair};
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{BUCKETS, Experiment, Flag, Kind, LayerKey};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overlapping-experiments",
    Severity::Error,
    "crates/lint/src/check/rules/overlapping_experiments.md",
    include_str!("overlapping_experiments.md"),
    &[Each::Flag(check)],
)
.never_suppressed();

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let what = format!("two experiments on `{}` can enrol the same unit", flag.key);
    let both = |pair: &Pair<'_>| pair.experiments() == 2;
    each_pair(context, &RULE, flag, found, both, |pair, audiences, work| {
        pair.meeting(context, &RULE, &what, audiences, work, || advice(context, pair))
    });
}

/// What ends the collision: a layer in common, as far as it has room for both, or another start.
fn advice(context: &Inspection<'_>, pair: &Pair<'_>) -> String {
    let experiments = [pair.earlier, pair.later].map(|served| served.experiment());
    let layer = experiments.iter().flatten().find_map(|experiment| experiment.layer.as_ref());
    let members = |experiment: &Experiment| layer.is_some() && experiment.layer.as_ref() == layer;
    let both = experiments.iter().flatten().copied().filter(|experiment| !members(experiment));
    let asked = claimed_with(context, layer, both);
    let layer =
        layer.map_or(String::new(), |layer| format!(" (`layer: {layer}`, then `trialbook allocate`)"));
    let layer = if layer.is_empty() { " (then `trialbook allocate`)".to_owned() } else { layer };
    let start =
        format!("start `{}` on {} or later", pair.later.key(), context.day_from(pair.earlier.window.end()));
    if asked <= u64::from(BUCKETS) {
        return format!("put both in one layer{layer}, or {start}");
    }
    format!(
        "{start}, or put both in one layer{layer} and allocate less, because {} of it would be claimed (`trialbook fit` \
         looks for what fits)",
        share(asked)
    )
}

/// Returns how many buckets of a layer the undecided experiments in it claim together with others that join them.
fn claimed_with<'a>(
    context: &Inspection<'a>,
    layer: Option<&LayerKey>,
    others: impl Iterator<Item = &'a Experiment>,
) -> u64 {
    let members =
        layer.into_iter().flat_map(|layer| context.book.uses().of_part(Kind::Layer, layer.as_str()));
    let members = members.filter_map(|user| context.book.experiments.get(&*user.key));
    let all = members.filter(|experiment| context.undecided(experiment)).chain(others);
    all.map(|experiment| u64::from(experiment.allocation.buckets().unwrap_or(0))).sum()
}
