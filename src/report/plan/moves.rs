//! Who is served another variant, in words.

use jiff::Timestamp;

use super::super::blocks::Line;
use super::super::calendar::Calendar;
use super::super::number::counted;
use super::audience;
use super::change::{code, rounded};
use trialbook_delivery::plan::{Move, Movers, Moves};

/// Describes who moves at an instant of a plan: `who moves: 40.0 % of traffic on → off; nobody else`.
pub(in crate::report) fn line(moves: &Moves, made_at: Timestamp, calendar: &Calendar) -> Line {
    let when = if moves.at > made_at {
        format!("who moves on {}: ", calendar.instant(moves.at))
    } else {
        "who moves: ".to_owned()
    };
    let mut line = line![when];
    match &moves.who {
        Movers::OfTraffic(none) if none.is_empty() => line.push("nobody".into()),
        Movers::OfTraffic(all) => {
            line.extend(parts(all, " of traffic"));
            line.push("; nobody else".into());
        }
        Movers::ByAudience { groups, more } => {
            for (index, group) in groups.iter().enumerate() {
                let and = if index == 0 { "" } else { "; " };
                line.push(format!("{and}where {}, ", audience::text(&group.who)).into());
                line.extend(parts(&group.moves, ""));
            }
            line.push(match *more as u64 {
                0 => "; nobody else".into(),
                more => format!("; and {}", counted(more, "more group", "more groups")).into(),
            });
        }
        Movers::Unknown => line.push(
            "it depends on too many conditions to list; compare contexts with `trialbook evaluate`".into(),
        ),
    }
    line
}

fn parts(moves: &[Move], of: &str) -> Line {
    let mut line = Line::new();
    for (index, one) in moves.iter().enumerate() {
        let share = if one.share > 0.999_999 { "everybody".to_owned() } else { rounded(one.share) };
        let of = if index == 0 && one.share <= 0.999_999 { of } else { "" };
        let and = if index == 0 { "" } else { ", " };
        line.extend(line![format!("{and}{share}{of} "), code(&one.from), " → ", code(&one.to)]);
    }
    line
}
