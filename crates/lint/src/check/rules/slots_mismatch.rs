//! Slots that do not hold what the experiments of a layer claim.

use std::collections::BTreeMap;

use crate::check::booking::overbooked;
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::text::counted;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, ExperimentKey, Kind, Layer, LayerKey, PartName};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "slots-mismatch",
    Severity::Error,
    "crates/lint/src/check/rules/slots_mismatch.md",
    include_str!("slots_mismatch.md"),
    &[Each::Layer(check)],
);

fn check(context: &Inspection<'_>, layer: &Layer, found: &mut Vec<Diagnostic>) {
    let mut held = BTreeMap::<&ExperimentKey, u64>::new();
    for slot in &layer.slots {
        *held.entry(&slot.experiment).or_default() += u64::from(slot.buckets.count());
    }
    let overbooked = overbooked(context, layer);
    for user in context.book.uses().of_part(Kind::Layer, layer.key.as_str()) {
        if let Some(experiment) = context.book.experiments.get(&*user.key) {
            let held = held.get(&experiment.key).copied().unwrap_or(0);
            // Where the layer has no room, `allocate` finds none, and `overbooked-layer` has the reason.
            let lacks = held < u64::from(experiment.allocation.buckets().unwrap_or(0));
            let no_room = lacks && overbooked.iter().any(|o| o.everyone.contains(&experiment.key));
            if !no_room {
                claim(context, experiment, &layer.key, held, found);
            }
        }
    }
}

/// Compares what an experiment claims with what it holds.
///
/// A concluded one may have given its slots back; it has no use for them.
fn claim(
    context: &Inspection<'_>,
    experiment: &Experiment,
    layer: &LayerKey,
    held: u64,
    found: &mut Vec<Diagnostic>,
) {
    let claimed = u64::from(experiment.allocation.buckets().unwrap_or(0));
    if held == claimed || (held == 0 && !context.undecided(experiment)) {
        return;
    }
    let key = &experiment.key;
    let message = if held == 0 {
        format!("experiment `{key}` has no slots in layer `{layer}`")
    } else {
        format!("experiment `{key}` holds {} of layer `{layer}`, not {claimed}", counted(held, "bucket"))
    };
    let finding = RULE.finding(context, message, (Kind::Experiment, key, "/allocation")).label(format!(
        "{} is {}",
        experiment.allocation,
        counted(claimed, "bucket")
    ));
    let finding = context.relate(finding, (Kind::Layer, layer, "/slots"), "the slots of the layer");
    let finding = finding
        .about([PartName::new(Kind::Layer, layer.as_str()), PartName::new(Kind::Experiment, key.as_str())]);
    let enrols = experiment.schedule.start() <= context.now;
    found.push(if held > claimed && enrols {
        finding.help(format!(
            "put the allocation back; to enrol fewer units, conclude `{key}` and start a new experiment"
        ))
    } else {
        finding.help(format!("run `trialbook allocate {key}`"))
    });
}
