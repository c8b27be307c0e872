//! What an outcome reports of the sources of facts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use trialbook_decision::Spelling;
use trialbook_model::{Granularity, SourceKey, VariantKey};

/// What is known of a source of facts: counts, and never a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Which.
    pub source: SourceKey,
    /// What its times are declared to be.
    pub granularity: Granularity,
    /// Its rows.
    pub rows: u64,
    /// Rows without a unit.
    pub without_unit: u64,
    /// Rows without a usable time.
    pub without_time: u64,
    /// How far it reaches below the watermark.
    pub until: Option<Timestamp>,
    /// Different units with a row in the experiment's time; `None` where nothing was asked.
    pub units: Option<u64>,
    /// How many of these were exposed.
    pub exposed_units: Option<u64>,
    /// Exposed units with rows under another spelling of their id.
    pub respelled_units: Option<u64>,
    /// How ids differ, where that is known.
    pub spelling: Option<Spelling>,
    /// The rows near each arm's units, in byte order; `None` where copies cannot be recognised.
    pub arms: Option<Vec<SourceArm>>,
}

/// The rows of a source near an arm's units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceArm {
    /// The variant.
    pub variant: VariantKey,
    /// Units with a row.
    pub units: u64,
    /// Their rows, copies included.
    pub rows: u64,
    /// Rows that are there more than once, but for the first.
    pub copies: u64,
}
