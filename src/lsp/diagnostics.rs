//! `textDocument/publishDiagnostics`: what is wrong, file by file, whenever that changes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::books::{Books, Shelved};
use super::buffers::Buffers;
use super::client::Client;
use super::position::Lines;
use trialbook_model::diagnostic::{Diagnostic, Label, Severity};
use trialbook_model::span::SourceFile;

/// Returns the parameters of the notifications that are due: of every file that was touched and of which something
/// else is to be published than before.
pub fn changed(books: &mut Books, buffers: &Buffers, client: &Client) -> Vec<Value> {
    let mut messages = Vec::new();
    for book in books.iter_mut() {
        for path in std::mem::take(&mut book.touched) {
            let found = book.workspace.findings().get(&path).map_or(&[][..], Vec::as_slice);
            let found: Vec<_> = found.iter().map(|finding| one(book, finding, client)).collect();
            let uri = book.uri(&path);
            let fingerprint = json!([uri, found]);
            let is_new = match book.published.get(&path) {
                Some(before) => *before != fingerprint,
                None => !found.is_empty() || book.open.contains_key(&path),
            };
            if !is_new {
                continue;
            }
            // A file has another address while the client spells it otherwise than we would.
            if let Some(before) = book.published.get(&path).and_then(|before| before[0].as_str())
                && before != uri
            {
                messages.push(json!({ "uri": before, "diagnostics": [] }));
            }
            let mut message = json!({ "uri": uri, "diagnostics": found });
            if let (Some(buffer), Value::Object(message)) = (buffers.get(&uri), &mut message) {
                message.insert("version".into(), buffer.version.into());
            }
            messages.push(message);
            if found.is_empty() && !book.open.contains_key(&path) {
                book.published.remove(&path);
            } else {
                book.published.insert(path, fingerprint);
            }
        }
    }
    messages
}

/// Returns a finding as the protocol has it.
pub fn one(book: &Shelved, finding: &Diagnostic, client: &Client) -> Value {
    /// The protocol's numbers for an error and a warning, and for what is not used.
    const ERROR: u8 = 1;
    const WARNING: u8 = 2;
    const UNNECESSARY: u8 = 1;
    let place = |label: &Label| {
        let lines = Lines::new(label.file.text(), client.encoding);
        lines.range(label.span)
    };
    let related: Vec<_> = finding
        .related
        .iter()
        .map(|label| {
            let location = json!({ "uri": uri(book, &label.file), "range": place(label) });
            let message = if label.text.is_empty() { "belongs to it" } else { &label.text };
            json!({ "location": location, "message": message })
        })
        .collect();
    let mut message = finding.message.clone();
    if !finding.primary.text.is_empty() {
        message.push_str(&format!(": {}", finding.primary.text));
    }
    for note in &finding.notes {
        message.push_str(&format!("\nnote: {note}"));
    }
    if let Some(witness) = finding.witness.as_ref().and_then(|witness| serde_json::to_string(witness).ok()) {
        message.push_str(&format!("\nfor example: {witness}"));
    }
    if let Some(help) = &finding.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let unused = finding.rule.starts_with("unused-");
    json!({
        "range": place(&finding.primary),
        "severity": match finding.severity { Severity::Error => ERROR, Severity::Warning => WARNING },
        "code": finding.rule,
        "source": "trialbook",
        "message": message,
        "relatedInformation": related,
        "tags": if unused { vec![UNNECESSARY] } else { Vec::new() },
    })
}

fn uri(book: &Shelved, file: &Arc<SourceFile>) -> String {
    book.uri(file.path())
}
