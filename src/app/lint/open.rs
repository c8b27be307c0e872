//! A book that stays open, for an editor: its findings at every moment, at the cost of each edit.

use std::path::Path;

use jiff::Timestamp;

use trialbook_history::{ReadError, read_book, read_file};
use trialbook_language::load::RawFile;
use trialbook_lint::workspace::Workspace;

/// Reads a book and lints it, so that further edits cost what they concern. Its findings are those of [`lint`](super::lint) without
/// a repository: the workspace runs the same rules over the same parts.
///
/// # Errors
///
/// Where the book cannot be read.
pub fn open(root: &Path, now: Timestamp) -> Result<Workspace, ReadError> {
    Ok(Workspace::open(read_book(root)?, now))
}

/// Returns a file of a book as it is on disk and in git; `None` where there is none.
///
/// # Errors
///
/// Where it cannot be read: it is not taken for deleted.
pub fn saved(root: &Path, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(read_file(root, path)?.map(|RawFile { bytes, .. }| bytes))
}
