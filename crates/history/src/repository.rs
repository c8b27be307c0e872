//! The git repository that a book lives in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::HistoryError;
use trialbook_language::load::{Limits, RawFile};

/// A commit's full id, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Commit(String);

impl Commit {
    pub(super) fn of(oid: git2::Oid) -> Self {
        Self(oid.to_string())
    }

    /// Reads a full id of 40 (or, with SHA-256, 64) hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, HistoryError> {
        let full = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if full {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(HistoryError::NotACommit(text.to_owned()))
        }
    }

    /// Returns the full id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first seven digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The git repository that a book lives in.
pub struct Repository {
    pub(super) git: git2::Repository,
    /// The book's folder within the work tree, `/`-separated; empty for the root.
    prefix: String,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("path", &self.git.path()).field("prefix", &self.prefix).finish()
    }
}

impl Repository {
    /// Opens the repository around a book's folder; `None` where there is none.
    pub fn of_book(root: &Path) -> Result<Option<Self>, HistoryError> {
        let Some(git) = open(root)? else { return Ok(None) };
        let canonical = |path: &Path| path.canonicalize().map_err(|_| HistoryError::OutsideWorkTree);
        let work_tree = canonical(git.workdir().ok_or(HistoryError::OutsideWorkTree)?)?;
        let root = canonical(root)?;
        let within = root.strip_prefix(&work_tree).map_err(|_| HistoryError::OutsideWorkTree)?;
        let parts: Vec<_> = within.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        Ok(Some(Self { prefix: parts.join("/"), git }))
    }

    /// Returns a path of the book as the repository has it: from the root of the work tree.
    pub fn path_in_repository(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// Returns the commit that a branch, a tag or an id names.
    ///
    /// # Errors
    ///
    /// [`HistoryError::UnknownRevision`] where there is none in this clone.
    pub fn resolve(&self, revision: &str) -> Result<Commit, HistoryError> {
        let found = self.git.revparse_single(revision).and_then(|object| object.peel_to_commit());
        match found {
            Ok(commit) => Ok(Commit::of(commit.id())),
            Err(_) => Err(HistoryError::UnknownRevision(revision.to_owned())),
        }
    }

    /// Returns the names of the branches and tags that a pattern with `*` matches, in byte order; the pattern itself where it has
    /// none. `origin/*` is short for `refs/remotes/origin/*`.
    pub fn revisions(&self, pattern: &str) -> Result<Vec<String>, HistoryError> {
        if !pattern.contains('*') {
            return Ok(vec![pattern.to_owned()]);
        }
        let patterns = if pattern.starts_with("refs/") {
            vec![pattern.to_owned()]
        } else {
            vec![format!("refs/remotes/{pattern}"), format!("refs/heads/{pattern}")]
        };
        let mut names = Vec::new();
        for pattern in patterns {
            for name in self.git.references_glob(&pattern)?.names() {
                // A name that is not text cannot be typed either.
                let Ok(name) = name else { continue };
                // The symbolic name of a remote's main branch is one of the others.
                if !name.ends_with("/HEAD") {
                    let short =
                        name.strip_prefix("refs/remotes/").or_else(|| name.strip_prefix("refs/heads/"));
                    names.push(short.unwrap_or(name).to_owned());
                }
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Returns who wrote a commit, as one short line: anybody can set any name.
    pub fn author(&self, commit: &Commit) -> Result<String, HistoryError> {
        let commit = self.git.find_commit(git2::Oid::from_str(commit.as_str())?)?;
        Ok(shown_name(commit.author().name().unwrap_or_default()))
    }

    /// Returns when a commit was made, by its committer's clock.
    ///
    /// # Errors
    ///
    /// Where the commit cannot be read, or its time is out of range.
    pub fn time(&self, commit: &Commit) -> Result<jiff::Timestamp, HistoryError> {
        let seconds = self.git.find_commit(git2::Oid::from_str(commit.as_str())?)?.time().seconds();
        jiff::Timestamp::from_second(seconds)
            .map_err(|_| HistoryError::Git(git2::Error::from_str("a commit's time is out of range")))
    }

    /// Returns who git would name as the author of a commit, `NAME <EMAIL>`; `None` where nobody is configured.
    pub fn identity(&self) -> Option<String> {
        let signature = self.git.signature().ok()?;
        let (name, email) = (signature.name().ok()?.to_owned(), signature.email().ok()?.to_owned());
        Some(format!("{name} <{email}>"))
    }

    /// Tells whether a commit is in the history of another, or is that.
    pub fn is_in(&self, commit: &Commit, of: &Commit) -> Result<bool, HistoryError> {
        let [commit, of] = [commit, of].map(|commit| git2::Oid::from_str(commit.as_str()));
        let (commit, of) = (commit?, of?);
        Ok(commit == of || self.git.graph_descendant_of(of, commit)?)
    }

    /// Tells whether a commit is in the history of HEAD, or of the branch that the remote merges into (`origin/HEAD`): a branch that
    /// parted before a launch does not hold the commit that was launched.
    pub fn is_merged(&self, commit: &Commit) -> Result<bool, HistoryError> {
        let mut tips: Vec<Commit> = self.head()?.into_iter().collect();
        if let Ok(main) =
            self.git.find_reference("refs/remotes/origin/HEAD").and_then(|main| main.peel_to_commit())
        {
            tips.push(Commit::of(main.id()));
        }
        for tip in &tips {
            if self.is_in(commit, tip)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether history was left out of the clone.
    pub fn is_shallow(&self) -> bool {
        self.git.is_shallow()
    }

    /// Returns the commit of HEAD; `None` before the first commit.
    pub fn head(&self) -> Result<Option<Commit>, HistoryError> {
        match self.git.head() {
            Ok(head) => Ok(Some(Commit::of(head.peel_to_commit()?.id()))),
            Err(error)
                if matches!(error.code(), git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether a file of the book differs from HEAD, staged or not, or is not tracked.
    pub fn book_is_edited(&self) -> Result<bool, HistoryError> {
        let mut options = git2::StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).exclude_submodules(true);
        // A book is read from the disk, files that git ignores included: no commit has those.
        options.include_ignored(true).recurse_ignored_dirs(true);
        if !self.prefix.is_empty() {
            options.pathspec(&self.prefix);
        }
        // libgit2 cannot read the index of every sparse checkout, and then goes on with what it read before.
        let readable = self.git.index().and_then(|mut index| index.read(true));
        let Ok(statuses) = readable.and_then(|()| self.git.statuses(Some(&mut options))) else {
            return self.book_differs_from_head();
        };
        let mut edited = statuses.iter().filter_map(|entry| {
            let path =
                entry.path().ok().and_then(|path| self.within_book(path)).filter(|path| is_yaml(path))?;
            Some((path, entry.status()))
        });
        let Some(root) = self.root() else { return Err(HistoryError::OutsideWorkTree) };
        // libgit2 takes what a sparse checkout hides for deleted.
        let is_edited = edited.any(|(path, status)| {
            status != git2::Status::WT_DELETED || matches!(super::reader::read_file(&root, &path), Ok(None))
        });
        Ok(is_edited || self.hidden_differs_from_head(&root)?)
    }

    /// Tells whether a file that git does not look at (`skip-worktree`, `assume-unchanged`) is on disk all the same, with
    /// another content than in HEAD: it is read from the disk, so it counts.
    fn hidden_differs_from_head(&self, root: &Path) -> Result<bool, HistoryError> {
        let root = root.canonicalize().map_err(|_| HistoryError::OutsideWorkTree)?;
        // What cannot be read here is refused where the book is read.
        let entries = super::index::checkout_of(&root).and_then(|checkout| checkout.entries().ok());
        let hidden = entries.into_iter().flatten().filter(|entry| entry.hidden);
        let paths = hidden.filter_map(|entry| self.within_book(std::str::from_utf8(&entry.path).ok()?));
        let on_disk: Vec<_> = paths
            .filter(|path| is_yaml(path))
            .filter_map(|path| Some((std::fs::read(root.join(&path)).ok()?, path)))
            .collect();
        if on_disk.is_empty() {
            return Ok(false);
        }
        let Some(head) = self.head()? else { return Ok(true) };
        let committed = self.blobs_at(&head)?;
        for (bytes, path) in on_disk {
            let same = |bytes: &[u8]| {
                let id = git2::Oid::hash_object(git2::ObjectType::Blob, bytes)?;
                Ok::<_, HistoryError>(committed.get(&path) == Some(&id))
            };
            // A checkout may have other line ends than what was committed.
            let unix = || String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            if !same(&bytes)? && !same(unix().as_bytes())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether the files of the book, as they are read, are others than those of HEAD.
    fn book_differs_from_head(&self) -> Result<bool, HistoryError> {
        let (Some(root), Some(head)) = (self.root(), self.head()?) else { return Ok(true) };
        let Ok(files) = super::reader::read_book(&root) else { return Ok(true) };
        let mut committed = self.blobs_at(&head)?;
        for file in &files {
            let id = git2::Oid::hash_object(git2::ObjectType::Blob, &file.bytes)?;
            if committed.remove(&file.path) != Some(id) {
                return Ok(true);
            }
        }
        Ok(!committed.is_empty())
    }

    /// Returns the book's folder.
    fn root(&self) -> Option<PathBuf> {
        Some(self.git.workdir()?.join(&self.prefix))
    }

    /// Returns the book's files at a commit, by path.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Git`] where the commit is not in this clone, [`HistoryError::FileTooLarge`] and
    /// [`HistoryError::BookTooLarge`] where it holds more than a book may.
    pub fn files_at(&self, commit: &Commit) -> Result<Vec<RawFile>, HistoryError> {
        self.files_within(commit, Limits::default())
    }

    /// Does what [`Repository::files_at`] does, with other limits.
    ///
    /// # Errors
    ///
    /// As for [`Repository::files_at`], and [`HistoryError::BookTooLarge`] past the limits.
    pub fn files_within(&self, commit: &Commit, limits: Limits) -> Result<Vec<RawFile>, HistoryError> {
        let blobs = self.blobs_at(commit)?;
        let too_large = || HistoryError::BookTooLarge { commit: commit.short().to_owned() };
        if blobs.len() > limits.files {
            return Err(too_large());
        }
        // One content may be listed under many names: what counts is what is held in memory.
        let (mut left, mut files) = (limits.bytes, Vec::with_capacity(blobs.len()));
        for (path, id) in blobs {
            let bytes = self.content(id, &path)?;
            left = left.checked_sub(bytes.len()).ok_or_else(too_large)?;
            files.push(RawFile { path, bytes });
        }
        Ok(files)
    }

    /// Returns the book's folder within the work tree; empty for the root.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns a path of the book as a path of the work tree.
    pub(super) fn in_work_tree(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    pub(super) fn within_book(&self, path: &str) -> Option<String> {
        if self.prefix.is_empty() {
            return Some(path.to_owned());
        }
        path.strip_prefix(&self.prefix)?.strip_prefix('/').map(str::to_owned)
    }
}

/// Returns a name without what moves the cursor, hides or turns text, or marks it up, and not longer than a name is.
pub(super) fn shown_name(name: &str) -> String {
    const LONGEST: usize = 60;
    let visible = |c: char| {
        let steers = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
        if c.is_whitespace() {
            ' '
        } else if c.is_control() || steers {
            '\u{fffd}'
        } else {
            c
        }
    };
    let line: String = name.chars().map(visible).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        _ if line.is_empty() => "an unnamed author".to_owned(),
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default().trim_end()),
        None => line,
    }
}

/// Opens the repository that a folder is in; `None` where there is none.
pub(super) fn open(folder: &Path) -> Result<Option<git2::Repository>, HistoryError> {
    match git2::Repository::discover(folder) {
        Ok(git) => Ok(Some(git)),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) if error.code() == git2::ErrorCode::Owner => {
            Err(HistoryError::ForeignOwner(folder.to_owned()))
        }
        Err(error)
            if error.message().contains("objectformat") || error.message().contains("object format") =>
        {
            Err(HistoryError::Sha256)
        }
        Err(error) => Err(error.into()),
    }
}

/// What may be a file of a book; `load` knows which are.
pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_is_one_short_visible_line() {
        assert_eq!(shown_name("Ann  Lee"), "Ann Lee");
        assert_eq!(shown_name("a\u{1b}[2J\nerror: b\u{202e}c"), "a\u{fffd}[2J error: b\u{fffd}c");
        assert_eq!(shown_name(" \u{a0}\n"), "an unnamed author");
        assert_eq!(shown_name(&"x".repeat(5_000)).chars().count(), 61);
    }
}
