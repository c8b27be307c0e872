//! Whether the checked-out book descends from the commit that something was written from.

use super::{Commit, HistoryError, Repository};

/// How many commits are looked at for those that concern the book.
const WALKED: usize = 2_000;

/// How a commit stands to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descent {
    /// It has the other in its history, is it, or holds the same book.
    Descends,
    /// The other has it in its history.
    Older,
    /// Each has commits that the other has not.
    Diverged,
    /// The other is not in this clone, or the history between them is not.
    Unknown,
}

/// A commit and the first line of its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which.
    pub commit: Commit,
    /// The first line.
    pub text: String,
}

impl Repository {
    /// Returns how a commit stands to one that came before, or should have.
    pub fn descent(&self, commit: &Commit, from: &Commit) -> Result<Descent, HistoryError> {
        let Ok(from_id) = git2::Oid::from_str(from.as_str()) else { return Ok(Descent::Unknown) };
        if self.git.find_commit(from_id).is_err() {
            return Ok(Descent::Unknown);
        }
        if self.is_in(from, commit)? || self.book_tree(commit)? == self.book_tree(from)? {
            return Ok(Descent::Descends);
        }
        if self.is_in(commit, from)? {
            return Ok(Descent::Older);
        }
        Ok(if self.git.is_shallow() { Descent::Unknown } else { Descent::Diverged })
    }

    /// Returns the newest commits, at most so many, that change the book and that one commit has and another has not.
    pub fn commits_between(
        &self,
        older: &Commit,
        newer: &Commit,
        most: usize,
    ) -> Result<Vec<Subject>, HistoryError> {
        let id = |commit: &Commit| git2::Oid::from_str(commit.as_str());
        let mut walk = self.git.revwalk()?;
        walk.push(id(newer)?)?;
        walk.hide(id(older)?)?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
        let mut found = Vec::new();
        for oid in walk.take(WALKED) {
            let commit = Commit::of(oid?);
            let git = self.git.find_commit(id(&commit)?)?;
            let parent = git.parent_id(0).ok().map(Commit::of);
            let before = parent.map(|parent| self.book_tree(&parent)).transpose()?;
            if before != Some(self.book_tree(&commit)?) {
                let text = git.summary().ok().flatten().unwrap_or_default().to_owned();
                found.push(Subject { commit, text });
            }
            if found.len() == most {
                break;
            }
        }
        Ok(found)
    }

    /// Tells whether a commit is in this clone.
    pub(super) fn has(&self, commit: &Commit) -> bool {
        git2::Oid::from_str(commit.as_str()).is_ok_and(|id| self.git.find_commit(id).is_ok())
    }

    /// Returns HEAD and the newest commits in its history that change the book, at most so many.
    pub(super) fn book_commits(&self, most: usize) -> Result<Vec<Commit>, HistoryError> {
        let mut walk = self.git.revwalk()?;
        walk.push_head()?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
        let (mut found, mut trees) = (Vec::new(), std::collections::HashSet::new());
        for oid in walk.take(WALKED) {
            let commit = Commit::of(oid?);
            if trees.insert(self.book_tree(&commit)?) {
                found.push(commit);
            }
            if found.len() == most {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the id of the book's folder at a commit; `None` where it has none.
    fn book_tree(&self, commit: &Commit) -> Result<Option<git2::Oid>, HistoryError> {
        let tree = self.git.find_commit(git2::Oid::from_str(commit.as_str())?)?.tree()?;
        if self.prefix().is_empty() {
            return Ok(Some(tree.id()));
        }
        match tree.get_path(std::path::Path::new(self.prefix())) {
            Ok(entry) => Ok(Some(entry.id())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
