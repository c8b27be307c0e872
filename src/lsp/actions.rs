//! `textDocument/codeAction`: the edits that end a finding.

use lsp_types::{CodeActionKind, CodeActionParams};
use serde_json::{Value, json};

use super::books::Shelved;
use super::buffers::Buffers;
use super::client::Client;
use super::diagnostics::one;
use super::edits::Edits;
use super::position::Lines;
use trialbook_model::diagnostic::{Applicability, Diagnostic, Fix};

/// The kind of the action that applies every safe fix of a file.
pub fn fix_all() -> CodeActionKind {
    CodeActionKind::new("source.fixAll.trialbook")
}

/// Returns the fixes of the findings at a range, and all safe ones of the file at once.
pub fn actions(
    book: &Shelved,
    path: &str,
    params: &CodeActionParams,
    client: &Client,
    buffers: &Buffers,
) -> Vec<Value> {
    let Some(document) = book.document(path) else { return Vec::new() };
    let findings: &[Diagnostic] = book.workspace.findings().get(path).map_or(&[], Vec::as_slice);
    let wants = |kind: &CodeActionKind| {
        // A wish for a kind is one for what is below it too.
        let within = |only: &CodeActionKind| {
            kind.as_str()
                .strip_prefix(only.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        params.context.only.as_ref().is_none_or(|only| only.iter().any(within))
    };
    let mut actions = Vec::new();
    if wants(&CodeActionKind::QUICKFIX) {
        let span = Lines::new(document.file().text(), client.encoding).span(params.range);
        let touches = |finding: &&Diagnostic| {
            finding.primary.span.start <= span.end && span.start <= finding.primary.span.end
        };
        for finding in findings.iter().filter(touches) {
            let Some(fix) = &finding.fix else { continue };
            let safe = fix.applicability == Applicability::Safe;
            let doubt = if safe { "" } else { " (may change what is meant)" };
            actions.push(json!({
                "title": format!("{}{doubt}", sentence(&fix.title)),
                "kind": CodeActionKind::QUICKFIX,
                "diagnostics": [one(book, finding, client)],
                "isPreferred": safe,
                "edit": edits(book, [fix]).value(client, buffers),
            }));
        }
    }
    // Only on demand: it is no answer to the finding at the cursor.
    if params.context.only.is_some() && wants(&fix_all()) {
        let safe = findings
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
            .filter(|fix| fix.applicability == Applicability::Safe);
        let edits = edits(book, disjoint(safe));
        if !edits.is_empty() {
            actions.push(json!({
                "title": "Apply all safe fixes of trialbook",
                "kind": fix_all(),
                "edit": edits.value(client, buffers),
            }));
        }
    }
    actions
}

/// Returns those fixes, first come first served, that touch no byte that another one touches.
fn disjoint<'a>(fixes: impl Iterator<Item = &'a Fix>) -> Vec<&'a Fix> {
    let mut kept: Vec<&Fix> = Vec::new();
    for fix in fixes {
        let meets = |other: &&Fix| {
            other.edits.iter().any(|a| {
                fix.edits.iter().any(|b| {
                    a.file.path() == b.file.path() && a.span.start <= b.span.end && b.span.start <= a.span.end
                })
            })
        };
        if !kept.iter().any(meets) {
            kept.push(fix);
        }
    }
    kept
}

fn edits<'a>(book: &Shelved, fixes: impl IntoIterator<Item = &'a Fix>) -> Edits {
    let mut edits = Edits::default();
    for edit in fixes.into_iter().flat_map(|fix| &fix.edits) {
        edits.replace(book, edit.file.path(), edit.file.text(), edit.span, edit.text.clone());
    }
    edits
}

/// Begins with a capital, as editors show what can be done.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
