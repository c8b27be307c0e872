//! A book that is being edited: the files as they are at this moment, and what is wrong with them.
//!
//! [`Workspace`] is what an editor needs. It holds a book's files, takes an edit at a time, and has the findings that a
//! run over all the files would make at any moment. It touches no disk and knows no clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::check;
use crate::diagnostic::Diagnostic;
use crate::load::{self, Documents, Loaded, RawFile};
use crate::model::Book;

/// The files of a book under edit.
#[derive(Debug)]
pub struct Workspace {
    files: BTreeMap<String, Vec<u8>>,
    now: Timestamp,
    loaded: Loaded,
    /// The book as it was when it last had no errors.
    book: Option<Book>,
    findings: BTreeMap<String, Vec<Diagnostic>>,
}

impl Workspace {
    /// Reads the files of a book; `now` decides what is overdue, expired or frozen.
    pub fn open(files: Vec<RawFile>, now: Timestamp) -> Self {
        let mut workspace = Self {
            files: files.into_iter().map(|file| (file.path, file.bytes)).collect(),
            now,
            loaded: load::load(Vec::new()),
            book: None,
            findings: BTreeMap::new(),
        };
        workspace.read();
        workspace
    }

    /// Replaces a file, adds it, or (without bytes) removes it, and checks what that touches.
    ///
    /// Returns the paths of the files whose findings may differ from those before.
    pub fn edit(&mut self, path: &str, bytes: Option<Vec<u8>>) -> BTreeSet<String> {
        match bytes {
            Some(bytes) => self.files.insert(path.to_owned(), bytes),
            None => self.files.remove(path),
        };
        let before: Vec<String> = self.findings.keys().cloned().collect();
        self.read();
        before.into_iter().chain(self.findings.keys().cloned()).collect()
    }

    /// Returns what is wrong, by the path of the file where it is, in reading order; a file without findings is absent.
    ///
    /// These are the findings that `trialbook lint` has for these files.
    pub fn findings(&self) -> &BTreeMap<String, Vec<Diagnostic>> {
        &self.findings
    }

    /// Returns the files as they are, readable or not.
    pub fn documents(&self) -> &Documents {
        &self.loaded.documents
    }

    /// Returns the book as it was when it last had no errors that keep it from being one; `None` where it never was.
    pub fn book(&self) -> Option<&Book> {
        self.book.as_ref()
    }

    fn read(&mut self) {
        let raw = |(path, bytes): (&String, &Vec<u8>)| RawFile { path: path.clone(), bytes: bytes.clone() };
        self.loaded = load::load(self.files.iter().map(raw).collect());
        self.findings = BTreeMap::new();
        for finding in check::run(&self.loaded, self.now) {
            self.findings.entry(finding.primary.file.path().to_owned()).or_default().push(finding);
        }
        if let Some(book) = &self.loaded.book {
            self.book = Some(book.clone());
        }
    }
}

#[cfg(test)]
mod tests;
