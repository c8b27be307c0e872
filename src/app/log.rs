//! Who applied what to a target.

use serde::Serialize;

use super::plan::Prepared;
use trialbook_delivery::journal::Record;
use trialbook_model::TargetKey;

/// The version of [`Log`] as JSON.
pub const VERSION: u32 = 1;

/// The end of a target's audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Log {
    /// The version of this shape.
    pub version: u32,
    /// The target's key.
    pub target: TargetKey,
    /// What the target is, wherever the book is.
    pub identity: String,
    /// The applies, the oldest first.
    pub records: Vec<Record>,
}

impl Log {
    /// Takes the last so many records of a target.
    pub fn new(prepared: &Prepared<'_>, mut records: Vec<Record>, last: usize) -> Self {
        records.drain(..records.len().saturating_sub(last));
        let identity = prepared.target.identity().to_owned();
        Self { version: VERSION, target: prepared.declared.key.clone(), identity, records }
    }
}
