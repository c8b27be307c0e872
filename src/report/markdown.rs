//! A document as GitHub-flavoured Markdown.

use super::blocks::{Align, Block, Document, Inline, Line, Table};
use super::escape;

/// The longest body that GitHub takes, counted as JavaScript counts: in UTF-16 units.
pub const LONGEST_BODY: usize = 65_536;

/// Writes the document.
pub fn render(document: &Document) -> String {
    joined(&parts(document))
}

/// Writes the document in at most `limit` UTF-16 units.
///
/// What is folded is left out first, from the end; then whole blocks, from the end. Where something is
/// left out, the last paragraph is `pointer`, which says where the rest is.
pub fn render_within(document: &Document, limit: usize, pointer: &Line) -> String {
    let mut parts = parts(document);
    if units(&joined(&parts)) <= limit {
        return joined(&parts);
    }
    let pointer = line(pointer);
    let fits = |parts: &[Part]| units(&joined(parts)) + 2 + units(&pointer) < limit;
    while !fits(&parts) {
        let folded = parts.iter().rposition(|part| part.folded);
        match folded {
            Some(index) => drop(parts.remove(index)),
            None if parts.pop().is_none() => break,
            None => {}
        }
    }
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
    folded: bool,
}

fn parts(document: &Document) -> Vec<Part> {
    let written = |block: &Block| Part { text: write(block), folded: matches!(block, Block::Details { .. }) };
    document.blocks.iter().map(written).filter(|part| !part.text.is_empty()).collect()
}

fn joined(parts: &[Part]) -> String {
    let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
    if texts.is_empty() { String::new() } else { texts.join("\n\n") + "\n" }
}

fn write(block: &Block) -> String {
    match block {
        Block::Heading(heading) => format!("### {}", line(heading)),
        Block::Subheading(heading) => format!("#### {}", line(heading)),
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
            let summary = escape::text(summary);
            format!("<details><summary>{summary}</summary>\n\n{}\n\n</details>", inner.join("\n\n"))
        }
    }
}

/// Writes a line. Nothing in it can end the line or the cell it stands in.
fn line(line: &Line) -> String {
    line.iter().map(inline).collect()
}

fn inline(inline: &Inline) -> String {
    match inline {
        Inline::Text(text) | Inline::Toned(_, text) => escape::text(text),
        Inline::Strong(text) => strong(text),
        Inline::Code(text) => escape::code(text),
        Inline::Link { text, url } => match escape::destination(url) {
            Some(url) => format!("[{}]({url})", escape::text(text)),
            None => escape::text(text),
        },
        // Box drawings and no-break spaces only: a code span holds them as they are.
        Inline::Gauge(gauge) => format!("`{}`", gauge.draw()),
    }
}

/// Writes strong text. White space at the ends stays outside, where it does not keep the stars from counting.
fn strong(text: &str) -> String {
    let inner = text.trim();
    let Some((start, _)) = text.split_once(inner).filter(|_| !inner.is_empty()) else {
        return escape::text(text);
    };
    let end = text.get(start.len() + inner.len()..).unwrap_or_default();
    format!("{}**{}**{}", escape::text(start), escape::text(inner), escape::text(end))
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
