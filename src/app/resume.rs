//! Finishing applies that were cut off.

use jiff::{SignedDuration, Timestamp};

use super::plan::Prepared;
use super::{AppError, Recorded, record};
use trialbook_delivery::journal::{Apply, Settled, settle};

/// What became of the applies that were cut off.
#[derive(Debug)]
pub struct Resumed {
    /// Each of them, the one begun first first.
    pub settled: Vec<Settled>,
    /// Which launches were recorded.
    pub recorded: Recorded,
}

/// How long after it was begun an apply may still write: the same as for a plan file.
const STILL_MEANT: SignedDuration = SignedDuration::from_hours(24);

/// Finds out what became of the applies that were cut off, writes the last of them if it has not written, and records what is
/// missing. `is_chosen`: somebody chose the instant.
///
/// # Errors
///
/// Where the target, its journal or git cannot be read or written: running it again goes on from there.
pub fn resume(prepared: &Prepared<'_>, now: Timestamp, is_chosen: bool) -> Result<Resumed, AppError> {
    let is_meant = |apply: &Apply| is_chosen || now.duration_since(apply.at) < STILL_MEANT;
    let (settled, begun) = settle(prepared.target.as_ref(), now, is_meant)?;
    let recorded = record(prepared, &prepared.read()?, now).map_err(AppError::NotRecorded)?;
    if let Some(begun) = begun {
        begun.finish()?;
    }
    Ok(Resumed { settled, recorded })
}
