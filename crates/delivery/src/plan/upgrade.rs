//! Who would be served something else if other evaluators read the same flags.
//!
//! Evaluators that hash alike draw alike. Where they do not, every draw of every flag is done anew at once: whoever was in an
//! experiment is in it by chance, and in the same variant by chance.

use jiff::Timestamp;
use serde::Serialize;

use super::{Branch, Live, LiveContent, Movement};
use trialbook_model::capability::HashProfile;
use trialbook_model::{Evaluator, ExperimentKey, FlagKey, HoldoutKey, RolloutKey};

/// Who would be served something else if one evaluator took the place of another, as of an instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Upgrade {
    /// What serves now.
    pub from: Evaluator,
    /// What would serve.
    pub to: Evaluator,
    /// Whose draws change.
    pub ids: Redrawn,
    /// What is served by a draw at the instant and would be drawn anew, by flag and in the order in which it is tried.
    pub moves: Vec<UpgradeMove>,
}

/// The ids that two evaluators draw differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redrawn {
    /// None: they hash alike.
    Nobody,
    /// Those that are not plain ASCII.
    NotAscii,
    /// All.
    Everybody,
}

/// A draw that other evaluators do anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpgradeMove {
    /// The flag.
    pub flag: FlagKey,
    /// What is drawn.
    pub of: DrawOf,
    /// The shares of its audience that move, on average; of the ids that are drawn anew.
    pub movement: Movement,
}

/// What a draw is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrawOf {
    /// An experiment.
    Experiment(ExperimentKey),
    /// A rollout.
    Rollout(RolloutKey),
    /// A holdout, where it keeps a former default.
    Holdout(HoldoutKey),
}

impl Upgrade {
    /// Returns what the flags of a book, as a target serves them, would serve otherwise at an instant.
    pub fn new(live: &Live, from: Evaluator, to: Evaluator, at: Timestamp) -> Self {
        let ids = Redrawn::between(from.hash_profile(), to.hash_profile());
        let mut moves = Vec::new();
        if ids != Redrawn::Nobody {
            for (key, flag) in &live.flags {
                let state = match &flag.content {
                    LiveContent::Ours(state) | LiveContent::Drifted { state: Some(state), .. } => state,
                    LiveContent::Drifted { state: None, .. } | LiveContent::Foreign { .. } => continue,
                };
                let Ok(flag) = FlagKey::new(key) else { continue };
                let drawn = state.branches().iter().filter_map(|branch| drawn(branch, at));
                let moved = drawn.filter(|(_, movement)| *movement != Movement::default());
                moves.extend(moved.map(|(of, movement)| UpgradeMove { flag: flag.clone(), of, movement }));
            }
        }
        Self { from, to, ids, moves }
    }
}

impl Redrawn {
    fn between(from: HashProfile, to: HashProfile) -> Self {
        use HashProfile::{Unleash, UnleashUtf16, Utf8, Utf16};
        match (from, to) {
            (from, to) if from == to => Self::Nobody,
            (Utf8, Utf16) | (Utf16, Utf8) | (Unleash, UnleashUtf16) | (UnleashUtf16, Unleash) => {
                Self::NotAscii
            }
            _ => Self::Everybody,
        }
    }
}

/// Returns what a branch draws at an instant, and whom another draw of it moves.
fn drawn(branch: &Branch, at: Timestamp) -> Option<(DrawOf, Movement)> {
    match branch {
        Branch::Experiment(experiment) => {
            let movement = Movement::of_experiment_redrawn(experiment, at);
            Some((DrawOf::Experiment(experiment.key.clone()), movement))
        }
        Branch::Rollout(rollout) => {
            Some((DrawOf::Rollout(rollout.key.clone()), Movement::of_rollout_redrawn(rollout, at)))
        }
        Branch::Holdout(holdout) => {
            Some((DrawOf::Holdout(holdout.key.clone()), Movement::of_holdout_redrawn(holdout, at)))
        }
        Branch::Override(_) | Branch::Rule { .. } => None,
    }
}
