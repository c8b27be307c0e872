//! Makes every character of a text visible, so that no text can move the cursor, hide or reorder what is read.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Tells whether a character is one that a reader cannot see or that changes how others are shown: controls,
/// bidirectional marks, zero-width and blank characters, tags, line separators.
///
/// After Unicode 16, general category Cc and the default-ignorable, bidi-control and blank letters.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Writes a character, a hidden one as the picture of its control (`␛`) or as its code point (`<U+202E>`).
pub(super) fn push_visible(out: &mut String, c: char) {
    match u32::from(c) {
        code @ 0..=0x1f => out.extend(char::from_u32(0x2400 + code)),
        0x7f => out.push('␡'),
        code if is_hidden(c) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "<U+{code:04X}>");
        }
        _ => out.push(c),
    }
}

/// Returns the text on one line, every hidden character written out.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_visible(&mut out, c));
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_out() {
        assert_eq!(visible("plain ä 日本 👍"), "plain ä 日本 👍");
        assert_eq!(visible("\u{1b}[31mred\r\n\t\u{7f}"), "␛[31mred␍␊␉␡");
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{9b}d"), "a<U+202E>b<U+200B>c<U+009B>d");
        assert_eq!(visible("\u{e0041}\u{feff}"), "<U+E0041><U+FEFF>");
    }
}
