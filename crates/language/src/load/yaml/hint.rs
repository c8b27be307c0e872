//! What to do about text that is not YAML, by what usually causes it.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use super::indent;
use crate::load::lookalike::wrong_colon;
use crate::load::rules;
use trialbook_model::diagnostic::{Applicability, Diagnostic, Edit};
use trialbook_model::span::{SourceFile, Span};

/// Returns the finding for text that does not parse.
pub(super) fn of_error(file: &Arc<SourceFile>, error: &ScanError) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or(0).min(file.text().len());
    let line = file.line_span(file.position(offset).line);
    let text = file.slice(line);
    let span = seen(file, offset);
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
    let wrong = |span: Span, message: String, help: String| {
        Diagnostic::error(rules::SYNTAX_ERROR, format!("this is not YAML: {message}"), file, span).help(help)
    };
    if let Some(mark) = ["<<<<<<<", "=======", ">>>>>>>"].into_iter().find(|mark| text.starts_with(mark)) {
        let span = Span::new(line.start, line.start + mark.len());
        let help = "keep one side, and take the three lines of marks out".into();
        return wrong(span, "a merge has left its marks".into(), help);
    }
    if let Some((at, colon)) = colon_before(file, line) {
        let message = format!("`{colon}` (U+{:04X}) looks like a colon and is not one", u32::from(colon));
        return wrong(
            Span::new(at, at + colon.len_utf8()),
            message,
            "write `: `, a colon and a space".into(),
        );
    }
    if let Some((at, space)) = space_before(file, line) {
        let message = format!("U+{:04X} looks like a space and is not one", u32::from(space));
        return wrong(Span::new(at, at + space.len_utf8()), message, "write an ordinary space".into());
    }
    if let Some(help) = value_at(text, offset.saturating_sub(line.start)).and_then(quote) {
        return wrong(span, worded(error.kind()), help);
    }
    let kind = error.kind();
    let indented = matches!(
        kind,
        ErrorKind::InvalidIndentation
            | ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry
            | ErrorKind::ExpectedDocumentStart
            | ErrorKind::InvalidDocumentEnd
            | ErrorKind::SimpleKeyExpected
    ) || matches!(kind, ErrorKind::MappingValueNotAllowed if is_at_its_key(text, offset.saturating_sub(line.start)));
    match indent::misplaced(file, file.position(offset).line).filter(|_| indented) {
        Some(misplaced) => {
            let help =
                format!("begin it after {}, like the lines that it belongs to", spaces(misplaced.column));
            let message = "this line begins in another column than those it belongs to".into();
            wrong(misplaced.span, message, help)
        }
        None => {
            let finding = wrong(span, worded(kind), advice(kind, text));
            let tab = matches!(kind, ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation);
            if tab { untabbed(finding, file) } else { finding }
        }
    }
}

/// Tells whether the first colon of a line is where the parser stopped: then it is its key that is in the wrong place.
fn is_at_its_key(line: &str, offset: usize) -> bool {
    line.get(..offset).is_none_or(|before| !before.contains(": "))
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

/// Returns the character at an offset; the last one before it where a line or the file ends there.
fn seen(file: &SourceFile, offset: usize) -> Span {
    let offset = file.text().floor_char_boundary(offset);
    let (before, after) = file.text().split_at(offset);
    match after.chars().next() {
        Some(c) if !matches!(c, '\n' | '\r') => Span::new(offset, offset + c.len_utf8()),
        _ => {
            let end = before.trim_end().len();
            let last = before.trim_end().chars().next_back().map_or(0, char::len_utf8);
            Span::new(end - last, end)
        }
    }
}

/// Returns where a colon that is none stands in a line or in the one before it, which is where the parser stops.
fn colon_before(file: &SourceFile, line: Span) -> Option<(usize, char)> {
    let before = file.line_span(file.position(line.start.saturating_sub(1)).line);
    [line, before].into_iter().find_map(|line| {
        let text = file.slice(line);
        let (at, colon) = wrong_colon(text)?;
        let real = text.get(..at).is_some_and(|key| key.contains(": "));
        (!real).then_some((line.start + at, colon))
    })
}

/// Returns where a space that is none indents a line, or follows a mark, in it or in the one before it.
fn space_before(file: &SourceFile, line: Span) -> Option<(usize, char)> {
    let before = file.line_span(file.position(line.start.saturating_sub(1)).line);
    [line, before].into_iter().find_map(|line| {
        let (mut margin, mut last) = (true, ' ');
        let wrong = file.slice(line).char_indices().find(|(_, c)| {
            let wrong = c.is_whitespace() && !c.is_ascii() && (margin || matches!(last, ':' | '-'));
            (margin, last) = (margin && *c == ' ', *c);
            wrong
        });
        wrong.map(|(at, space)| (line.start + at, space))
    })
}

fn spaces(count: usize) -> String {
    match count {
        0 => "no space".into(),
        1 => "1 space".into(),
        n => format!("{n} spaces"),
    }
}

/// Describes what is wrong in the words of who writes YAML, not of who parses it.
fn worded(kind: &ErrorKind) -> String {
    use ErrorKind as K;
    match kind {
        K::UnclosedQuotedScalar => "a quote is not closed".into(),
        K::DocumentIndicatorInQuotedScalar => "a quote is not closed before the document ends".into(),
        K::UnclosedFlowCollection { open } => format!("`{open}` is not closed"),
        K::MismatchedFlowCollectionEnd { open, close } => format!("`{open}` is closed by `{close}`"),
        K::MisplacedFlowCollectionEnd => "a bracket is closed that was not opened".into(),
        K::UnexpectedEofFlowSequence => "`[` is not closed".into(),
        K::UnexpectedEofFlowMapping | K::UnexpectedEofImplicitFlowMapping => "`{` is not closed".into(),
        K::ExpectedFlowMappingSeparator => "expected `,` or `}`".into(),
        K::ExpectedFlowSequenceSeparator => "expected `,` or `]`".into(),
        K::SimpleKeyExpected => "a key without its colon and space".into(),
        K::ExpectedBlockMappingKey => "expected a key with its colon".into(),
        K::ExpectedBlockSequenceEntry => "expected an item that begins with `- `".into(),
        K::BlockSequenceEntryNotAllowed | K::BlockEntryInFlowCollection | K::InvalidBlockEntryWhitespace => {
            "`-` begins no item here".into()
        }
        K::MappingValueNotAllowed => "a second `: ` in one line".into(),
        K::InvalidIndentation => "a line that is indented differently from those that it belongs to".into(),
        K::ExpectedNodeContent => "expected a value".into(),
        K::UnexpectedCharacter { character } => format!("text cannot begin with `{character}`"),
        K::InvalidBlockScalarHeader | K::ZeroBlockScalarIndent => "text cannot begin with `>` or `|`".into(),
        K::MissingAnchorOrAliasName => "text cannot begin with `*` or `&`".into(),
        K::TabNotAllowed | K::TabInBlockIndentation | K::TabInIndentation | K::TabAtBlockScalarStart => {
            "a tab in the indentation".into()
        }
        K::TabInPlainScalar => "a tab in text without quotes".into(),
        K::CommentNotSeparated => "`#` begins a comment only after a space".into(),
        K::CommentInterceptedScalar => "a comment in the middle of a text".into(),
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => {
            "something follows the closing quote".into()
        }
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidUnicodeEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate => "a backslash in double quotes that begins no escape".into(),
        K::InvalidQuotedScalarIndent | K::InvalidBlockScalarIndent | K::InvalidFlowScalarIndent => {
            "a line of a text that is not indented below its key".into()
        }
        K::BomInsideDocument => "a byte order mark in the middle of the file".into(),
        K::DuplicateVersionDirective
        | K::UnsupportedYamlMajorVersion
        | K::MissingDocumentEndBeforeDirective
        | K::InvalidDirectiveTerminator
        | K::MissingDirectiveName
        | K::InvalidDirectiveName
        | K::MissingYamlVersion
        | K::MissingYamlVersionSeparator
        | K::YamlVersionTooLong
        | K::DuplicateTagDirective => "a line that begins with `%` is a directive".into(),
        K::InvalidDocumentEnd | K::ExpectedDocumentStart => {
            "there is text after the end of the document".into()
        }
        other => other.to_string(),
    }
}

/// Advises what to do about it.
fn advice(kind: &ErrorKind, line: &str) -> String {
    use ErrorKind as K;
    match kind {
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => {
            "close it with the same quote; an apostrophe in single quotes is written twice: `''`".into()
        }
        K::UnclosedFlowCollection { open } => format!("close it with `{}`", closing(*open)),
        K::MismatchedFlowCollectionEnd { open, .. } => format!("close `{open}` with `{}` first", closing(*open)),
        K::UnexpectedEofFlowSequence => "close it with `]`".into(),
        K::UnexpectedEofFlowMapping | K::UnexpectedEofImplicitFlowMapping => "close it with `}`".into(),
        K::MisplacedFlowCollectionEnd => "take it out; text that holds a bracket needs quotes".into(),
        K::SimpleKeyExpected | K::ExpectedBlockMappingKey => {
            "write `key: value`, with a space after the colon".into()
        }
        K::TabNotAllowed | K::TabInBlockIndentation | K::TabInIndentation | K::TabAtBlockScalarStart => {
            "indent with spaces, not with tabs".into()
        }
        K::MappingValueNotAllowed if line.matches(": ").count() > 1 => "text that contains `: ` needs quotes".into(),
        K::MappingValueNotAllowed | K::InvalidIndentation => {
            "is this line indented differently from those above it?".into()
        }
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidUnicodeEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate => {
            r"write `\\` for a backslash, or use single quotes, in which it stands for itself".into()
        }
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => {
            r#"put all of the text into the quotes: `''` is `'` in single ones, `\"` is `"` in double ones"#.into()
        }
        K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator => {
            "put `,` between the items, or close the bracket; text with `,` or brackets needs quotes".into()
        }
        K::CommentNotSeparated => "put a space before `#`, or the text into quotes".into(),
        K::BomInsideDocument => "take it out".into(),
        _ => "look here or just before for a missing quote, bracket or colon, or a line that is indented differently"
            .into(),
    }
}

const fn closing(open: char) -> char {
    if open == '[' { ']' } else { '}' }
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
