//! A document as HTML: the same blocks as in a terminal or a comment, every text escaped by the template.

use maud::{Markup, html};

use super::blocks::{Align, Block, Inline, Line, Page, Tone};
use super::clean;

/// Writes a document whose headings begin at a level: 2 below a page's own heading.
pub fn render(document: &Page, level: u8) -> Markup {
    html! { @for block in &document.blocks { (self::block(block, level)) } }
}

fn block(block: &Block, level: u8) -> Markup {
    match block {
        Block::Heading(line) => heading(line, level),
        Block::Subheading(line) => heading(line, level + 1),
        Block::Paragraph(line) => html! { p { (self::line(line)) } },
        Block::Table(table) => html! {
            div.scroll tabindex="0" {
                table {
                    thead { tr {
                        @for column in table.columns() {
                            @if column.heading.is_empty() {
                                td {}
                            } @else {
                                th scope="col" class=(class_of(column.align)) { (clean::one_line(&column.heading)) }
                            }
                        }
                    } }
                    tbody { @for row in table.rows() { tr {
                        @for (cell, column) in row.iter().zip(table.columns()) {
                            td class=(class_of(column.align)) { (self::line(cell)) }
                        }
                    } } }
                }
            }
        },
        Block::List(items) => html! { ul { @for item in items { li { (self::line(item)) } } } },
        Block::Alert(line) => html! { p.alert { strong { "Attention: " } (self::line(line)) } },
        Block::Small(line) => html! { p.small { (self::line(line)) } },
        Block::Verbatim { text, .. } => html! { pre tabindex="0" { code { (clean::lines(text)) } } },
        Block::Details { summary, blocks } => html! {
            details {
                summary { (clean::one_line(summary)) }
                @for block in blocks { (self::block(block, level + 1)) }
            }
        },
    }
}

fn class_of(align: Align) -> &'static str {
    match align {
        Align::Left => "text",
        Align::Right => "number",
    }
}

fn heading(line: &Line, level: u8) -> Markup {
    let line = self::line(line);
    match level {
        0 | 1 => html! { h1 { (line) } },
        2 => html! { h2 { (line) } },
        3 => html! { h3 { (line) } },
        _ => html! { h4 { (line) } },
    }
}

/// Writes a line.
pub fn line(line: &Line) -> Markup {
    html! { @for inline in line { (self::inline(inline)) } }
}

fn inline(inline: &Inline) -> Markup {
    match inline {
        Inline::Text(text) => html! { (clean::piece(text)) },
        Inline::Strong(text) => html! { strong { (clean::piece(text)) } },
        Inline::Code(text) => html! { code { (clean::one_line(text)) } },
        Inline::Toned(tone, text) => html! { span class=(tone_class(*tone)) { (clean::piece(text)) } },
        // Only an address of the web is a link, whoever wrote it.
        Inline::Link { text, url } => match super::escape::destination(url) {
            Some(url) => html! { a href=(url) rel="noreferrer" { (clean::one_line(text)) } },
            None => html! { (clean::one_line(text)) },
        },
        Inline::Gauge(gauge) => html! { span.gauge aria-hidden="true" { (gauge.draw()) } },
    }
}

const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Caution => "caution",
        Tone::Quiet => "quiet",
    }
}
