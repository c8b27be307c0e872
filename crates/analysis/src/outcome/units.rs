//! Who was counted and who was left out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use trialbook_model::{Share, VariantKey};

fn is_zero(units: &u64) -> bool {
    *units == 0
}

/// Who was counted and who was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// The analysed units of each arm, in byte order.
    pub arms: Vec<ArmUnits>,
    /// Units left out because they were seen in two variants.
    pub in_two_variants: u64,
    /// Units left out because they were first exposed outside the schedule.
    pub outside_schedule: u64,
    /// Units exposed to a variant that the experiment does not have.
    pub unknown_variant: u64,
    /// Units left out because an override of the experiment names them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overridden: u64,
    /// The first exposure of an analysed unit.
    pub first_exposure: Option<Timestamp>,
    /// The last first exposure of an analysed unit.
    pub last_exposure: Option<Timestamp>,
    /// Of a method with several looks: the look at which they were counted, where that is before the watermark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Timestamp>,
}

impl Units {
    /// Returns the analysed units of all arms.
    pub fn total(&self) -> u64 {
        self.arms.iter().map(|arm| arm.units).sum()
    }
}

/// The analysed units of an arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmUnits {
    /// The variant.
    pub variant: VariantKey,
    /// The share it should have.
    pub share: Share,
    /// How many units it has.
    pub units: u64,
}
