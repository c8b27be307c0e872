//! Effects over time: exploratory, in the fold.

use crate::report::blocks::{Align, Block, Inline, Line, Table, Tone};
use crate::report::number::{count, counted, p_value};
use trialbook_analysis::{Change, TimeEffects, TimeScale, TimeSpan};

use super::{Reading, naming, parts};

/// Returns the effects over time, where there are any.
pub(super) fn block(reading: &Reading<'_>) -> Option<Block> {
    let groups = &reading.outcome.over_time;
    if groups.is_empty() || parts::are_hidden(reading) {
        return None;
    }
    let mut table = Table::new([
        ("metric", Align::Left),
        ("treatment", Align::Left),
        ("when", Align::Left),
        ("units", Align::Right),
        ("change", Align::Right),
        ("interval", Align::Left),
        ("does the effect change?", Align::Left),
    ]);
    for group in groups {
        add(reading, group, &mut table);
    }
    let changing = groups.iter().filter_map(|group| group.change);
    let changing = changing.filter(|change| changes(reading, change)).count() as u64;
    let tested = groups.iter().filter(|group| group.change.is_some()).count() as u64;
    let comparisons = counted(tested, "tested comparison", "tested comparisons");
    let found = match changing {
        0 => format!("none of {comparisons} shows a change"),
        some => {
            format!("{} of {comparisons} {} a change", count(some), if some == 1 { "shows" } else { "show" })
        }
    };
    let note = "Exploratory: nothing is decided by it. Each interval is that of its part alone. Days since the exposure have the same units in each row: whether the effect changes is tested by what each unit does in the second half of the \
                window less what it does in the first. Days of the first exposure have other units in each row, and are tested for a trend. Both are corrected for all of these comparisons (Benjamini and Hochberg).";
    let left_out: u64 = groups.iter().map(|group| group.too_small).sum();
    let left_out = (left_out > 0)
        .then(|| format!(" Left out for too few units: {}.", counted(left_out, "part", "parts")));
    Some(Block::Details {
        summary: format!("Effects over time ({found})"),
        blocks: vec![
            Block::Table(table),
            Block::Small(vec![Inline::from(format!(
                "{note}{}{}",
                parts::all_units(reading),
                left_out.unwrap_or_default()
            ))]),
        ],
    })
}

/// Tells whether the effect changes at the plan's level.
fn changes(reading: &Reading<'_>, change: &Change) -> bool {
    change.p_adjusted <= reading.outcome.experiment.analysis.alpha.fraction()
}

/// Adds a row for each part; what is the same for all of them stands in the first.
fn add(reading: &Reading<'_>, group: &TimeEffects, table: &mut Table) {
    let Some(metric) = naming::metric(reading.outcome, &group.metric) else { return };
    for (index, part) in group.parts.iter().enumerate() {
        let shift = naming::Shift::of(metric, &part.effect);
        let first = |text: String| -> Line { if index == 0 { vec![text.into()] } else { Line::new() } };
        let verdict: Line = match (index, &group.change) {
            (0, Some(change)) if changes(reading, change) => {
                let grows = change.estimate > 0.0;
                let how = match (group.by, grows) {
                    (TimeScale::SinceExposure, true) => "it rises with the days",
                    (TimeScale::SinceExposure, false) => "it falls with the days",
                    (TimeScale::DayOfExposure, true) => "higher for units that came later",
                    (TimeScale::DayOfExposure, false) => "lower for units that came later",
                };
                let text = format!("yes: {how} ({})", p_value(change.p_adjusted));
                vec![Inline::Toned(Tone::Caution, text)]
            }
            (0, Some(change)) => vec![format!("not shown ({})", p_value(change.p_adjusted)).into()],
            (0, None) => vec!["not tested".into()],
            _ => Line::new(),
        };
        table.push(vec![
            first(naming::words(&group.metric)),
            first(group.treatment.to_string()),
            vec![when(reading, part.span).into()],
            vec![count(part.units).into()],
            vec![shift.estimate().into()],
            vec![shift.interval().into()],
            verdict,
        ]);
    }
}

/// Names a part of time.
fn when(reading: &Reading<'_>, span: TimeSpan) -> String {
    match span {
        TimeSpan::Days { first, last } if first == last => format!("day {first} since exposure"),
        TimeSpan::Days { first, last } => format!("days {first}–{last} since exposure"),
        TimeSpan::Exposed { from, until } => {
            let moment = jiff::SignedDuration::from_micros(1);
            let last = until.checked_sub(moment).unwrap_or(until);
            let [from, last] = [from, last].map(|instant| reading.calendar.day(instant));
            if from == last { format!("exposed on {from}") } else { format!("exposed {from} to {last}") }
        }
    }
}
