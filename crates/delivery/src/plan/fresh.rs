//! Applying a plan: is it still about what is there, and what is to be written?

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Applied, Approval, FlagState, Launch, Live, Plan};
use trialbook_model::{Digest, ExperimentKey, FlagKey, RolloutKey};

/// A plan that was made from something that is no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// What differs; never empty.
    pub reasons: Vec<StaleReason>,
}

/// One thing that differs from when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaleReason {
    /// The plan is for another store.
    Identity {
        /// What the plan is for.
        planned: String,
        /// What the target is.
        actual: String,
    },
    /// A flag that was to be created is there.
    Appeared(FlagKey),
    /// A flag that was to be changed or removed is gone.
    Vanished(FlagKey),
    /// A flag that was to be changed or removed is another.
    Changed(FlagKey),
    /// The book wants something else of a flag.
    Book(FlagKey),
    /// What is wanted of a flag depends on the time, and the time for it has passed.
    Passed(FlagKey),
    /// Planned again, something else does not come out: the file was edited, or made by another version of trialbook.
    Edited(PlanPart),
}

/// A part of a plan file, by the name of its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanPart {
    /// `version`
    Version,
    /// `target`
    Target,
    /// `book`
    Book,
    /// `made_at`
    MadeAt,
    /// `actions`
    Actions,
    /// `options`
    Options,
    /// `conflicts`
    Conflicts,
    /// `unchanged`
    Unchanged,
    /// `drifted`
    Drifted,
    /// `foreign`
    Foreign,
    /// `owned`
    Owned,
    /// `applied`
    Applied,
    /// `too_large`
    TooLarge,
    /// `frozen`
    Frozen,
}

/// What a target has to write.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// Flags to serve in this form, whether the target has them or not.
    pub put: BTreeMap<FlagKey, FlagState>,
    /// Flags to serve no longer.
    pub remove: BTreeSet<FlagKey>,
    /// What the apply writes down about itself.
    pub applied: Option<Applied>,
}

impl Changes {
    /// Tells whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty()
    }
}

/// What apply writes down about the experiments that it launches.
#[derive(Debug, Clone)]
pub struct LaunchInfo {
    /// When the apply happens.
    pub now: Timestamp,
    /// The book's commit.
    pub commit: Option<String>,
    /// The commit that is checked out, whether a file of the book was edited since or not.
    pub head: Option<String>,
    /// The digests of the pre-registrations.
    pub digests: BTreeMap<ExperimentKey, Digest>,
    /// The launches that git knows: a flag that the target has lost gets them back.
    pub recorded: BTreeMap<ExperimentKey, Launch>,
}

impl Plan {
    /// Returns what is to be written, launches and approvals among it: those that are live are kept, new ones are added,
    /// and each launch records what was last drawn.
    pub fn changes(&self, live: &Live, launch: &LaunchInfo) -> Changes {
        let mut changes = Changes::default();
        for action in &self.actions {
            let Some(desired) = &action.desired else {
                changes.remove.insert(action.flag.clone());
                continue;
            };
            let mut flag = desired.clone();
            let before = live.flags.get(action.flag.as_str());
            if let Some(before) = before {
                flag.launches = before.content.launches().cloned().unwrap_or_default();
                carry_over(&mut flag.approvals, before.content.approvals());
            }
            for approval in flag.approvals.values_mut().filter(|approval| approval.at.is_none()) {
                (approval.at, approval.commit) = (Some(launch.now), launch.commit.clone());
            }
            for branch in desired.experiments() {
                if let (false, Some(known)) =
                    (flag.launches.contains_key(&branch.key), launch.recorded.get(&branch.key))
                {
                    flag.launches.insert(branch.key.clone(), known.clone());
                }
            }
            for key in action.launches.iter().chain(&action.refrozen) {
                let start = desired
                    .experiments()
                    .find(|branch| branch.key == *key)
                    .map_or(launch.now, |branch| branch.window.start().max(launch.now));
                let new = Launch {
                    start,
                    commit: launch.commit.clone(),
                    digest: launch.digests.get(key).cloned(),
                    drawn: None,
                };
                flag.launches.insert(key.clone(), new);
            }
            for (key, recorded) in &mut flag.launches {
                let remembered = || launch.recorded.get(key).and_then(|recorded| recorded.drawn.clone());
                let last = || before.and_then(|flag| flag.content.last_drawn(key)).or_else(remembered);
                let stopped = || last().and_then(|drawn| drawn.stopped(launch.now));
                recorded.drawn = desired.draws(key).or_else(stopped);
            }
            changes.put.insert(action.flag.clone(), flag);
        }
        if !changes.is_empty() {
            changes.applied = Some(Applied { commit: launch.head.clone(), at: launch.now });
        }
        changes
    }
}

/// Keeps what is recorded wherever the plan has nothing else, with when and from which commit.
fn carry_over(
    planned: &mut BTreeMap<RolloutKey, Approval>,
    recorded: Option<&BTreeMap<RolloutKey, Approval>>,
) {
    for (key, approval) in recorded.into_iter().flatten() {
        let same = planned.get(key).is_none_or(|planned| planned.share == approval.share);
        if same {
            planned.insert(key.clone(), approval.clone());
        }
    }
}
