//! A book that is being edited: the files as they are at this moment, and what is wrong with them.
//!
//! [`Workspace`] is what an editor needs. It holds a book's files, takes an edit at a time, and has the findings that a
//! run over all the files would make at any moment. It touches no disk and knows no clock.
//!
//! An edit costs what it concerns: [`Draft`] lowers the files again that asked for what is new, and changes the book in
//! place; of the rules, only those judge again whose part the change [concerns](trialbook_model::Uses::concerned), or whose
//! findings point into the file. There is no second way of judging: a run over everything asks the same of every part.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::check::{self, Judgement, suppression};
use trialbook_language::load::{Concerned, Documents, Draft, RawFile};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{Book, PartName};

/// The files of a book under edit.
#[derive(Debug)]
pub struct Workspace {
    draft: Draft,
    now: Timestamp,
    /// What the rules found in the book.
    judgement: Judgement,
    /// The parts whose findings point into a file, by its path.
    pointing: BTreeMap<String, BTreeSet<PartName>>,
    /// The files that were edited since the rules ran.
    edited: BTreeSet<String>,
    /// Whether the findings of the rules are shown: while the files have errors, their book is an older one.
    judged: bool,
    findings: BTreeMap<String, Vec<Diagnostic>>,
}

impl Workspace {
    /// Reads the files of a book; `now` decides what is overdue, expired or frozen.
    pub fn open(files: Vec<RawFile>, now: Timestamp) -> Self {
        let draft = Draft::open(files);
        let mut workspace = Self {
            draft,
            now,
            judgement: Judgement::new(),
            pointing: BTreeMap::new(),
            edited: BTreeSet::new(),
            judged: false,
            findings: BTreeMap::new(),
        };
        let mut paths: BTreeSet<String> = workspace.draft.findings().keys().cloned().collect();
        paths.extend(workspace.suppressing());
        if workspace.draft.is_current() {
            workspace.judge(Concerned::All, &mut paths);
        }
        workspace.show(&paths);
        workspace
    }

    /// Replaces a file, adds it, or (without bytes) removes it, and checks what that concerns.
    ///
    /// Returns the paths of the files whose findings may differ from those before.
    pub fn edit(&mut self, path: &str, bytes: Option<Vec<u8>>) -> BTreeSet<String> {
        self.edited.insert(path.to_owned());
        let effect = self.draft.edit(path, bytes);
        let mut paths = effect.paths;
        self.judge(effect.concerned, &mut paths);
        self.show(&paths);
        paths
    }

    /// Lets time pass; returns what [`Workspace::edit`] returns.
    pub fn set_now(&mut self, now: Timestamp) -> BTreeSet<String> {
        self.now = now;
        let mut paths = self.suppressing().collect();
        if self.draft.is_current() {
            self.judge(Concerned::All, &mut paths);
        }
        self.show(&paths);
        paths
    }

    /// Returns what is wrong, by the path of the file where it is, in reading order; a file without findings is absent.
    ///
    /// These are the findings that `trialbook lint` has for these files.
    pub fn findings(&self) -> &BTreeMap<String, Vec<Diagnostic>> {
        &self.findings
    }

    /// Returns the files as they are, readable or not.
    pub fn documents(&self) -> &Documents {
        self.draft.documents()
    }

    /// Returns the book as it was when it last had no errors that keep it from being one; `None` where it never was.
    pub fn book(&self) -> Option<&Book> {
        self.draft.book()
    }

    /// Lets the rules judge what is concerned, and adds the paths of the files in which that may show.
    fn judge(&mut self, concerned: Concerned, paths: &mut BTreeSet<String>) {
        let (documents, now) = (self.draft.documents(), self.now);
        let Some(book) = self.draft.book() else { return };
        let everything = concerned == Concerned::All;
        let (again, found) = match concerned {
            Concerned::Unknown => {
                if std::mem::take(&mut self.judged) {
                    paths.extend(self.pointing.keys().cloned());
                    paths.extend(self.suppressing());
                }
                return;
            }
            Concerned::Parts(mut again) => {
                again
                    .extend(self.edited.iter().filter_map(|path| self.pointing.get(path)).flatten().cloned());
                again.insert(PartName::book());
                let found = check::judge_some(book, documents, now, &again);
                (again, found)
            }
            Concerned::All => {
                let found = check::judge_all(book, documents, now);
                (self.judgement.keys().cloned().collect(), found)
            }
        };
        self.edited.clear();
        if everything || !self.judged {
            paths.extend(self.pointing.keys().cloned());
            paths.extend(self.suppressing());
        }
        self.judged = true;
        for name in again {
            for finding in self.judgement.remove(&name).into_iter().flatten() {
                paths.insert(finding.primary.file.path().to_owned());
                for path in finding.paths() {
                    if let Some(names) = self.pointing.get_mut(path) {
                        names.remove(&name);
                    }
                }
            }
        }
        for (name, found) in found {
            for finding in &found {
                paths.insert(finding.primary.file.path().to_owned());
                for path in finding.paths() {
                    self.pointing.entry(path.to_owned()).or_default().insert(name.clone());
                }
            }
            self.judgement.insert(name, found);
        }
    }

    /// Returns the paths of the files whose comments may suppress findings, or be findings themselves.
    fn suppressing(&self) -> impl Iterator<Item = String> {
        let documents = self.draft.documents().iter().filter(|document| suppression::may_be_in(document));
        documents.map(|document| document.file().path().to_owned())
    }

    /// Puts together the findings of some files.
    fn show(&mut self, paths: &BTreeSet<String>) {
        let book = self.draft.book().filter(|_| self.judged);
        for path in paths {
            let mut found = self.draft.findings().get(path).cloned().unwrap_or_default();
            if self.judged {
                let names = self.pointing.get(path).into_iter().flatten();
                let judged = names.filter_map(|name| self.judgement.get(name)).flatten();
                found.extend(judged.filter(|finding| finding.primary.file.path() == path).cloned());
            }
            found.sort_by(|a, b| a.order().cmp(&b.order()));
            let found = check::reviewed_file(found, book, self.draft.documents().of_path(path), self.now);
            if found.is_empty() {
                self.findings.remove(path);
            } else {
                self.findings.insert(path.clone(), found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
