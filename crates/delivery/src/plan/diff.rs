//! The difference between what a target serves and what it should.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Applied, Basis, Change, Differences, Drawn, DriftReason, FORMAT, FlagState, Launch, LiveContent,
    LiveFlag, LiveVersion, Moves, Options, Rollback, TooLarge, Unreadable,
};
use trialbook_model::{Digest, ExperimentKey, FlagKey, Freeze, TargetKey};

/// What turns a target's live state into the desired one, bound to what it was made from.
///
/// Nothing here may be edited between making a plan and applying it: [`Plan::read`] refuses a plan whose digest does not
/// fit its content, and an apply plans again and compares. What an apply does and refuses follows from the plan that it
/// made itself, never from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The format of the plan file, [`FORMAT`].
    pub version: u32,
    /// The target's key in the book.
    pub target: TargetKey,
    /// What the target is, wherever the book is: a plan for one store is not one for another.
    pub identity: String,
    /// The book's name.
    pub book: String,
    /// The book's commit. For people only: a squash merge changes it.
    pub commit: Option<String>,
    /// When the plan was made, and as of when: serving windows that had ended by then are left out.
    pub made_at: Timestamp,
    /// The live version that was read. A touched flag decides whether the plan is stale, not this.
    pub base: LiveVersion,
    /// What is to be done, by key. Empty: nothing.
    pub actions: Vec<Action>,
    /// Flags that the target serves as it should.
    pub unchanged: Vec<FlagKey>,
    /// Flags of this book that somebody changed in the target. They stay so, unless reverted.
    pub drifted: Vec<Drift>,
    /// Flags that the book wants and somebody else has. The plan cannot be applied while there are any.
    pub conflicts: Vec<Conflict>,
    /// Flags that are not this book's. They are left alone.
    pub foreign: Vec<String>,
    /// How many flags of this book the target serves.
    pub owned: usize,
    /// What was asked for; planned again with the same, the same plan comes out.
    pub options: Options,
    /// What the target records about the last apply of this book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// What this undoes, where the book does not descend from what is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Why this is more than the policy allows at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_large: Option<TooLarge>,
    /// The freeze in which this would start something, or let a share grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Freeze>,
    /// Whether the book is in git and not committed: nothing can be launched from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncommitted: bool,
}

/// What happens to one flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Which flag.
    pub flag: FlagKey,
    /// What happens.
    pub kind: ActionKind,
    /// The digest of what the target holds now; `None`: it must not have the flag.
    pub live: Option<Digest>,
    /// The digest of [`Action::desired`]; `None`: the flag goes.
    pub digest: Option<Digest>,
    /// What changes, most telling first.
    pub changes: Vec<Change>,
    /// Who is served another variant: now, and when the first of what is new begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Moves>,
    /// What the target will serve.
    pub desired: Option<FlagState>,
    /// The experiments that this makes servable for the first time: applying it launches them.
    pub launches: Vec<ExperimentKey>,
    /// The experiments that were launched and have not begun, and whose recorded plan this replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refrozen: Vec<ExperimentKey>,
    /// The running experiments of which this takes units out, or gives units another variant. It cannot be applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbs: Vec<ExperimentKey>,
    /// The experiments that were launched and of which nobody can tell what was drawn. It cannot be applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unverified: Vec<Unverified>,
    /// What it replaces of somebody else's flag, field by field.
    #[serde(default, skip_serializing_if = "Differences::is_empty")]
    pub replaces: Differences,
}

/// An experiment that was launched, and of which nobody can tell what was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unverified {
    /// Which.
    pub experiment: ExperimentKey,
    /// Why.
    pub reason: Unreadable,
}

/// What happens to a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// It is not served yet.
    Create,
    /// It is served otherwise.
    Update,
    /// It is somebody else's and is taken over.
    Adopt,
    /// It will not be served.
    Archive,
}

/// A flag of this book that was changed in the target behind the book's back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Which flag.
    pub flag: String,
    /// What gave it away.
    pub reason: DriftReason,
    /// From what the book wants to what is served, where the target's content can be read.
    pub changes: Vec<Change>,
    /// What the target serves, in its own form.
    pub raw: String,
    /// From what was applied to what is served, field by field.
    #[serde(default, skip_serializing_if = "Differences::is_empty")]
    pub differences: Differences,
}

/// A flag that the book wants and that the target has from somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Which flag.
    pub flag: FlagKey,
    /// The book that has it; `None`: unknown.
    pub book: Option<String>,
}

impl Plan {
    /// Compares what a target serves with what it should.
    ///
    /// # Errors
    ///
    /// Only where a flag's value cannot be written as JSON.
    pub fn new(basis: &Basis<'_>) -> serde_json::Result<Self> {
        let live = basis.live;
        let mut plan = Self {
            version: FORMAT,
            target: basis.target.clone(),
            identity: basis.identity.to_owned(),
            book: basis.book.to_owned(),
            commit: basis.commit.map(str::to_owned),
            made_at: basis.now,
            base: live.version.clone(),
            actions: Vec::new(),
            unchanged: Vec::new(),
            drifted: Vec::new(),
            conflicts: Vec::new(),
            foreign: Vec::new(),
            owned: live.owned(),
            options: basis.options.clone(),
            applied: live.applied.clone(),
            rollback: basis.past.rollback.clone(),
            too_large: None,
            frozen: None,
            uncommitted: basis.past.uncommitted,
        };
        for (key, wanted) in &basis.desired.flags {
            plan.want(key, wanted, live.flags.get(key.as_str()), basis)?;
        }
        for (key, flag) in &live.flags {
            match FlagKey::new(key) {
                Ok(typed) if basis.desired.flags.contains_key(&typed) => {}
                typed => plan.do_not_want(key, typed.ok(), flag, basis),
            }
        }
        plan.actions.sort_by(|a, b| a.flag.cmp(&b.flag));
        let freeze = basis.freezes.iter().find(|freeze| freeze.from <= basis.now && basis.now < freeze.until);
        plan.frozen = freeze.filter(|freeze| plan.starts_before(freeze.until)).cloned();
        plan.too_large = basis.large_change.and_then(|policy| plan.larger_than(policy));
        let by_hand = plan.drifted.iter_mut().flat_map(|drift| &mut drift.changes);
        let changes = plan.actions.iter_mut().flat_map(|action| &mut action.changes).chain(by_hand);
        changes.for_each(|change| change.measure(basis.attributes));
        Ok(plan)
    }

    fn want(
        &mut self,
        key: &FlagKey,
        wanted: &FlagState,
        live: Option<&LiveFlag>,
        basis: &Basis<'_>,
    ) -> serde_json::Result<()> {
        let of = Experiments { live: live.map(|flag| &flag.content), key, wanted, basis };
        let refrozen = of.refrozen();
        let mut replaces = Differences::default();
        let mut moves = Vec::new();
        let moved = |before: &FlagState| Moves::between(before, wanted, basis.now, basis.attributes);
        let (kind, mut changes) = match live.map(|flag| &flag.content) {
            None if of.was_served() => {
                let changes = [Change::Restored].into_iter().chain(Change::creation(wanted));
                (ActionKind::Create, changes.collect())
            }
            None => (ActionKind::Create, Change::creation(wanted)),
            Some(LiveContent::Ours(before)) if before.serves_as(wanted) && refrozen.is_empty() => {
                self.unchanged.push(key.clone());
                return Ok(());
            }
            Some(LiveContent::Ours(before)) => {
                moves = moved(before);
                (ActionKind::Update, Change::between(before, wanted, self.made_at))
            }
            Some(LiveContent::Drifted { state, .. }) => {
                let by_hand = state.as_ref().map(|state| Change::between(wanted, state, self.made_at));
                self.drift(key.as_str(), live, Some(wanted), by_hand.unwrap_or_default(), basis);
                if !basis.options.revert_drift.covers(key.as_str()) {
                    return Ok(());
                }
                let mut changes = vec![Change::Reverted];
                if let Some(state) = state {
                    moves = moved(state);
                    changes.extend(Change::between(state, wanted, self.made_at));
                }
                (ActionKind::Update, changes)
            }
            Some(LiveContent::Foreign { book, .. }) if !basis.options.adopt.contains(key) => {
                self.conflicts.push(Conflict { flag: key.clone(), book: book.clone() });
                return Ok(());
            }
            Some(LiveContent::Foreign { raw, .. }) => {
                let rendered = (basis.render)(key, wanted);
                replaces = rendered.map(|text| Differences::between(raw, &text)).unwrap_or_default();
                let changes = [Change::Adopted].into_iter().chain(Change::creation(wanted));
                (ActionKind::Adopt, changes.collect())
            }
        };
        changes.extend(
            refrozen
                .iter()
                .map(|(experiment, start)| Change::PlanReplaced { key: experiment.clone(), start: *start }),
        );
        let (disturbs, unverified) = of.disturbed();
        self.actions.push(Action {
            flag: key.clone(),
            kind,
            live: live.map(|flag| flag.digest.clone()),
            digest: Some(wanted.digest()?),
            changes,
            moves,
            desired: Some(wanted.clone()),
            launches: of.launched(),
            refrozen: refrozen.into_iter().map(|(experiment, _)| experiment).collect(),
            disturbs,
            unverified,
            replaces,
        });
        Ok(())
    }

    /// Notes that a flag was changed by hand, and what of it.
    fn drift(
        &mut self,
        key: &str,
        live: Option<&LiveFlag>,
        wanted: Option<&FlagState>,
        changes: Vec<Change>,
        basis: &Basis<'_>,
    ) {
        let Some(LiveContent::Drifted { reason, raw, .. }) = live.map(|flag| &flag.content) else { return };
        let typed = FlagKey::new(key).ok();
        // What was applied tells best; without it, what the book wants now stands for it.
        let applied = basis.past.state.as_ref().zip(typed.as_ref());
        let applied = applied.and_then(|(state, key)| state.flags.get(key)).or(wanted);
        let rendered = typed.as_ref().zip(applied).and_then(|(key, flag)| (basis.render)(key, flag));
        self.drifted.push(Drift {
            flag: key.to_owned(),
            reason: *reason,
            changes,
            differences: rendered.map(|text| Differences::between(&text, raw)).unwrap_or_default(),
            raw: raw.clone(),
        });
    }

    fn do_not_want(&mut self, key: &str, typed: Option<FlagKey>, live: &LiveFlag, basis: &Basis<'_>) {
        let Some(flag) = typed else {
            self.foreign.push(key.to_owned());
            return;
        };
        let before = match &live.content {
            LiveContent::Foreign { .. } => {
                self.foreign.push(key.to_owned());
                return;
            }
            LiveContent::Ours(state) => Some(state),
            LiveContent::Drifted { state, .. } => {
                self.drift(key, Some(live), None, Vec::new(), basis);
                if !basis.options.revert_drift.covers(key) {
                    return;
                }
                state.as_ref()
            }
        };
        self.actions.push(Action {
            flag,
            kind: ActionKind::Archive,
            live: Some(live.digest.clone()),
            digest: None,
            changes: vec![Change::archival(before)],
            moves: Vec::new(),
            desired: None,
            launches: Vec::new(),
            refrozen: Vec::new(),
            disturbs: Vec::new(),
            unverified: Vec::new(),
            replaces: Differences::default(),
        });
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Returns how many actions are of a kind.
    pub fn count(&self, kind: ActionKind) -> usize {
        self.actions.iter().filter(|action| action.kind == kind).count()
    }
}

/// The experiments of one flag: which of them ran, by the target or by git.
struct Experiments<'a> {
    live: Option<&'a LiveContent>,
    key: &'a FlagKey,
    wanted: &'a FlagState,
    basis: &'a Basis<'a>,
}

impl Experiments<'_> {
    /// Returns what is recorded of a launch: in the target, or else in git, where it stays when a flag or a whole file is
    /// lost.
    fn launch(&self, experiment: &ExperimentKey) -> Option<&Launch> {
        let live = self.live.and_then(LiveContent::launches).and_then(|launches| launches.get(experiment));
        live.or_else(|| self.basis.past.launches.get(experiment))
    }

    /// Tells whether git has something of a launch that neither the target nor a readable ref has.
    fn is_unreadable(&self, experiment: &ExperimentKey) -> bool {
        self.launch(experiment).is_none() && self.basis.past.unreadable.contains_key(experiment)
    }

    /// Tells whether a flag that the target does not have was served by it.
    fn was_served(&self) -> bool {
        let applied = self.basis.past.state.as_ref();
        applied.is_some_and(|state| state.flags.contains_key(self.key))
            || self.wanted.experiments().any(|branch| self.launch(&branch.key).is_some())
    }

    /// Returns what an apply last drew of a launched experiment.
    fn last_drawn(&self, experiment: &ExperimentKey) -> Option<Drawn> {
        let applied = || self.basis.past.state.as_ref()?.flags.get(self.key)?.draws(experiment);
        let launched = || self.basis.past.launches.get(experiment)?.drawn.clone();
        self.live.and_then(|live| live.last_drawn(experiment)).or_else(applied).or_else(launched)
    }

    fn launched(&self) -> Vec<ExperimentKey> {
        let servable = self.wanted.experiments().map(|branch| &branch.key);
        let new = servable
            .filter(|key| self.basis.primary && self.launch(key).is_none() && !self.is_unreadable(key));
        new.cloned().collect()
    }

    /// Returns the experiments that have not begun and whose plan was edited since it was recorded, with their new starts.
    fn refrozen(&self) -> Vec<(ExperimentKey, Timestamp)> {
        let edited = self.wanted.experiments().filter(|branch| {
            self.basis.primary
                && self.basis.past.edited.contains(&branch.key)
                && self.launch(&branch.key).is_some_and(|launch| launch.start > self.basis.passed())
        });
        edited.map(|branch| (branch.key.clone(), branch.window.start().max(self.basis.now))).collect()
    }

    /// Returns the running experiments that would lose units or give them other variants, and those of which this is not
    /// known.
    fn disturbed(&self) -> (Vec<ExperimentKey>, Vec<Unverified>) {
        let passed = self.basis.passed();
        let (mut disturbs, mut unverified) = (Vec::new(), Vec::new());
        for will in self.wanted.experiments() {
            let key = &will.key;
            if self.is_unreadable(key) {
                let reason = self.basis.past.unreadable.get(key).cloned();
                unverified.extend(reason.map(|reason| Unverified { experiment: key.clone(), reason }));
                continue;
            }
            if self.launch(key).is_none_or(|launch| launch.start > passed) {
                continue;
            }
            let in_target = self.live.and_then(LiveContent::launches);
            let in_target = in_target.is_some_and(|launches| launches.contains_key(key));
            match self.last_drawn(key) {
                Some(was) if was.is_disturbed_by(&Drawn::of(will, &self.wanted.unit), passed) => {
                    disturbs.push(key.clone());
                }
                Some(_) => {}
                // A launch that the target has without a draw stood still until its window ended.
                None if in_target => {}
                None => {
                    let reason = Unreadable::NotServed;
                    unverified.push(Unverified { experiment: key.clone(), reason });
                }
            }
        }
        (disturbs, unverified)
    }
}
