//! The git repository that a book lives in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use trialbook_language::load::{Limits, MAX_BYTES, RawFile};

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
    /// Anything else that git says.
    #[error("git could not do it")]
    Git(#[from] git2::Error),
}

impl HistoryError {
    /// Returns what to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::ForeignOwner(path) => {
                Some(format!("run `git config --global --add safe.directory {}`", path.display()))
            }
            Self::Shallow(_) => {
                Some("fetch it with `git fetch --unshallow`, or check out with `fetch-depth: 0`".into())
            }
            Self::NotFetched(_) => Some(
                "fetch it with `git fetch --refetch --no-filter origin`, or check out without a filter"
                    .into(),
            ),
            Self::UnknownRevision(revision) => Some(match revision.split_once('/') {
                Some((remote @ ("origin" | "upstream"), branch)) => {
                    format!("fetch it with `git fetch {remote} {branch}:refs/remotes/{remote}/{branch}`")
                }
                _ => "`git branch --all` lists the branches; a remote one is named `origin/BRANCH`".into(),
            }),
            Self::Unrelated(_) => Some("name the branch that this one will be merged into".into()),
            Self::NoCommit => Some("commit the book first".into()),
            Self::Sha256 => Some("lint without `--against`, or convert the repository to SHA-1".into()),
            Self::NotCommitted(_) => Some("commit the file first".into()),
            Self::Circle(_) => Some("look for `.git/info/grafts` and `git replace --list`".into()),
            Self::FileTooLarge { .. } | Self::BookTooLarge { .. } => {
                Some("move data out of the book's folder: its files are written by people".into())
            }
            Self::Locked(lock) => Some(format!(
                "wait for the other git process; if none runs, one was killed: remove `{}`, and run it again",
                lock.display()
            )),
            Self::TooLarge | Self::NotACommit(_) | Self::OutsideWorkTree | Self::Git(_) => None,
        }
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

    /// Returns who wrote a commit.
    pub fn author(&self, commit: &Commit) -> Result<String, HistoryError> {
        let commit = self.git.find_commit(git2::Oid::from_str(commit.as_str())?)?;
        let name = commit.author().name().unwrap_or("unknown").to_owned();
        Ok(name)
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
        Ok(edited.any(|(path, status)| {
            status != git2::Status::WT_DELETED || matches!(super::reader::read_file(&root, &path), Ok(None))
        }))
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

    fn within_book(&self, path: &str) -> Option<String> {
        if self.prefix.is_empty() {
            return Some(path.to_owned());
        }
        path.strip_prefix(&self.prefix)?.strip_prefix('/').map(str::to_owned)
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
