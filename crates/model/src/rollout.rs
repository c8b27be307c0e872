//! Rollouts: the stepped release of one variant, held by guardrails.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FlagKey, Guardrail, Predicate, RolloutKey, Salt, Schedule, Steps, VariantKey};

/// A stepped release of one variant of a flag. Who has the variant keeps it while their attributes still match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its key.
    pub key: RolloutKey,
    /// What it releases, in prose.
    pub description: Option<String>,
    /// Who answers for it; the flag's owner unless given.
    pub owner: String,
    /// The flag.
    pub flag: FlagKey,
    /// The variant that is released.
    pub serve: VariantKey,
    /// Who may be served it.
    pub audience: Predicate,
    /// When how many of them are.
    pub steps: Steps,
    /// Metrics that must not get worse; without any, every step is served when its time has come. With some, only the steps
    /// that were approved are.
    pub guardrails: Vec<Guardrail>,
    /// The salt of its draw, of purpose `rollout`; its key unless given.
    pub salt: Salt,
}

impl Rollout {
    /// Returns when it is served: from its first step on, without an end.
    pub fn serving_window(&self) -> Schedule {
        Schedule::since(self.steps.first_at())
    }

    /// Tells whether steps need an approval.
    pub fn is_guarded(&self) -> bool {
        !self.guardrails.is_empty()
    }

    /// Returns when everybody in the audience is served the variant; `None` where the last step is not all of them.
    pub fn complete_at(&self) -> Option<Timestamp> {
        (self.steps.largest() == super::Share::ALL).then(|| self.steps.last_at())
    }
}
