//! `json-v1`: the frozen shape that programs read. A newer minor version only adds fields.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use trialbook_model::diagnostic::{Basis, Diagnostic, Label, Severity, SharedTraffic};
use trialbook_model::span::{Position, SourceFile, Span};

use super::Findings;
use super::visible::is_hidden;
use crate::app::change::Change;

#[derive(Serialize)]
struct Run<'a> {
    version: u32,
    findings: Vec<Finding<'a>>,
    summary: Summary,
    /// What the change is about, where one is linted.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'a Change>,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    severity: Severity,
    message: &'a str,
    file: String,
    span: Range,
    related: Vec<Related<'a>>,
    help: Option<&'a str>,
    witness: Option<&'a BTreeMap<String, serde_json::Value>>,
    overlap: Option<Overlap>,
    fix: bool,
    /// What is to be seen at the place; may be empty.
    label: &'a str,
    notes: &'a [String],
    /// The same where lines move, and no other finding's.
    fingerprint: Option<&'a str>,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    file: String,
    span: Range,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Overlap {
    share: f64,
    basis: Basis,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    files: usize,
    suppressed: usize,
    /// How many findings the baseline knows.
    known: usize,
}

/// Returns one JSON document, indented.
pub(super) fn render(run: &Findings<'_>) -> String {
    let fingerprints =
        run.fingerprints.iter().map(|print| Some(print.as_str())).chain(std::iter::repeat(None));
    let document = Run {
        version: 1,
        findings: run.findings.iter().zip(fingerprints).map(|(it, print)| finding(run, it, print)).collect(),
        summary: Summary {
            errors: run.count(Severity::Error),
            warnings: run.count(Severity::Warning),
            files: run.files,
            suppressed: run.suppressed,
            known: run.known,
        },
        change: run.change,
    };
    let text = serde_json::to_string_pretty(&document)
        .expect("every key of the document is text and its numbers are finite or null");
    escape_hidden(&text) + "\n"
}

fn finding<'a>(run: &Findings<'_>, diagnostic: &'a Diagnostic, fingerprint: Option<&'a str>) -> Finding<'a> {
    let related = |label: &'a Label| Related {
        message: &label.text,
        file: run.located(label.file.path()),
        span: range(&label.file, label.span),
    };
    Finding {
        rule: diagnostic.rule,
        severity: diagnostic.severity,
        message: &diagnostic.message,
        file: run.located(diagnostic.primary.file.path()),
        span: range(&diagnostic.primary.file, diagnostic.primary.span),
        related: diagnostic.related.iter().map(related).collect(),
        help: diagnostic.help.as_deref(),
        witness: diagnostic.witness.as_ref(),
        overlap: diagnostic.overlap.map(|SharedTraffic { share, basis }| Overlap { share, basis }),
        fix: diagnostic.fix.is_some(),
        label: &diagnostic.primary.text,
        notes: &diagnostic.notes,
        fingerprint,
    }
}

fn range(file: &SourceFile, span: Span) -> Range {
    Range { start: file.position(span.start), end: file.position(span.end) }
}

/// Writes hidden characters as `\uXXXX`; in JSON they can only stand inside a string.
///
/// JSON itself escapes the controls below U+0020 only, and a terminal obeys others too.
pub(super) fn escape_hidden(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}
