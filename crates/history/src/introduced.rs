//! The commit that introduced a file, followed through moves.

use std::path::Path;

use super::{Commit, HistoryError, Repository};

impl Repository {
    /// Tells whether the commit that is checked out holds a file of the book, given from the book's root.
    ///
    /// # Errors
    ///
    /// Where the commit cannot be read.
    pub fn is_committed(&self, path: &str) -> Result<bool, HistoryError> {
        let Some(head) = self.head()? else { return Ok(false) };
        let tree = self.git.find_commit(git2::Oid::from_str(head.as_str())?)?.tree()?;
        Ok(blob_at(&tree, &self.in_work_tree(path)).is_some())
    }

    /// Returns the commit that introduced a file of the book, followed through moves between folders.
    ///
    /// The path is relative to the book's root. One line of history is walked, so the cost is one tree
    /// lookup a commit.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotCommitted`], and [`HistoryError::Shallow`] where the walk ends at the edge of a
    /// shallow clone: what looks like the introduction may be only the last commit that was fetched.
    pub fn introduced(&self, path: &str) -> Result<Commit, HistoryError> {
        let not_committed = || HistoryError::NotCommitted(path.to_owned());
        let mut path = self.in_work_tree(path);
        let mut commit = match self.head()? {
            Some(head) => self.git.find_commit(git2::Oid::from_str(head.as_str())?)?,
            None => return Err(not_committed()),
        };
        let mut blob = blob_at(&commit.tree()?, &path).ok_or_else(not_committed)?;
        // Grafts and replaced objects can make a commit its own ancestor.
        let mut seen = std::collections::HashSet::new();
        loop {
            if !seen.insert(commit.id()) {
                return Err(HistoryError::Circle(Commit::of(commit.id()).short().to_owned()));
            }
            if commit.parent_count() == 0 {
                let id = Commit::of(commit.id());
                let at_the_edge = self.git.is_shallow() && self.is_shallow_edge(&id);
                return if at_the_edge { Err(HistoryError::Shallow(id.short().to_owned())) } else { Ok(id) };
            }
            let mut older = None;
            for parent in commit.parents() {
                if let Some(id) = blob_at(&parent.tree()?, &path) {
                    let unchanged = id == blob;
                    older = Some((parent, path.clone(), id));
                    if unchanged {
                        break;
                    }
                }
            }
            if older.is_none() {
                for parent in commit.parents() {
                    if let Some((old_path, id)) = self.moved_from(&parent, &commit, &path)? {
                        older = Some((parent, old_path, id));
                        break;
                    }
                }
            }
            match older {
                None => return Ok(Commit::of(commit.id())),
                Some(next) => (commit, path, blob) = next,
            }
        }
    }

    /// Returns where a file that `commit` added lay in `parent`: deleted there, under the same file name.
    fn moved_from(
        &self,
        parent: &git2::Commit<'_>,
        commit: &git2::Commit<'_>,
        path: &str,
    ) -> Result<Option<(String, git2::Oid)>, HistoryError> {
        let name = Path::new(path).file_name();
        let diff = self.git.diff_tree_to_tree(Some(&parent.tree()?), Some(&commit.tree()?), None)?;
        let deleted = diff.deltas().filter(|delta| delta.status() == git2::Delta::Deleted);
        let mut moved = deleted.filter_map(|delta| {
            let old = delta.old_file();
            let old_path = old.path()?;
            (old_path.file_name() == name).then(|| (old_path.to_string_lossy().into_owned(), old.id()))
        });
        Ok(moved.next())
    }

    /// Tells whether a commit's parents were left out of a shallow clone, by git's `shallow` file.
    pub(super) fn is_shallow_edge(&self, commit: &Commit) -> bool {
        let listed = std::fs::read_to_string(self.git.commondir().join("shallow")).unwrap_or_default();
        listed.lines().any(|line| line.trim() == commit.as_str())
    }
}

fn blob_at(tree: &git2::Tree<'_>, path: &str) -> Option<git2::Oid> {
    tree.get_path(Path::new(path)).ok().filter(|e| e.kind() == Some(git2::ObjectType::Blob)).map(|e| e.id())
}
