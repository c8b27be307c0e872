//! Flag files for flagd and its in-process providers.
//!
//! What is written conforms to flagd's schema and means the same to every evaluator that a target may declare;
//! `tests/parity` checks that against the evaluators themselves. `logic` says how each comparison is guarded.

mod decode;
mod document;
mod draw;
mod encode;
mod logic;
mod metadata;
mod store;

use std::path::Path;

use serde_json::Value;

use self::document::Document;
use self::store::FileStore;
use super::{Target, TargetError};
use crate::plan::{Changes, FlagState, Live, LiveContent, LiveFlag, LiveVersion};
use trialbook_model::{Digest, FlagKey, TargetType};

pub use decode::{Unread, decode};
pub use encode::{Inexpressible, encode};

/// A flag file, as one book uses it.
#[derive(Debug)]
pub struct Flagd {
    book: String,
    identity: String,
    store: FileStore,
}

impl Flagd {
    /// Names a flag file; nothing is read yet. A relative path of `file://` begins at the book's root.
    ///
    /// # Errors
    ///
    /// [`TargetError::Store`] where the URL is of another scheme or names no file.
    pub fn open(book: &str, store: &str, root: &Path) -> Result<Self, TargetError> {
        let path = store.strip_prefix("file://").filter(|path| !path.is_empty() && !path.ends_with('/'));
        let path = path.ok_or_else(|| TargetError::Store { store: store.into() })?;
        Ok(Self { book: book.into(), identity: store.into(), store: FileStore::new(root.join(path)) })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    fn parse(&self, bytes: Option<&[u8]>) -> Result<Document, TargetError> {
        let malformed = |problem| TargetError::Malformed { place: self.store.place(), problem };
        let Some(bytes) = bytes else { return Ok(Document::default()) };
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        // A byte order mark is an editor's: it is read past, and the next write leaves it out.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Document::parse(text).map_err(|problem| malformed(problem.to_string()))
    }

    fn live_flag(&self, key: &str, raw: &str) -> LiveFlag {
        // A flag nested deeper than the reader goes is nobody's book's: those are never so deep.
        let value: Value = serde_json::from_str(raw).unwrap_or_default();
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

impl Target for Flagd {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn kind(&self) -> TargetType {
        TargetType::Flagd
    }

    fn read(&self) -> Result<Live, TargetError> {
        let bytes = self.store.read()?;
        let document = self.parse(bytes.as_deref())?;
        let flags = document.flags().map(|(key, raw)| (key.to_owned(), self.live_flag(key, raw)));
        let applied = metadata::applied(&document, &self.book)
            .map_err(|problem| TargetError::Malformed { place: self.store.place(), problem })?;
        Ok(Live { version: store::version(bytes.as_deref()), flags: flags.collect(), applied })
    }

    fn write(&self, changes: &Changes, expected: &LiveVersion) -> Result<LiveVersion, TargetError> {
        let mut written = Vec::with_capacity(changes.put.len());
        for (key, state) in &changes.put {
            written.push((key.as_str(), indented(&rendered(key, state)?)));
        }
        self.store.replace(expected, |bytes| {
            if changes.is_empty() {
                return Ok(None);
            }
            let mut document = self.parse(bytes)?;
            if let Some(applied) = &changes.applied {
                metadata::record(&mut document, &self.book, applied);
            }
            let stays = |key: &str, raw: &str| {
                let touched = changes.remove.contains(key) || changes.put.contains_key(key);
                // What is not the book's keeps its place; the book's own flags follow, by key.
                let value: Option<Value> = serde_json::from_str(raw).ok();
                let ours = value.as_ref().and_then(metadata::book) == Some(self.book.as_str());
                (!touched, ours)
            };
            Ok(Some(document.with_flags(stays, &written)))
        })
    }

    fn largest_sync(&self) -> Option<usize> {
        Some(LARGEST_SYNC)
    }

    fn render(&self, flag: &FlagKey, state: &FlagState) -> Result<String, TargetError> {
        rendered(flag, state)
    }
}

/// The largest message that a gRPC client takes unless it is set up for more: flagd and its providers get all flags in
/// one (grpc-go, `defaultClientMaxReceiveMessageSize`, read 2026-11).
const LARGEST_SYNC: usize = 4 << 20;

fn rendered(key: &FlagKey, state: &FlagState) -> Result<String, TargetError> {
    let inexpressible = |problem| TargetError::Inexpressible { flag: key.clone(), problem };
    let value = encode(state).map_err(|error| inexpressible(error.to_string()))?;
    Ok(encode::pretty(&value))
}

/// Moves a flag two levels in, where it stands in the file.
fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}
