//! Overrides of an experiment: who is served a variant without a draw.

use std::collections::{BTreeSet, HashMap};

use super::declarations::Index;
use super::sink::Sink;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::experiment::{ExperimentFile, ForcedSyntax};
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{ForcedUnits, ForcedVariant, Split, VariantKey};

/// Lowers the overrides of an experiment. `None` where one has a problem, all of which are reported.
pub(super) fn lower(
    file: &ExperimentFile,
    split: Option<&Split>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Vec<ForcedVariant>> {
    let Some(list) = &file.overrides else { return Some(Vec::new()) };
    let mut named = HashMap::new();
    let mut lowered = Vec::with_capacity(list.value.0.len());
    let mut complete = true;
    for item in &list.value.0 {
        let who = who(item, &mut named, index, sink);
        let serve = item.value.serve.as_ref().filter(|serve| is_tested(serve, file, split, sink));
        match (who, serve) {
            (Some(who), Some(serve)) => lowered.push(ForcedVariant { who, serve: serve.value.clone() }),
            _ => complete = false,
        }
    }
    if named.len() > ForcedVariant::MOST_UNITS {
        let most = ForcedVariant::MOST_UNITS;
        let message = format!("the overrides name {} units, and {most} is the most", named.len());
        let help = "put them into a segment, and write `segment: KEY` in place of `units`";
        sink.error(rules::BAD_OVERRIDE, list.span, message, help);
        complete = false;
    }
    complete.then_some(lowered)
}

fn who<'f>(
    item: &'f Spanned<ForcedSyntax>,
    named: &mut HashMap<&'f str, Span>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<ForcedUnits> {
    if let Some(segment) = &item.value.segment {
        index.segments.referred("segment", segment.value.as_str(), segment.span, sink);
        return Some(ForcedUnits::Segment(segment.value.clone()));
    }
    let units = item.value.units.as_ref()?;
    if units.value.0.is_empty() {
        let help = "name the units, such as `units: [qa-1]`, or take the override out";
        sink.error(rules::BAD_OVERRIDE, units.span, "the override names no unit", help);
        return None;
    }
    let mut ids = BTreeSet::new();
    let mut complete = true;
    for unit in &units.value.0 {
        if let Some(first) = named.insert(&unit.value.0, unit.span) {
            let message = format!("unit `{}` has an override already", unit.value.0);
            let finding = sink.finding(rules::BAD_OVERRIDE, unit.span, message);
            let finding = finding.related(sink.file(), first, "named here first");
            sink.push(finding.help("keep one of them"));
            complete = false;
        }
        ids.insert(unit.value.0.clone());
    }
    complete.then_some(ForcedUnits::Units(ids))
}

/// Tells whether a variant is one of the experiment's, as far as these are known.
fn is_tested(
    serve: &Spanned<VariantKey>,
    file: &ExperimentFile,
    split: Option<&Split>,
    sink: &mut Sink<'_>,
) -> bool {
    let Some(split) = split else { return true };
    // What lost may be gone once there is a decision, and nothing is served any more.
    if file.decision.is_some() || split.share(&serve.value).is_some() {
        return true;
    }
    let message = format!("`{}` is not a variant of this experiment", serve.value);
    let help = suggestion(serve.value.as_str(), split.variants().map(VariantKey::as_str));
    sink.error(rules::BAD_OVERRIDE, serve.span, message, help);
    false
}
