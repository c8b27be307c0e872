//! What somebody changed in a target, in words.

use super::super::blocks::{Block, Inline, Line, Page};
use super::super::calendar::Calendar;
use super::super::number::{counted, shortened};
use crate::app::drift::{Drifted, Foreign};

/// How many flags of others are named.
const NAMED: usize = 20;

/// Describes what drifted. Dates are those of an IANA time zone, the book's.
pub fn drift_page(drifted: &Drifted, timezone: &str) -> Page {
    let calendar = Calendar::new(timezone);
    let mut page = Page::default();
    let changed = drifted.changed.len() + drifted.removed.len();
    let summary = match changed as u64 {
        0 => "nothing differs".to_owned(),
        changed => format!("{} changed by hand", counted(changed, "flag", "flags")),
    };
    page.push(Block::Heading(line![
        "Drift of ",
        Inline::strong(drifted.target.as_str()),
        format!(": {summary}")
    ]));
    page.push(Block::Paragraph(origin(drifted, &calendar)));
    let removed = drifted.removed.iter().map(|flag| {
        line![Inline::code(flag.as_str()), ": removed from the target; the next apply puts it back"]
    });
    let changed = drifted.changed.iter().map(|drift| super::drifted(drift, &calendar));
    let items: Vec<Line> = changed.chain(removed).collect();
    if !items.is_empty() {
        page.push(Block::List(items));
        page.push(Block::Paragraph(line![
            "That stays live: write it into the book to keep it, or undo it with ",
            Inline::code("trialbook plan --revert-drift"),
            "."
        ]));
    }
    if !drifted.foreign.is_empty() {
        page.push(Block::Paragraph(line![foreign(&drifted.foreign)]));
    }
    page
}

/// Returns where the rest is.
pub fn drift_rest() -> Line {
    line!["This is not all: ", Inline::code("trialbook drift"), " shows every change."]
}

fn origin(drifted: &Drifted, calendar: &Calendar) -> Line {
    let since = match &drifted.since {
        Some(applied) => format!(" · last applied {}", calendar.instant(applied.at)),
        None => " · never applied".to_owned(),
    };
    let mut line = line![Inline::code(drifted.identity.as_str()), format!(" · book {}{since}", drifted.book)];
    if let Some(commit) = drifted.since.as_ref().and_then(|applied| applied.commit.as_ref()) {
        line.extend(line![" from ", Inline::code(commit.chars().take(7).collect::<String>())]);
    }
    line
}

fn foreign(all: &[Foreign]) -> String {
    let named = all.iter().take(NAMED).map(|one| match &one.book {
        Some(book) => format!("{} (book {})", shortened(&one.flag, 60), shortened(book, 60)),
        None => shortened(&one.flag, 60),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match all.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let flags = counted(all.len() as u64, "flag is", "flags are");
    format!("{flags} not of this book, left alone: {named}{more}.")
}
