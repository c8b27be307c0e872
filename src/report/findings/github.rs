//! Workflow commands of GitHub Actions: one annotation for each finding.
//!
//! GitHub shows ten errors and ten warnings of a step on the files and all of them in the log, so errors are
//! written first.

use std::fmt::Write as _;

use trialbook_model::diagnostic::{Diagnostic, Label};

use super::visible::push_visible;
use super::{Findings, severity, visible};

/// Returns `::error file=…,line=…,…::MESSAGE` for each finding, errors first.
pub(super) fn render(run: &Findings<'_>) -> String {
    let mut out = String::new();
    for (finding, _) in run.worst_first() {
        let Label { file, span, .. } = &finding.primary;
        let (start, end) = (file.position(span.start), file.position(span.end));
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "::{} file={},line={},endLine={}",
            severity(finding.severity),
            property(&run.located(file.path())),
            start.line,
            end.line,
        );
        // Columns are ignored, or refused, where the lines differ.
        if start.line == end.line {
            let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
        }
        let _ = writeln!(out, ",title={}::{}", property(finding.rule), data(&text(run, finding)));
    }
    out
}

/// The message, the other places, the facts and the advice, a line each.
pub(super) fn text(run: &Findings<'_>, finding: &Diagnostic) -> String {
    let mut lines = vec![visible(&finding.message).into_owned()];
    if !finding.primary.text.is_empty() {
        lines.push(visible(&finding.primary.text).into_owned());
    }
    for label in &finding.related {
        let at = label.file.position(label.span.start);
        lines.push(format!("{}:{}: {}", run.path(label.file.path()), at.line, visible(&label.text)));
    }
    lines.extend(finding.notes.iter().map(|note| visible(note).into_owned()));
    lines.extend(finding.help.iter().map(|help| format!("help: {}", visible(help))));
    lines.join("\n")
}

/// Escapes what follows the second `::` of a command (actions/toolkit, `core/src/command.ts`, read 2026-11).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command (the same file). What the file leaves and a terminal obeys is written out.
fn property(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' => shown.push(c),
            _ => push_visible(&mut shown, c),
        }
    }
    data(&shown).replace(':', "%3A").replace(',', "%2C")
}
