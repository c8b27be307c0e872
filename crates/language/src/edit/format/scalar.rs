//! How scalars are written: as they stand, but for quotes that nothing needs.

use crate::load::yaml::{ScalarNode, Style, Typed};

/// A scalar with its source.
pub struct Scalar<'a> {
    style: Style,
    text: String,
    raw: &'a str,
    /// `|` or `>` with its indicators; empty for other notations.
    header: &'a str,
    /// How far the text of a block was indented.
    base: usize,
}

impl<'a> Scalar<'a> {
    /// Makes a scalar of its notation, its text, its source, and what stands between the key and its source.
    pub fn new(style: Style, text: &str, raw: &'a str, before: &'a str) -> Self {
        let header = match style {
            Style::Literal | Style::Folded => header(before),
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => "",
        };
        // What is left out counts as null: the parser returns `~`.
        let text = if raw.is_empty() && style == Style::Plain { String::new() } else { text.to_owned() };
        let base = before.len() - before.rfind('\n').map_or(before.len(), |at| at + 1);
        Self { style, text, raw, header, base }
    }

    /// Returns the text after quotes and escapes are undone.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns it on one line, in brackets or not; `None` where it takes several.
    pub fn line(&self, flow: bool) -> Option<String> {
        match self.style {
            Style::Plain if self.raw.contains('\n') => None,
            Style::Plain => Some(self.raw.to_owned()),
            Style::Literal | Style::Folded => match self.is_odd() {
                true => Some(escaped(&self.text)),
                false => None,
            },
            Style::SingleQuoted | Style::DoubleQuoted if self.raw.contains('\n') => None,
            Style::SingleQuoted | Style::DoubleQuoted => Some(if is_plain(&self.text, flow) {
                self.text.clone()
            } else if self.text.chars().any(|c| matches!(c, '"' | '\\') || c.is_control() || !is_printed(c)) {
                self.raw.to_owned()
            } else {
                format!("\"{}\"", self.text)
            }),
        }
    }

    /// Returns the lines of one that takes several, the first to stand beside its key and the others indented by so
    /// many spaces. A comment beside it stands on the first line of a block, and on the last line of everything else.
    pub fn lines(&self, indent: usize, comment: &str) -> Vec<String> {
        let margin = " ".repeat(indent);
        if !matches!(self.style, Style::Literal | Style::Folded) {
            // A backslash at the end of a line counts together with the space before it.
            let exact = self.style == Style::DoubleQuoted && self.raw.contains('\\');
            let mut lines: Vec<String> = Vec::new();
            for (index, line) in self.raw.lines().enumerate() {
                let line = if index > 0 { line.trim_start_matches([' ', '\t']) } else { line };
                let line = if exact { line } else { line.trim_end_matches([' ', '\t']) };
                lines.push(if index == 0 || line.is_empty() {
                    line.to_owned()
                } else {
                    format!("{margin}{line}")
                });
            }
            if let Some(last) = lines.last_mut() {
                last.push_str(comment);
            }
            return lines;
        }
        // Without a line break at the end of the file there is none in the text.
        let chomped = if self.header.contains(['-', '+']) || self.text.ends_with('\n') { "" } else { "-" };
        let mut lines = vec![format!("{}{chomped}{comment}", self.header)];
        // The source begins at the first character that is no space.
        let first = self.raw.lines().next().unwrap_or_default();
        lines.push(format!("{margin}{first}"));
        for line in self.raw.lines().skip(1) {
            lines.push(match line.get(self.base..) {
                Some(content) if !content.is_empty() => format!("{margin}{content}"),
                _ => String::new(),
            });
        }
        if !self.header.contains('+') {
            while lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
        }
        lines
    }

    /// Tells whether a block is written in a way that its lines alone do not show: it goes into quotes.
    fn is_odd(&self) -> bool {
        self.raw.trim().is_empty()
            || self.header.is_empty()
            || self.header.contains(|c: char| c.is_ascii_digit())
            || self.text.starts_with(['\n', ' '])
            || self.text.contains('\t')
    }
}

/// Returns the header of a block, which ends the last line before it but for a comment.
fn header(before: &str) -> &str {
    let line = before.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let token = line.rsplit([' ', ':', '\t']).next().unwrap_or_default();
    if token.starts_with(['|', '>']) { token } else { "" }
}

/// Returns text in double quotes on one line. JSON's escapes are YAML's too.
fn escaped(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Characters that would not be seen, or would be taken for a line break.
pub fn is_printed(c: char) -> bool {
    !matches!(c, '\u{85}' | '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Tells whether text reads the same without quotes, to every tool and to every reader.
///
/// What begins with a digit or a mark keeps its quotes: it may look like a number, a version or a date to someone.
pub fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let scalar = ScalarNode { text: text.into(), plain: true };
    let bracketed = flow && text.contains([',', '[', ']', '{', '}']);
    first.is_alphabetic()
        && !bracketed
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(|c| !c.is_control() && is_printed(c))
        && matches!(scalar.typed(), Typed::Text(_))
        && !scalar.is_ambiguous()
        && !["y", "Y", "n", "N"].contains(&text)
}
