//! Findings for people: the place, the proof, and what to do.

mod excerpt;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use trialbook_model::diagnostic::{Diagnostic, Label, Severity};

use super::{Findings, severity, visible};
use excerpt::Section;

/// How a mark under the source looks.
#[derive(Debug, Clone, Copy)]
struct Mark {
    style: Style,
    stroke: char,
}

const FRAME: Style = AnsiColor::Blue.on_default();
const BOLD: Style = Style::new().bold();
const RELATED: Mark = Mark { style: AnsiColor::Blue.on_default().bold(), stroke: '─' };
const ADVICE: Style = AnsiColor::Cyan.on_default().bold();

const fn colour(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
    }
}

/// Returns every finding with its places, and a line that sums the run up. With ANSI colours.
pub(super) fn render(run: &Findings<'_>) -> String {
    let mut out = String::new();
    for diagnostic in run.findings {
        finding(&mut out, run, diagnostic);
        out.push('\n');
    }
    out.push_str(&run.summary());
    out.push('\n');
    out
}

// Writing to a String cannot fail, here and below.
fn finding(out: &mut String, run: &Findings<'_>, diagnostic: &Diagnostic) {
    let head = colour(diagnostic.severity);
    let _ = writeln!(
        out,
        "{head}{}[{}]{head:#}{BOLD}: {}{BOLD:#}",
        severity(diagnostic.severity),
        diagnostic.rule,
        visible(&diagnostic.message)
    );

    let sections = sections(diagnostic, Mark { style: head, stroke: '━' });
    let width = sections.iter().map(Section::number_width).max().unwrap_or(1);
    let margin = " ".repeat(width + 2);
    for (i, section) in sections.iter().enumerate() {
        if i > 0 {
            let _ = writeln!(out, "{margin}{FRAME}·{FRAME:#}");
        }
        section.render(out, run, width);
    }

    let _ = writeln!(out, "{margin}{FRAME}│{FRAME:#}");
    for note in &diagnostic.notes {
        let _ = writeln!(out, "{margin}{FRAME}={FRAME:#} {}", visible(note));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "{margin}{ADVICE}help:{ADVICE:#} {}", visible(help));
    }
    let _ = writeln!(out, "{margin}{ADVICE}see:{ADVICE:#} trialbook explain {}", diagnostic.rule);
}

/// Groups the places by file, in the order in which the files come up.
fn sections<'a>(diagnostic: &'a Diagnostic, primary: Mark) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    let mut add = |label: &'a Label, mark| match sections
        .iter_mut()
        .find(|section| section.file.path() == label.file.path())
    {
        Some(section) => section.add(label.span, &label.text, mark),
        None => {
            let mut section = Section::new(&label.file);
            section.add(label.span, &label.text, mark);
            sections.push(section);
        }
    };
    add(&diagnostic.primary, primary);
    diagnostic.related.iter().for_each(|label| add(label, RELATED));
    sections
}
