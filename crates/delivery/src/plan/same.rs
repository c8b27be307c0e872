//! Comparing a plan file with the plan that an apply makes itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Live, LiveContent, Plan, PlanPart, Stale, StaleReason};
use trialbook_model::FlagKey;

impl Plan {
    /// Checks that a plan is the one that is made again from the book, the target and the same options, as of the same
    /// instant.
    ///
    /// The commits may differ, because a squash merge changes them, and so may whatever follows from flags that the plan
    /// does not touch, where the target has another version by now.
    ///
    /// # Errors
    ///
    /// [`Stale`] with every flag in which the two differ, and why.
    pub fn check_same(&self, again: &Self, live: &Live) -> Result<(), Stale> {
        let mut reasons = Vec::new();
        if self.identity != again.identity {
            reasons.push(StaleReason::Identity {
                planned: self.identity.clone(),
                actual: again.identity.clone(),
            });
        }
        let (known, by_flag) = (self.by_flag(), again.by_flag());
        reasons.extend(self.actions.iter().filter_map(|action| differs(action, &by_flag, live)));
        let new = again.actions.iter().filter(|action| !known.contains_key(&action.flag));
        reasons.extend(new.map(|action| match live.flags.get(action.flag.as_str()) {
            // It was unchanged or in the way, and is to be changed by now.
            Some(_) if self.base != again.base => StaleReason::Changed(action.flag.clone()),
            None if self.base != again.base => StaleReason::Vanished(action.flag.clone()),
            _ => StaleReason::Book(action.flag.clone()),
        }));
        if reasons.is_empty() {
            reasons.extend(self.first_difference(again).map(StaleReason::Edited));
        }
        if reasons.is_empty() { Ok(()) } else { Err(Stale { reasons }) }
    }

    /// Checks that a plan does at one instant what another does at another.
    ///
    /// # Errors
    ///
    /// [`Stale`] with every flag of which the two want something else.
    pub fn check_does(&self, later: &Self) -> Result<(), Stale> {
        let does = |action: &Action| (action.kind, action.live.clone(), action.digest.clone());
        let (before, after) = (self.by_flag(), later.by_flag());
        let flags: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        let differs = |flag: &&FlagKey| {
            let does = |actions: &BTreeMap<&FlagKey, &Action>| actions.get(*flag).copied().map(does);
            does(&before) != does(&after)
        };
        let reasons: Vec<_> = flags.into_iter().filter(differs).cloned().map(StaleReason::Passed).collect();
        if reasons.is_empty() { Ok(()) } else { Err(Stale { reasons }) }
    }

    /// Tells whether a target serves what the plan wants already, so that only launches may be left to record.
    pub fn is_done(&self, live: &Live) -> bool {
        let done = |action: &Action| match (&action.digest, live.flags.get(action.flag.as_str())) {
            (None, None) => true,
            // What is only written down leaves what is served as it is: it is done when the flag is another.
            (Some(_), Some(flag)) if action.live.as_ref() == Some(&flag.digest) => false,
            (Some(planned), Some(flag)) => match &flag.content {
                LiveContent::Ours(state) => state.digest().is_ok_and(|digest| digest == *planned),
                LiveContent::Drifted { .. } | LiveContent::Foreign { .. } => false,
            },
            (None, Some(_)) | (Some(_), None) => false,
        };
        !self.actions.is_empty() && self.actions.iter().all(done)
    }

    fn by_flag(&self) -> BTreeMap<&FlagKey, &Action> {
        self.actions.iter().map(|action| (&action.flag, action)).collect()
    }

    /// Returns the first part that is another.
    fn first_difference(&self, again: &Self) -> Option<PlanPart> {
        let Self {
            version,
            target,
            identity: _,
            book,
            // A squash merge changes the commit, and with it how that stands to what is served.
            commit: _,
            rollback: _,
            uncommitted: _,
            made_at,
            base,
            actions,
            unchanged,
            drifted,
            conflicts,
            foreign,
            owned,
            options,
            applied,
            too_large,
            frozen,
        } = self;
        let always = [
            (PlanPart::Version, *version == again.version),
            (PlanPart::Target, *target == again.target),
            (PlanPart::Book, *book == again.book),
            (PlanPart::MadeAt, *made_at == again.made_at),
            (PlanPart::Actions, *actions == again.actions),
            (PlanPart::Options, *options == again.options),
            (PlanPart::Frozen, *frozen == again.frozen),
            (PlanPart::Conflicts, *conflicts == again.conflicts),
        ];
        let at_one_version = [
            (PlanPart::Unchanged, *unchanged == again.unchanged),
            (PlanPart::Drifted, *drifted == again.drifted),
            (PlanPart::Foreign, *foreign == again.foreign),
            (PlanPart::Owned, *owned == again.owned),
            (PlanPart::Applied, *applied == again.applied),
            (PlanPart::TooLarge, *too_large == again.too_large),
        ];
        let others = at_one_version.into_iter().filter(|_| *base == again.base);
        always.into_iter().chain(others).find(|(_, same)| !same).map(|(part, _)| part)
    }
}

/// Returns why an action is not the one that is planned again.
fn differs(action: &Action, again: &BTreeMap<&FlagKey, &Action>, live: &Live) -> Option<StaleReason> {
    let flag = action.flag.clone();
    match (&action.live, live.flags.get(flag.as_str())) {
        (None, Some(_)) => return Some(StaleReason::Appeared(flag)),
        (Some(_), None) => return Some(StaleReason::Vanished(flag)),
        (Some(planned), Some(found)) if *planned != found.digest => return Some(StaleReason::Changed(flag)),
        _ => {}
    }
    match again.get(&flag) {
        Some(other) if other.digest == action.digest => None,
        _ => Some(StaleReason::Book(flag)),
    }
}
