//! Breaking styled text into lines.

use anstyle::Style;

use super::columns;

/// Text in one style, without line breaks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Run {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Breaks runs at spaces into lines of at most `width` columns; the second and later lines begin with
/// `indent` spaces. A word longer than a line is broken anywhere.
pub(super) fn wrap(runs: &[Run], width: usize, indent: usize) -> Vec<Vec<Run>> {
    let mut wrapper =
        Wrapper { width: width.max(indent + 1), indent, used: 0, lines: Vec::new(), line: Vec::new() };
    for word in words(runs) {
        wrapper.push(word);
    }
    wrapper.finish()
}

/// A word, perhaps in several styles, and the style of the space before it.
struct Word {
    space: Option<Style>,
    runs: Vec<Run>,
}

fn words(runs: &[Run]) -> Vec<Word> {
    let mut words = Vec::<Word>::new();
    let mut space = None;
    let mut open = false;
    for run in runs {
        for (index, part) in run.text.split(' ').enumerate() {
            if index > 0 {
                open = false;
                space = space.or(Some(run.style));
            }
            if part.is_empty() {
                continue;
            }
            let piece = Run::new(part, run.style);
            match words.last_mut().filter(|_| open) {
                Some(word) => word.runs.push(piece),
                None => words.push(Word { space: space.take(), runs: vec![piece] }),
            }
            open = true;
        }
    }
    words
}

struct Wrapper {
    width: usize,
    indent: usize,
    used: usize,
    lines: Vec<Vec<Run>>,
    line: Vec<Run>,
}

impl Wrapper {
    fn push(&mut self, word: Word) {
        let length: usize = word.runs.iter().map(|run| columns(&run.text)).sum();
        let at_start = self.used == self.start();
        if !at_start && self.used + 1 + length > self.width {
            self.break_line();
        } else if let Some(style) = word.space.filter(|_| !at_start) {
            self.line.push(Run::new(" ", style));
            self.used += 1;
        }
        for run in word.runs {
            self.place(run);
        }
    }

    /// Puts a run on the line, breaking it where the line is full.
    fn place(&mut self, run: Run) {
        // As a whole where it fits: the columns of an emoji are not those of its parts.
        let whole = columns(&run.text);
        if self.used + whole <= self.width {
            self.used += whole;
            self.line.push(run);
            return;
        }
        let mut piece = String::new();
        for c in run.text.chars() {
            let wide = columns(c.encode_utf8(&mut [0; 4]));
            if self.used + wide > self.width && self.used > self.start() {
                self.line.push(Run::new(std::mem::take(&mut piece), run.style));
                self.break_line();
            }
            piece.push(c);
            self.used += wide;
        }
        if !piece.is_empty() {
            self.line.push(Run::new(piece, run.style));
        }
    }

    fn start(&self) -> usize {
        if self.lines.is_empty() { 0 } else { self.indent }
    }

    fn break_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.used = self.indent;
        if self.indent > 0 {
            self.line.push(Run::new(" ".repeat(self.indent), Style::new()));
        }
    }

    fn finish(mut self) -> Vec<Vec<Run>> {
        if self.line.iter().any(|run| !run.text.trim().is_empty()) {
            self.lines.push(self.line);
        }
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(lines: &[Vec<Run>]) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(|run| run.text.as_str()).collect()).collect()
    }

    #[test]
    fn a_word_in_two_styles_is_not_broken_between_them() {
        let bold = Style::new().bold();
        let runs =
            [Run::new("Ship ", bold), Run::new("bold", bold), Run::new(", now. Then rest", Style::new())];
        assert_eq!(plain(&wrap(&runs, 11, 2)), ["Ship bold,", "  now. Then", "  rest"]);
        assert_eq!(plain(&wrap(&[Run::new("abcdefgh", bold)], 3, 0)), ["abc", "def", "gh"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_width_and_nothing_is_lost(text in "[a-zå漢 ]{0,60}", width in 4usize..30) {
            let lines = plain(&wrap(&[Run::new(text.clone(), Style::new())], width, 2));
            for line in &lines {
                prop_assert!(columns(line) <= width, "{line:?}");
            }
            let kept: String = lines.concat().chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(kept, text.replace(' ', ""));
        }
    }
}
