//! The decision that concludes an experiment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::VariantKey;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionOutcome {
    /// A variant is released.
    Ship,
    /// The control stays, because a variant hurt.
    RollBack,
    /// The control stays, because nothing was shown.
    Inconclusive,
    /// The experiment was given up.
    Aborted,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub outcome: DecisionOutcome,
    /// The variant that ships; only with [`DecisionOutcome::Ship`].
    pub variant: Option<VariantKey>,
    /// When; serving ends then.
    pub date: Timestamp,
    /// Why, in prose.
    pub reason: String,
}
