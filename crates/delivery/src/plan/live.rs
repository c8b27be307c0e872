//! What a target serves, by its own record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Approval, Drawn, FlagState, Launch, State};
use trialbook_model::{Digest, ExperimentKey, FlagKey, RolloutKey};

/// The version of everything that a target serves, as the target names it. A write names the one that it replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiveVersion {
    /// There is nothing yet: the file does not exist.
    Absent,
    /// An entity tag, or the digest of a file's bytes.
    Tag(String),
}

/// What a target serves at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The version that was read.
    pub version: LiveVersion,
    /// Every flag, whoever it belongs to. Keys that no book may use are among them, so they are plain text.
    pub flags: BTreeMap<String, LiveFlag>,
    /// What the last apply of this book wrote down about itself; `None` before the first.
    pub applied: Option<Applied>,
}

/// When a book was last applied, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The commit that was checked out; `None` outside git.
    pub commit: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A flag that a target serves.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveFlag {
    /// The digest of the flag as the target holds it; any change to it changes this.
    pub digest: Digest,
    /// Whose it is, and its content.
    pub content: LiveContent,
}

/// Whose a flag is, and its content.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveContent {
    /// As an apply of this book left it.
    Ours(FlagState),
    /// Written by an apply of this book and changed since by somebody else.
    Drifted {
        /// What gave it away.
        reason: DriftReason,
        /// Its content now, where that can still be read.
        state: Option<FlagState>,
        /// What applies wrote down about it: a flag whose content nobody can read any more keeps that.
        records: Records,
        /// Its content, in the target's own form.
        raw: String,
    },
    /// Not this book's: it is left alone until it is adopted.
    Foreign {
        /// The book that it belongs to, where it is of another book.
        book: Option<String>,
        /// Its content, in the target's own form.
        raw: String,
    },
}

/// What gave away that a flag is not as an apply left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftReason {
    /// Its seal does not fit its content.
    ChangedByHand,
    /// It has a form that this version of trialbook does not write.
    OtherVersion,
}

/// What applies write down about a flag beside what it serves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// The launches of its experiments.
    pub launches: BTreeMap<ExperimentKey, Launch>,
    /// How far its guarded rollouts may go.
    pub approvals: BTreeMap<RolloutKey, Approval>,
}

impl LiveContent {
    /// Returns the launches that are recorded with a flag of this book.
    pub fn launches(&self) -> Option<&BTreeMap<ExperimentKey, Launch>> {
        match self {
            Self::Ours(state) => Some(&state.launches),
            Self::Drifted { records, .. } => Some(&records.launches),
            Self::Foreign { .. } => None,
        }
    }

    /// Returns what an apply last drew of an experiment that is launched: as it is remembered, or else as it is served. What
    /// somebody changed by hand proves nothing about that.
    pub(super) fn last_drawn(&self, key: &ExperimentKey) -> Option<Drawn> {
        let remembered = self.launches()?.get(key)?.drawn.clone();
        let served = || match self {
            Self::Ours(state) => state.draws(key),
            Self::Drifted { .. } | Self::Foreign { .. } => None,
        };
        remembered.or_else(served)
    }

    /// Returns the approvals that are recorded with a flag of this book.
    pub fn approvals(&self) -> Option<&BTreeMap<RolloutKey, Approval>> {
        match self {
            Self::Ours(state) => Some(&state.approvals),
            Self::Drifted { records, .. } => Some(&records.approvals),
            Self::Foreign { .. } => None,
        }
    }
}

impl Live {
    /// Returns what this book's flags serve; those that drifted are left out.
    pub fn state(&self) -> State {
        let ours = self.flags.iter().filter_map(|(key, flag)| match &flag.content {
            LiveContent::Ours(state) => Some((FlagKey::new(key).ok()?, state.clone())),
            LiveContent::Drifted { .. } | LiveContent::Foreign { .. } => None,
        });
        State { flags: ours.collect() }
    }

    /// Returns how many flags are this book's, drifted ones included.
    pub fn owned(&self) -> usize {
        self.flags.values().filter(|flag| !matches!(flag.content, LiveContent::Foreign { .. })).count()
    }
}
