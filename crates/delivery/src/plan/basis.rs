//! What a plan is made from, and what somebody asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FlagState, Launch, Live, Rollback, State};
use trialbook_model::{
    Attribute, AttributeKey, ExperimentKey, FlagKey, Freeze, LargeChange, RolloutKey, TargetKey,
};

/// Everything that a plan is made from. The same basis gives the same plan.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// The target's key in the book.
    pub target: &'a TargetKey,
    /// What the target is, wherever the book is.
    pub identity: &'a str,
    /// The book's name.
    pub book: &'a str,
    /// The book's commit; `None` outside git, and where a file was edited since.
    pub commit: Option<&'a str>,
    /// What the target serves.
    pub live: &'a Live,
    /// What it should serve.
    pub desired: &'a State,
    /// When now is.
    pub now: Timestamp,
    /// Whether the target is the primary one: only there does an apply launch experiments.
    pub primary: bool,
    /// What was asked for.
    pub options: &'a Options,
    /// When a plan is too large; `None`: never.
    pub large_change: Option<LargeChange>,
    /// The periods in which nothing may start, and no share may grow.
    pub freezes: &'a [Freeze],
    /// The book's attributes, for the shares of audiences; none where they do not matter.
    pub attributes: Option<&'a BTreeMap<AttributeKey, Attribute>>,
    /// What git knows.
    pub past: &'a Past,
    /// Writes a flag in the target's own form.
    pub render: &'a dyn Fn(&FlagKey, &FlagState) -> Option<String>,
}

static NO_OPTIONS: Options =
    Options { adopt: BTreeSet::new(), revert_drift: Revert::Nothing, advance: BTreeSet::new() };
static NO_PAST: Past = Past {
    launches: BTreeMap::new(),
    unreadable: BTreeMap::new(),
    edited: BTreeSet::new(),
    state: None,
    rollback: None,
    uncommitted: false,
};

impl<'a> Basis<'a> {
    /// Returns the basis of a plan for a primary target of which nothing else is known.
    pub fn new(
        target: &'a TargetKey,
        identity: &'a str,
        book: &'a str,
        live: &'a Live,
        desired: &'a State,
        now: Timestamp,
    ) -> Self {
        Self {
            target,
            identity,
            book,
            commit: None,
            live,
            desired,
            now,
            primary: true,
            options: &NO_OPTIONS,
            large_change: None,
            freezes: &[],
            attributes: None,
            past: &NO_PAST,
            render: &|_, _| None,
        }
    }

    /// Returns the latest instant that is known to have passed: now, or the last apply where the clock is behind that.
    pub(super) fn passed(&self) -> Timestamp {
        self.live.applied.as_ref().map_or(self.now, |applied| applied.at.max(self.now))
    }
}

impl fmt::Debug for Basis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basis").field("target", &self.target).field("now", &self.now).finish_non_exhaustive()
    }
}

/// What somebody asked of a plan beyond the ordinary. It is part of the plan, so that an apply can plan again.
///
/// What overrides a refusal is not here: the apply itself is given that.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// Flags of somebody else that may be taken over.
    pub adopt: BTreeSet<FlagKey>,
    /// What is put back of what was changed by hand.
    pub revert_drift: Revert,
    /// Rollouts that take their next step.
    pub advance: BTreeSet<RolloutKey>,
}

/// What is put back of what was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revert {
    /// All stays as it is.
    #[default]
    Nothing,
    /// Every flag.
    All,
    /// These flags.
    Flags(BTreeSet<FlagKey>),
}

impl Revert {
    /// Tells whether a flag is put back.
    pub fn covers(&self, flag: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Flags(flags) => flags.contains(flag),
        }
    }
}

/// Why nobody can tell what an apply drew of a launched experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// The launch ref is not one that trialbook writes.
    Ref {
        /// Its full name.
        name: String,
    },
    /// The commit of its launch is not in this clone, or its book cannot be read.
    Commit {
        /// The commit's id.
        commit: String,
    },
    /// The book at the commit of its launch has another digest than the one that was recorded.
    Digest {
        /// The commit's id.
        commit: String,
    },
    /// The book at the commit of its launch does not serve it.
    NotServed,
}

/// What git knows about what the target served.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The launches of experiments by their refs, with what was drawn where the launch's commit could be read.
    pub launches: BTreeMap<ExperimentKey, Launch>,
    /// The launches that git has and nobody can read, with the reason.
    pub unreadable: BTreeMap<ExperimentKey, Unreadable>,
    /// The experiments whose plan is another than the recorded one.
    pub edited: BTreeSet<ExperimentKey>,
    /// What the book wanted served at the commit of the last apply; `None` where that was not needed or not found.
    pub state: Option<State>,
    /// What applying the book would undo; `None` where it descends from what is served.
    pub rollback: Option<Rollback>,
    /// Whether the book is in git and not committed.
    pub uncommitted: bool,
}
