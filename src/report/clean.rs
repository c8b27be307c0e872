//! Outside text without what a reader cannot see.

/// Stands for a character that was taken out.
const REPLACEMENT: char = '\u{fffd}';

/// Returns the text on one line: every run of white space is one space, and what would move the cursor,
/// change the direction of reading, or not be seen at all is shown as `�`.
///
/// The joiners that emoji and several scripts need stay.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(visible));
    }
    line
}

/// Returns the piece of a line as [`one_line`] does, but with the white space at its ends as one space each.
pub fn piece(text: &str) -> String {
    let inner = one_line(text);
    let edge = |at: Option<char>| if at.is_some_and(is_space) { " " } else { "" };
    if inner.is_empty() {
        return edge(text.chars().next()).to_owned();
    }
    format!("{}{inner}{}", edge(text.chars().next()), edge(text.chars().next_back()))
}

/// Returns the text with its line breaks, each other control or invisible character shown as `�`.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars().map(|c| if c == '\n' || c == '\t' { c } else { visible(c) }).collect()
}

/// Tells whether a line may break at the character; the no-break spaces of numbers stay as they are.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

fn visible(c: char) -> char {
    if c.is_control() || is_invisible(c) { REPLACEMENT } else { c }
}

/// Tells whether a character only steers others: direction, width, tags, line separators.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_the_reader_is_shown_and_white_space_is_one_space() {
        assert_eq!(one_line(" a\r\n\tb  c "), "a b c");
        assert_eq!(one_line("x\u{202e}y\u{200b}z\u{1b}[31m"), "x\u{fffd}y\u{fffd}z\u{fffd}[31m");
        assert_eq!(one_line("👩\u{200d}🔬 ok"), "👩\u{200d}🔬 ok");
        assert_eq!(one_line("2\u{202f}400 \u{a0} x"), "2\u{202f}400 \u{a0} x");
        assert_eq!(piece(" a\nb"), " a b");
        assert_eq!(piece("\n"), " ");
        assert_eq!(piece(""), "");
        assert_eq!(lines("a\r\nb\tc\u{7}"), "a\nb\tc\u{fffd}");
    }
}
