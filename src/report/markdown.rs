//! A document as GitHub-flavoured Markdown.

mod cut;

use super::blocks::{Align, Block, Inline, Line, Page, Table};
use super::escape;
use super::number::shortened;

/// The longest body that GitHub takes, counted as JavaScript counts: in UTF-16 units.
pub const LONGEST_BODY: usize = 65_536;

/// Room that whoever posts the comment needs, for a marker that finds it again.
pub const HEADROOM: usize = 1024;

/// The longest text in a heading, in characters. A title that is longer would push out what it is a title of.
const LONGEST_TITLE: usize = 200;

/// The longest text in one piece elsewhere, in characters.
const LONGEST_TEXT: usize = 1_000;

/// The longest line, in UTF-16 units as it is written.
const LONGEST_LINE: usize = 8_000;

/// Writes the document for a pull request: never longer than GitHub takes, with [`HEADROOM`] left. Where something is
/// left out, the last paragraph is `pointer`, which names where the rest is.
pub fn for_pull_request(document: &Page, pointer: &Line) -> String {
    render_within(document, LONGEST_BODY - HEADROOM, pointer)
}

/// Writes a text that somebody wrote as a paragraph of its own, cut where it is long.
pub fn paragraph(text: &str) -> String {
    render(&Page { blocks: vec![Block::Paragraph(vec![Inline::text(text)])] })
}

/// Writes the document, however long.
pub fn render(document: &Page) -> String {
    joined(&parts(document))
}

/// Writes the document in at most `limit` UTF-16 units, or in those of its first heading and `pointer`.
///
/// What is folded is left out first, from the end; then rows of tables and lists, which count how many; then whole blocks,
/// from the end, but no heading and no alert before all else. Where something is left out, the last paragraph is
/// `pointer`, which names where the rest is.
pub fn render_within(document: &Page, limit: usize, pointer: &Line) -> String {
    let mut parts = parts(document);
    let whole = joined(&parts);
    if units(&whole) <= limit {
        return whole;
    }
    let pointer = line(pointer);
    cut::cut(&mut parts, limit.saturating_sub(units(&pointer) + 2));
    let body = joined(&parts);
    if body.is_empty() { format!("{pointer}\n") } else { format!("{body}\n{pointer}\n") }
}

/// Returns how many UTF-16 units a text has.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A written block.
struct Part {
    text: String,
    /// The text's length in UTF-16 units.
    units: usize,
    shape: Shape,
}

impl Part {
    fn new(text: String, shape: Shape) -> Self {
        let units = units(&text);
        Self { text, units, shape }
    }
}

/// How a block can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Not before all else.
    Head,
    /// Before all else.
    Folded,
    /// Between its lines, but for the first ones, which introduce the others.
    Rows { head: usize },
    /// As a whole.
    Other,
}

impl Shape {
    fn of(block: &Block) -> Self {
        match block {
            Block::Heading(_) | Block::Alert(_) => Self::Head,
            Block::Details { .. } => Self::Folded,
            Block::Table(_) => Self::Rows { head: 2 },
            Block::List(_) => Self::Rows { head: 0 },
            Block::Subheading(_) | Block::Paragraph(_) | Block::Small(_) | Block::Verbatim { .. } => {
                Self::Other
            }
        }
    }
}

fn parts(document: &Page) -> Vec<Part> {
    let written = |block: &Block| Part::new(write(block), Shape::of(block));
    document.blocks.iter().map(written).filter(|part| !part.text.is_empty()).collect()
}

fn joined(parts: &[Part]) -> String {
    let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
    if texts.is_empty() { String::new() } else { texts.join("\n\n") + "\n" }
}

fn write(block: &Block) -> String {
    match block {
        Block::Heading(heading) => format!("### {}", line_of(heading, LONGEST_TITLE)),
        Block::Subheading(heading) => format!("#### {}", line_of(heading, LONGEST_TITLE)),
        Block::Paragraph(paragraph) => line(paragraph),
        Block::Table(block) => table(block),
        Block::List(items) => {
            items.iter().map(|item| format!("- {}", line(item))).collect::<Vec<_>>().join("\n")
        }
        Block::Alert(alert) => format!("> [!CAUTION]\n> {}", line(alert)),
        Block::Small(small) => format!("<sub>{}</sub>", line(small)),
        Block::Verbatim { language, text } => escape::fenced(language, text),
        Block::Details { summary, blocks } => {
            let inner: Vec<_> = blocks.iter().map(write).collect();
            let summary = bounded(summary, LONGEST_TITLE, escape::html);
            format!("<details><summary>{summary}</summary>\n\n{}\n\n</details>", inner.join("\n\n"))
        }
    }
}

/// Writes a line. Nothing in it can end the line or the cell it stands in, and no text in it is endless.
fn line(line: &Line) -> String {
    line_of(line, LONGEST_TEXT)
}

/// Writes a line of texts of so many characters at most. A line of too many ends in `…`.
fn line_of(line: &Line, longest: usize) -> String {
    let mut out = String::new();
    for (index, piece) in line.iter().enumerate() {
        let piece = inline(piece, longest, &out, line.get(index + 1));
        if units(&out) + units(&piece) > LONGEST_LINE {
            return out.trim_end().to_owned() + " …";
        }
        // Two verbatim texts side by side would share their backticks.
        if out.ends_with('`') && piece.starts_with('`') {
            out.push_str(escape::PART);
        }
        out.push_str(&piece);
    }
    out
}

/// Writes a piece of a line, given what is written of it already and the piece that follows.
fn inline(inline: &Inline, longest: usize, before: &str, next: Option<&Inline>) -> String {
    match inline {
        Inline::Text(text) | Inline::Toned(_, text) => {
            bounded(text, longest, |text| escape::piece(before, text, next.and_then(first)))
        }
        Inline::Strong(text) => bounded(text, longest, |text| strong(text, before, next)),
        Inline::Code(text) => bounded(text, longest, escape::code),
        Inline::Link { text, url } => {
            let text = bounded(text, longest, escape::text);
            // An address that is cut leads elsewhere.
            match escape::destination(url).filter(|url| url.len() <= 2 * LONGEST_TEXT) {
                Some(url) => format!("[{text}]({url})"),
                None => text,
            }
        }
        // Box drawings and no-break spaces only: a code span holds them as they are.
        Inline::Gauge(gauge) => format!("`{}`", gauge.draw()),
    }
}

/// Returns the first character of a piece that is plain text.
fn first(inline: &Inline) -> Option<char> {
    match inline {
        Inline::Text(text) | Inline::Toned(_, text) => text.chars().next(),
        _ => None,
    }
}

/// Writes a text of so many characters at most; of fewer, where most of them have to be escaped.
fn bounded(text: &str, longest: usize, write: impl Fn(&str) -> String) -> String {
    // No character takes more than `<span>&#36;</span>`.
    if text.len() * 18 <= 4 * longest {
        return write(text);
    }
    let mut characters = longest;
    loop {
        let long = text.chars().nth(characters).is_some();
        let written = if long { write(&shortened(text, characters)) } else { write(text) };
        if units(&written) <= 4 * longest || characters < 8 {
            return written;
        }
        characters /= 2;
    }
}

/// Writes strong text. White space at the ends stays outside, where it does not keep the stars from counting; where its
/// neighbours would keep them from it, tags stand for the stars.
fn strong(text: &str, before: &str, next: Option<&Inline>) -> String {
    let inner = text.trim();
    let Some((start, _)) = text.split_once(inner).filter(|_| !inner.is_empty()) else {
        return escape::piece(before, text, None);
    };
    let end = text.get(start.len() + inner.len()..).unwrap_or_default();
    let parts = |c: char| c.is_whitespace() || (c.is_ascii_punctuation() && c != '*');
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let opens =
        !start.is_empty() || before.chars().next_back().is_none_or(parts) || word(inner.chars().next());
    let closes = !end.is_empty()
        || next.is_none_or(|next| first(next).is_some_and(parts))
        || word(inner.chars().next_back());
    let (start, inner) = (escape::piece(before, start, None), escape::text(inner));
    let end = if end.is_empty() { "" } else { " " };
    let beside = before.ends_with('*') || matches!(next, Some(Inline::Strong(_)));
    if opens && closes && !beside {
        format!("{start}**{inner}**{end}")
    } else {
        format!("{start}<strong>{inner}</strong>{end}")
    }
}

fn table(table: &Table) -> String {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let headings = table.columns().iter().map(|column| escape::text(&column.heading)).collect();
    let rule = table.columns().iter().map(|column| match column.align {
        Align::Left => "---".to_owned(),
        Align::Right => "---:".to_owned(),
    });
    let mut lines = vec![row(headings), row(rule.collect())];
    lines.extend(table.rows().iter().map(|cells| row(cells.iter().map(line).collect())));
    lines.join("\n")
}
