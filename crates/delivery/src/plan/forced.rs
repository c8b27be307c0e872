//! Overrides of experiments: units that are served a variant without a draw.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audience::Audience;
use super::change::Change;
use super::{Branch, Condition, FlagState};
use trialbook_model::{ExperimentKey, SegmentKey, VariantKey};

/// Whom an override of an experiment serves what, as a target serves it: before the rules and without a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideBranch {
    /// Whose override it is.
    pub experiment: ExperimentKey,
    /// When it ends, in whole seconds.
    pub until: Timestamp,
    /// Who.
    pub who: OverrideUnits,
    /// The plain variant that they are served.
    pub serve: VariantKey,
}

/// Who is served a variant without a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideUnits {
    /// The units with these ids; never empty.
    Units(BTreeSet<String>),
    /// Whoever is in a segment.
    Segment {
        /// Its key, for people.
        key: SegmentKey,
        /// Who is in it.
        audience: Condition,
    },
}

/// An override as a plan shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverrideShown {
    /// Who.
    pub who: OverrideWho,
    /// What they are served.
    pub serve: VariantKey,
}

/// Who is served a variant without a draw, as a plan shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideWho {
    /// The ids of the units, in byte order.
    Units(Vec<String>),
    /// A segment.
    Segment {
        /// Its key.
        key: SegmentKey,
        /// Who is in it, shortened.
        audience: Box<Audience>,
    },
}

impl OverrideShown {
    fn of(branch: &OverrideBranch) -> Self {
        let who = match &branch.who {
            OverrideUnits::Units(units) => OverrideWho::Units(units.iter().cloned().collect()),
            OverrideUnits::Segment { key, audience } => {
                OverrideWho::Segment { key: key.clone(), audience: Box::new(Audience::new(audience)) }
            }
        };
        Self { who, serve: branch.serve.clone() }
    }
}

fn overrides(flag: &FlagState) -> impl Iterator<Item = &OverrideBranch> {
    flag.branches().iter().filter_map(|branch| match branch {
        Branch::Override(forced) => Some(forced),
        Branch::Rule { .. } | Branch::Experiment(_) | Branch::Rollout(_) | Branch::Holdout(_) => None,
    })
}

/// Returns, for each experiment whose overrides are others than before, what they will be.
pub(super) fn changes(before: Option<&FlagState>, after: &FlagState) -> Vec<Change> {
    let of = |flag: &FlagState, key: &ExperimentKey| -> Vec<OverrideShown> {
        overrides(flag).filter(|branch| branch.experiment == *key).map(OverrideShown::of).collect()
    };
    let both = before.into_iter().chain([after]);
    let experiments: BTreeSet<&ExperimentKey> =
        both.flat_map(overrides).map(|branch| &branch.experiment).collect();
    let change = |key: &ExperimentKey| {
        let from = before.map(|before| of(before, key)).unwrap_or_default();
        let to = of(after, key);
        (from != to).then(|| Change::Overrides { key: key.clone(), from, to })
    };
    experiments.into_iter().filter_map(change).collect()
}
