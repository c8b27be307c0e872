//! Files that a branch once had: keys are never used again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Commit, HistoryError, Repository};
use trialbook_language::load;
use trialbook_model::Kind;

/// The most commits that are looked at.
const COMMITS: usize = 100_000;

/// What history knows of some names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The names that a file had, with the last commit that deleted it.
    pub by: BTreeMap<String, Commit>,
    /// Whether all of the history was looked at; not in a shallow clone, nor where it is too long.
    pub complete: bool,
}

impl Repository {
    /// Looks in the history of a commit for files of these names (`KEY.KIND`, the key as a flag's file gives it) that were deleted.
    ///
    /// One line of history is walked, the first parents: what a branch had in between and never brought is nobody's. Commits that
    /// leave the book's folder as it was cost a lookup each; a move is no deletion.
    ///
    /// # Errors
    ///
    /// Where git fails.
    pub fn deleted(&self, names: &BTreeSet<String>, from: &Commit) -> Result<Deleted, HistoryError> {
        let mut deleted = Deleted { by: BTreeMap::new(), complete: true };
        if names.is_empty() {
            return Ok(deleted);
        }
        let mut commit = self.git.find_commit(git2::Oid::from_str(from.as_str())?)?;
        for _ in 0..COMMITS {
            let Ok(parent) = commit.parent(0) else {
                deleted.complete = !(commit.parent_count() > 0 || self.git.is_shallow());
                return Ok(deleted);
            };
            if self.folder(&commit)?.map(|tree| tree.id()) != self.folder(&parent)?.map(|tree| tree.id()) {
                self.gone(&parent, &commit, names, &mut deleted.by)?;
            }
            if deleted.by.len() == names.len() {
                return Ok(deleted);
            }
            commit = parent;
        }
        deleted.complete = false;
        Ok(deleted)
    }

    /// Returns the book's folder at a commit.
    pub(super) fn folder<'a>(
        &'a self,
        commit: &git2::Commit<'a>,
    ) -> Result<Option<git2::Tree<'a>>, HistoryError> {
        let tree = commit.tree()?;
        if self.prefix().is_empty() {
            return Ok(Some(tree));
        }
        match tree.get_path(std::path::Path::new(self.prefix())) {
            Ok(entry) if entry.kind() == Some(git2::ObjectType::Tree) => {
                Ok(Some(self.git.find_tree(entry.id())?))
            }
            Ok(_) => Ok(None),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds the names that a commit took away from its parent, and did not put elsewhere.
    fn gone(
        &self,
        parent: &git2::Commit<'_>,
        commit: &git2::Commit<'_>,
        names: &BTreeSet<String>,
        by: &mut BTreeMap<String, Commit>,
    ) -> Result<(), HistoryError> {
        let (old, new) = (self.folder(parent)?, self.folder(commit)?);
        let diff = self.git.diff_tree_to_tree(old.as_ref(), new.as_ref(), None)?;
        let name = |file: git2::DiffFile<'_>| {
            let path = file.path()?.to_str()?;
            // Only a flag's file can give another key than its name.
            let (kind, _) = load::kind_and_key(path)?;
            let blob = (kind == Kind::Flag).then(|| self.git.find_blob(file.id()).ok()).flatten();
            let blob = blob.filter(|blob| blob.size() <= load::MAX_BYTES);
            blob.map_or_else(|| load::identity(path), |blob| load::identity_of(path, blob.content()))
        };
        let added: BTreeSet<String> = diff
            .deltas()
            .filter(|delta| delta.status() == git2::Delta::Added)
            .filter_map(|delta| name(delta.new_file()))
            .collect();
        for delta in diff.deltas().filter(|delta| delta.status() == git2::Delta::Deleted) {
            if let Some(name) = name(delta.old_file())
                && names.contains(&name)
                && !added.contains(&name)
            {
                by.entry(name).or_insert_with(|| Commit::of(commit.id()));
            }
        }
        Ok(())
    }
}
