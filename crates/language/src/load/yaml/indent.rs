//! Which line of a text that does not parse is indented wrongly.

use granit_parser::Parser;

use super::parse::MAX_DEPTH;
use trialbook_model::span::{SourceFile, Span};

/// Longer texts are not tried: each repair is parsed.
const LONGEST: usize = 256 << 10;

/// How many lines above the one at which the parser stops are looked at.
const LINES: usize = 20;

/// A line that would have to begin in another column.
pub(super) struct Misplaced {
    /// Its first word.
    pub(super) span: Span,
    /// After how many spaces it would have to begin.
    pub(super) column: usize,
}

/// A line of the text with something in it.
struct Line {
    span: Span,
    column: usize,
    /// Where the keys of an item begin that begins on the line: behind its `- `.
    within: Option<usize>,
}

/// Returns the line whose indentation is to blame for a text that does not parse, near the line at which the parser stops.
///
/// A repair is returned only where the whole text then parses: the line itself first, then the one above it, then others
/// above. `None` where no single line does.
pub(super) fn misplaced(file: &SourceFile, stopped: usize) -> Option<Misplaced> {
    if file.text().len() > LONGEST {
        return None;
    }
    let from = stopped.saturating_sub(LINES).max(1);
    let lines: Vec<Line> = (from..=stopped).rev().filter_map(|number| line(file, number)).collect();
    let (last, above) = lines.split_first()?;
    let nearest = above.first()?;
    let mut tries = vec![(last, nearest.column), (nearest, last.column)];
    // Below a key that opens a mapping, the line that is not indented is the one to blame.
    let opens =
        |line: &&Line| line.column == nearest.column && file.slice(line.span).trim_end().ends_with(':');
    if last.column > nearest.column && above.get(1).is_some_and(|line| opens(&line)) {
        tries.swap(0, 1);
    }
    // The keys of an item line up behind its mark.
    let beside = |line: &&Line| line.within.is_some_and(|column| column.abs_diff(last.column) == 1);
    if let Some(item) = above.iter().take(5).find(beside).filter(|_| last.within.is_none()) {
        tries.insert(0, (last, item.within.unwrap_or(last.column)));
    }
    // A column that is in use further up, the nearest first.
    tries.extend(above.iter().skip(1).take(4).map(|line| (last, line.column)));
    tries.extend(above.iter().skip(1).take(4).map(|line| (line, last.column)));
    let mut tried = std::collections::BTreeSet::new();
    let repair = tries.into_iter().find(|(line, column)| {
        line.column != *column
            && tried.insert((line.span.start, *column))
            && parses(&moved(file, line, *column))
    });
    repair.map(|(line, column)| {
        let start = line.span.start + line.column;
        let word = file.slice(Span::new(start, line.span.end)).split([':', ' ']).next().unwrap_or_default();
        Misplaced { span: Span::new(start, start + word.len().max(1)), column }
    })
}

fn line(file: &SourceFile, number: usize) -> Option<Line> {
    let span = file.line_span(number);
    let text = file.slice(span);
    let column = text.len() - text.trim_start_matches(' ').len();
    let rest = text.trim();
    let item = rest.strip_prefix("- ").map(|item| item.len() - item.trim_start().len());
    let within = item.map(|more| column + 2 + more);
    (!rest.is_empty() && !rest.starts_with('#')).then_some(Line { span, column, within })
}

fn moved(file: &SourceFile, line: &Line, column: usize) -> String {
    let text = file.text();
    let (before, after) = (text.get(..line.span.start), text.get(line.span.start + line.column..));
    format!("{}{}{}", before.unwrap_or_default(), " ".repeat(column), after.unwrap_or_default())
}

fn parses(text: &str) -> bool {
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        max_buffered_comment_events: text.len(),
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    Parser::new_from_str_with_options(text, options).all(|next| next.is_ok())
}
