//! The difference between what a target serves and what it should.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Drawn, FORMAT, FlagState, Live, LiveContent, LiveFlag, LiveVersion, State};
use trialbook_model::{Digest, ExperimentKey, FlagKey, LargeChange, TargetKey};

/// What turns a target's live state into the desired one, bound to what it was made from.
///
/// Nothing here may be edited between making a plan and applying it: [`Plan::read`] refuses a plan whose
/// digests do not fit its content.
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
    /// How many flags of this book the target serves, for [`Plan::too_large`].
    pub owned: usize,
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
    /// What the target will serve.
    pub desired: Option<FlagState>,
    /// The experiments that this makes servable for the first time: applying it launches them.
    pub launches: Vec<ExperimentKey>,
    /// The running experiments of which this takes units out, or gives units another variant. It cannot be applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbs: Vec<ExperimentKey>,
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
    /// What gave it away, as a fragment.
    pub reason: String,
    /// From what the book wants to what is served, where the target's content can be read.
    pub changes: Vec<Change>,
    /// What the target serves, in its own form.
    pub raw: String,
}

/// A flag that the book wants and that the target has from somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Which flag.
    pub flag: FlagKey,
    /// The book that has it; `None`: nobody says.
    pub book: Option<String>,
}

/// What a plan may do beyond the ordinary.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Flags of somebody else that may be taken over.
    pub adopt: BTreeSet<FlagKey>,
    /// Put back what was changed by hand.
    pub revert_drift: bool,
    /// Whether the target is the primary one: only there does an apply launch experiments.
    pub primary: bool,
}

/// A plan that changes more of what is served than the book's policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plan changes or removes {changes} of {owned} flags, more than {} of them", .policy.share)]
pub struct TooLarge {
    /// How many served flags are changed or removed.
    pub changes: usize,
    /// How many flags of the book are served.
    pub owned: usize,
    /// What the book allows.
    pub policy: LargeChange,
}

impl Plan {
    /// Compares what a target serves with what it should.
    ///
    /// # Errors
    ///
    /// Only where a flag's value cannot be written as JSON.
    #[allow(clippy::too_many_arguments, reason = "each is one thing that the plan is bound to")]
    pub fn new(
        target: TargetKey,
        identity: String,
        book: String,
        commit: Option<String>,
        live: &Live,
        desired: &State,
        now: Timestamp,
        options: &Options,
    ) -> serde_json::Result<Self> {
        let mut plan = Self {
            version: FORMAT,
            target,
            identity,
            book,
            commit,
            made_at: now,
            base: live.version.clone(),
            actions: Vec::new(),
            unchanged: Vec::new(),
            drifted: Vec::new(),
            conflicts: Vec::new(),
            foreign: Vec::new(),
            owned: live.owned(),
        };
        for (key, wanted) in &desired.flags {
            plan.want(key, wanted, live.flags.get(key.as_str()), options)?;
        }
        for (key, flag) in &live.flags {
            match FlagKey::new(key) {
                Ok(typed) if desired.flags.contains_key(&typed) => {}
                typed => plan.do_not_want(key, typed.ok(), flag, options),
            }
        }
        plan.actions.sort_by(|a, b| a.flag.cmp(&b.flag));
        Ok(plan)
    }

    fn want(
        &mut self,
        key: &FlagKey,
        wanted: &FlagState,
        live: Option<&LiveFlag>,
        options: &Options,
    ) -> serde_json::Result<()> {
        let (kind, changes) = match live.map(|flag| &flag.content) {
            None => (ActionKind::Create, Change::creation(wanted)),
            Some(LiveContent::Ours(before)) if before.serves_as(wanted) => {
                self.unchanged.push(key.clone());
                return Ok(());
            }
            Some(LiveContent::Ours(before)) => {
                (ActionKind::Update, Change::between(before, wanted, self.made_at))
            }
            Some(LiveContent::Drifted { reason, state, raw, .. }) => {
                let by_hand = state.as_ref().map(|state| Change::between(wanted, state, self.made_at));
                self.drifted.push(Drift {
                    flag: key.to_string(),
                    reason: reason.clone(),
                    changes: by_hand.unwrap_or_default(),
                    raw: raw.clone(),
                });
                if !options.revert_drift {
                    return Ok(());
                }
                (ActionKind::Update, vec![Change::Reverted])
            }
            Some(LiveContent::Foreign { book }) if !options.adopt.contains(key) => {
                self.conflicts.push(Conflict { flag: key.clone(), book: book.clone() });
                return Ok(());
            }
            Some(LiveContent::Foreign { .. }) => {
                let changes = [Change::Adopted].into_iter().chain(Change::creation(wanted));
                (ActionKind::Adopt, changes.collect())
            }
        };
        let launches = live.and_then(|flag| flag.content.launches());
        let launch = |key: &ExperimentKey| launches.and_then(|launches| launches.get(key));
        let disturbs = wanted.experiments().filter(|will| {
            let was = live.and_then(|flag| flag.content.last_drawn(&will.key));
            let running = launch(&will.key).is_some_and(|launch| launch.start <= self.made_at);
            let drawn = Drawn::of(will, &wanted.unit);
            running && was.is_some_and(|was| was.is_disturbed_by(&drawn, self.made_at))
        });
        let disturbs = disturbs.map(|branch| branch.key.clone()).collect();
        let servable = wanted.experiments().map(|branch| branch.key.clone());
        self.actions.push(Action {
            flag: key.clone(),
            kind,
            live: live.map(|flag| flag.digest.clone()),
            digest: Some(wanted.digest()?),
            changes,
            desired: Some(wanted.clone()),
            launches: servable.filter(|key| options.primary && launch(key).is_none()).collect(),
            disturbs,
        });
        Ok(())
    }

    fn do_not_want(&mut self, key: &str, typed: Option<FlagKey>, live: &LiveFlag, options: &Options) {
        match (&live.content, typed) {
            (LiveContent::Foreign { .. }, _) | (_, None) => {
                self.foreign.push(key.to_owned());
                return;
            }
            (LiveContent::Ours(_), Some(_)) => {}
            (LiveContent::Drifted { reason, raw, .. }, Some(_)) => {
                self.drifted.push(Drift {
                    flag: key.to_owned(),
                    reason: reason.clone(),
                    changes: Vec::new(),
                    raw: raw.clone(),
                });
                if !options.revert_drift {
                    return;
                }
            }
        }
        let Ok(flag) = FlagKey::new(key) else { return };
        self.actions.push(Action {
            flag,
            kind: ActionKind::Archive,
            live: Some(live.digest.clone()),
            digest: None,
            changes: vec![Change::Archived],
            desired: None,
            launches: Vec::new(),
            disturbs: Vec::new(),
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

    /// Returns why the plan is larger than the policy allows; `None` where it is not.
    ///
    /// What counts are flags that are served now and would be changed or removed: a book's first apply only
    /// adds.
    pub fn too_large(&self, policy: LargeChange) -> Option<TooLarge> {
        let changes = self.count(ActionKind::Update) + self.count(ActionKind::Archive);
        let few = changes < policy.at_least as usize;
        let within = changes as f64 <= policy.share.fraction() * self.owned as f64;
        if few || within { None } else { Some(TooLarge { changes, owned: self.owned, policy }) }
    }

    /// Returns the digest of what the plan does, whoever made it, when, and from which commit.
    ///
    /// # Errors
    ///
    /// As [`Digest::of`].
    pub fn digest(&self) -> serde_json::Result<Digest> {
        let what: Vec<_> = self
            .actions
            .iter()
            .map(|action| (&action.flag, action.kind, &action.live, &action.digest))
            .collect();
        Digest::of(&(self.version, &self.target, &self.identity, &self.book, what))
    }
}
