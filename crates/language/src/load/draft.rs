//! The files of a book as they are at this moment, and what is made of each.
//!
//! [`load`](super::load) makes one and takes the book out of it. An editor keeps it: an edit is read, what it concerns
//! is lowered again, and the book changes in place.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::lower::{self, Lowered, Question};
use super::syntax::File;
use super::{
    Document, Documents, Loaded, RawFile, Read, bounded, lookalike, lost_files, read_file, rules, unambiguous,
};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Book, BookError, Changes, Contents, Kind, Part, PartName};

/// The files of a book under edit.
#[derive(Debug)]
pub struct Draft {
    documents: Documents,
    /// One for each document.
    syntaxes: Vec<Option<File>>,
    /// One for each document.
    states: Vec<State>,
    /// What is wrong with files that are not the book's but look as if they were meant to be, by path.
    strays: BTreeMap<String, Vec<Diagnostic>>,
    /// What no file alone is to blame for, by path.
    shared: BTreeMap<String, Vec<Diagnostic>>,
    /// Everything that is wrong, by path, as it is shown.
    findings: BTreeMap<String, Vec<Diagnostic>>,
    /// The paths that have errors.
    failing: BTreeSet<String>,
    /// The paths whose findings explain why the files make no book although none of them has errors.
    refused: BTreeSet<String>,
    /// The paths of the files that asked something while they were lowered.
    asked: HashMap<Question, HashSet<Arc<str>>>,
    /// Whether questions are noted: only a draft that is edited needs them.
    note: bool,
    settings: Option<Contents>,
    book: Option<Book>,
    /// What the files declare and the book does not.
    changes: Changes,
    /// Whether the book was made under settings that are not those of the files any more.
    outdated: bool,
    /// Whether the book is what the files declare.
    current: bool,
}

/// What is known of a file.
#[derive(Debug, Default)]
struct State {
    /// What reading it found.
    read: Vec<Diagnostic>,
    /// What lowering it found.
    lowered: Vec<Diagnostic>,
    /// Whether it could be lowered.
    whole: bool,
    asked: HashSet<Question>,
}

/// What an edit did.
#[derive(Debug)]
pub struct Edited {
    /// The paths of files whose findings may have changed.
    pub paths: BTreeSet<String>,
    /// What has to be judged again.
    pub concerned: Concerned,
}

/// The parts of a book that have to be judged again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerned {
    /// None, because the files have errors and the book is an older one.
    Unknown,
    /// These.
    Parts(BTreeSet<PartName>),
    /// Every part.
    All,
}

/// How much of a file is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Novelty {
    /// Where things stand, not their content.
    Places,
    /// What its parts declare.
    Meaning,
    /// That it is there, or is not.
    Existence,
}

impl Draft {
    /// Reads the files of a book that are going to be edited.
    pub fn open(files: Vec<RawFile>) -> Self {
        Self::read(files, true)
    }

    pub(super) fn read(mut files: Vec<RawFile>, note: bool) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let read: Vec<_> = files.into_par_iter().map(|raw| (raw.path.clone(), read_file(raw))).collect();
        let (mut documents, mut syntaxes, mut states) = (Vec::new(), Vec::new(), Vec::new());
        let mut strays = BTreeMap::new();
        for (path, Read { document, syntax, findings }) in read {
            match document {
                Some(document) => {
                    documents.push(document);
                    syntaxes.push(syntax);
                    states.push(State { read: findings, ..State::default() });
                }
                None if !findings.is_empty() => {
                    strays.insert(path, findings);
                }
                None => {}
            }
        }
        let mut draft = Self {
            documents: Documents::new(documents),
            syntaxes,
            states,
            strays,
            shared: BTreeMap::new(),
            findings: BTreeMap::new(),
            failing: BTreeSet::new(),
            refused: BTreeSet::new(),
            asked: HashMap::new(),
            note,
            settings: None,
            book: None,
            changes: Changes::new(),
            outdated: true,
            current: false,
        };
        for path in draft.strays.keys() {
            if let Some(name) = super::name::meant(path) {
                draft.documents.note_misnamed(name, Some(path));
            }
        }
        let everything = (0..draft.states.len()).collect();
        let mut paths = draft.lower(everything);
        paths.extend(draft.strays.keys().cloned());
        let states = draft.documents.files().zip(&draft.states);
        let wrong = states.filter(|(_, state)| !state.read.is_empty() || !state.lowered.is_empty());
        paths.extend(wrong.map(|(file, _)| file.path().to_owned()));
        draft.show(&paths);
        draft.settle(&mut paths);
        draft
    }

    /// Replaces a file, adds it, or (without bytes) removes it.
    pub fn edit(&mut self, path: &str, bytes: Option<Vec<u8>>) -> Edited {
        let mut paths = std::mem::take(&mut self.refused);
        paths.insert(path.to_owned());
        let named = |draft: &Self| draft.documents.at_path(path).map(Document::name);
        let before = named(self);
        let meant = super::name::meant(path);
        if let Some(name) = &meant {
            self.documents.note_misnamed(name.clone(), bytes.as_ref().map(|_| path));
        }
        let novelty = self.put(path, bytes).or(meant.as_ref().map(|_| Novelty::Existence));
        if let Some(novelty) = novelty {
            // A flag's file may give its key, so an edit may make it another flag.
            let names: BTreeSet<PartName> = before.into_iter().chain(named(self)).chain(meant).collect();
            let novelty = if names.len() > 1 { Novelty::Existence } else { novelty };
            let dirty: BTreeSet<usize> =
                names.into_iter().flat_map(|name| self.dirtied(path, name, novelty)).collect();
            paths.extend(self.lower(dirty.into_iter().collect()));
        }
        self.show(&paths);
        let concerned = self.settle(&mut paths);
        Edited { paths, concerned }
    }

    /// Puts a file where it belongs; returns what is new of it, `None` where it is no file of the book.
    fn put(&mut self, path: &str, bytes: Option<Vec<u8>>) -> Option<Novelty> {
        self.strays.remove(path);
        let read = bytes.map(|bytes| read_file(RawFile { path: path.to_owned(), bytes }));
        let Read { document, syntax, findings } = read.unwrap_or_default();
        match (self.documents.position(path), document) {
            (Ok(index), Some(document)) => {
                let old = self.documents.at(index)?.root.as_ref();
                let same_tree = match (old, &document.root) {
                    (None, None) => true,
                    (Some(old), Some(new)) => old.says_what(new),
                    _ => false,
                };
                let slot = self.syntaxes.get_mut(index)?;
                let same = same_tree && slot.is_some() == syntax.is_some();
                *slot = syntax;
                self.states.get_mut(index)?.read = findings;
                self.documents.replace(index, document);
                Some(if same { Novelty::Places } else { Novelty::Meaning })
            }
            (Err(index), Some(document)) => {
                self.documents.insert(index, document);
                self.syntaxes.insert(index, syntax);
                self.states.insert(index, State { read: findings, ..State::default() });
                Some(Novelty::Existence)
            }
            (Ok(index), None) => {
                self.documents.remove(index);
                self.syntaxes.remove(index);
                for question in self.states.remove(index).asked {
                    if let Some(paths) = self.asked.get_mut(&question) {
                        paths.remove(path);
                    }
                }
                Some(Novelty::Existence)
            }
            (Err(_), None) => {
                if !findings.is_empty() {
                    self.strays.insert(path.to_owned(), findings);
                }
                None
            }
        }
    }

    /// Returns the places of the documents that have to be lowered, now that a file is new.
    fn dirtied(&mut self, path: &str, name: PartName, novelty: Novelty) -> Vec<usize> {
        if name.kind == Kind::Book && novelty != Novelty::Places {
            self.outdated = true;
            return (0..self.states.len()).collect();
        }
        let kind = name.kind;
        let named = |(_, document): &(usize, &Document)| document.kind == kind && *document.key == *name.key;
        let mut dirty: BTreeSet<usize> = if self.documents.has_duplicates() {
            self.documents.iter().enumerate().filter(named).map(|(index, _)| index).collect()
        } else {
            self.documents.index_of(kind, &name.key).into_iter().collect()
        };
        let mut questions = Vec::new();
        if novelty != Novelty::Places {
            questions.extend([Question::Of(name.clone()), Question::All(kind)]);
        }
        if novelty == Novelty::Existence {
            questions.push(Question::Keys(kind));
            if dirty.is_empty() {
                self.say(name, None);
            }
        }
        let asking = questions.iter().filter_map(|question| self.asked.get(question)).flatten();
        dirty.extend(asking.filter_map(|path| self.documents.position(path).ok()));
        // A finding that points into the file points to what was there.
        let points_here = |state: &State| state.lowered.iter().any(|finding| finding.points_into(path));
        let pointing = self.states.iter().enumerate().filter(|(_, state)| points_here(state));
        dirty.extend(pointing.map(|(index, _)| index));
        dirty.into_iter().collect()
    }

    /// Lowers documents; returns the paths of those files, and of the others that have findings because of them.
    fn lower(&mut self, which: Vec<usize>) -> BTreeSet<String> {
        let parts = which.into_iter().filter(|i| self.documents.at(*i).is_some_and(|d| d.kind != Kind::Book));
        let Lowered { settings, files, of_book, together } =
            lower::lower(&self.documents, &self.syntaxes, parts.collect(), self.note);
        self.settings = settings;
        let mut paths: BTreeSet<String> = std::mem::take(&mut self.shared).into_keys().collect();
        for finding in lost_files(&self.documents).into_iter().chain(of_book).chain(together) {
            self.shared.entry(finding.primary.file.path().to_owned()).or_default().push(finding);
        }
        paths.extend(self.shared.keys().cloned());
        for file in files {
            let Some(document) = self.documents.at(file.index) else { continue };
            let name = document.name();
            if self.note {
                paths.insert(document.file.path().to_owned());
            }
            if let Some(state) = self.states.get_mut(file.index) {
                let before = std::mem::replace(&mut state.asked, file.asked);
                let path = document.file.path();
                for question in before.difference(&state.asked) {
                    if let Some(paths) = self.asked.get_mut(question) {
                        paths.remove(path);
                    }
                }
                for question in state.asked.difference(&before) {
                    self.asked.entry(question.clone()).or_default().insert(path.into());
                }
                (state.lowered, state.whole) = (file.findings, file.part.is_some());
            }
            if let Some(part) = file.part {
                self.say(name, Some(part));
            }
        }
        paths
    }

    /// Notes what the files declare of a part.
    fn say(&mut self, name: PartName, part: Option<Part>) {
        let declared = self.book.as_ref().and_then(|book| book.part(name.kind, &name.key));
        if declared == part.as_ref().map(Part::as_ref) {
            self.changes.remove(&name);
        } else {
            self.changes.insert(name, part);
        }
    }

    /// Puts together what is shown of some files.
    fn show(&mut self, paths: &BTreeSet<String>) {
        for path in paths {
            let mut found = self.strays.get(path).cloned().unwrap_or_default();
            let state = self.documents.position(path).ok().and_then(|index| self.states.get(index));
            found.extend(state.into_iter().flat_map(|state| state.read.iter().cloned()));
            found.extend(self.shared.get(path).into_iter().flatten().cloned());
            found.extend(state.into_iter().flat_map(|state| state.lowered.iter().cloned()));
            found.sort_by(|a, b| a.order().cmp(&b.order()));
            let found = bounded(unambiguous(found)).into_iter().map(lookalike::noted).collect::<Vec<_>>();
            if found.iter().any(|finding| finding.severity == Severity::Error) {
                self.failing.insert(path.clone());
            } else {
                self.failing.remove(path);
            }
            if found.is_empty() {
                self.findings.remove(path);
            } else {
                self.findings.insert(path.clone(), found);
            }
        }
    }

    /// Brings the book up to date where the files allow it.
    fn settle(&mut self, paths: &mut BTreeSet<String>) -> Concerned {
        self.current = false;
        let whole = |(document, state): (&Document, &State)| document.kind == Kind::Book || state.whole;
        if !self.failing.is_empty() || !self.documents.iter().zip(&self.states).all(whole) {
            return Concerned::Unknown;
        }
        let Some(settings) = &self.settings else { return Concerned::Unknown };
        let result = match &mut self.book {
            Some(book) if !self.outdated => {
                let names: Vec<_> = self.changes.keys().cloned().collect();
                let mut parts = book.uses().concerned(book, names.iter().cloned());
                book.change(&mut self.changes).map(|()| {
                    parts.extend(book.uses().concerned(book, names.iter().cloned()));
                    // Who is held out decides about everything on the holdout's surfaces.
                    let everyone = names.iter().any(|name| name.kind == Kind::Holdout);
                    if everyone { Concerned::All } else { Concerned::Parts(parts) }
                })
            }
            book => {
                let mut contents = settings.clone();
                if let Some(book) = book {
                    contents.take_parts(Contents::from(book.clone()));
                }
                for (name, part) in std::mem::take(&mut self.changes) {
                    match part {
                        Some(part) => contents.insert(part),
                        None => contents.remove(name.kind, &name.key),
                    };
                }
                match Book::build(contents) {
                    Ok(new) => {
                        *book = Some(new);
                        self.outdated = false;
                        Ok(Concerned::All)
                    }
                    Err(refused) => {
                        let (contents, errors) = *refused;
                        let declared = contents.into_parts().map(|part| (part.as_ref().name(), Some(part)));
                        self.changes = declared.collect();
                        for part in book.iter().flat_map(|book| book.parts()) {
                            self.changes.entry(part.name()).or_insert(None);
                        }
                        Err(errors)
                    }
                }
            }
        };
        match result {
            Ok(concerned) => {
                self.changes.clear();
                self.current = true;
                concerned
            }
            Err(errors) => {
                self.refuse(errors, paths);
                Concerned::Unknown
            }
        }
    }

    /// Reports why there is no book. Lowering finds these with better places; this is the net below it.
    fn refuse(&mut self, errors: Vec<BookError>, paths: &mut BTreeSet<String>) {
        for error in errors {
            let place = self.documents.place(error.kind, &error.key, "");
            let finding = Diagnostic::error(rules::INVALID_BOOK, error.to_string(), &place.file, place.span);
            let path = place.file.path().to_owned();
            paths.insert(path.clone());
            self.refused.insert(path.clone());
            self.findings.entry(path).or_default().push(finding);
        }
    }

    /// Returns the files, readable or not.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Returns the book: the one that the files hold, or the last one without errors while they have some.
    pub fn book(&self) -> Option<&Book> {
        self.book.as_ref()
    }

    /// Tells whether the book is what the files declare.
    pub fn is_current(&self) -> bool {
        self.current
    }

    /// Returns what is wrong with the files, by path; a file without findings is absent.
    pub fn findings(&self) -> &BTreeMap<String, Vec<Diagnostic>> {
        &self.findings
    }

    /// Returns what the files declare now, as [`load`](super::load) would read them.
    pub fn into_loaded(self) -> Loaded {
        let Self { documents, syntaxes, states, findings, book, current, .. } = self;
        // Taking the trees of 20,000 files apart is work that nobody has to wait for.
        rayon::spawn(move || drop((syntaxes, states)));
        let findings = findings.into_values().flatten().collect();
        Loaded { book: book.filter(|_| current), documents, findings }
    }
}
