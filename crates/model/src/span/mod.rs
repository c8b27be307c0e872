//! Source text, byte spans, and the line index that turns an offset into a line and a column.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A half-open range of byte offsets into one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The first byte after it.
    pub end: usize,
}

impl Span {
    /// Makes a span; an end before the start is the start.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A 1-based line and a 1-based column, counted in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The byte offset.
    pub offset: usize,
}

/// A file's text with its path relative to the book's root, `/`-separated.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    /// The offset of the first byte of each line.
    lines: Vec<usize>,
}

impl SourceFile {
    /// Indexes the lines of a text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let breaks =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Arc::new(Self { path: path.into(), text, lines })
    }

    /// Returns the path, relative to the book's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text of a span, clamped to the text and to character boundaries.
    pub fn slice(&self, span: Span) -> &str {
        let (start, end) =
            (self.text.floor_char_boundary(span.start), self.text.ceil_char_boundary(span.end));
        self.text.get(start..end).unwrap_or_default()
    }

    /// Returns the line and column of an offset, clamped to the text.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|i| self.lines.get(i)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |text| text.chars().count()) + 1;
        Position { line: line.max(1), column, offset }
    }

    /// Returns how many lines there are, at least one.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Returns the span of a 1-based line without its line break; empty past the end.
    pub fn line_span(&self, line: usize) -> Span {
        let start_of = |index: usize| self.lines.get(index).copied();
        let Some(start) = line.checked_sub(1).and_then(start_of) else {
            return Span::new(self.text.len(), self.text.len());
        };
        let end = start_of(line).unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        Span::new(start, start + text.trim_end_matches(['\n', '\r']).len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_offsets_count_bytes() {
        let file = SourceFile::new("a.yaml", "å: 1\nb: ä2\n");
        assert_eq!(file.position(0), Position { line: 1, column: 1, offset: 0 });
        assert_eq!(file.position(2), Position { line: 1, column: 2, offset: 2 });
        assert_eq!(file.position(11), Position { line: 2, column: 5, offset: 11 });
        assert_eq!(file.position(999), Position { line: 3, column: 1, offset: 13 });
        assert_eq!(file.slice(file.line_span(2)), "b: ä2");
        assert_eq!(file.line_span(9), Span::new(13, 13));
    }
}
