//! Flag files for flagd and its in-process providers.
//!
//! What is written conforms to flagd's schema and means the same to every evaluator that a target may declare;
//! `tests/parity` checks that against the evaluators themselves. `logic` explains how each comparison is guarded.

mod decode;
mod file;
mod draw;
mod encode;
mod logic;
mod metadata;
mod shared;
pub(super) mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use self::file::FlagFile;
use self::shared::Evaluators;
use self::store::{Beside, Store, StoreJournal};
use super::{Attached, Backend, BackendError};
use crate::journal::{Journal, Record};
use crate::plan::{Changes, FlagState, Live, LiveContent, LiveFlag, LiveVersion, State};
use trialbook_model::{Digest, FlagKey, TargetType};

pub use decode::{Unread, decode};
pub(super) use encode::pretty;
pub use encode::{Inexpressible, encode};

/// Reads a flag file as it is; `None` where there is none. A relative path of `file://` begins at `root`.
///
/// # Errors
///
/// Where the URL is not a store's, or the store cannot be read.
pub fn read(store: &str, root: &Path) -> Result<Option<Vec<u8>>, BackendError> {
    store::open(store, root)?.read()
}

/// A flag file, as one book uses it.
#[derive(Debug)]
pub struct Flagd {
    book: String,
    identity: String,
    store: Box<dyn Store>,
    journal: Option<StoreJournal>,
}

impl Flagd {
    /// Names a flag file; nothing is read yet. A relative path of `file://` begins at the book's root.
    ///
    /// # Errors
    ///
    /// [`BackendError::Store`] where the URL is of no scheme that is known or names no file.
    pub fn open(book: &str, store: &str, root: &Path) -> Result<Self, BackendError> {
        Ok(Self::with_store(book, store, store::open(store, root)?))
    }

    /// Takes a store under the name that plans know it by.
    pub(super) fn with_store(book: &str, identity: &str, store: Box<dyn Store>) -> Self {
        let journal = store.journal();
        Self { book: book.into(), identity: identity.into(), store, journal }
    }

    fn parse(&self, bytes: Option<&[u8]>) -> Result<FlagFile, BackendError> {
        let malformed = |problem| BackendError::Malformed { place: self.store.place(), problem };
        let Some(bytes) = bytes else { return Ok(FlagFile::default()) };
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        // A byte order mark is an editor's: it is read past, and the next write leaves it out.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        FlagFile::parse(text).map_err(|problem| malformed(problem.to_string()))
    }

    fn live_flag(&self, key: &str, raw: &str, evaluators: &Evaluators) -> LiveFlag {
        // A flag nested deeper than the reader goes is nobody's book's: those are never so deep.
        let value: Value = serde_json::from_str(raw).unwrap_or_default();
        let value = shared::whole(&value, evaluators);
        let digest = match &value {
            Value::Null => Digest::of_bytes(raw.as_bytes()),
            value => Digest::of(value).unwrap_or_else(|_| Digest::of_bytes(raw.as_bytes())),
        };
        let book = metadata::book(&value);
        let content = if book != Some(&self.book) || FlagKey::new(key).is_err() {
            LiveContent::Foreign { book: book.map(str::to_owned), raw: raw.to_owned() }
        } else {
            match decode(&value) {
                Ok(state) => LiveContent::Ours(state),
                Err(Unread { reason, state }) => LiveContent::Drifted {
                    reason,
                    state: state.map(|state| *state),
                    records: metadata::records(&value),
                    raw: encode::pretty(&value),
                },
            }
        };
        LiveFlag { digest, content }
    }
}

impl Backend for Flagd {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn kind(&self) -> TargetType {
        TargetType::Flagd
    }

    fn read(&self) -> Result<Live, BackendError> {
        let bytes = self.store.read()?;
        let document = self.parse(bytes.as_deref())?;
        let evaluators = shared::ours(&document.evaluators().unwrap_or_default());
        let flags =
            document.flags().map(|(key, raw)| (key.to_owned(), self.live_flag(key, raw, &evaluators)));
        let applied = metadata::applied(&document, &self.book)
            .map_err(|problem| BackendError::Malformed { place: self.store.place(), problem })?;
        Ok(Live { version: store::version(bytes.as_deref()), flags: flags.collect(), applied })
    }

    fn journal(&self) -> Option<&dyn Journal> {
        self.journal.as_ref().map(|journal| journal as &dyn Journal)
    }

    fn write(
        &self,
        changes: &Changes,
        expected: &LiveVersion,
        attached: &Attached<'_>,
    ) -> Result<LiveVersion, BackendError> {
        let mut put = BTreeMap::new();
        for (key, state) in &changes.put {
            put.insert(key.as_str(), encoded(key, state)?);
        }
        let note = note(&self.book, changes, attached);
        let beside = Beside { note: &note, refs: attached.refs };
        self.store.replace(expected, &beside, &mut |bytes| {
            if changes.is_empty() {
                return Ok(None);
            }
            let mut document = self.parse(bytes)?;
            if let Some(applied) = &changes.applied {
                metadata::record(&mut document, &self.book, applied);
            }
            let malformed = |problem| BackendError::Malformed { place: self.store.place(), problem };
            let sorted = Sorted::new(&document, &self.book, changes, &put);
            let (written, evaluators) = sorted.shared();
            let stays = |name: &str| sorted.keeps(name);
            document.set_evaluators(stays, &evaluators).map_err(|error| malformed(error.to_string()))?;
            // What is not the book's keeps its place; the book's own flags follow, by key.
            let written: Vec<_> = written.iter().map(|(key, raw)| (key.as_str(), raw.clone())).collect();
            let stays = |key: &str, _: &str| (sorted.foreign.contains(key), false);
            Ok(Some(document.with_flags(stays, &written)))
        })
    }

    fn records(&self) -> Result<Vec<Record>, BackendError> {
        match &self.journal {
            Some(journal) => journal.log.records(),
            None => self.store.records(RECORD),
        }
    }

    fn largest_sync(&self) -> Option<usize> {
        TargetType::Flagd.largest_sync()
    }

    fn size(&self, state: &State) -> Result<usize, BackendError> {
        let flags = state.flags.iter().map(|(key, state)| encoded(key, state));
        let mut flags = flags.collect::<Result<Vec<_>, _>>()?;
        let evaluators = shared::share(flags.iter_mut(), BTreeSet::new());
        Ok(flags.iter().chain(evaluators.values()).map(|value| encode::pretty(value).len()).sum())
    }

    fn render(&self, flag: &FlagKey, state: &FlagState) -> Result<String, BackendError> {
        rendered(flag, state)
    }
}

/// The line of a commit's message that holds the record of an apply, as JSON.
const RECORD: &str = "Trialbook-Apply: ";

/// Returns what a store with a history writes down about a change: a subject, where it came from, and the record of the apply.
fn note(book: &str, changes: &Changes, attached: &Attached<'_>) -> String {
    let mut note =
        format!("Apply {book}: {} flags written, {} removed", changes.put.len(), changes.remove.len());
    if let Some(commit) = changes.applied.as_ref().and_then(|applied| applied.commit.as_ref()) {
        note.push_str("\n\nBook-Commit: ");
        note.push_str(commit);
    }
    if let Some(record) = attached.record.and_then(|record| serde_json::to_string(record).ok()) {
        note.push_str(if note.contains('\n') { "\n" } else { "\n\n" });
        note.push_str(RECORD);
        note.push_str(&record);
    }
    note
}

fn encoded(key: &FlagKey, state: &FlagState) -> Result<Value, BackendError> {
    let inexpressible = |problem| BackendError::Inexpressible { flag: key.clone(), problem };
    encode(state).map_err(|error| inexpressible(error.to_string()))
}

fn rendered(key: &FlagKey, state: &FlagState) -> Result<String, BackendError> {
    Ok(encode::pretty(&encoded(key, state)?))
}

/// A member of the file: its name and its text.
type Named = (String, String);

/// The flags that a write leaves in a file: the book's, as they will be, and those of others.
struct Sorted {
    /// By key: the text as it is in the file, where it stays, and the flag with what it refers to put in.
    ours: BTreeMap<String, (Option<String>, Value)>,
    foreign: BTreeSet<String>,
    /// The evaluators of this program that are in the file.
    evaluators: Evaluators,
    /// Those of them that flags of others refer to.
    mentioned: BTreeSet<String>,
}

impl Sorted {
    fn new(document: &FlagFile, book: &str, changes: &Changes, put: &BTreeMap<&str, Value>) -> Self {
        let evaluators = shared::ours(&document.evaluators().unwrap_or_default());
        let mut sorted =
            Self { ours: BTreeMap::new(), foreign: BTreeSet::new(), evaluators, mentioned: BTreeSet::new() };
        for (key, raw) in document.flags() {
            if changes.remove.contains(key) || changes.put.contains_key(key) {
                continue;
            }
            let value: Value = serde_json::from_str(raw).unwrap_or_default();
            if metadata::book(&value) == Some(book) {
                sorted.ours.insert(
                    key.to_owned(),
                    (Some(raw.to_owned()), shared::whole(&value, &sorted.evaluators)),
                );
            } else {
                sorted.foreign.insert(key.to_owned());
                sorted.mentioned.extend(shared::mentioned(raw));
            }
        }
        let put = put.iter().map(|(key, value)| ((*key).to_owned(), (None, value.clone())));
        sorted.ours.extend(put);
        sorted
    }

    /// Returns the texts of the book's flags and of the evaluators that they refer to, by key and by name.
    fn shared(&self) -> (Vec<Named>, Vec<Named>) {
        let mut flags: Vec<Value> = self.ours.values().map(|(_, value)| value.clone()).collect();
        // What flags of others refer to keeps its content, whatever its name.
        let evaluators = shared::share(flags.iter_mut(), self.mentioned.clone());
        let mut written = Vec::with_capacity(flags.len());
        for ((key, (raw, _)), value) in self.ours.iter().zip(&flags) {
            let same = |raw: &&String| serde_json::from_str::<Value>(raw).is_ok_and(|there| there == *value);
            let kept = raw.as_ref().filter(same).cloned();
            written.push((key.clone(), kept.unwrap_or_else(|| indented(&encode::pretty(value)))));
        }
        let text = |(name, value): (String, Value)| (name, indented(&encode::pretty(&value)));
        (written, evaluators.into_iter().map(text).collect())
    }

    /// Tells whether an evaluator of the file stays: it is not this program's, or a flag of others refers to it.
    fn keeps(&self, name: &str) -> bool {
        !name.starts_with(shared::PREFIX) || self.mentioned.contains(name)
    }
}

/// Moves a flag two levels in, where it stands in the file.
fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}
