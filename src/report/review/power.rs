//! What the experiments of a change can show, a sentence each.

use super::super::blocks::{Block, Inline, Line, Page, Tone};
use super::super::calendar::Calendar;
use super::super::number::{about, counted, exact_percent};
use crate::app::change::{Change, Power, Touched};

/// Writes a sentence for each experiment that is still to be planned.
pub(super) fn section(page: &mut Page, change: &Change, calendar: &Calendar) {
    let planned = change.experiments.iter().filter_map(|one| Some((one, one.power.as_ref()?)));
    let lines: Vec<Line> = planned.map(|(one, power)| sentence(one, power, calendar)).collect();
    if !lines.is_empty() {
        page.push(Block::Subheading(vec!["Power".into()]));
        page.push(Block::List(lines));
    }
}

fn sentence(experiment: &Touched, power: &Power, calendar: &Calendar) -> Line {
    let mut line: Line = vec![Inline::code(experiment.key.as_str()), " ".into()];
    let verdict = match (power.suffices, power.needed) {
        (Some(true), _) => Inline::Toned(Tone::Good, "has the units that it needs".into()),
        (Some(false), _) => Inline::Toned(Tone::Bad, "is too small".into()),
        (None, Some(_)) => "has no declared traffic to compare with".into(),
        (None, None) => {
            line.push("cannot be planned: none of its deciding metrics has a baseline.".into());
            return line;
        }
    };
    line.push(verdict);
    let least = if power.complete { "" } else { "at least " };
    if let Some(needed) = power.needed {
        let needed = counted_about(needed);
        line.push(format!(": {least}{needed} for {} power", exact_percent(power.power)).into());
        if let Some(metric) = &power.limited_by {
            line.extend([", most of all for ".into(), Inline::code(metric.as_str())]);
        }
    }
    if let Some(enrolled) = power.enrolled {
        let by = calendar.day(experiment.end);
        line.push(format!("; {} are enrolled by {by}", counted_about(enrolled)).into());
    }
    match (power.days, power.decided_on) {
        (Some(days), Some(on)) => {
            let days = counted(u64::from(days), "day", "days");
            line.push(format!("; it takes {days}, and the decision is on {}", calendar.day(on)).into());
        }
        _ if power.suffices == Some(false) => {
            line.push("; two years of today’s traffic do not bring them".into())
        }
        _ => {}
    }
    line.push(".".into());
    line
}

fn counted_about(units: u64) -> String {
    // Three digits say as much as is known.
    let rounded = about(units);
    format!("{rounded}{}units", super::super::number::NBSP)
}
