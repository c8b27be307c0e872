//! The journal beside a file or an object: applies that have not ended, and the log of those that have.

use std::fmt::Debug;

use super::{Beside, Store, version};
use crate::backend::BackendError;
use crate::journal::{Intent, Journal, Record};
use trialbook_model::Digest;

/// How often the journal is written again after somebody else wrote it. Each time somebody got on.
const ATTEMPTS: usize = 100;

/// A log that only grows.
pub(in crate::backend) trait Log: Debug {
    /// Appends a record, unless there is one of that apply.
    fn append(&self, record: &Record) -> Result<(), BackendError>;

    /// Returns all records, the oldest first.
    fn records(&self) -> Result<Vec<Record>, BackendError>;
}

/// Applies that have not ended, one to a line of a file or an object; and a log.
#[derive(Debug)]
pub(in crate::backend) struct StoreJournal {
    pub(in crate::backend) pending: Box<dyn Store>,
    pub(in crate::backend) log: Box<dyn Log>,
}

impl StoreJournal {
    pub(super) fn new(pending: impl Store + 'static, log: impl Log + 'static) -> Self {
        Self { pending: Box::new(pending), log: Box::new(log) }
    }

    fn intents(&self, bytes: Option<&[u8]>) -> Result<Vec<Intent>, BackendError> {
        let lines = bytes.unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let intent = |line| serde_json::from_slice(line).map_err(|error| self.unreadable(&error));
        lines.map(intent).collect()
    }

    fn unreadable(&self, error: &serde_json::Error) -> BackendError {
        BackendError::Journal { place: self.pending.place(), problem: error.to_string() }
    }

    /// Replaces the pending intents, again where somebody else did in between.
    fn edit(&self, edit: &dyn Fn(&mut Vec<Intent>)) -> Result<(), BackendError> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let bytes = self.pending.read()?;
            let before = self.intents(bytes.as_deref())?;
            let mut after = before.clone();
            edit(&mut after);
            if before == after {
                return Ok(());
            }
            let lines = after.iter().map(|intent| serde_json::to_string(intent).map(|line| line + "\n"));
            let text: String = lines.collect::<Result<_, _>>().map_err(|error| self.unreadable(&error))?;
            let mut make = |_: Option<&[u8]>| Ok(Some(text.clone()));
            match self.pending.replace(&version(bytes.as_deref()), &Beside::default(), &mut make) {
                Err(error @ BackendError::Conflict { .. }) => last = Some(error),
                other => return other.map(|_| ()),
            }
        }
        Err(last.unwrap_or_else(|| BackendError::Locked { place: self.pending.place() }))
    }
}

impl Journal for StoreJournal {
    fn pending(&self) -> Result<Vec<Intent>, BackendError> {
        self.intents(self.pending.read()?.as_deref())
    }

    fn begin(&self, intent: &Intent) -> Result<(), BackendError> {
        self.edit(&|intents| intents.push(intent.clone()))
    }

    fn log(&self, record: &Record) -> Result<(), BackendError> {
        self.log.append(record)
    }

    fn drop_intent(&self, id: &Digest) -> Result<(), BackendError> {
        self.edit(&|intents| intents.retain(|intent| intent.apply.id != *id))
    }
}

/// Returns a record as a line.
pub(super) fn line(record: &Record) -> String {
    // A record has no map whose keys are not text, so it is always JSON.
    serde_json::to_string(record).unwrap_or_default() + "\n"
}

/// Reads a line of a log.
pub(super) fn record(place: &str, line: &[u8]) -> Result<Record, BackendError> {
    serde_json::from_slice(line)
        .map_err(|error| BackendError::Malformed { place: place.to_owned(), problem: error.to_string() })
}
