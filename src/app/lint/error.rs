//! Why a book could not be linted, as data.

use std::io;
use std::path::PathBuf;

use trialbook_history::HistoryError;

/// Why a book could not be linted. Its findings are no error.
#[derive(Debug)]
pub enum LintError {
    /// A path that was asked for is not there.
    NoPath {
        /// The path as it was given.
        path: PathBuf,
        /// What the file system answered.
        cause: io::Error,
    },
    /// A path that was asked for is not in the book.
    OutsideBook {
        /// The path as it was given.
        path: PathBuf,
        /// The book's folder.
        root: PathBuf,
    },
    /// The paths that were asked for hold no file of the book.
    NoFile,
    /// The book is not in a git repository, so there is nothing to merge with.
    NoRepository,
    /// Git could not be read.
    History(HistoryError),
    /// A suppression cannot give this reason, because of this.
    Reason(String),
    /// A comment has no place in its file: a bug.
    NoPlace,
}

impl From<HistoryError> for LintError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}
