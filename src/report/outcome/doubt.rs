//! Why a record of a launch does not vouch for a plan, in words.

use trialbook_model::{ExperimentKey, LaunchDoubt};

/// Returns what disagrees or cannot be checked, as a fragment without a full stop.
pub(super) fn reason(doubts: &[LaunchDoubt], experiment: &ExperimentKey) -> String {
    doubts.iter().map(|doubt| one(doubt, experiment)).collect::<Vec<_>>().join("; ")
}

fn one(doubt: &LaunchDoubt, experiment: &ExperimentKey) -> String {
    match doubt {
        LaunchDoubt::NotCompared => "it was not compared with its launch".to_owned(),
        LaunchDoubt::NoRepository => "the book is not in a git repository".to_owned(),
        LaunchDoubt::NoDigest => "the plan has a value that cannot be digested".to_owned(),
        LaunchDoubt::RefUnreadable { cause } => {
            format!("the launch ref of {experiment} cannot be read: {cause}")
        }
        LaunchDoubt::NotRecorded => format!("no launch of {experiment} is recorded in this clone"),
        LaunchDoubt::OnlyInTarget => format!(
            "the target records that {experiment} was launched, and no launch is recorded in this clone"
        ),
        LaunchDoubt::OtherPlan { target, book } => format!(
            "the target records the launch of another plan (digest {}, the book's plan has {}), and no launch is recorded in \
             this clone",
            target.short(),
            book.short()
        ),
        LaunchDoubt::CommitMissing { commit } => {
            format!("the commit of its launch ({}) is not in this clone", short(commit))
        }
        LaunchDoubt::CommitUnreadable { commit, cause } => {
            format!("the commit of its launch ({}) cannot be read: {cause}", short(commit))
        }
        LaunchDoubt::NoExperiment { commit } => format!(
            "the launch ref names commit {}, and the book there has no valid experiment {experiment}",
            short(commit)
        ),
        LaunchDoubt::NotMerged { commit } => {
            format!("the launch ref names commit {}, which is not in the history of HEAD", short(commit))
        }
        LaunchDoubt::MergeUnknown { commit, cause } => {
            format!("cannot check whether the commit of its launch ({}) was merged: {cause}", short(commit))
        }
        LaunchDoubt::RefAndCommitDiffer { recorded, commit, committed } => format!(
            "the launch ref and its commit disagree: the ref has digest {}, the book at {} has {}",
            recorded.short(),
            short(commit),
            committed.short()
        ),
        LaunchDoubt::RefAndTargetDiffer { recorded, target } => format!(
            "the launch ref and the target disagree: the ref has digest {}, the target {}",
            recorded.short(),
            target.short()
        ),
        LaunchDoubt::CommitsDiffer { recorded, target } => format!(
            "the launch ref and the target disagree: the ref names commit {}, the target {}",
            short(recorded),
            short(target)
        ),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
