//! A document for a terminal: wrapped to its width, aligned, coloured where that is wanted.

mod layout;
mod table;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::blocks::{Block, Inline, Line, Page, Tone};
use super::clean;
use layout::{Run, wrap};

/// How a terminal is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many columns there are.
    pub width: usize,
    /// Whether colours are written.
    pub colour: bool,
    /// Whether what is folded is shown.
    pub details: bool,
}

impl Settings {
    /// The narrowest width that is laid out for; a narrower terminal breaks lines itself.
    pub const NARROWEST: usize = 40;
    /// The width where there is no terminal: a file or another program.
    pub const WITHOUT_TERMINAL: usize = 100;
    /// The widest: longer lines are hard to read.
    pub const WIDEST: usize = 140;

    fn width(self) -> usize {
        self.width.clamp(Self::NARROWEST, Self::WIDEST)
    }
}

/// Writes the document.
pub fn render(document: &Page, settings: Settings) -> String {
    let mut lines = Vec::new();
    for block in &document.blocks {
        let written = write(block, settings, settings.width());
        if written.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.extend(written);
    }
    let mut out = String::new();
    for line in lines {
        paint(&line, settings.colour, &mut out);
        out.push('\n');
    }
    out
}

/// A line as it stands on the screen.
type Row = Vec<Run>;

fn write(block: &Block, settings: Settings, width: usize) -> Vec<Row> {
    let bold = Style::new().bold();
    match block {
        Block::Heading(line) => wrap(&runs(line, bold), width, 0),
        Block::Subheading(line) => wrap(&runs(line, bold.underline()), width, 0),
        Block::Paragraph(line) => wrap(&runs(line, Style::new()), width, 0),
        Block::Small(line) => wrap(&runs(line, Style::new().dimmed()), width, 0),
        Block::Table(block) => table::lay_out(block, width),
        Block::List(items) => items
            .iter()
            .flat_map(|item| {
                let mut item = runs(item, Style::new());
                item.insert(0, Run::new("• ", Style::new()));
                wrap(&item, width, 2)
            })
            .collect(),
        Block::Alert(line) => {
            let mut alert = runs(line, Style::new());
            alert.insert(0, Run::new("‼ ", AnsiColor::Red.on_default().bold()));
            wrap(&alert, width, 2)
        }
        Block::Verbatim { text, .. } => {
            let indented =
                |line: &str| vec![Run::new(format!("    {}", line.replace('\t', "    ")), Style::new())];
            clean::lines(text).lines().map(indented).collect()
        }
        Block::Details { .. } if !settings.details => Vec::new(),
        Block::Details { summary, blocks } => {
            let mut rows = wrap(&[Run::new(clean::one_line(summary), bold)], width, 0);
            for block in blocks {
                rows.push(Vec::new());
                rows.extend(write(block, settings, width));
            }
            rows
        }
    }
}

/// Turns a line into runs; what has no style of its own takes `base`.
fn runs(line: &Line, base: Style) -> Vec<Run> {
    line.iter()
        .map(|inline| match inline {
            Inline::Text(text) => Run::new(clean::piece(text), base),
            Inline::Strong(text) => Run::new(clean::piece(text), base.bold()),
            Inline::Code(text) => {
                Run::new(clean::one_line(text), base.fg_color(Some(AnsiColor::Cyan.into())))
            }
            Inline::Toned(tone, text) => Run::new(clean::piece(text), toned(*tone)),
            Inline::Link { text, url } => {
                let (text, url) = (clean::one_line(text), clean::one_line(url));
                let shown = if text == url { url } else { format!("{text} ({url})") };
                Run::new(shown, base)
            }
            Inline::Gauge(gauge) => Run::new(gauge.draw(), base),
        })
        .filter(|run| !run.text.is_empty())
        .collect()
}

fn toned(tone: Tone) -> Style {
    match tone {
        Tone::Good => AnsiColor::Green.on_default().bold(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Caution => AnsiColor::Yellow.on_default(),
        Tone::Quiet => Style::new().dimmed(),
    }
}

fn columns(text: &str) -> usize {
    text.width()
}

fn paint(row: &[Run], colour: bool, out: &mut String) {
    let end = row.iter().rposition(|run| !run.text.trim_end_matches([' ', '\u{a0}']).is_empty());
    for (index, run) in row.iter().enumerate() {
        let Some(end) = end.filter(|end| index <= *end) else { break };
        let text = if index == end { run.text.trim_end_matches([' ', '\u{a0}']) } else { &run.text };
        if colour && run.style != Style::new() {
            out.push_str(&format!("{}{text}{}", run.style.render(), run.style.render_reset()));
        } else {
            out.push_str(text);
        }
    }
}
