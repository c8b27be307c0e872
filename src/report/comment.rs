//! The words about comments on pull requests and their check runs, for whoever runs the command.

use crate::github::{CommentWrite, Commit, Kept};

/// Returns the name of the check run beside a commit's status.
pub fn check_name(context: &str) -> String {
    format!("{context}: findings")
}

/// Returns the summary of a check run that leaves out so many findings.
pub fn check_summary(left_out: usize) -> String {
    match left_out {
        0 => "Each finding is at its line.".to_owned(),
        more => {
            format!("{more} more findings are not shown at their lines: `trialbook lint` shows them all.")
        }
    }
}

/// Returns what was done to a comment.
pub fn written(kept: &Kept, number: u64) -> String {
    let what = match kept.written {
        CommentWrite::Created => "Wrote the comment",
        CommentWrite::Edited => "Edited the comment",
        CommentWrite::Unchanged => "The comment is up to date already",
        CommentWrite::Outrun => "A newer run has written the comment",
        CommentWrite::LeftDeleted => {
            "The comment was deleted, and there is nothing new since: nothing was written"
        }
        CommentWrite::NothingToReport => "There is nothing to report: nothing was written",
    };
    let page = if kept.url.is_some() { ":" } else { "." };
    format!("{what} on pull request #{number}{page}")
}

/// Returns what else happened while a comment was written.
pub fn beside(kept: &Kept) -> Vec<String> {
    let removed = match kept.removed {
        0 => None,
        1 => Some(
            "A comment of the same kind, which other runs wrote at the same time, was removed.".to_owned(),
        ),
        n => Some(format!(
            "{n} comments of the same kind, which other runs wrote at the same time, were removed."
        )),
    };
    let status = kept.without_status.as_ref();
    let status =
        status.map(|why| format!("The commit's status was not written ({why}): it needs `statuses: write`."));
    removed.into_iter().chain(status).collect()
}

/// Returns that a pull request has moved on, so that its review was not written.
pub fn superseded(number: u64, head: &Commit) -> String {
    format!("Pull request #{number} has a newer commit than {head}: nothing was written.")
}

/// Returns which pull request added an experiment's file; `commit` in short.
pub fn introduced(commit: &str, path: &str, number: u64) -> String {
    format!("Commit {commit} added `{path}` with pull request #{number}.")
}
