//! What a target serves, flag by flag.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Condition, Drawn, Enrolment, OverrideBranch, same};
use trialbook_model::{
    AttributeKey, Digest, EntityKey, ExperimentKey, FlagKey, HoldoutKey, RolloutKey, Salt, Schedule,
    ServedName, Share, Split, VariantKey,
};

/// What a target should serve: the flags of one book.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// By key.
    pub flags: BTreeMap<FlagKey, FlagState>,
}

/// What is served of one flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagState {
    /// The book that it belongs to.
    pub book: String,
    /// Who answers for it.
    pub owner: String,
    /// What its experiments randomise.
    pub entity: EntityKey,
    /// Where the context holds that entity's id.
    pub unit: Unit,
    /// What can be served: every plain variant, and every arm of the experiments in [`Serving`].
    pub entries: BTreeMap<ServedName, Value>,
    /// What is served where nothing else decides.
    pub default: VariantKey,
    /// Who else gets what.
    pub serving: Serving,
    /// When its experiments became servable. Written by apply, carried over by every later one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub launches: BTreeMap<ExperimentKey, Launch>,
    /// How far its guarded rollouts may go. Written by apply, carried over by every later one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<RolloutKey, Approval>,
}

/// Whether a flag decides anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serving {
    /// Everybody gets the default.
    Disabled,
    /// The first branch that matches decides.
    Enabled(Vec<Branch>),
}

/// One step of a flag's evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Branch {
    /// Who is named is served a variant without a draw; stands before everything else.
    Override(OverrideBranch),
    /// Who matches is served this variant.
    Rule {
        /// Who.
        when: Condition,
        /// What they are served.
        serve: VariantKey,
    },
    /// Who matches and is enrolled is served an arm.
    Experiment(ExperimentBranch),
    /// Who matches and has been reached is served a variant.
    Rollout(RolloutBranch),
    /// Who is held out is served the default as of the holdout's start.
    Holdout(HoldoutBranch),
}

/// An experiment as a target serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentBranch {
    /// Its key, the first half of its entries' names.
    pub key: ExperimentKey,
    /// When it is served, in whole seconds.
    pub window: Schedule,
    /// Who may be enrolled.
    pub audience: Condition,
    /// Who of them is.
    pub enrolment: Enrolment,
    /// Who is kept from it, the earliest holdout first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Exception>,
    /// The salt of the draw of purpose `variant`.
    pub salt: Salt,
    /// Who gets what.
    pub split: Split,
}

/// A rollout as a target serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutBranch {
    /// Its key.
    pub key: RolloutKey,
    /// From when on it is served, in whole seconds; it has no end.
    pub start: Timestamp,
    /// Whom it may reach.
    pub audience: Condition,
    /// Whom of them it has reached when: a draw of purpose `rollout`.
    pub enrolment: Enrolment,
    /// Who is kept from it, the earliest holdout first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Exception>,
    /// What they are served.
    pub serve: VariantKey,
}

/// The units of a holdout, and the default that they keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldoutBranch {
    /// Its key.
    pub key: HoldoutKey,
    /// While it lasts, in whole seconds.
    pub window: Schedule,
    /// Whom it has: a draw of purpose `holdout`, which does not grow.
    pub units: Enrolment,
    /// What they are served.
    pub serve: VariantKey,
}

/// The units that a holdout keeps from an experiment or a rollout which began while it lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The holdout.
    pub holdout: HoldoutKey,
    /// When it ends, in whole seconds: from then on they are served like everybody.
    pub until: Timestamp,
    /// Whom it has: a draw of purpose `holdout`, which does not grow.
    pub units: Enrolment,
}

/// Where the evaluation context holds a unit's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// The context's targeting key.
    TargetingKey,
    /// A context attribute.
    Attribute(AttributeKey),
}

/// When an experiment became servable, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The effective start: the later of the planned start and the first apply.
    pub start: Timestamp,
    /// The book's commit.
    pub commit: Option<String>,
    /// The digest of the pre-registration.
    pub digest: Option<Digest>,
    /// What was last drawn of it, until its window ends; nothing before an apply has written it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
}

/// How far a guarded rollout may go, and who approved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The largest share that may be served.
    pub share: Share,
    /// When that was approved; nothing before an apply has written it down.
    pub at: Option<Timestamp>,
    /// The book's commit.
    pub commit: Option<String>,
}

impl FlagState {
    /// Returns what is tried, in order.
    pub fn branches(&self) -> &[Branch] {
        match &self.serving {
            Serving::Disabled => &[],
            Serving::Enabled(branches) => branches,
        }
    }

    /// Returns the experiments that are served, in the order in which they are tried.
    pub fn experiments(&self) -> impl Iterator<Item = &ExperimentBranch> {
        self.branches().iter().filter_map(|branch| match branch {
            Branch::Experiment(experiment) => Some(experiment),
            Branch::Override(_) | Branch::Rule { .. } | Branch::Rollout(_) | Branch::Holdout(_) => None,
        })
    }

    /// Returns what is drawn of an experiment; `None` where it is not served.
    pub fn draws(&self, key: &ExperimentKey) -> Option<Drawn> {
        let branch = self.experiments().find(|branch| branch.key == *key)?;
        Some(Drawn::of(branch, &self.unit))
    }

    /// Returns the rollouts that are served, in the order in which they are tried.
    pub fn rollouts(&self) -> impl Iterator<Item = &RolloutBranch> {
        self.branches().iter().filter_map(|branch| match branch {
            Branch::Rollout(rollout) => Some(rollout),
            Branch::Override(_) | Branch::Rule { .. } | Branch::Experiment(_) | Branch::Holdout(_) => None,
        })
    }

    /// Tells whether both serve the same; what apply has written down beside it does not count.
    pub fn serves_as(&self, other: &Self) -> bool {
        let Self { book, owner, entity, unit, entries, default, serving, launches: _, approvals: _ } = self;
        // Numbers are the same however they are spelled: 50 is 50.0.
        let alike = entries.len() == other.entries.len()
            && entries.iter().all(|(name, value)| other.entries.get(name).is_some_and(|o| same(value, o)));
        alike
            && (book, owner, entity, unit, default, serving)
                == (&other.book, &other.owner, &other.entity, &other.unit, &other.default, &other.serving)
    }

    /// Returns the digest of what is served and of how far rollouts may go. Launches are left out, and when and from which
    /// commit something was approved.
    ///
    /// # Errors
    ///
    /// As [`Digest::of`]; never for a state that came out of [`super::desired`] or out of a target.
    pub fn digest(&self) -> serde_json::Result<Digest> {
        let mut bare = Self { launches: BTreeMap::new(), ..self.clone() };
        for approval in bare.approvals.values_mut() {
            (approval.at, approval.commit) = (None, None);
        }
        Digest::of(&bare)
    }
}
