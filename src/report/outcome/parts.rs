//! Effects in parts of the units: exploratory, in the fold.

use crate::report::blocks::{Align, Block, Inline, Line, Table, Tone};
use crate::report::number::{count, counted, p_value};
use trialbook_analysis::{DimensionEffects, Verdict, VerdictKind};

use super::{Reading, naming};

/// Returns the effects by dimension, where there are any.
pub(super) fn block(reading: &Reading<'_>) -> Option<Block> {
    let groups = &reading.outcome.dimensions;
    if groups.is_empty() || are_hidden(reading) {
        return None;
    }
    let mut table = Table::new([
        ("metric", Align::Left),
        ("treatment", Align::Left),
        ("part", Align::Left),
        ("units", Align::Right),
        ("change", Align::Right),
        ("interval", Align::Left),
        ("do the parts differ?", Align::Left),
    ]);
    for group in groups {
        add(reading, group, &mut table);
    }
    let differing = groups.iter().filter(|group| differs(reading, group)).count() as u64;
    let tested = groups.iter().filter(|group| group.heterogeneity.is_some()).count() as u64;
    let comparisons = counted(tested, "tested comparison", "tested comparisons");
    let found = match differing {
        0 => format!("none of {comparisons} shows a difference"),
        some => format!(
            "{} of {comparisons} {} a difference",
            count(some),
            if some == 1 { "shows" } else { "show" }
        ),
    };
    let note = "Exploratory: nothing is decided by it. Each interval is that of its part alone. Whether the parts differ is Cochran’s Q test, corrected for all of these comparisons (Benjamini and Hochberg); a difference that was found here needs \
                an experiment of its own."
        .to_owned();
    let left_out: u64 = groups.iter().map(|group| group.too_small).sum();
    let left_out = (left_out > 0)
        .then(|| format!(" Left out for too few units: {}.", counted(left_out, "part", "parts")));
    Some(Block::Details {
        summary: format!("Effects by dimension ({found})"),
        blocks: vec![
            Block::Table(table),
            Block::Small(vec![Inline::from(format!(
                "{note}{}{}",
                all_units(reading),
                left_out.unwrap_or_default()
            ))]),
        ],
    })
}

/// Tells whether effects in parts may not be seen yet, or cannot be believed: they are not shown then, whoever wrote them into the
/// outcome.
pub(super) fn are_hidden(reading: &Reading<'_>) -> bool {
    let outcome = reading.outcome;
    let (experiment, invalid) =
        (&outcome.experiment, |verdict: &Verdict| verdict.kind == VerdictKind::Invalid);
    let early = experiment.decision.as_ref().is_some_and(|decision| decision.date < experiment.horizon);
    outcome.as_of < experiment.horizon || early || outcome.verdicts.iter().any(invalid)
}

/// States that effects in parts have more units than the verdict, where a look before the watermark decided.
pub(super) fn all_units(reading: &Reading<'_>) -> String {
    let outcome = reading.outcome;
    let Some(look) = outcome.units.look.filter(|look| *look < outcome.as_of) else { return String::new() };
    format!(
        " They have all units up to {}, more than the look of {} that decided.",
        reading.calendar.instant(outcome.as_of),
        reading.calendar.instant(look)
    )
}

/// Tells whether the effects differ at the plan's level.
fn differs(reading: &Reading<'_>, group: &DimensionEffects) -> bool {
    let alpha = reading.outcome.experiment.analysis.alpha.fraction();
    group.heterogeneity.is_some_and(|test| test.p_adjusted <= alpha)
}

/// Adds a row for each part; what is the same for all of them stands in the first.
fn add(reading: &Reading<'_>, group: &DimensionEffects, table: &mut Table) {
    let Some(metric) = naming::metric(reading.outcome, &group.metric) else { return };
    for (index, part) in group.parts.iter().enumerate() {
        let shift = naming::Shift::of(metric, &part.effect);
        let first = |text: String| -> Line { if index == 0 { vec![text.into()] } else { Line::new() } };
        let value = if part.value.is_empty() {
            format!("no {}", group.dimension)
        } else {
            format!("{} {}", group.dimension, part.value)
        };
        let verdict: Line = match (index, &group.heterogeneity) {
            (0, Some(test)) if differs(reading, group) => {
                vec![Inline::Toned(Tone::Caution, format!("yes ({})", p_value(test.p_adjusted)))]
            }
            (0, Some(test)) => vec![format!("not shown ({})", p_value(test.p_adjusted)).into()],
            (0, None) => vec!["not tested: one part".into()],
            _ => Line::new(),
        };
        table.push(vec![
            first(naming::words(&group.metric)),
            first(group.treatment.to_string()),
            vec![value.into()],
            vec![count(part.units).into()],
            vec![shift.estimate().into()],
            vec![shift.interval().into()],
            verdict,
        ]);
    }
}
