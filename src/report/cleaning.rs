//! What a book no longer needs, with the proof that nobody would notice.

use std::collections::BTreeSet;

use super::blocks::{Block, Inline, Line, Page};
use super::calendar::Calendar;
use super::number::{counted, list};
use crate::app::clean::{Cleaned, Cleaning, Kept, Removal, Way, Ways};

/// Describes what can go. Dates are those of an IANA time zone, the book's.
pub fn document(cleaning: &Cleaning, timezone: &str) -> Page {
    let calendar = Calendar::new(timezone);
    let mut page = Page::default();
    page.push(Block::Heading(vec![heading(cleaning).into()]));
    if !cleaning.flags.is_empty() {
        page.push(Block::List(cleaning.flags.iter().map(|cleaned| item(cleaned, &calendar)).collect()));
    }
    if !cleaning.kept.is_empty() {
        page.push(Block::Paragraph(vec!["Expired, but still serving several variants:".into()]));
        page.push(Block::List(cleaning.kept.iter().map(|kept| stays(kept, &calendar)).collect()));
    }
    let archives = |cleaned: &Cleaned| matches!(cleaned.removes, Removal::Flag { .. });
    if cleaning.flags.iter().any(archives) {
        page.push(Block::Paragraph(vec![
            "An archived flag is served no more: take it out of the code first, because programs that still evaluate it get their own \
             fallback."
                .into(),
        ]));
    }
    page
}

/// Returns what is proposed, in a line.
pub fn heading(cleaning: &Cleaning) -> String {
    let archived = cleaning.flags.iter().filter(|it| matches!(it.removes, Removal::Flag { .. })).count();
    let variants = cleaning.flags.iter().map(|it| match &it.removes {
        Removal::Flag { .. } => 0,
        Removal::Variants { variants, .. } => variants.len(),
    });
    let variants: usize = variants.sum();
    let parts = [
        (archived, "expired flag to archive", "expired flags to archive"),
        (variants, "variant to remove", "variants to remove"),
    ];
    let parts = parts.into_iter().filter(|(n, ..)| *n > 0);
    let parts: Vec<_> = parts.map(|(n, one, many)| counted(n as u64, one, many)).collect();
    if parts.is_empty() { "Nothing to clean".to_owned() } else { parts.join(", ") }
}

fn item(cleaned: &Cleaned, calendar: &Calendar) -> Line {
    let mut line: Line = vec![Inline::code(cleaned.flag.as_str())];
    match &cleaned.removes {
        Removal::Flag { expired, serves } => {
            line.push(format!(" expired on {}, and everybody is served ", calendar.day(*expired)).into());
            line.extend([Inline::code(serves.as_str()), " by ".into()]);
            let ways = cleaned.served.iter().find(|(variant, _)| *variant == serves);
            line.push(ways.map_or_else(String::new, |(_, ways)| by(ways)).into());
            line.push(": no other variant can be reached in any target.".into());
        }
        Removal::Variants { variants, tested } => {
            line.push(": ".into());
            line.extend(codes(variants.iter().map(|variant| variant.as_str())));
            line.push(" can no longer be served: ".into());
            let each = tested
                .iter()
                .map(|one| format!("{} was decided on {}", one.experiment, calendar.day(one.decided)));
            line.push(list(&each.collect::<Vec<_>>()).into());
            line.push(". What units can get: ".into());
            line.extend(ways(&cleaned.served));
            line.push(".".into());
        }
    }
    line
}

fn stays(kept: &Kept, calendar: &Calendar) -> Line {
    let mut line: Line = vec![
        Inline::code(kept.flag.as_str()),
        format!(" expired on {}; units get ", calendar.day(kept.expired)).into(),
    ];
    line.extend(ways(&kept.served));
    line.push(".".into());
    line
}

/// Lists every variant that units get, and how.
fn ways(served: &Ways) -> Line {
    let mut line = Line::new();
    for (index, (variant, ways)) in served.iter().enumerate() {
        if index > 0 {
            line.push(", ".into());
        }
        line.extend([Inline::code(variant.as_str()), format!(" ({})", by(ways)).into()]);
    }
    line
}

/// Lists some ways in which units get a variant.
fn by(ways: &BTreeSet<Way>) -> String {
    let way = |way: &Way| match way {
        Way::Rule(number) => format!("rule {number}"),
        Way::Default => "the default".to_owned(),
        Way::Experiment(key) => format!("experiment {key}"),
        Way::Rollout(key) => format!("rollout {key}"),
        Way::Holdout(key) => format!("holdout {key}"),
    };
    list(&ways.iter().map(way).collect::<Vec<_>>())
}

fn codes<'a>(names: impl Iterator<Item = &'a str>) -> Line {
    let mut line = Line::new();
    for name in names {
        if !line.is_empty() {
            line.push(", ".into());
        }
        line.push(Inline::code(name));
    }
    line
}
