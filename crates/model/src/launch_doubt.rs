//! Why a record of a launch does not vouch for a plan, as data.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Something that disagrees about a launch, or that keeps it from being checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LaunchDoubt {
    /// The plan was not compared with its launch.
    NotCompared,
    /// The book is not in a git repository.
    NoRepository,
    /// The plan has a value that cannot be digested.
    NoDigest,
    /// The launch's ref cannot be read.
    RefUnreadable {
        /// Why.
        cause: String,
    },
    /// No launch is recorded in this clone.
    NotRecorded,
    /// No launch is recorded in this clone, and the target records one without its commit or its digest.
    OnlyInTarget,
    /// No launch is recorded in this clone, and the target records one of another plan.
    OtherPlan {
        /// The digest that the target has.
        target: Digest,
        /// The digest of the book's plan.
        book: Digest,
    },
    /// The launch's commit is not in this clone.
    CommitMissing {
        /// The commit.
        commit: String,
    },
    /// The launch's commit cannot be read.
    CommitUnreadable {
        /// The commit.
        commit: String,
        /// Why.
        cause: String,
    },
    /// The book at the launch's commit has errors, or not this experiment.
    NoExperiment {
        /// The commit.
        commit: String,
    },
    /// The launch's commit is not in the history of HEAD.
    NotMerged {
        /// The commit.
        commit: String,
    },
    /// Whether the launch's commit was merged cannot be checked.
    MergeUnknown {
        /// The commit.
        commit: String,
        /// Why.
        cause: String,
    },
    /// The launch's ref and the book at its commit have different digests.
    RefAndCommitDiffer {
        /// The digest that the ref has.
        recorded: Digest,
        /// The commit.
        commit: String,
        /// The digest of the plan at that commit.
        committed: Digest,
    },
    /// The launch's ref and the target have different digests.
    RefAndTargetDiffer {
        /// The digest that the ref has.
        recorded: Digest,
        /// The digest that the target has.
        target: Digest,
    },
    /// The launch's ref and the target name different commits.
    CommitsDiffer {
        /// The commit that the ref names.
        recorded: String,
        /// What the target names.
        target: String,
    },
}

impl LaunchDoubt {
    /// Tells whether two records disagree about which plan was launched; otherwise something cannot be checked.
    pub const fn contradicts(&self) -> bool {
        matches!(
            self,
            Self::OtherPlan { .. } | Self::RefAndCommitDiffer { .. } | Self::RefAndTargetDiffer { .. }
        )
    }
}
