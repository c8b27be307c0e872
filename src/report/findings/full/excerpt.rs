//! A few lines of one file, with marks under what is meant.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use trialbook_model::span::{Position, SourceFile, Span};

use super::super::visible::push_visible;
use super::super::{Findings, visible};
use super::{FRAME, Mark};

/// A place of more lines than this is shown with its middle left out.
const WHOLE: usize = 5;
/// How many lines of a long place are shown before the gap.
const HEAD: usize = 3;
/// The longest piece of a line that is shown, in characters.
const WINDOW: usize = 100;
/// How many characters of a longer line are shown before what is meant.
const BEFORE: usize = 30;

/// The places of a finding that are in one file.
pub(super) struct Section<'a> {
    pub(super) file: &'a SourceFile,
    at: Option<Position>,
    places: Vec<Place<'a>>,
}

/// A place, as it is shown.
struct Place<'a> {
    first: usize,
    last: usize,
    /// What is underlined in the last line; never more than that line.
    under: Span,
    text: &'a str,
    mark: Mark,
}

impl<'a> Section<'a> {
    pub(super) fn new(file: &'a SourceFile) -> Self {
        Self { file, at: None, places: Vec::new() }
    }

    /// Adds a place. The first one of a section is what its header names.
    pub(super) fn add(&mut self, span: Span, text: &'a str, mark: Mark) {
        let start = self.file.position(span.start);
        self.at.get_or_insert(start);
        // What stands at a place often ends with the line break after it.
        let shown = self.file.slice(span);
        let end = start.offset + shown.trim_end().len();
        let last = self.file.position(last_character(self.file, start.offset, end)).line;
        let line = self.file.line_span(last);
        let indent = {
            let text = self.file.slice(line);
            text.len() - text.trim_start().len()
        };
        let from = if last == start.line { start.offset } else { line.start + indent };
        let under = Span::new(from.min(line.end), end.min(line.end));
        self.places.push(Place { first: start.line, last, under, text, mark });
    }

    /// Returns how many digits the largest line number has.
    pub(super) fn number_width(&self) -> usize {
        self.places.iter().map(|place| place.last.to_string().len()).max().unwrap_or(1)
    }

    pub(super) fn render(&self, out: &mut String, run: &Findings<'_>, width: usize) {
        let margin = " ".repeat(width + 2);
        let at = self.at.unwrap_or_else(|| self.file.position(0));
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            out,
            "{margin}{FRAME}┌─{FRAME:#} {}:{}:{}",
            run.path(self.file.path()),
            at.line,
            at.column
        );
        let mut previous = None;
        for (number, mut marks) in self.lines() {
            if previous.is_some_and(|previous| previous + 1 < number) {
                let _ = writeln!(out, "{margin}{FRAME}·{FRAME:#}");
            }
            previous = Some(number);
            let line = self.file.line_span(number);
            // The primary place comes first, and must be seen.
            let focus = marks.first().map_or(line.start, |place| place.under.start);
            let piece = Piece::new(self.file, line, focus);
            marks.sort_by_key(|place| place.under);
            let space = if piece.text.is_empty() { "" } else { " " };
            let _ = writeln!(out, " {FRAME}{number:>width$} │{FRAME:#}{space}{}", piece.text);
            for place in marks {
                let (indent, length) = piece.columns(place.under);
                let style = place.mark.style;
                let strokes = place.mark.stroke.to_string().repeat(length);
                let _ = write!(out, "{margin}{FRAME}│{FRAME:#} {}{style}{strokes}", " ".repeat(indent));
                if !place.text.is_empty() {
                    let _ = write!(out, " {}", visible(place.text));
                }
                let _ = writeln!(out, "{style:#}");
            }
        }
    }

    /// The lines to show, each with the places that end in it.
    fn lines(&self) -> BTreeMap<usize, Vec<&Place<'a>>> {
        let mut lines = BTreeMap::<usize, Vec<&Place<'a>>>::new();
        for place in &self.places {
            let whole = place.last - place.first < WHOLE;
            let head = if whole { place.last } else { place.first + HEAD };
            (place.first..head).for_each(|line| {
                lines.entry(line).or_default();
            });
            lines.entry(place.last).or_default().push(place);
        }
        lines
    }
}

/// Returns where the last character of a range begins, or its start where it is empty.
fn last_character(file: &SourceFile, start: usize, end: usize) -> usize {
    let last = file.slice(Span::new(start, end)).char_indices().next_back();
    last.map_or(start, |(offset, _)| start + offset)
}

/// What is shown of a line: all of it, or a window around what is meant.
struct Piece {
    text: String,
    /// The offset and the display column of each character that is shown, and of the end.
    columns: Vec<(usize, usize)>,
}

impl Piece {
    fn new(file: &SourceFile, line: Span, focus: usize) -> Self {
        let before = file.slice(Span::new(line.start, focus));
        let fits = before.len() <= WINDOW - BEFORE || file.slice(line).chars().nth(WINDOW).is_none();
        let start = if fits {
            line.start
        } else {
            before.char_indices().rev().nth(BEFORE).map_or(line.start, |(offset, _)| line.start + offset)
        };
        let mut piece = Self { text: String::new(), columns: Vec::new() };
        if start > line.start {
            piece.text.push('…');
        }
        let mut width = piece.text.width();
        let mut end = start;
        for (offset, c) in file.slice(Span::new(start, line.end)).char_indices().take(WINDOW) {
            piece.columns.push((start + offset, width));
            let from = piece.text.len();
            push_visible(&mut piece.text, c);
            width += piece.text.get(from..).map_or(0, |shown| shown.width());
            end = start + offset + c.len_utf8();
        }
        piece.columns.push((end, width));
        if end < line.end {
            piece.text.push('…');
        }
        piece
    }

    /// Returns the indent of a mark under a span and its length, which is at least 1.
    fn columns(&self, span: Span) -> (usize, usize) {
        let column = |offset: usize| {
            let after = self.columns.partition_point(|(at, _)| *at < offset);
            self.columns.get(after).or(self.columns.last()).map_or(0, |(_, column)| *column)
        };
        let (start, end) = (column(span.start), column(span.end));
        (start, end.saturating_sub(start).max(1))
    }
}
