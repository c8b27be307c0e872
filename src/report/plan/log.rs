//! Who applied what, and what became of applies that were cut off, in words.

use std::collections::BTreeMap;

use super::super::blocks::{Align, Block, Inline, Line, Page, Table};
use super::super::calendar::Calendar;
use super::super::number::{counted, shortened};
use crate::app::log::Log;
use trialbook_delivery::journal::{Actor, Outcome, Settled};
use trialbook_delivery::plan::ActionKind;
use trialbook_model::FlagKey;

/// How much of a name is shown.
const SHOWN: usize = 60;

/// Describes the last applies to a target. Dates are those of an IANA time zone, the book's.
pub fn log_page(log: &Log, timezone: &str) -> Page {
    let calendar = Calendar::new(timezone);
    let mut page = Page::default();
    page.push(Block::Heading(line!["Applies to ", Inline::strong(log.target.as_str())]));
    if log.records.is_empty() {
        page.push(Block::Paragraph(line!["No apply has changed anything yet."]));
        return page;
    }
    let mut table = Table::new(["When", "Who", "What", "Commit", "Result"].map(|name| (name, Align::Left)));
    for record in log.records.iter().rev() {
        let apply = &record.apply;
        let commit = apply.commit.as_ref().map(|commit| commit.chars().take(7).collect::<String>());
        table.push(vec![
            line![calendar.instant(apply.at)],
            line![shortened(&who(&apply.by), SHOWN)],
            line![what(&apply.flags)],
            commit.map_or_else(|| line!["–"], |commit| line![Inline::code(commit)]),
            line![outcome(record.outcome)],
        ]);
    }
    page.push(Block::Table(table));
    page
}

/// Says where the rest is.
pub fn log_rest() -> Line {
    line!["This is not all: ", Inline::code("trialbook log"), " shows every apply."]
}

/// Says what became of an apply that was cut off.
pub fn settled(settled: &Settled, timezone: &str) -> String {
    let apply = &settled.apply;
    let which = format!(
        "The apply of {} by {}",
        Calendar::new(timezone).instant(apply.at),
        shortened(&who(&apply.by), SHOWN)
    );
    let flags = counted(apply.flags.len() as u64, "flag", "flags");
    match settled.outcome {
        Outcome::Written => format!("{which} had written its changes: {flags}."),
        Outcome::Resumed => format!("{which} is finished: {flags} changed."),
        Outcome::Expired => format!(
            "{which} had written nothing, and is not finished: it began more than a day ago. Plan again."
        ),
        Outcome::Refused => format!("{which} had written nothing."),
        Outcome::Superseded => {
            format!("{which} is not finished: somebody else has written since. Plan again.")
        }
    }
}

fn who(actor: &Actor) -> String {
    let name = actor.git.as_deref().map(|git| git.split(" <").next().unwrap_or(git));
    match (name, actor.ci.as_deref()) {
        (Some(name), Some(account)) if name != account => format!("{account} ({name})"),
        (_, Some(account)) => account.to_owned(),
        (Some(name), None) => name.to_owned(),
        (None, None) => "somebody".to_owned(),
    }
}

fn what(flags: &BTreeMap<FlagKey, ActionKind>) -> String {
    let count = |kind| flags.values().filter(|found| **found == kind).count();
    let parts = [
        (count(ActionKind::Create), "created"),
        (count(ActionKind::Update), "updated"),
        (count(ActionKind::Adopt), "taken over"),
        (count(ActionKind::Archive), "archived"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{count}\u{a0}{what}")).collect::<Vec<_>>().join(", ")
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Written => "written",
        Outcome::Resumed => "written by `--resume`",
        Outcome::Refused => "refused: nothing written",
        Outcome::Expired => "cut off: nothing written",
        Outcome::Superseded => "cut off: overtaken by another",
    }
}
