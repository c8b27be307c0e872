//! Since when files have been in the book, by git.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use trialbook_history::{HistoryError, Repository};
use trialbook_lint::check::{Arrival, History};

/// The history of a book's files, read where it is asked for.
pub(super) struct Since {
    /// `None` where the book is in no repository that can be read.
    repository: Option<Mutex<Repository>>,
    /// The files that the change under review adds, where one is: all others were there before it.
    added: Option<BTreeSet<String>>,
}

impl std::fmt::Debug for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Since").field("added", &self.added).finish_non_exhaustive()
    }
}

impl Since {
    /// Without a repository nothing is known: that is no error, since only the wording of a finding depends on it.
    pub(super) fn new(root: &Path, added: Option<BTreeSet<String>>) -> Self {
        let repository = Repository::of_book(root).ok().flatten().map(Mutex::new);
        Self { repository, added }
    }
}

impl History for Since {
    fn is_committed(&self, path: &str) -> Option<bool> {
        // Of a change under review the review knows more.
        if self.added.is_some() {
            return None;
        }
        let repository = self.repository.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        repository.is_committed(path).ok()
    }

    fn arrival(&self, path: &str) -> Arrival {
        if let Some(added) = &self.added {
            return if added.contains(path) { Arrival::New } else { Arrival::At(Timestamp::MIN) };
        }
        let Some(repository) = &self.repository else { return Arrival::Unknown };
        let repository = repository.lock().unwrap_or_else(PoisonError::into_inner);
        match repository.introduced(path).and_then(|commit| repository.time(&commit)) {
            Ok(time) => Arrival::At(time),
            Err(HistoryError::NotCommitted(_) | HistoryError::NoCommit) => Arrival::New,
            Err(_) => Arrival::Unknown,
        }
    }
}
