//! What changes about one flag, as data. How it is worded is up to whoever shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audience::{AudienceChange, RuleChange};
use super::{Differences, Excerpt, Movement, OverrideShown, Unit};
use trialbook_model::{EntityKey, ExperimentKey, HoldoutKey, RolloutKey, Schedule, Share, Split, VariantKey};

/// One thing that changes about a flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The flag was not served.
    Created {
        /// What everybody gets where nothing else decides.
        default: VariantKey,
        /// How many plain variants it has.
        variants: usize,
    },
    /// The flag was served, and somebody took it away: it comes back, with its launches.
    Restored,
    /// The flag will not be served: programs fall back to the default in their own code.
    Archived {
        /// What everybody got where nothing else decided; `None` where that cannot be read.
        default: Option<VariantKey>,
        /// The experiments that end with it.
        experiments: Vec<ExperimentKey>,
    },
    /// The flag belonged to somebody else, or to nobody.
    Adopted,
    /// What was changed by hand is put back.
    Reverted,
    /// The kill switch.
    Switched {
        /// Whether it is on from now.
        on: bool,
    },
    /// Another default.
    Default {
        /// What it was.
        from: VariantKey,
        /// What it will be.
        to: VariantKey,
    },
    /// A variant that was not there.
    VariantAdded {
        /// Which.
        variant: VariantKey,
        /// Its value.
        value: Excerpt,
    },
    /// A variant that will not be there.
    VariantRemoved {
        /// Which.
        variant: VariantKey,
        /// The value that it had.
        value: Excerpt,
    },
    /// A variant with another value.
    Value {
        /// Which.
        variant: VariantKey,
        /// Where the two values differ.
        differences: Differences,
    },
    /// Other rules, or another order of them.
    Rules {
        /// How many there were.
        from: usize,
        /// How many there will be.
        to: usize,
        /// Which of them are others, in their order; not all of many.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<RuleChange>,
        /// How many more are others.
        #[serde(default, skip_serializing_if = "is_zero")]
        more: usize,
    },
    /// Other overrides of an experiment: units that are served a variant without a draw.
    Overrides {
        /// Which experiment.
        key: ExperimentKey,
        /// What they were.
        from: Vec<OverrideShown>,
        /// What they will be, all of them.
        to: Vec<OverrideShown>,
    },
    /// The plan of an experiment that has not begun replaces the one that was recorded.
    PlanReplaced {
        /// Which experiment.
        key: ExperimentKey,
        /// When it begins, and its plan is frozen.
        start: Timestamp,
    },
    /// An experiment that was not served.
    ExperimentAdded {
        /// Which.
        key: ExperimentKey,
        /// When it is served.
        window: Schedule,
        /// The share of its audience that is enrolled at first.
        share: Share,
        /// When it is larger.
        grows: Vec<Growth>,
        /// Whether everybody is its audience.
        everyone: bool,
    },
    /// An experiment that will not be served.
    ExperimentRemoved {
        /// Which.
        key: ExperimentKey,
        /// How it stood when the plan was made.
        stage: Stage,
        /// Who leaves it: nobody where it had not begun or was over.
        movement: Movement,
    },
    /// Another serving window.
    Window {
        /// Which experiment.
        key: ExperimentKey,
        /// When it was to be served.
        from: Schedule,
        /// When it will be.
        to: Schedule,
    },
    /// Another audience.
    Audience {
        /// Which experiment.
        key: ExperimentKey,
        /// Who.
        audience: AudienceChange,
    },
    /// Another enrolment or split.
    Allocation {
        /// Which experiment.
        key: ExperimentKey,
        /// The share that was enrolled.
        from: Share,
        /// The share that will be.
        to: Share,
        /// The variants' shares, where they change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        split: Option<SplitChange>,
        /// Whether a salt changes: everybody is drawn anew.
        salted: bool,
        /// Who moves.
        movement: Movement,
    },
    /// Other steps of a ramp that ends at the same share.
    Ramp {
        /// Which experiment.
        key: ExperimentKey,
        /// The shares that were to be enrolled, the first from the beginning.
        from: Ramp,
        /// The shares that will be.
        to: Ramp,
        /// Who moves.
        movement: Movement,
    },
    /// A rollout that was not served.
    RolloutAdded {
        /// Which.
        key: RolloutKey,
        /// What it serves.
        serve: VariantKey,
        /// From when on.
        start: Timestamp,
        /// The share of its audience that it reaches at first.
        share: Share,
        /// When it reaches more.
        grows: Vec<Growth>,
        /// Whether everybody is its audience.
        everyone: bool,
    },
    /// A rollout that will not be served.
    RolloutRemoved {
        /// Which.
        key: RolloutKey,
        /// Who falls back to what comes after it: nobody where it had not begun.
        movement: Movement,
    },
    /// A rollout with other steps, another salt or another variant.
    Rollout {
        /// Which.
        key: RolloutKey,
        /// The shares that were to be served, the first from the beginning.
        from: Ramp,
        /// The shares that will be.
        to: Ramp,
        /// The variant, where it is another than before.
        serve: Option<VariantKey>,
        /// Who moves.
        movement: Movement,
    },
    /// A rollout with another audience.
    RolloutAudience {
        /// Which.
        key: RolloutKey,
        /// Who.
        audience: AudienceChange,
    },
    /// A holdout that keeps units from what the flag serves, or does so no longer, or otherwise.
    Holdout {
        /// Which.
        key: HoldoutKey,
        /// Whom it kept.
        from: Option<HeldOut>,
        /// Whom it will keep.
        to: Option<HeldOut>,
    },
    /// Other holdouts keep units from an experiment or a rollout.
    KeptOut {
        /// From which.
        of: Served,
        /// Who moves.
        movement: Movement,
    },
    /// Another unit of randomisation.
    Unit {
        /// What was randomised.
        from: Randomised,
        /// What will be.
        to: Randomised,
    },
    /// Another owner; nobody is served anything else.
    Owner {
        /// Who it was.
        from: String,
        /// Who it will be.
        to: String,
    },
}

/// From an instant on, a larger share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// From when on.
    pub at: Timestamp,
    /// The share of the audience.
    pub share: Share,
}

/// Whom a holdout has of a flag's units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The share of all units.
    pub share: Share,
    /// When it ends.
    pub until: Timestamp,
    /// What they are served in place of the default, where that has changed since the holdout began.
    pub serve: Option<VariantKey>,
}

/// What a flag serves by a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// An experiment.
    Experiment(ExperimentKey),
    /// A rollout.
    Rollout(RolloutKey),
}

/// How an experiment stands at an instant, by its serving window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It has not begun.
    Scheduled,
    /// It is served.
    Served,
    /// Its window has ended.
    Over,
}

/// The variants' shares before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitChange {
    /// The shares that were.
    pub from: Split,
    /// The shares that will be.
    pub to: Split,
}

/// The share that is in at first, and when it is larger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    /// From when on the first share is in.
    pub start: Timestamp,
    /// The first share of the audience.
    pub share: Share,
    /// When it is larger.
    pub grows: Vec<Growth>,
}

impl Ramp {
    /// Returns the largest share.
    pub fn largest(&self) -> Share {
        self.grows.last().map_or(self.share, |growth| growth.share)
    }
}

/// What an experiment randomises, and where the context holds its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Randomised {
    /// The entity.
    pub entity: EntityKey,
    /// Where its id is.
    pub unit: Unit,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
