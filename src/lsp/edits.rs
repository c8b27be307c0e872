//! Edits of several files as the protocol has them.

use serde_json::{Map, Value, json};

use super::books::Shelved;
use super::buffers::Buffers;
use super::client::Client;
use super::position::Lines;
use trialbook_model::span::Span;

/// Edits of one file.
#[derive(Debug)]
struct FileEdits {
    uri: String,
    text: String,
    /// What replaces which bytes.
    edits: Vec<(Span, String)>,
}

/// Edits of files of one book, and files that get another name.
#[derive(Debug, Default)]
pub struct Edits {
    files: Vec<FileEdits>,
    /// From which address to which.
    renames: Vec<(String, String)>,
}

impl Edits {
    /// Replaces bytes of a file whose text is given.
    pub fn replace(&mut self, book: &Shelved, path: &str, text: &str, span: Span, new: String) {
        let uri = book.uri(path);
        match self.files.iter_mut().find(|file| file.uri == uri) {
            Some(file) => file.edits.push((span, new)),
            None => self.files.push(FileEdits { uri, text: text.to_owned(), edits: vec![(span, new)] }),
        }
    }

    /// Gives a file another name.
    pub fn rename(&mut self, from: String, to: String) {
        self.renames.push((from, to));
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.renames.is_empty()
    }

    /// Returns the `WorkspaceEdit`: with versions and renames where the client takes them, the plain form otherwise.
    pub fn value(&self, client: &Client, buffers: &Buffers) -> Value {
        let edits = |file: &FileEdits| -> Vec<Value> {
            let lines = Lines::new(&file.text, client.encoding);
            file.edits
                .iter()
                .map(|(span, new)| json!({ "range": lines.range(*span), "newText": new }))
                .collect()
        };
        if !client.document_changes {
            let changes: Map<_, _> =
                self.files.iter().map(|file| (file.uri.clone(), edits(file).into())).collect();
            return json!({ "changes": changes });
        }
        let mut changes: Vec<_> = self
            .files
            .iter()
            .map(|file| {
                let version = buffers.get(&file.uri).map(|buffer| buffer.version);
                json!({ "textDocument": { "uri": file.uri, "version": version }, "edits": edits(file) })
            })
            .collect();
        changes.extend(
            self.renames.iter().map(|(from, to)| json!({ "kind": "rename", "oldUri": from, "newUri": to })),
        );
        json!({ "documentChanges": changes })
    }
}
