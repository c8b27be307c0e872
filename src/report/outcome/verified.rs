//! An outcome that was computed again, in words.

use serde_json::Value;

use crate::app::analyze::{Difference, Verified};
use crate::report::blocks::{Align, Block, Inline, Line, Page, Table};
use crate::report::calendar::Calendar;
use crate::report::number::{count, counted, shortened, significant};
use trialbook_analysis::Outcome;

use super::print::short;

/// How many differences are shown.
const SHOWN: usize = 20;

/// How many characters of a value are shown.
const LONGEST: usize = 60;

/// States whether an outcome is what its commit and its data give, and what differs.
pub fn verified_page(outcome: &Outcome, verified: &Verified) -> Page {
    let mut page = Page::default();
    let differences = verified.differences.len() as u64;
    let heading = match differences {
        0 => "✅ Same result".to_owned(),
        some => format!(
            "⛔ Another result: {} {}",
            counted(some, "value", "values"),
            if some == 1 { "differs" } else { "differ" }
        ),
    };
    page.push(Block::Heading(vec![heading.into()]));
    page.push(Block::Paragraph(what(outcome)));
    if differences == 0 {
        let same = if verified.same_program {
            "Every number, check and verdict is the same."
        } else {
            "Every number, check and verdict is the same, but for rounding: another version of the program or the engine computed it."
        };
        page.push(Block::Paragraph(vec![same.into()]));
        return page;
    }
    page.push(Block::Table(table(&verified.differences)));
    if verified.differences.len() > SHOWN {
        let more = differences - SHOWN as u64;
        page.push(Block::Paragraph(vec![
            format!("{} more.", counted(more, "difference", "differences")).into(),
        ]));
    }
    let mut why: Line = vec![
        "The data before the watermark have changed since, or the outcome was made from a book with changes that were not committed.".into()
    ];
    if !verified.same_program {
        why.push(
            " Another version of the program or the engine computed it, which may explain differences too."
                .into(),
        );
    }
    page.push(Block::Paragraph(why));
    let about_launch =
        |difference: &Difference| difference.place.first().is_some_and(|name| name == "preregistration");
    if verified.differences.iter().any(about_launch) {
        page.push(Block::Paragraph(vec![
            "What is known of the launch differs. Launches are in git refs, which a clone does not fetch by itself: ".into(),
            Inline::code("git fetch origin 'refs/trialbook/*:refs/trialbook/*'"),
            ".".into(),
        ]));
    }
    page
}

/// Names what was computed again.
fn what(outcome: &Outcome) -> Line {
    let calendar = Calendar::new(&outcome.book.timezone);
    let commit = outcome.book.commit.as_deref().map(short).unwrap_or_default();
    vec![
        Inline::code(outcome.experiment.key.as_str()),
        ", computed again from the book at ".into(),
        Inline::code(commit),
        format!(" and the data before {}.", calendar.instant(outcome.as_of)).into(),
    ]
}

fn table(differences: &[Difference]) -> Table {
    let mut table = Table::new([
        ("value", Align::Left),
        ("in the outcome", Align::Left),
        ("computed again", Align::Left),
    ]);
    for Difference { place, stored, computed } in differences.iter().take(SHOWN) {
        let place: Vec<String> = place.iter().map(|name| shortened(name, LONGEST)).collect();
        let value = |value: &Option<Value>| -> Line { vec![shown(value.as_ref()).into()] };
        table.push(vec![vec![place.join(" › ").into()], value(stored), value(computed)]);
    }
    table
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => shortened(text, LONGEST),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(units), _) => count(units),
            (None, Some(value)) => significant(value, 9),
            (None, None) => number.to_string(),
        },
        Some(other) => shortened(&other.to_string(), LONGEST),
    }
}
