//! How far guarded rollouts may go: what a target has recorded, and the next step.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{FlagState, Live, LiveContent};
use trialbook_model::allocation::Approvals;
use trialbook_model::{Book, Rollout, RolloutKey, Share, Step};

/// Why a rollout cannot take its next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdvanceError {
    /// The book has none of this key.
    Unknown(RolloutKey),
    /// It has no guardrails.
    Unguarded(RolloutKey),
    /// The target does not serve it yet: its launch approves the first step.
    NotLaunched(RolloutKey),
    /// Every step is approved.
    Complete(RolloutKey),
    /// Its time has not come.
    NotDue {
        /// Which rollout.
        rollout: RolloutKey,
        /// The share of the next step.
        share: Share,
        /// When it is due.
        at: Timestamp,
    },
}

impl Live {
    /// Returns how far the rollouts of this book were approved in the target.
    ///
    /// A rollout of which nothing is recorded, because it had no guardrails, has what it serves at this instant. Where two
    /// flags have a record, because it moved from one to the other, the larger share counts.
    pub fn approvals(&self, now: Timestamp) -> BTreeMap<RolloutKey, Share> {
        let mut approvals = BTreeMap::new();
        for (key, share) in self.flags.values().flat_map(|flag| recorded(&flag.content, now)) {
            let approved = approvals.entry(key).or_insert(share);
            *approved = share.max(*approved);
        }
        approvals
    }
}

/// What one flag records.
fn recorded(content: &LiveContent, now: Timestamp) -> BTreeMap<RolloutKey, Share> {
    let state = match content {
        LiveContent::Ours(state) | LiveContent::Drifted { state: Some(state), .. } => Some(state),
        LiveContent::Drifted { state: None, .. } | LiveContent::Foreign { .. } => None,
    };
    let served = state.into_iter().flat_map(FlagState::rollouts).filter(|rollout| rollout.start <= now);
    let served = served.map(|rollout| (rollout.key.clone(), rollout.enrolment.share_at(now)));
    // What is recorded comes last, and counts.
    let approvals = content.approvals().into_iter().flatten();
    served.chain(approvals.map(|(key, approval)| (key.clone(), approval.share))).collect()
}

/// Returns the rollouts that are served, with the step that is due and waits for somebody's approval, in byte order of
/// their keys.
pub fn held<'a>(
    book: &'a Book,
    approved: &BTreeMap<RolloutKey, Share>,
    now: Timestamp,
) -> Vec<(&'a Rollout, &'a Step)> {
    let limits = Approvals::Of(approved.clone());
    let guarded = book.rollouts.values().filter(|rollout| rollout.is_guarded());
    let served = guarded.filter(|rollout| approved.contains_key(&rollout.key));
    let next = served.filter_map(|rollout| Some((rollout, limits.next(rollout)?)));
    next.filter(|(_, step)| step.at <= now).collect()
}

/// Approves the next step of a rollout, where it is due; returns that step.
///
/// # Errors
///
/// [`AdvanceError`]: only one step at a time, and none before its time.
pub fn advance<'a>(
    book: &'a Book,
    approved: &mut BTreeMap<RolloutKey, Share>,
    key: &RolloutKey,
    now: Timestamp,
) -> Result<&'a Step, AdvanceError> {
    let rollout = book.rollouts.get(key).ok_or_else(|| AdvanceError::Unknown(key.clone()))?;
    if !rollout.is_guarded() {
        return Err(AdvanceError::Unguarded(key.clone()));
    }
    if !approved.contains_key(key) {
        return Err(AdvanceError::NotLaunched(key.clone()));
    }
    let step = Approvals::Of(approved.clone()).next(rollout);
    let step = step.ok_or_else(|| AdvanceError::Complete(key.clone()))?;
    if step.at > now {
        return Err(AdvanceError::NotDue { rollout: key.clone(), share: step.share, at: step.at });
    }
    approved.insert(key.clone(), step.share);
    Ok(step)
}
