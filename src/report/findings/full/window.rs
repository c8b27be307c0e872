//! A few lines of one file, with what is hidden in them shown: all that miette reads of it.

use std::collections::BTreeMap;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use trialbook_model::diagnostic::Label;
use trialbook_model::span::{SourceFile, Span};

use super::super::visible;
use super::super::visible::push_visible;

/// A place of more lines than this is shown by its first lines.
const WHOLE: usize = 5;
/// The longest piece of a line that is shown, in characters.
const PIECE: usize = 100;
/// What a drawing needs of a terminal's width beside the piece: the line's number, the frames around it, and dots.
const FRAME: usize = 16;

/// A place that is marked, with what is to be seen there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked<'a> {
    file: &'a SourceFile,
    span: Span,
    pub(super) text: &'a str,
}

impl<'a> Marked<'a> {
    pub(super) fn of(label: &'a Label) -> Self {
        Self { file: &label.file, span: label.span, text: &label.text }
    }

    /// Returns the part of the place that is shown: without the space after it, and no more than the first lines.
    fn shown(&self) -> Span {
        let start = self.file.position(self.span.start).offset;
        let text = self.file.slice(Span::new(start, self.span.end.max(start)));
        let lines: usize = text.split_inclusive('\n').take(WHOLE).map(str::len).sum();
        Span::new(start, start + text.get(..lines).unwrap_or(text).trim_end().len())
    }
}

/// The lines of a file that have marked places, each as it is shown.
#[derive(Debug)]
pub(super) struct Window {
    /// The file's path for a person.
    name: String,
    /// The lines one after another, each with its line break.
    text: String,
    lines: Vec<Line>,
    labels: Vec<LabeledSpan>,
    /// The column in the file of each label, by where it begins here.
    columns: BTreeMap<usize, usize>,
}

/// A line of the window.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// Its number in the file, from 1.
    number: usize,
    /// Where it begins and ends in the window, the line break included.
    span: Span,
}

impl Window {
    /// Shows the lines of places in one file, in so many columns; the first place is the most important one.
    pub(super) fn new(name: String, marked: Vec<Marked<'_>>, width: usize) -> Self {
        let room = width.saturating_sub(FRAME).min(PIECE);
        let mut window = Self {
            name,
            text: String::new(),
            lines: Vec::new(),
            labels: Vec::new(),
            columns: BTreeMap::new(),
        };
        let Some(file) = marked.first().map(|marked| marked.file) else { return window };
        let mut pieces = BTreeMap::<usize, Piece>::new();
        // The first place must be seen in its line, whatever else is in it.
        for marked in &marked {
            let shown = marked.shown();
            let last = file.position(last_character(file, shown)).line;
            for number in file.position(shown.start).line..=last {
                pieces.entry(number).or_insert_with(|| Piece::new(file, number, shown.start, room));
            }
        }
        for (number, piece) in &mut pieces {
            let start = window.text.len();
            window.text.push_str(&piece.text);
            window.text.push('\n');
            piece.start = start;
            window.lines.push(Line { number: *number, span: Span::new(start, window.text.len()) });
        }
        for (index, marked) in marked.iter().enumerate() {
            let shown = marked.shown();
            let (start, end) = (file.position(shown.start), file.position(last_character(file, shown)));
            let (Some(first), Some(last)) = (pieces.get(&start.line), pieces.get(&end.line)) else {
                continue;
            };
            let (from, to) = (first.place(shown.start), last.place(shown.end));
            let span = SourceSpan::from((from, to.saturating_sub(from)));
            let text = (!marked.text.is_empty()).then(|| visible(marked.text).into_owned());
            let label = match index {
                0 => LabeledSpan::new_primary_with_span(text, span),
                _ => LabeledSpan::new_with_span(text, span),
            };
            window.columns.entry(from).or_insert(start.column);
            window.labels.push(label);
        }
        window
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = LabeledSpan> + '_ {
        self.labels.iter().cloned()
    }

    /// Returns how many places begin before the first one that was given.
    pub(super) fn rank(&self) -> usize {
        let first = self.labels.first().map_or(0, LabeledSpan::offset);
        self.labels.iter().filter(|label| label.offset() < first).count()
    }

    fn line_of(&self, offset: usize) -> Option<usize> {
        let after = self.lines.partition_point(|line| line.span.start <= offset);
        after.checked_sub(1).filter(|_| offset <= self.text.len())
    }
}

impl SourceCode for Window {
    /// Returns the lines of a span. Lines that do not follow each other in the file are no span.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let last = span.offset() + span.len().saturating_sub(1);
        let ends = self.line_of(span.offset()).zip(self.line_of(last));
        let lines = ends.and_then(|(first, last)| self.lines.get(first..=last)).unwrap_or_default();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return Err(MietteError::OutOfBounds);
        };
        if last.number - first.number + 1 != lines.len() {
            return Err(MietteError::OutOfBounds);
        }
        let shown = Span::new(first.span.start, last.span.end);
        let data = self.text.get(shown.start..shown.end).unwrap_or_default();
        let column = self.columns.get(&span.offset()).map_or(0, |column| column - 1);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data.as_bytes(),
            SourceSpan::from((shown.start, shown.end - shown.start)),
            first.number - 1,
            column,
            lines.len(),
        )))
    }
}

/// Returns where the last character of a range begins, or its start where it is empty.
fn last_character(file: &SourceFile, span: Span) -> usize {
    let last = file.slice(span).char_indices().next_back();
    last.map_or(span.start, |(offset, _)| span.start + offset)
}

/// What is shown of a line: all of it, or a part around what is meant.
struct Piece {
    text: String,
    /// The offset in the file and in the text of each character that is shown, and of the end.
    places: Vec<(usize, usize)>,
    /// Where it begins in the window.
    start: usize,
}

impl Piece {
    /// Shows so many characters of a line at the most, the place that is meant among them.
    fn new(file: &SourceFile, number: usize, focus: usize, room: usize) -> Self {
        // So much of a longer line is shown before what is meant.
        let lead = room * 3 / 10;
        let line = file.line_span(number);
        let focus = focus.clamp(line.start, line.end);
        let before = file.slice(Span::new(line.start, focus));
        let fits = before.len() <= room - lead || file.slice(line).chars().nth(room).is_none();
        let start = if fits {
            line.start
        } else {
            before.char_indices().rev().nth(lead).map_or(line.start, |(offset, _)| line.start + offset)
        };
        let mut piece = Self { text: String::new(), places: Vec::new(), start: 0 };
        if start > line.start {
            piece.text.push('…');
        }
        let mut end = start;
        for (offset, c) in file.slice(Span::new(start, line.end)).char_indices().take(room) {
            piece.places.push((start + offset, piece.text.len()));
            push_visible(&mut piece.text, c);
            end = start + offset + c.len_utf8();
        }
        piece.places.push((end, piece.text.len()));
        if end < line.end {
            piece.text.push('…');
        }
        piece
    }

    /// Returns where an offset of the file is in the window; the nearest place that is shown.
    fn place(&self, offset: usize) -> usize {
        let after = self.places.partition_point(|(at, _)| *at < offset);
        let place = self.places.get(after).or(self.places.last()).map_or(0, |(_, place)| *place);
        self.start + place
    }
}
