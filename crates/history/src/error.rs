//! Why history could not be read or written.

use std::path::PathBuf;

use trialbook_language::load::{Limits, MAX_BYTES};

/// Why history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The repository belongs to another user.
    #[error("git refuses to open `{0}`, which belongs to another user")]
    ForeignOwner(PathBuf),
    /// The history that is needed was not fetched.
    #[error("the clone is shallow: the history before {0} was not fetched")]
    Shallow(String),
    /// A partial clone left out what a file holds.
    #[error("the clone is partial: what `{0}` held was not fetched")]
    NotFetched(String),
    /// No branch, tag or commit of this name.
    #[error("there is no revision `{0}` in this clone")]
    UnknownRevision(String),
    /// Two commits without a common ancestor.
    #[error("HEAD and `{0}` have no commit in common")]
    Unrelated(String),
    /// HEAD is a branch without commits.
    #[error("the repository has no commit yet")]
    NoCommit,
    /// Objects are named by SHA-256.
    #[error("the repository names its objects by SHA-256, which this version cannot read")]
    Sha256,
    /// The path was never committed.
    #[error("`{0}` is not in the history of HEAD")]
    NotCommitted(String),
    /// Not the id of a commit.
    #[error("`{0}` is not a commit's full id")]
    NotACommit(String),
    /// The book is not inside the repository's work tree.
    #[error("the book's folder is not in the work tree of its repository")]
    OutsideWorkTree,
    /// A folder that is deeper, or holds more, than any book.
    #[error("the folders of the book at a commit are too deep or hold too much")]
    TooLarge,
    /// A commit that is its own ancestor.
    #[error("the history forms a circle: {0} is its own ancestor")]
    Circle(String),
    /// A file is larger than any file of a book may be.
    #[error("`{path}` has {bytes} bytes in git, and a file of a book has at most {MAX_BYTES}")]
    FileTooLarge {
        /// Which, from the root of the repository or of the book.
        path: String,
        /// Its size.
        bytes: usize,
    },
    /// The files of a commit are more than a book may be.
    #[error("the book at {commit} has more than {} MB in files", Limits::default().bytes >> 20)]
    BookTooLarge {
        /// The commit.
        commit: String,
    },
    /// Another process writes the same ref, or was killed while it did.
    #[error("git holds the lock `{0}`")]
    Locked(PathBuf),
    /// A branch that was to be new is there.
    #[error("there is a branch `{0}` already")]
    BranchExists(String),
    /// Any other error of git.
    #[error("git could not do it")]
    Git(#[from] git2::Error),
}

impl miette::Diagnostic for HistoryError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help: String = match self {
            Self::ForeignOwner(path) => {
                format!("run `git config --global --add safe.directory {}`", path.display())
            }
            Self::Shallow(_) => {
                "fetch it with `git fetch --unshallow`, or check out with `fetch-depth: 0`".into()
            }
            Self::NotFetched(_) => {
                "fetch it with `git fetch --refetch --no-filter origin`, or check out without a filter".into()
            }
            Self::UnknownRevision(revision) => match revision.split_once('/') {
                Some((remote @ ("origin" | "upstream"), branch)) => {
                    format!("fetch it with `git fetch {remote} {branch}:refs/remotes/{remote}/{branch}`")
                }
                _ => "`git branch --all` lists the branches; a remote one is named `origin/BRANCH`".into(),
            },
            Self::Unrelated(_) => "name the branch that this one will be merged into".into(),
            Self::NoCommit => "commit the book first".into(),
            Self::Sha256 => "lint without `--against`, or convert the repository to SHA-1".into(),
            Self::NotCommitted(_) => "commit the file first".into(),
            Self::Circle(_) => "look for `.git/info/grafts` and `git replace --list`".into(),
            Self::FileTooLarge { .. } | Self::BookTooLarge { .. } => {
                "move data out of the book's folder: its files are written by people".into()
            }
            Self::Locked(lock) => format!(
                "wait for the other git process; if none runs, one was killed: remove `{}`, and run it again",
                lock.display()
            ),
            Self::BranchExists(branch) => {
                format!(
                    "look at it with `git log {branch}`; if nobody needs it, `git branch -D {branch}` deletes it"
                )
            }
            Self::TooLarge | Self::NotACommit(_) | Self::OutsideWorkTree | Self::Git(_) => return None,
        };
        Some(Box::new(help))
    }
}
