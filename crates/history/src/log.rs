//! The commits of the main line that changed the book, and what each touched.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use super::repository::{is_yaml, shown_name};
use super::{Commit, HistoryError, Repository};

/// A commit as a person knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Described {
    /// Its id.
    #[serde(rename = "commit", serialize_with = "as_text")]
    pub commit: Commit,
    /// When it was made, by its committer's clock.
    pub at: Timestamp,
    /// Who wrote it, as one short line: anybody can set any name.
    pub author: String,
    /// The first line of its message, as it stands.
    pub subject: String,
    /// The pull request that the first line names, as GitHub's merges and squashes do.
    pub pull_request: Option<u64>,
}

fn as_text<S: serde::Serializer>(commit: &Commit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(commit.as_str())
}

/// A commit that changed files of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub commit: Described,
    /// What it touched, by path.
    pub touched: Vec<Touched>,
}

/// A file of the book that a commit added, edited or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its path, from the book's folder.
    pub path: String,
    before: Option<git2::Oid>,
    after: Option<git2::Oid>,
}

/// The commits of the main line that changed the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The newest first. None is later than the one before it, whatever the clocks of their authors showed.
    pub commits: Vec<Logged>,
    /// Whether these are all: the history is not cut off by a shallow clone or by how many were asked for.
    pub complete: bool,
}

impl Repository {
    /// Returns the commits that changed files of the book, from HEAD along first parents: a merge is one change, as it reached the
    /// main line. At most so many commits are looked at, those that concern other files too.
    ///
    /// # Errors
    ///
    /// Where a commit cannot be read.
    pub fn log(&self, most: usize) -> Result<Log, HistoryError> {
        match self.head()? {
            Some(head) => self.log_since(&head, Timestamp::MIN, most),
            None => Ok(Log { commits: Vec::new(), complete: true }),
        }
    }

    /// Returns the same from another commit on, as far back as the first commit that was made before an instant; that one is
    /// left out.
    ///
    /// # Errors
    ///
    /// Where a commit cannot be read.
    pub fn log_since(&self, head: &Commit, since: Timestamp, most: usize) -> Result<Log, HistoryError> {
        let mut log = Log { commits: Vec::new(), complete: true };
        let mut commit = self.git.find_commit(git2::Oid::from_str(head.as_str())?)?;
        let (mut seen, mut latest) = (HashSet::new(), Timestamp::MAX);
        for _ in 0..most {
            if !seen.insert(commit.id()) {
                return Err(HistoryError::Circle(Commit::of(commit.id()).short().to_owned()));
            }
            let id = Commit::of(commit.id());
            let parent = match commit.parent(0) {
                Ok(parent) => Some(parent),
                // Replaced or cut off: git's `shallow` file says which.
                Err(error) if error.code() == git2::ErrorCode::NotFound => None,
                Err(error) => return Err(error.into()),
            };
            let at_the_edge = parent.is_none() && self.git.is_shallow() && self.is_shallow_edge(&id);
            if at_the_edge {
                // What it changed is unknown: everything looks added.
                log.complete = false;
            }
            let mut described = describe(&commit)?;
            described.at = described.at.min(latest);
            latest = described.at;
            if described.at < since {
                return Ok(log);
            }
            let touched = self.touched(parent.as_ref(), &commit)?;
            if !touched.is_empty() {
                log.commits.push(Logged { commit: described, touched });
            }
            match parent {
                Some(parent) => commit = parent,
                None => return Ok(log),
            }
        }
        log.complete = false;
        Ok(log)
    }

    /// Returns a commit as a person knows it; `None` where it is not in this clone.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn described(&self, commit: &Commit) -> Result<Option<Described>, HistoryError> {
        match self.git.find_commit(git2::Oid::from_str(commit.as_str())?) {
            Ok(commit) => describe(&commit).map(Some),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether a file that was touched holds one of these texts, before or after. What cannot be read counts as holding them.
    pub fn mentions(&self, touched: &Touched, texts: &[&str]) -> bool {
        [touched.before, touched.after].into_iter().flatten().any(|id| {
            let Ok(blob) = self.git.find_blob(id) else { return true };
            let content = String::from_utf8_lossy(blob.content()).into_owned();
            texts.iter().any(|text| content.contains(text))
        })
    }

    /// Returns the files of the book that differ between a commit and its parent.
    fn touched(
        &self,
        parent: Option<&git2::Commit<'_>>,
        commit: &git2::Commit<'_>,
    ) -> Result<Vec<Touched>, HistoryError> {
        let before = parent.map(git2::Commit::tree).transpose()?;
        let mut options = git2::DiffOptions::new();
        options.skip_binary_check(true).ignore_submodules(true);
        if !self.prefix().is_empty() {
            options.disable_pathspec_match(true).pathspec(self.prefix());
        }
        let diff = self.git.diff_tree_to_tree(before.as_ref(), Some(&commit.tree()?), Some(&mut options))?;
        let touched = diff.deltas().filter_map(|delta| {
            let (old, new) = (delta.old_file(), delta.new_file());
            let path = new.path().or_else(|| old.path())?.to_str()?;
            let path = self.within_book(path).filter(|path| is_yaml(path))?;
            let id = |file: &git2::DiffFile<'_>| Some(file.id()).filter(|id| !id.is_zero());
            Some(Touched { path, before: id(&old), after: id(&new) })
        });
        Ok(touched.collect())
    }
}

fn describe(commit: &git2::Commit<'_>) -> Result<Described, HistoryError> {
    let at = Timestamp::from_second(commit.time().seconds())
        .map_err(|_| HistoryError::Git(git2::Error::from_str("a commit's time is out of range")))?;
    let subject = commit.summary().ok().flatten().unwrap_or_default().to_owned();
    Ok(Described {
        commit: Commit::of(commit.id()),
        at,
        author: shown_name(commit.author().name().unwrap_or_default()),
        pull_request: pull_request(&subject),
        subject,
    })
}

/// Returns the number of the pull request that GitHub writes into the first line of a merge (`Merge pull request #7 from …`) or of a
/// squash (`Title (#7)`), as of November 2026.
fn pull_request(subject: &str) -> Option<u64> {
    let merged = subject.strip_prefix("Merge pull request #").and_then(|rest| rest.split(' ').next());
    let squashed = || subject.strip_suffix(')')?.rsplit_once(" (#").map(|(_, number)| number);
    let number = merged.or_else(squashed)?;
    // `+7` would read as a number too.
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::pull_request;

    #[test]
    fn the_number_of_a_pull_request_is_read_from_merges_and_squashes_only() {
        assert_eq!(pull_request("Merge pull request #7 from acme/bold"), Some(7));
        assert_eq!(pull_request("Ship the bold button (#1204)"), Some(1204));
        for other in
            ["Ship it", "Fix #7", "(#7) first", "x (#7a)", "x (#+7)", "Merge pull request #x from y", "x (#)"]
        {
            assert_eq!(pull_request(other), None, "{other}");
        }
    }
}
