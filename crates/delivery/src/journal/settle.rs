//! Finishing what was cut off.

use jiff::Timestamp;

use super::{Apply, Begun, Intent, Outcome, Record, WriteError};
use crate::backend::{Attached, Backend, BackendError, Writes};
use crate::plan::{Changes, FlagState, Launch, Live, LiveContent, LiveVersion};
use trialbook_model::{ExperimentKey, FlagKey};

/// An apply that was cut off, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub apply: Apply,
    /// How it ended.
    pub outcome: Outcome,
}

/// Finds out what became of the applies that were cut off, and finishes the last of them if the target is still what it was
/// begun from. The records are still to be put in the log: see [`Begun::finish`].
///
/// `is_meant` decides whether an apply that has not written may still do so: one that was begun long ago may not.
///
/// # Errors
///
/// Where the target or its journal cannot be read or written. The intents are kept then.
pub fn settle<'a>(
    target: &'a dyn Backend,
    now: Timestamp,
    is_meant: impl Fn(&Apply) -> bool,
) -> Result<(Vec<Settled>, Option<Begun<'a>>), BackendError> {
    let Some(journal) = target.journal() else { return Ok((Vec::new(), None)) };
    // Before the target is read: what was begun from another version than the one that is read then was begun from an
    // earlier one.
    let mut pending = journal.pending()?;
    pending.sort_by_key(|intent| intent.apply.at);
    let live = target.read()?;
    let mut version = live.version.clone();
    let mut records = Vec::with_capacity(pending.len());
    let mut written = false;
    for intent in pending.into_iter().rev() {
        let can_be_finished = intent.base == live.version
            || (target.writes() == Writes::FlagByFlag && is_begun(&live, &intent));
        let outcome = if holds(&live, &intent.changes) {
            Outcome::Written
        } else if can_be_finished && !is_meant(&intent.apply) {
            Outcome::Expired
        } else if can_be_finished && !written {
            let mut changes = left(&live, &intent.changes);
            changes.launched_no_earlier_than(now, |flag, key| {
                let content = live.flags.get(flag.as_str()).map(|flag| &flag.content);
                content.and_then(LiveContent::launches).is_some_and(|launches| launches.contains_key(key))
            });
            version = target.write(&changes, &live.version, &Attached::default())?;
            written = true;
            Outcome::Resumed
        } else if can_be_finished {
            // Another that was begun later has just been written in its place.
            Outcome::Refused
        } else {
            Outcome::Superseded
        };
        records.push(Record { apply: intent.apply, outcome });
    }
    records.reverse();
    let settled =
        records.iter().map(|record| Settled { apply: record.apply.clone(), outcome: record.outcome });
    let settled = settled.collect();
    let mut records = records.into_iter();
    let begun = records.next().map(|record| Begun {
        journal: Some(journal),
        record,
        settled: records.collect(),
        version,
    });
    Ok((settled, begun))
}

/// Finds out whether a write took effect whose answer was lost; returns the version of what it left.
pub(super) fn read_back(
    target: &dyn Backend,
    intent: &Intent,
    error: BackendError,
) -> Result<LiveVersion, WriteError> {
    // A server may still be at work on a request whose answer did not come, and nothing would stop it.
    let may_follow = target.writes() == Writes::FlagByFlag
        && matches!(error, BackendError::Io { action, .. } if action != "read");
    match target.read() {
        Ok(live) if live.version == intent.base && !may_follow => Err(WriteError::Refused(error)),
        Ok(live) if holds(&live, &intent.changes) => Ok(live.version),
        Ok(_) | Err(_) => Err(WriteError::Unanswered(error)),
    }
}

/// Returns the record of an intent that was pending when another write replaced what the target served: it cannot take effect
/// any more.
pub(super) fn overtaken(other: Intent, replaced: &Live) -> Record {
    let outcome = if holds(replaced, &other.changes) {
        Outcome::Written
    } else if other.base == replaced.version {
        // It did not take effect before, and cannot any more.
        Outcome::Refused
    } else {
        Outcome::Superseded
    };
    Record { apply: other.apply, outcome }
}

/// Tells whether a launch is the wanted one, perhaps at a later instant: that of the apply which finished another.
fn launched(there: (&ExperimentKey, &Launch), wanted: (&ExperimentKey, &Launch)) -> bool {
    let (key, there) = there;
    let Launch { start, commit, digest, drawn } = wanted.1;
    key == wanted.0
        && there.start >= *start
        && (&there.commit, &there.digest, &there.drawn) == (commit, digest, drawn)
}

/// Tells whether a target serves what changes want, launches and approvals among it.
fn holds(live: &Live, changes: &Changes) -> bool {
    let put = changes.put.iter().all(|(key, wanted)| serves(live, key, wanted));
    put && changes.remove.iter().all(|key| is_gone(live, key))
}

/// Tells whether a target serves a flag as wanted, launches and approvals among it.
fn serves(live: &Live, key: &FlagKey, wanted: &FlagState) -> bool {
    match live.flags.get(key.as_str()).map(|flag| &flag.content) {
        Some(LiveContent::Ours(there)) => {
            there.serves_as(wanted)
                && there.approvals == wanted.approvals
                && there.launches.len() == wanted.launches.len()
                && there.launches.iter().zip(&wanted.launches).all(|(there, wanted)| launched(there, wanted))
        }
        _ => false,
    }
}

fn is_gone(live: &Live, key: &FlagKey) -> bool {
    let content = live.flags.get(key.as_str()).map(|flag| &flag.content);
    matches!(content, None | Some(LiveContent::Foreign { .. }))
}

/// Tells whether each flag is as the write found it or as it was to leave it: nobody else has changed one since.
fn is_begun(live: &Live, intent: &Intent) -> bool {
    let as_before =
        |key: &FlagKey| live.flags.get(key.as_str()).map(|flag| &flag.digest) == intent.before.get(key);
    let changes = &intent.changes;
    changes.put.iter().all(|(key, wanted)| as_before(key) || serves(live, key, wanted))
        && changes.remove.iter().all(|key| as_before(key) || is_gone(live, key))
}

/// Returns what is left to write.
fn left(live: &Live, changes: &Changes) -> Changes {
    let mut left = changes.clone();
    left.put.retain(|key, wanted| !serves(live, key, wanted));
    left.remove.retain(|key| !is_gone(live, key));
    left
}
