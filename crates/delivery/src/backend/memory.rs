//! A target in memory: for tests, and to see what an apply would make of another state.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Attached, Backend, BackendError, Writes};
use crate::journal::{Intent, Journal, Record};
use crate::plan::{
    Applied, Changes, DriftReason, FlagState, Live, LiveContent, LiveFlag, LiveVersion, Records,
};
use trialbook_model::{Digest, FlagKey, TargetType};

/// A target that keeps flags as they are, for as long as it lives.
#[derive(Debug, Default)]
pub struct Memory {
    book: String,
    is_flag_by_flag: bool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    revision: u64,
    flags: BTreeMap<String, Stored>,
    applied: Option<Applied>,
    pending: Vec<Intent>,
    records: Vec<Record>,
}

#[derive(Debug)]
enum Stored {
    Ours { state: FlagState, applied: bool },
    Foreign(String),
}

impl Memory {
    /// Makes an empty target, as one book sees it.
    pub fn new(book: impl Into<String>) -> Self {
        Self { book: book.into(), ..Self::default() }
    }

    /// Makes an empty target that takes changes flag by flag.
    pub fn flag_by_flag(book: impl Into<String>) -> Self {
        Self { is_flag_by_flag: true, ..Self::new(book) }
    }

    /// Plays somebody else who puts a flag there.
    pub fn plant(&self, key: &str, content: &str) {
        let mut held = self.held();
        held.revision += 1;
        held.flags.insert(key.to_owned(), Stored::Foreign(content.to_owned()));
    }

    /// Plays somebody who changes a flag by hand. Nothing happens where there is none of that key.
    pub fn tamper(&self, key: &str, change: impl FnOnce(&mut FlagState)) {
        let mut held = self.held();
        held.revision += 1;
        if let Some(Stored::Ours { state, applied }) = held.flags.get_mut(key) {
            change(state);
            *applied = false;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic elsewhere cannot leave the map half-written: every write below is one assignment.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, stored: &Stored) -> LiveFlag {
        match stored {
            Stored::Foreign(content) => LiveFlag {
                digest: Digest::of_bytes(content.as_bytes()),
                content: LiveContent::Foreign { book: None, raw: content.clone() },
            },
            Stored::Ours { state, applied } => {
                let raw = serde_json::to_string_pretty(state).unwrap_or_default();
                let digest = Digest::of_bytes(raw.as_bytes());
                let content = if state.book != self.book {
                    LiveContent::Foreign { book: Some(state.book.clone()), raw }
                } else if *applied {
                    LiveContent::Ours(state.clone())
                } else {
                    let reason = DriftReason::ChangedByHand;
                    let FlagState { launches, approvals, .. } = state.clone();
                    let records = Records { launches, approvals };
                    LiveContent::Drifted { reason, state: Some(state.clone()), records, raw }
                };
                LiveFlag { digest, content }
            }
        }
    }
}

fn version(held: &Held) -> LiveVersion {
    match held.revision {
        0 => LiveVersion::Absent,
        revision => LiveVersion::Tag(revision.to_string()),
    }
}

impl Backend for Memory {
    fn identity(&self) -> &str {
        "memory"
    }

    fn kind(&self) -> TargetType {
        TargetType::Flagd
    }

    fn writes(&self) -> Writes {
        if self.is_flag_by_flag { Writes::FlagByFlag } else { Writes::AtOnce }
    }

    fn read(&self) -> Result<Live, BackendError> {
        let held = self.held();
        let flags = held.flags.iter().map(|(key, stored)| (key.clone(), self.live(stored)));
        Ok(Live { version: version(&held), flags: flags.collect(), applied: held.applied.clone() })
    }

    fn write(
        &self,
        changes: &Changes,
        expected: &LiveVersion,
        _: &Attached<'_>,
    ) -> Result<LiveVersion, BackendError> {
        let mut held = self.held();
        let found = version(&held);
        if found != *expected {
            return Err(BackendError::Conflict { expected: expected.clone(), found });
        }
        if changes.is_empty() {
            return Ok(found);
        }
        held.revision += 1;
        for key in &changes.remove {
            held.flags.remove(key.as_str());
        }
        for (key, state) in &changes.put {
            held.flags.insert(key.to_string(), Stored::Ours { state: state.clone(), applied: true });
        }
        held.applied = changes.applied.clone().or(held.applied.take());
        Ok(version(&held))
    }

    fn journal(&self) -> Option<&dyn Journal> {
        Some(self)
    }

    fn records(&self) -> Result<Vec<Record>, BackendError> {
        Ok(self.held().records.clone())
    }

    fn render(&self, _: &FlagKey, state: &FlagState) -> Result<String, BackendError> {
        Ok(serde_json::to_string_pretty(state).unwrap_or_default())
    }
}

impl Journal for Memory {
    fn pending(&self) -> Result<Vec<Intent>, BackendError> {
        Ok(self.held().pending.clone())
    }

    fn begin(&self, intent: &Intent) -> Result<(), BackendError> {
        self.held().pending.push(intent.clone());
        Ok(())
    }

    fn log(&self, record: &Record) -> Result<(), BackendError> {
        let mut held = self.held();
        if held.records.iter().all(|there| there.apply.id != record.apply.id) {
            held.records.push(record.clone());
        }
        Ok(())
    }

    fn drop_intent(&self, id: &Digest) -> Result<(), BackendError> {
        self.held().pending.retain(|intent| intent.apply.id != *id);
        Ok(())
    }
}
