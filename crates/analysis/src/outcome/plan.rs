//! The experiment that an outcome is of, as its plan declares it, and whether that plan is the one of the launch.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use trialbook_model::{
    Allocation, Analysis, Bearing, Decision, Digest, ExperimentKey, ExperimentState, FlagKey, LaunchDoubt,
    LayerKey, PlanChange, Schedule, Split, SurfaceKey, VariantKey,
};

/// The experiment as its plan declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentReference {
    /// Its key.
    pub key: ExperimentKey,
    /// What people call it.
    pub title: String,
    /// What is expected, and why.
    pub hypothesis: String,
    /// Who answers for it.
    pub owner: String,
    /// Where in the product it is seen.
    pub surfaces: Vec<SurfaceKey>,
    /// The flag whose variants are tested.
    pub flag: FlagKey,
    /// Its file, relative to the book's folder, where that is known.
    pub file: Option<String>,
    /// The variant that the others are compared with.
    pub control: VariantKey,
    /// The variants compared with it, in byte order.
    pub treatments: Vec<VariantKey>,
    /// Who gets what.
    pub split: Split,
    /// When units are enrolled.
    pub schedule: Schedule,
    /// When the last unit's deciding windows have closed: the fixed horizon.
    pub horizon: Timestamp,
    /// What it was doing at the watermark.
    pub state: ExperimentState,
    /// The layer that holds its units.
    pub layer: Option<LayerKey>,
    /// The share of the audience that is enrolled.
    pub allocation: Allocation,
    /// How it is judged.
    pub analysis: Analysis,
    /// How it ended, where it has.
    pub decision: Option<Decision>,
}

/// Whether the plan is the one of the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preregistration {
    /// The digest of the plan that the analysis used; `None` where none could be computed.
    pub digest: Option<Digest>,
    /// How it compares with the launch.
    pub status: PreregistrationStatus,
}

/// How a plan compares with the one of the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum PreregistrationStatus {
    /// It is the same, up to changes that the book allows.
    Verified {
        /// The commit of the launch.
        commit: String,
        /// When it was launched.
        at: Timestamp,
        /// What differs, all of it allowed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<PlanChange>,
    },
    /// Not known.
    Unverified {
        /// Why.
        doubts: Vec<LaunchDoubt>,
    },
    /// The records of the launch disagree with each other or with the book: no result stands on it.
    Contradicted {
        /// How, and what else cannot be checked.
        doubts: Vec<LaunchDoubt>,
    },
    /// It differs by more than what the book allows. The launched plan was analysed.
    Deviates {
        /// What differs, and what each change means for the result.
        changes: Vec<PlanChange>,
    },
}

impl PreregistrationStatus {
    /// Returns what differs from the launched plan, as far as it is known.
    pub fn changes(&self) -> &[PlanChange] {
        match self {
            Self::Verified { changes, .. } | Self::Deviates { changes } => changes,
            Self::Unverified { .. } | Self::Contradicted { .. } => &[],
        }
    }

    /// Tells whether no result stands on it: the records disagree, or a change may have moved units or redefined a variant.
    pub fn is_untrusted(&self) -> bool {
        let untrusted = |change: &PlanChange| change.bearing == Bearing::Untrusted;
        matches!(self, Self::Contradicted { .. }) || self.changes().iter().any(untrusted)
    }
}
