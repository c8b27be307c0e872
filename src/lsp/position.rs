//! Lines and columns of the protocol, and byte offsets.

use lsp_types::{Position, PositionEncodingKind, Range};

use trialbook_model::span::Span;

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// 16-bit units, which every client has.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// Returns the one that costs least of those that a client has.
    pub fn of(offered: &[PositionEncodingKind]) -> Self {
        let has = |kind: &PositionEncodingKind| offered.contains(kind);
        match () {
            () if has(&PositionEncodingKind::UTF8) => Self::Utf8,
            () if has(&PositionEncodingKind::UTF32) && !has(&PositionEncodingKind::UTF16) => Self::Utf32,
            () => Self::Utf16,
        }
    }

    /// Returns the protocol's word for it.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// A text with its lines, which end where the protocol defines: at `\n`, `\r\n` or `\r`.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    pub fn new(text: &'a str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        // A byte order mark is no character of the first line: no editor shows it.
        let mut starts = vec![if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }];
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                starts.push(at + 1);
            }
        }
        Self { text, starts, encoding }
    }

    /// Returns the position of a byte offset, clamped to the text.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let column: usize =
            self.text.get(start..offset).unwrap_or_default().chars().map(|c| self.encoding.width(c)).sum();
        Position::new(number(line), number(column))
    }

    /// Returns the range of a span, clamped to the text.
    pub fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    /// Returns the byte offset of a position: past the end of a line, its end before the break; past the last line, the
    /// end of the text; within a character, its start.
    pub fn offset(&self, position: Position) -> usize {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        let Some(start) = self.starts.get(line).copied() else { return self.text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
        let column = usize::try_from(position.character).unwrap_or(usize::MAX);
        let mut passed = 0;
        for (at, c) in content.char_indices() {
            passed += self.encoding.width(c);
            if passed > column {
                return start + at;
            }
        }
        start + content.len()
    }

    /// Returns the span of a range; empty at its start where the end lies before it.
    pub fn span(&self, range: Range) -> Span {
        Span::new(self.offset(range.start), self.offset(range.end))
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_the_client_does() {
        let text = "a: 😀å\r\nb: x\rc\n";
        for (encoding, column) in [(Encoding::Utf8, 9), (Encoding::Utf16, 6), (Encoding::Utf32, 5)] {
            let lines = Lines::new(text, encoding);
            assert_eq!(lines.position(9), Position::new(0, column), "{encoding:?}");
            assert_eq!(lines.offset(Position::new(0, column)), 9, "{encoding:?}");
            assert_eq!(lines.position(11), Position::new(1, 0));
            assert_eq!(lines.position(16), Position::new(2, 0));
        }
    }

    #[test]
    fn a_position_outside_the_text_is_clamped_to_it() {
        let lines = Lines::new("ab\ncd", Encoding::Utf16);
        assert_eq!(lines.offset(Position::new(0, 99)), 2);
        assert_eq!(lines.offset(Position::new(9, 0)), 5);
        assert_eq!(lines.position(99), Position::new(1, 2));
        assert_eq!(Lines::new("", Encoding::Utf8).offset(Position::new(0, 0)), 0);
        assert_eq!(Lines::new("😀", Encoding::Utf16).offset(Position::new(0, 1)), 0);
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let lines = Lines::new("\u{feff}a: 1", Encoding::Utf16);
        assert_eq!(lines.offset(Position::new(0, 0)), 3);
        assert_eq!(lines.position(4), Position::new(0, 1));
        assert_eq!(lines.position(0), Position::new(0, 0));
    }

    #[test]
    fn every_offset_comes_back() {
        let text = "å\n\r\n😀x\ry\u{2028}z";
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let lines = Lines::new(text, encoding);
            for (at, c) in text.char_indices().filter(|(_, c)| *c != '\n') {
                assert_eq!(lines.offset(lines.position(at)), at, "{c:?}");
            }
        }
    }

    #[test]
    fn bytes_are_taken_where_the_client_has_them() {
        use PositionEncodingKind as Kind;
        assert_eq!(Encoding::of(&[Kind::UTF16, Kind::UTF8]), Encoding::Utf8);
        assert_eq!(Encoding::of(&[Kind::UTF16, Kind::UTF32]), Encoding::Utf16);
        assert_eq!(Encoding::of(&[]), Encoding::Utf16);
    }
}
