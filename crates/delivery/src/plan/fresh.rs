//! Applying a plan: is it still about what is there, and what is to be written?

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Approval, FlagState, Launch, Live, Plan};
use trialbook_model::{Digest, ExperimentKey, FlagKey, RolloutKey};

/// A plan that was made from something that is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan is stale: {}", reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Stale {
    /// What differs; never empty.
    pub reasons: Vec<StaleReason>,
}

/// One thing that differs from when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaleReason {
    /// The plan is for another store.
    #[error("it was made for `{planned}`, and the target is `{actual}`")]
    Identity {
        /// What the plan is for.
        planned: String,
        /// What the target is.
        actual: String,
    },
    /// A flag that was to be created is there.
    #[error("`{0}` is served by now")]
    Appeared(FlagKey),
    /// A flag that was to be changed or removed is gone.
    #[error("`{0}` is no longer served")]
    Vanished(FlagKey),
    /// A flag that was to be changed or removed is another.
    #[error("`{0}` has changed in the target")]
    Changed(FlagKey),
}

/// What a target has to write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Flags to serve in this form, whether the target has them or not.
    pub put: BTreeMap<FlagKey, FlagState>,
    /// Flags to serve no longer.
    pub remove: BTreeSet<FlagKey>,
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
    /// The digests of the pre-registrations.
    pub digests: BTreeMap<ExperimentKey, Digest>,
}

impl Plan {
    /// Checks that every flag that the plan touches is as it was when the plan was made.
    ///
    /// Changes to flags that it does not touch do not matter.
    pub fn check_fresh(&self, identity: &str, live: &Live) -> Result<(), Stale> {
        let mut reasons = Vec::new();
        if self.identity != identity {
            reasons.push(StaleReason::Identity { planned: self.identity.clone(), actual: identity.into() });
        }
        for action in &self.actions {
            let flag = action.flag.clone();
            match (&action.live, live.flags.get(flag.as_str())) {
                (None, None) => {}
                (None, Some(_)) => reasons.push(StaleReason::Appeared(flag)),
                (Some(_), None) => reasons.push(StaleReason::Vanished(flag)),
                (Some(planned), Some(found)) if *planned != found.digest => {
                    reasons.push(StaleReason::Changed(flag));
                }
                (Some(_), Some(_)) => {}
            }
        }
        if reasons.is_empty() { Ok(()) } else { Err(Stale { reasons }) }
    }

    /// Returns what is to be written, launches and approvals among it: those that are live are kept, new ones are added,
    /// and each launch says what was last drawn.
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
            for key in &action.launches {
                let start = desired
                    .experiments()
                    .find(|branch| branch.key == *key)
                    .map_or(launch.now, |branch| branch.window.start().max(launch.now));
                flag.launches.entry(key.clone()).or_insert_with(|| Launch {
                    start,
                    commit: launch.commit.clone(),
                    digest: launch.digests.get(key).cloned(),
                    drawn: None,
                });
            }
            for (key, recorded) in &mut flag.launches {
                let last = || before.and_then(|flag| flag.content.last_drawn(key));
                let stopped = || last().and_then(|drawn| drawn.stopped(launch.now));
                recorded.drawn = desired.draws(key).or_else(stopped);
            }
            changes.put.insert(action.flag.clone(), flag);
        }
        changes
    }
}

/// Keeps what is recorded wherever the plan says nothing else, with when and from which commit.
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
