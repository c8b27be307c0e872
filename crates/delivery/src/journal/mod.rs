//! What applies are about to do, and what they did.
//!
//! An apply keeps its [`Intent`] beside the target before it writes, and puts a [`Record`] in the target's audit log when it
//! is known how it ended. An intent without a record was cut off: [`settle`] reads back what became of it and finishes it, so
//! nothing is written twice. A store whose write takes the record along (a git branch) needs no intent: everything arrives in
//! one step or nothing does.

mod record;
mod settle;

pub use record::{Actor, Apply, Outcome, Record};
pub use settle::{Settled, settle};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backend::{Attached, Backend, BackendError, Writes};
use crate::plan::{Changes, Live, LiveVersion};
use trialbook_model::{Digest, FlagKey};

/// What an apply is about to write: enough to finish it without the book and the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Who applies what.
    pub apply: Apply,
    /// The version that the write replaces.
    pub base: LiveVersion,
    /// The flags that are written, each as it was; none of those that were not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<FlagKey, Digest>,
    /// What is written.
    pub changes: Changes,
}

impl Intent {
    /// Describes the write of changes over what is live.
    pub fn new(apply: Apply, live: &Live, changes: Changes) -> Self {
        let touched = changes.put.keys().chain(&changes.remove);
        let before =
            touched.filter_map(|key| Some((key.clone(), live.flags.get(key.as_str())?.digest.clone())));
        Self { apply, base: live.version.clone(), before: before.collect(), changes }
    }
}

/// Where a target keeps intents and its audit log.
pub trait Journal {
    /// Returns the intents of applies that have not ended, the first one begun first.
    ///
    /// # Errors
    ///
    /// Where the journal cannot be read.
    fn pending(&self) -> Result<Vec<Intent>, BackendError>;

    /// Keeps an intent.
    ///
    /// # Errors
    ///
    /// Where the journal cannot be written: nothing may be written to the target then.
    fn begin(&self, intent: &Intent) -> Result<(), BackendError>;

    /// Appends a record to the audit log, unless it has one of that apply.
    ///
    /// # Errors
    ///
    /// Where the log cannot be written.
    fn log(&self, record: &Record) -> Result<(), BackendError>;

    /// Drops an intent. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// Where the journal cannot be written.
    fn drop_intent(&self, id: &Digest) -> Result<(), BackendError>;
}

/// A write that took effect, and what is left to be put in the log.
#[derive(Debug)]
pub struct Begun<'a> {
    journal: Option<&'a dyn Journal>,
    record: Record,
    /// The intents of others that this write has settled.
    settled: Vec<Record>,
    /// What the target serves now.
    pub version: LiveVersion,
}

impl std::fmt::Debug for dyn Journal + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

/// Writes what an intent wants over what it was begun from, after the intent itself; `attached` goes along where the target can take it in the same step.
///
/// # Errors
///
/// Where the write was refused, the log records that and the intent is dropped. Where the answer was lost, the target is read back;
/// where that fails too, the intent is kept, and [`settle`] finds out.
pub fn write<'a>(
    target: &'a dyn Backend,
    intent: &Intent,
    live: &Live,
    attached: &Attached<'_>,
) -> Result<Begun<'a>, WriteError> {
    let record = |outcome| Record { apply: intent.apply.clone(), outcome };
    let done = record(Outcome::Written);
    let Some(journal) = target.journal() else {
        let attached = Attached { record: Some(&done), ..*attached };
        let version = target.write(&intent.changes, &intent.base, &attached).map_err(WriteError::Refused)?;
        return Ok(Begun { journal: None, record: done, settled: Vec::new(), version });
    };
    let others = journal.pending().map_err(WriteError::Refused)?;
    let alone = target.writes() == Writes::FlagByFlag;
    let underway = || WriteError::Refused(BackendError::Underway { place: target.identity().to_owned() });
    if alone && !others.is_empty() {
        return Err(underway());
    }
    journal.begin(intent).map_err(WriteError::Refused)?;
    // Of two that began at the same time at least one sees the other, because the journal is written on a condition.
    if alone {
        let sole = journal.pending().map(|pending| pending.len() == 1);
        if !matches!(sole, Ok(true)) {
            // Nothing was written, so nothing may be left to finish either.
            journal.drop_intent(&intent.apply.id).map_err(WriteError::Refused)?;
            return Err(sole.err().map_or_else(underway, WriteError::Refused));
        }
    }
    let answer = target.write(&intent.changes, &intent.base, attached);
    let answer = answer.or_else(|error| match error {
        error @ (BackendError::Io { .. } | BackendError::Partial { .. }) => {
            settle::read_back(target, intent, error)
        }
        refused => Err(WriteError::Refused(refused)),
    });
    match answer {
        Ok(version) => {
            let settled = others.into_iter().map(|other| settle::overtaken(other, live)).collect();
            Ok(Begun { journal: Some(journal), record: done, settled, version })
        }
        Err(error) => {
            if matches!(error, WriteError::Refused(_)) {
                // What went wrong first is what is reported. An intent that stays is settled later.
                let _ = journal.log(&record(Outcome::Refused));
                let _ = journal.drop_intent(&intent.apply.id);
            }
            Err(error)
        }
    }
}

/// Why a write did not end well.
#[derive(Debug)]
pub enum WriteError {
    /// The target serves what it did before.
    Refused(BackendError),
    /// The target could not be reached, so it may serve what it did or what was wanted.
    Unanswered(BackendError),
}

impl Begun<'_> {
    /// Puts the apply in the audit log and drops its intent, and those of the applies that can no longer take effect.
    ///
    /// # Errors
    ///
    /// Where the journal cannot be written: the target is, and [`settle`] finishes the rest.
    pub fn finish(self) -> Result<(), BackendError> {
        let Some(journal) = self.journal else { return Ok(()) };
        for record in std::iter::once(&self.record).chain(&self.settled) {
            journal.log(record)?;
            journal.drop_intent(&record.apply.id)?;
        }
        Ok(())
    }
}
