//! What an earlier outcome showed of looks that come out differently now.

use crate::report::blocks::{Align, Block, Inline, Line, Table, Tone};
use crate::report::number::{NBSP, count, counted, fixed, significant};
use trialbook_analysis::{Decided, LookValue, MovedDecision, MovedLook, PastLooks};

use super::{Reading, capitalised, naming};

/// The most looks that are listed.
const LISTED: usize = 20;

/// Tells whether what moved concerns a decision: a bound that was reached and is not now, or the other way round.
pub(super) fn concerns_a_decision(past: &PastLooks) -> bool {
    !past.decisions.is_empty() || past.moved.iter().any(MovedLook::crosses)
}

/// Returns the remarks on whether the result can be trusted.
pub(super) fn remarks(reading: &Reading<'_>) -> Vec<Line> {
    let Some(past) = &reading.outcome.past_looks else { return Vec::new() };
    let mut lines: Vec<Line> = past
        .decisions
        .iter()
        .map(|decision| vec![Inline::Toned(Tone::Caution, decided_otherwise(reading, decision))])
        .collect();
    if let Some(last) = past.moved.iter().map(|look| look.at).max() {
        let crossing = past.moved.iter().filter(|look| look.crosses()).count() as u64;
        let looks = counted(past.moved.len() as u64, "estimate at a past look", "estimates at past looks");
        let cause = if past.other_program {
            "the data, the program or the engine changed"
        } else {
            "data came late or were corrected"
        };
        let mut text = format!(
            "{looks}, the last of {}, {} from what an earlier outcome showed, because {cause}",
            reading.calendar.instant(last),
            if past.moved.len() == 1 { "differs" } else { "differ" },
        );
        if crossing > 0 {
            text.push_str(&format!("; {} whether a bound is reached", changes(crossing)));
        }
        lines.push(vec![if crossing > 0 { Inline::Toned(Tone::Caution, text) } else { text.into() }]);
    }
    lines
}

fn changes(crossing: u64) -> String {
    format!("{} of them {}", count(crossing), if crossing == 1 { "changes" } else { "change" })
}

fn decided_otherwise(reading: &Reading<'_>, decision: &MovedDecision) -> String {
    let words = |decided: &Option<Decided>| match decided {
        Some(decided) => {
            let verdict = naming::verdict(decided.verdict);
            format!("“{}” (look of {})", verdict.to_lowercase(), reading.calendar.instant(decided.at))
        }
        None => "no decision yet".to_owned(),
    };
    format!(
        "the outcome of {} showed {} for {}, and the current data show {}",
        reading.calendar.instant(decision.shown_in),
        words(&decision.shown),
        decision.treatment,
        words(&decision.now)
    )
}

/// Lists the looks that moved, those at which a bound is concerned first.
pub(super) fn block(reading: &Reading<'_>) -> Option<Block> {
    let past = reading.outcome.past_looks.as_ref().filter(|past| !past.moved.is_empty())?;
    let mut table = Table::new([
        ("metric", Align::Left),
        ("treatment", Align::Left),
        ("look", Align::Left),
        ("shown in the outcome of", Align::Left),
        ("then", Align::Left),
        ("now", Align::Left),
    ]);
    let mut moved: Vec<&MovedLook> = past.moved.iter().collect();
    moved.sort_by_key(|look| !look.crosses());
    for look in moved.iter().take(LISTED) {
        let now = look.now.as_ref().map_or_else(|| "the look no longer counts".to_owned(), value);
        let now = if look.crosses() { Inline::Toned(Tone::Caution, now) } else { now.into() };
        table.push(vec![
            vec![naming::words(&look.metric).into()],
            vec![look.treatment.to_string().into()],
            vec![reading.calendar.instant(look.at).into()],
            vec![reading.calendar.instant(look.shown_in).into()],
            vec![value(&look.shown).into()],
            vec![now],
        ]);
    }
    let mut blocks = vec![Block::Table(table)];
    if let more @ 1.. = moved.len().saturating_sub(LISTED) {
        let text = format!("{}, in the outcome’s file.", counted(more as u64, "more look", "more looks"));
        blocks.push(Block::Small(vec![text.into()]));
    }
    let looks = counted(moved.len() as u64, "estimate", "estimates");
    Some(Block::Details { summary: capitalised(&format!("past looks that moved ({looks})")), blocks })
}

fn value(value: &LookValue) -> String {
    let change = match value.lift {
        Some(lift) => format!("{}{NBSP}%", signed(fixed(lift * 100.0, 2))),
        None => signed(significant(value.difference, 4)),
    };
    let bound = if value.met { "bound reached" } else { "bound not reached" };
    format!("{change} ({}, {bound})", counted(value.units, "unit", "units"))
}

/// Puts a plus before a number that has no sign.
fn signed(number: String) -> String {
    if number.starts_with(|first: char| first.is_ascii_digit()) { format!("+{number}") } else { number }
}
