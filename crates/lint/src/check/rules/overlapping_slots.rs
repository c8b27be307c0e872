//! Two experiments that hold the same buckets of a layer at the same time.

use std::collections::BTreeSet;

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{BucketRange, Kind, Layer, PartName, Schedule, Slot};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overlapping-slots",
    Severity::Error,
    "crates/lint/src/check/rules/overlapping_slots.md",
    include_str!("overlapping_slots.md"),
    &[Each::Layer(check)],
)
.never_suppressed();

/// Goes over the slots by their first bucket, with those that still reach this far at hand: slots that share no
/// bucket are never compared.
fn check(context: &Inspection<'_>, layer: &Layer, found: &mut Vec<Diagnostic>) {
    let mut slots: Vec<(usize, &Slot)> = layer.slots.iter().enumerate().collect();
    slots.sort_by_key(|(i, slot)| (slot.buckets, *i));
    let (mut reaching, mut reported) = (Vec::<(usize, &Slot)>::new(), BTreeSet::new());
    for (i, slot) in slots {
        reaching.retain(|(_, earlier)| earlier.buckets.last() >= slot.buckets.first());
        for (j, earlier) in &reaching {
            let pair = (
                earlier.experiment.clone().min(slot.experiment.clone()),
                earlier.experiment.clone().max(slot.experiment.clone()),
            );
            if reported.contains(&pair) {
                continue;
            }
            if let Some(finding) = collision(context, layer, (*j, earlier), (i, slot)) {
                found.push(finding);
                reported.insert(pair);
            }
        }
        reaching.push((i, slot));
    }
}

/// Returns the finding where two slots that share buckets are held at the same time, or too soon after each other.
fn collision(
    context: &Inspection<'_>,
    layer: &Layer,
    (i, a): (usize, &Slot),
    (j, b): (usize, &Slot),
) -> Option<Diagnostic> {
    let shared =
        BucketRange::new(a.buckets.first().max(b.buckets.first()), a.buckets.last().min(b.buckets.last()))?;
    // The slot further down in the file is the newer claim.
    let ((i, a), (j, b)) = if i < j { ((i, a), (j, b)) } else { ((j, b), (i, a)) };
    let place = format!("/slots/{j}");
    let experiments = [a, b].map(|slot| PartName::new(Kind::Experiment, slot.experiment.as_str()));
    let about = std::iter::once(PartName::new(Kind::Layer, layer.key.as_str())).chain(experiments);
    if a.experiment == b.experiment {
        let message =
            format!("experiment `{}` holds buckets {shared} of layer `{}` twice", a.experiment, layer.key);
        let finding = RULE.finding(context, message, (Kind::Layer, &layer.key, &place)).about(about);
        let finding =
            context.relate(finding, (Kind::Layer, &layer.key, &format!("/slots/{i}")), "first here");
        return Some(finding.help("take the shared buckets out of one of the slots"));
    }
    let (one, other) =
        (context.book.experiments.get(&a.experiment)?, context.book.experiments.get(&b.experiment)?);
    // What both have concluded is over, and no edit fixes it.
    if !context.undecided(one) && !context.undecided(other) {
        return None;
    }
    let (first, second) = (context.book.serving_window(one)?, context.book.serving_window(other)?);
    let rested = |window: Schedule| Schedule::new(window.start(), layer.quarantine.after(window.end())).ok();
    if !rested(first)?.meets(&rested(second)?) {
        return None;
    }
    let message = format!(
        "`{}` and `{}` both hold buckets {shared} of layer `{}`",
        a.experiment, b.experiment, layer.key
    );
    let period =
        |window: Schedule| format!("from {} to {}", context.date(window.start()), context.date(window.end()));
    let finding = RULE
        .finding(context, message, (Kind::Layer, &layer.key, &place))
        .about(about)
        .label(format!("served {}", period(second)));
    let finding = context.relate(
        finding,
        (Kind::Layer, &layer.key, &format!("/slots/{i}")),
        format!("served {}", period(first)),
    );
    let finding = if first.meets(&second) {
        finding
    } else {
        finding.note(format!("a freed bucket of this layer rests for {}", layer.quarantine))
    };
    Some(finding.help(format!(
        "delete the slot that was added last and run `trialbook allocate`, which finds free buckets (`{}` or `{}`)",
        b.experiment, a.experiment
    )))
}
