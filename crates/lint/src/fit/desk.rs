//! A book on which edits are tried and taken back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{FileEdit, Question};
use crate::review::{Review, review};
use crate::workspace::Workspace;
use trialbook_history::FileChange;
use trialbook_language::load::{self, Documents, RawFile};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Book, Experiment, ExperimentKey, Kind};

/// What makes two findings the same one in two states of a book: rule, path and message; lines may move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity(pub(super) &'static str, pub(super) String, pub(super) String);

/// How often each finding is there.
pub(super) type Tally = BTreeMap<Identity, usize>;

pub(super) fn identity(finding: &Diagnostic) -> Identity {
    Identity(finding.rule, finding.primary.file.path().to_owned(), finding.message.clone())
}

/// The files of a valid book, and what lint finds in them.
pub(super) struct Desk {
    workspace: Workspace,
    now: Timestamp,
    /// The book as it was opened.
    original: Book,
    /// The experiments whose launch is recorded.
    launched: BTreeSet<ExperimentKey>,
    /// The files as they are.
    files: BTreeMap<String, Vec<u8>>,
    /// The files that were edited, as they were at first.
    first: BTreeMap<String, Option<Vec<u8>>>,
    /// The files that the trial has edited, as they were before it.
    trial: BTreeMap<String, Option<Vec<u8>>>,
}

/// The mark that some editors begin a file with.
const MARK: &str = "\u{feff}";

impl Desk {
    /// Reads a book; `None` where the files make none.
    pub(super) fn open(files: Vec<RawFile>, question: Question<'_>) -> Option<Self> {
        let Question { now, launched, .. } = question;
        let kept = files.iter().map(|file| (file.path.clone(), file.bytes.clone())).collect();
        let workspace = Workspace::open(files, now);
        let original = workspace.book()?.clone();
        let (first, trial, launched) = (BTreeMap::new(), BTreeMap::new(), launched.clone());
        let desk = Self { workspace, now, original, launched, files: kept, first, trial };
        (!desk.is_broken()).then_some(desk)
    }

    /// Returns the book as it was when its files last made one.
    pub(super) fn book(&self) -> &Book {
        self.workspace.book().unwrap_or_else(|| unreachable!("a desk is opened with a book"))
    }

    pub(super) fn documents(&self) -> &Documents {
        self.workspace.documents()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn timezone(&self) -> TimeZone {
        trialbook_model::timezone(&self.book().timezone).unwrap_or(TimeZone::UTC)
    }

    /// Returns everything that is found, in reading order.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.workspace.findings().values().flatten()
    }

    pub(super) fn errors(&self) -> Tally {
        self.tally(Severity::Error)
    }

    pub(super) fn warnings(&self) -> Tally {
        self.tally(Severity::Warning)
    }

    fn tally(&self, severity: Severity) -> Tally {
        let mut tally = Tally::new();
        for finding in self.findings().filter(|finding| finding.severity == severity) {
            *tally.entry(identity(finding)).or_default() += 1;
        }
        tally
    }

    /// Tells whether the files make no book as they are.
    pub(super) fn is_broken(&self) -> bool {
        let mut errors = self.findings().filter(|finding| finding.severity == Severity::Error);
        errors.any(|finding| load::RULES.contains(&finding.rule))
    }

    /// Returns the path of a part's file.
    pub(super) fn path(&self, kind: Kind, key: &str) -> Option<String> {
        self.documents().path_of(kind, key).map(str::to_owned)
    }

    /// Returns the text of a file.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let text = std::str::from_utf8(self.files.get(path)?).ok()?;
        Some(text.strip_prefix(MARK).unwrap_or(text).to_owned())
    }

    /// Replaces the text of a file, or adds the file.
    pub(super) fn write(&mut self, path: &str, text: &str) {
        let old = self.files.get(path).cloned();
        let marked = old.as_ref().is_some_and(|old| old.starts_with(MARK.as_bytes()));
        let bytes = if marked { format!("{MARK}{text}") } else { text.to_owned() }.into_bytes();
        self.first.entry(path.to_owned()).or_insert_with(|| old.clone());
        self.trial.entry(path.to_owned()).or_insert(old);
        self.files.insert(path.to_owned(), bytes.clone());
        self.workspace.edit(path, Some(bytes));
    }

    /// Tells whether an experiment's launch is recorded, or its start has passed.
    pub(super) fn is_launched(&self, experiment: &Experiment) -> bool {
        self.launched.contains(&experiment.key) || experiment.schedule.start() <= self.now
    }

    /// Tells whether `lint --against` the book as it was opened would accept everything that was written.
    pub(super) fn is_accepted(&self) -> bool {
        let changes: Vec<FileChange> = (self.first.iter())
            .filter(|(path, before)| self.files.get(*path) != before.as_ref())
            .map(|(path, before)| FileChange {
                before: before.clone().map(|bytes| RawFile { path: path.clone(), bytes }),
                after: self.files.contains_key(path).then(|| path.clone()),
            })
            .collect();
        let found = review(&Review {
            before: &self.original,
            after: self.book(),
            documents: self.documents(),
            changes: &changes,
            launched: &self.launched,
            // No edit of a fit changes how an experiment is judged.
            recorded: &BTreeMap::new(),
            // No file of a new experiment, metric or flag is made: a layer's key names no data.
            used: &BTreeMap::new(),
            now: self.now,
        });
        found.is_empty()
    }

    /// Begins a trial: what is written from here on can be taken back.
    pub(super) fn begin(&mut self) {
        self.trial.clear();
    }

    /// Takes back what was written since the trial began.
    pub(super) fn undo(&mut self) {
        for (path, old) in std::mem::take(&mut self.trial) {
            match &old {
                Some(bytes) => self.files.insert(path.clone(), bytes.clone()),
                None => self.files.remove(&path),
            };
            if self.first.get(&path) == Some(&old) {
                self.first.remove(&path);
            }
            self.workspace.edit(&path, old);
        }
    }

    /// Returns what the trial has written.
    pub(super) fn made(&self) -> Vec<FileEdit> {
        self.edits(&self.trial)
    }

    /// Returns everything that was written.
    pub(super) fn changes(&self) -> Vec<FileEdit> {
        self.edits(&self.first)
    }

    fn edits(&self, old: &BTreeMap<String, Option<Vec<u8>>>) -> Vec<FileEdit> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let edits = old.iter().filter_map(|(path, before)| {
            let (before, after) = (before.as_ref().map(text), text(self.files.get(path)?));
            (before.as_ref() != Some(&after)).then(|| FileEdit { path: path.clone(), before, after })
        });
        edits.collect()
    }
}
