//! What to do about text that is not YAML, by what usually causes it.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{Applicability, Diagnostic, Edit};
use crate::load::rules;
use crate::span::{SourceFile, Span};

/// Returns the finding for text that does not parse.
pub(super) fn of_error(file: &Arc<SourceFile>, error: &ScanError) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or(0).min(file.text().len());
    let line = file.line_span(file.position(offset).line);
    let text = file.slice(line);
    let span = Span::new(offset, (offset + 1).min(file.text().len()));
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        let depth = super::MAX_DEPTH;
        return Diagnostic::error(
            rules::TOO_LARGE,
            format!("nested more than {depth} levels deep"),
            file,
            span,
        )
        .help("no file of a book needs that: name parts of an audience as segments");
    }
    let finding =
        Diagnostic::error(rules::SYNTAX_ERROR, format!("this is not YAML: {}", error.info()), file, span);
    let finding = match error.kind() {
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => untabbed(finding, file),
        _ => finding,
    };
    match value_at(text, offset.saturating_sub(line.start)).and_then(quote) {
        Some(help) => finding.help(help),
        None => finding.help(match error.kind() {
            ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => "indent with spaces, not with tabs",
            ErrorKind::MappingValueNotAllowed if text.matches(": ").count() > 1 => {
                "text that contains `: ` needs quotes"
            }
            ErrorKind::MappingValueNotAllowed => "is this line indented differently from those above it?",
            _ => "look here or just before for a missing quote, bracket or colon, or a line that is indented differently",
        }),
    }
}

/// Adds the fix that indents with two spaces for each tab. How deep a line was meant to be is a guess.
fn untabbed(finding: Diagnostic, file: &Arc<SourceFile>) -> Diagnostic {
    let mut edits = Vec::new();
    for line in 1..=file.line_count() {
        let span = file.line_span(line);
        let text = file.slice(span);
        let margin = text.len() - text.trim_start_matches([' ', '\t']).len();
        let spaces = text.get(..margin).unwrap_or_default();
        if spaces.contains('\t') {
            let span = Span::new(span.start, span.start + margin);
            edits.push(Edit { file: Arc::clone(file), span, text: spaces.replace('\t', "  ") });
        }
    }
    if edits.is_empty() {
        return finding;
    }
    finding.fix("indent with two spaces for each tab", Applicability::Unsafe, edits)
}

/// Returns the finding for `*name`.
pub(super) fn of_alias(file: &Arc<SourceFile>, span: Span) -> Diagnostic {
    let line = file.line_span(file.position(span.start).line);
    let value = value_at(file.slice(line), span.start.saturating_sub(line.start));
    let finding = Diagnostic::error(rules::UNSUPPORTED_YAML, "an alias (`*…`) is not supported", file, span);
    match value {
        Some(value) if value.contains('.') => {
            finding.help(format!("text that begins with `*` needs quotes: `\"{value}\"`"))
        }
        _ => finding.help("write the value out, or put it in quotes if it is text that begins with `*`"),
    }
}

/// Returns the plain value of the line that holds or precedes a byte: what stands after the last `: `,
/// `- `, `{`, `[` or `, ` before it, up to the next `,`, `]`, `}` or comment.
fn value_at(line: &str, offset: usize) -> Option<&str> {
    let offset = line.floor_char_boundary(offset.min(line.len()));
    let before = line.get(..offset)?;
    // The parser may stop a little after the character that misled it: go back to where the value began.
    let starts = [": ", "- ", ", ", "{", "["]
        .into_iter()
        .filter_map(|mark| before.rfind(mark).map(|at| at + mark.len()));
    let start = starts.max().unwrap_or(0);
    let rest = line.get(start..)?;
    let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
    let end = rest.find(" #").map_or(end, |comment| comment.min(end));
    Some(rest.get(..end)?.trim()).filter(|value| !value.is_empty())
}

fn quote(value: &str) -> Option<String> {
    let first = value.chars().next()?;
    if let Some(bound) = value.strip_prefix(">=").or_else(|| value.strip_prefix("=>")) {
        return Some(format!(
            "write `{{at_least: {}}}`; text that begins with `>` needs quotes",
            bound.trim()
        ));
    }
    if let Some(bound) = value.strip_prefix('>') {
        return Some(format!("write `{{above: {}}}`; text that begins with `>` needs quotes", bound.trim()));
    }
    match first {
        '%' => Some(
            match value.strip_prefix('%').filter(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
            {
                Some(digits) if !digits.is_empty() => {
                    format!("a share has its percent sign at the end: `{digits}%`")
                }
                _ => format!("text that begins with `%` needs quotes: `\"{value}\"`"),
            },
        ),
        '*' | '&' | '!' | '@' | '`' | '|' => {
            Some(format!("text that begins with `{first}` needs quotes: `'{value}'`"))
        }
        _ => None,
    }
}
