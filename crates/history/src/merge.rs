//! The book as it will be after a merge: three sides put together in memory, with nothing checked out and nothing written.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::repository::is_yaml;
use super::tree::Blobs;
use super::{Commit, HistoryError, Repository};
use trialbook_language::load::{self, Limits, RawFile};

/// A book after a merge.
#[derive(Debug)]
pub struct Merge {
    /// Where the two sides parted.
    pub base: Commit,
    /// The commit that is merged into: what the other side has now.
    pub theirs: Commit,
    /// The files after the merge, sorted by path. A file in conflict is as on our side.
    pub files: Vec<RawFile>,
    /// What the merge changes for the other side, by path before.
    pub changes: Vec<FileChange>,
    /// What has to be merged by hand, by path.
    pub conflicts: Vec<Conflict>,
    /// The files that the other side changed since the sides parted, by path.
    pub incoming: BTreeSet<String>,
}

impl Merge {
    /// Returns the files as the other side has them.
    pub fn before(&self) -> Vec<RawFile> {
        let changed: BTreeSet<&str> =
            self.changes.iter().filter_map(|change| change.after.as_deref()).collect();
        let same = self.files.iter().filter(|file| !changed.contains(file.path.as_str())).cloned();
        same.chain(self.changes.iter().filter_map(|change| change.before.clone())).collect()
    }

    /// Returns what makes the files of the other side those after the merge: paths with their new contents; without one a
    /// file goes.
    pub fn edits(&self) -> BTreeMap<&str, Option<&[u8]>> {
        let files: BTreeMap<&str, &[u8]> =
            self.files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())).collect();
        let touched = self.changes.iter().flat_map(|change| {
            change.before.iter().map(|file| file.path.as_str()).chain(change.after.as_deref())
        });
        touched.map(|path| (path, files.get(path).copied())).collect()
    }
}

/// Files of a merged book, to be merged with more.
#[derive(Debug)]
pub struct MergedFiles<'a> {
    /// By identity: the path and the content.
    by_name: BTreeMap<String, (&'a str, &'a [u8])>,
}

impl<'a> MergedFiles<'a> {
    /// Indexes the files of a merge.
    pub fn new(files: &'a [RawFile]) -> Self {
        let name = |path: &str| load::identity(path).unwrap_or_else(|| format!("/{path}"));
        let entry = |file: &'a RawFile| (name(&file.path), (file.path.as_str(), file.bytes.as_slice()));
        Self { by_name: files.iter().map(entry).collect() }
    }
}

/// What another revision brings to files that were merged already.
#[derive(Debug)]
pub struct Joined {
    /// Its commit.
    pub commit: Commit,
    /// The files that become others, by path; without a content they go.
    pub edits: BTreeMap<String, Option<Vec<u8>>>,
    /// What has to be merged by hand; such a file stays as it is.
    pub conflicts: Vec<Conflict>,
}

/// A file that a merge adds, edits, moves or deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// As the other side has it; `None` where it is new.
    pub before: Option<RawFile>,
    /// Where it is afterwards; `None` where it is gone.
    pub after: Option<String>,
}

/// A file that both sides changed, and that git cannot merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The file, where our side has it; else where the other side has it.
    pub path: String,
    /// What both did.
    pub kind: ConflictKind,
}

/// What two sides did to one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// Both changed the same lines.
    Edits,
    /// Both added it, with other contents.
    Additions,
    /// Our side changed what the other deleted.
    DeletedByThem,
    /// Our side deleted what the other changed.
    DeletedByUs,
    /// Both moved it, to different folders.
    Moves,
}

/// A file on one side: where it is, and the id of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: String,
    id: git2::Oid,
}

/// What git compares: the identity of a file of a book is its kind and key, so a move is no deletion.
type Side = BTreeMap<String, Entry>;

impl Repository {
    /// Merges a book's files, as they are in the work tree, into a revision.
    ///
    /// Our side is HEAD with what is not committed yet. The files that only their side changed are taken from there; a file of one
    /// kind and key that one side moved and the other edited is edited where it was moved to. Only contents that differ are read.
    ///
    /// # Errors
    ///
    /// [`HistoryError::UnknownRevision`], [`HistoryError::Shallow`] where the clone does not reach the commit at which the sides
    /// parted, [`HistoryError::Unrelated`] where there is none, [`HistoryError::NotFetched`].
    pub fn merge_into(&self, revision: &str, ours: Vec<RawFile>) -> Result<Merge, HistoryError> {
        let theirs = self.resolve(revision)?;
        let base = self.merge_base(&theirs, revision, &[])?;
        let their_blobs = self.blobs_at(&theirs)?;
        let base_blobs = if base == theirs { their_blobs.clone() } else { self.blobs_at(&base)? };
        let our_blobs = hashed(&ours, &base_blobs, &their_blobs)?;
        let bytes: BTreeMap<&str, &[u8]> =
            ours.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())).collect();
        let (base_side, our_side, their_side) = (side(&base_blobs), side(&our_blobs), side(&their_blobs));
        let mut merger = Merger {
            repository: self,
            ours: &bytes,
            merge: Merge {
                base,
                theirs,
                files: Vec::new(),
                changes: Vec::new(),
                conflicts: Vec::new(),
                incoming: BTreeSet::new(),
            },
            left: Limits::default().bytes,
        };
        let names: BTreeSet<&String> =
            base_side.keys().chain(our_side.keys()).chain(their_side.keys()).collect();
        for name in names {
            merger.file(base_side.get(name), our_side.get(name), their_side.get(name))?;
        }
        let mut merge = merger.merge;
        merge.incoming = incoming(&base_side, &their_side);
        merge.files.sort_by(|a, b| a.path.cmp(&b.path));
        merge.conflicts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(merge)
    }

    /// Merges another revision into files that were merged already, of HEAD and of `merged`.
    ///
    /// The cost grows with what that revision changed, not with the book.
    ///
    /// # Errors
    ///
    /// As [`Repository::merge_into`].
    pub fn merge_also(
        &self,
        revision: &str,
        files: &MergedFiles<'_>,
        merged: &[Commit],
    ) -> Result<Joined, HistoryError> {
        let theirs = self.resolve(revision)?;
        let base = self.merge_base(&theirs, revision, merged)?;
        let (base_side, their_side) = self.differing(&base, &theirs)?;
        let names: BTreeSet<&String> = base_side.keys().chain(their_side.keys()).collect();
        let mut our_side = Side::new();
        for name in &names {
            if let Some((path, bytes)) = files.by_name.get(*name) {
                let id = git2::Oid::hash_object(git2::ObjectType::Blob, bytes)?;
                our_side.insert((*name).clone(), Entry { path: (*path).to_owned(), id });
            }
        }
        let bytes: BTreeMap<&str, &[u8]> = files.by_name.values().copied().collect();
        let empty = Merge {
            base,
            theirs: theirs.clone(),
            files: Vec::new(),
            changes: Vec::new(),
            conflicts: Vec::new(),
            incoming: BTreeSet::new(),
        };
        let mut merger =
            Merger { repository: self, ours: &bytes, merge: empty, left: Limits::default().bytes };
        for name in &names {
            merger.file(base_side.get(*name), our_side.get(*name), their_side.get(*name))?;
        }
        let mut edits: BTreeMap<String, Option<Vec<u8>>> =
            our_side.values().map(|entry| (entry.path.clone(), None)).collect();
        for file in merger.merge.files {
            edits.insert(file.path, Some(file.bytes));
        }
        edits.retain(|path, now| bytes.get(path.as_str()).copied() != now.as_deref());
        Ok(Joined { commit: theirs, edits, conflicts: merger.merge.conflicts })
    }

    /// Returns the files of the book that differ between two commits, on either side.
    fn differing(&self, base: &Commit, theirs: &Commit) -> Result<(Side, Side), HistoryError> {
        let commit = |commit: &Commit| self.git.find_commit(git2::Oid::from_str(commit.as_str())?);
        let (base, theirs) = (commit(base)?, commit(theirs)?);
        let (old, new) = (self.folder(&base)?, self.folder(&theirs)?);
        let diff = self.git.diff_tree_to_tree(old.as_ref(), new.as_ref(), None)?;
        let (mut before, mut after) = (Blobs::new(), Blobs::new());
        for delta in diff.deltas() {
            for (file, blobs) in [(delta.old_file(), &mut before), (delta.new_file(), &mut after)] {
                let path = file.path().and_then(|path| path.to_str()).filter(|path| in_book(path));
                if let Some(path) = path.filter(|_| file.exists()) {
                    blobs.insert(path.to_owned(), file.id());
                }
            }
        }
        Ok((side(&before), side(&after)))
    }

    /// Returns where a commit, and the merge of HEAD with others, parted.
    fn merge_base(&self, theirs: &Commit, revision: &str, merged: &[Commit]) -> Result<Commit, HistoryError> {
        let head = self.head()?.ok_or(HistoryError::NoCommit)?;
        let sides = [theirs, &head].into_iter().chain(merged);
        let ids: Vec<_> =
            sides.map(|commit| git2::Oid::from_str(commit.as_str())).collect::<Result<_, _>>()?;
        match self.git.merge_base_many(&ids) {
            Ok(base) => Ok(Commit::of(base)),
            Err(error) if error.code() == git2::ErrorCode::NotFound && self.git.is_shallow() => {
                Err(HistoryError::Shallow(format!("HEAD and `{revision}` parted")))
            }
            Err(error) if error.code() == git2::ErrorCode::NotFound => {
                Err(HistoryError::Unrelated(revision.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the ids that git would give our files. A file with CRLF that git would store with LF counts as unchanged where
/// that makes it one that the other sides have.
fn hashed(ours: &[RawFile], base: &Blobs, theirs: &Blobs) -> Result<Blobs, HistoryError> {
    let known = |path: &str, id| base.get(path) == Some(&id) || theirs.get(path) == Some(&id);
    let hash = |bytes: &[u8]| git2::Oid::hash_object(git2::ObjectType::Blob, bytes);
    let one = |file: &RawFile| {
        let id = hash(&file.bytes)?;
        if !known(&file.path, id) && file.bytes.windows(2).any(|pair| pair == b"\r\n") {
            let stored = hash(&unix_lines(&file.bytes))?;
            if known(&file.path, stored) {
                return Ok((file.path.clone(), stored));
            }
        }
        Ok((file.path.clone(), id))
    };
    ours.par_iter().map(one).collect()
}

/// Returns the paths of what differs between two sides.
fn incoming(base: &Side, theirs: &Side) -> BTreeSet<String> {
    let changed = theirs.iter().filter(|(name, entry)| base.get(*name) != Some(*entry));
    let gone = base.iter().filter(|(name, _)| !theirs.contains_key(*name));
    changed.chain(gone).map(|(_, entry)| entry.path.clone()).collect()
}

/// Tells whether a path of a tree may be a file of a book: YAML, and in no folder whose name begins with a dot.
fn in_book(path: &str) -> bool {
    is_yaml(path) && !path.split('/').rev().skip(1).any(|folder| folder.starts_with('.'))
}

fn unix_lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}

/// Returns the files of a side by identity: kind and key where the name has them, else the path.
fn side(blobs: &Blobs) -> Side {
    let mut side = Side::new();
    for (path, id) in blobs {
        let entry = Entry { path: path.clone(), id: *id };
        let name = load::identity(path).unwrap_or_else(|| format!("/{path}"));
        // A second file of one kind and key is a finding of its own; here it keeps its path as its name.
        match side.entry(name) {
            std::collections::btree_map::Entry::Vacant(vacant) => _ = vacant.insert(entry),
            std::collections::btree_map::Entry::Occupied(_) => _ = side.insert(format!("/{path}"), entry),
        }
    }
    side
}

struct Merger<'a> {
    repository: &'a Repository,
    ours: &'a BTreeMap<&'a str, &'a [u8]>,
    merge: Merge,
    /// How many bytes may still be read from git: one content may be listed under many names.
    left: usize,
}

impl Merger<'_> {
    fn file(
        &mut self,
        base: Option<&Entry>,
        ours: Option<&Entry>,
        theirs: Option<&Entry>,
    ) -> Result<(), HistoryError> {
        let id = |entry: Option<&Entry>| entry.map(|entry| entry.id);
        match (ours, theirs) {
            (None, None) => Ok(()),
            (Some(ours), None) => {
                // New on our side, or deleted by the other.
                if id(base) == Some(ours.id) {
                    return Ok(());
                }
                if base.is_some() {
                    self.conflict(&ours.path, ConflictKind::DeletedByThem);
                }
                self.keep(ours.path.clone(), self.our_bytes(&ours.path), None);
                Ok(())
            }
            (None, Some(theirs)) => {
                if base.is_none() {
                    return self.take(theirs);
                }
                if id(base) != Some(theirs.id) {
                    self.conflict(&theirs.path, ConflictKind::DeletedByUs);
                }
                let before = self.read(theirs)?;
                self.merge.changes.push(FileChange { before: Some(before), after: None });
                Ok(())
            }
            (Some(ours), Some(theirs)) => self.both(base, ours, theirs),
        }
    }

    fn both(&mut self, base: Option<&Entry>, ours: &Entry, theirs: &Entry) -> Result<(), HistoryError> {
        if base.is_none() && ours.path != theirs.path {
            // Two files of one kind and key, in two folders: git keeps both, and lint reports that there are two.
            self.keep(ours.path.clone(), self.our_bytes(&ours.path), None);
            return self.take(theirs);
        }
        let base_path = base.map(|base| &base.path);
        let moved = |side: &Entry| base_path.is_some_and(|path| *path != side.path);
        if moved(ours) && moved(theirs) && ours.path != theirs.path {
            self.conflict(&ours.path, ConflictKind::Moves);
        }
        // The side that moved it decides where it is.
        let path = if base_path == Some(&ours.path) { &theirs.path } else { &ours.path };
        let bytes = if ours.id == theirs.id || base.is_some_and(|base| base.id == theirs.id) {
            self.our_bytes(&ours.path)
        } else if base.is_some_and(|base| base.id == ours.id) {
            self.repository.content(theirs.id, &theirs.path)?
        } else {
            self.contents(base, ours, theirs)?
        };
        let before = if theirs.path == *path && ours.id == theirs.id {
            None
        } else {
            let before = self.read(theirs)?;
            (before.path != *path || before.bytes != bytes).then_some(before)
        };
        self.keep_changed(path.clone(), bytes, before);
        Ok(())
    }

    /// Merges the lines of a file that both sides changed; our side's where that cannot be done.
    fn contents(
        &mut self,
        base: Option<&Entry>,
        ours: &Entry,
        theirs: &Entry,
    ) -> Result<Vec<u8>, HistoryError> {
        let ancestor = match base {
            Some(base) => self.repository.content(base.id, &base.path)?,
            None => Vec::new(),
        };
        let (mut mine, other) =
            (self.our_bytes(&ours.path), self.repository.content(theirs.id, &theirs.path)?);
        let windows = |bytes: &[u8]| bytes.windows(2).any(|pair| pair == b"\r\n");
        if windows(&mine) && !windows(&ancestor) && !windows(&other) {
            // So the work tree has it; git would store it with the line ends of the others.
            mine = unix_lines(&mine);
        }
        let (mut a, mut b, mut c) =
            (git2::MergeFileInput::new(), git2::MergeFileInput::new(), git2::MergeFileInput::new());
        a.content(&ancestor);
        b.content(&mine);
        c.content(&other);
        let merged = git2::merge_file(&a, &b, &c, None)?;
        if merged.is_automergeable() {
            return Ok(merged.content().to_vec());
        }
        let kind = if base.is_some() { ConflictKind::Edits } else { ConflictKind::Additions };
        self.conflict(&ours.path, kind);
        Ok(mine)
    }

    fn conflict(&mut self, path: &str, kind: ConflictKind) {
        self.merge.conflicts.push(Conflict { path: path.to_owned(), kind });
    }

    /// Keeps a file that the other side does not have, or has as it is.
    fn keep(&mut self, path: String, bytes: Vec<u8>, before: Option<RawFile>) {
        self.merge.changes.push(FileChange { before, after: Some(path.clone()) });
        self.merge.files.push(RawFile { path, bytes });
    }

    fn keep_changed(&mut self, path: String, bytes: Vec<u8>, before: Option<RawFile>) {
        match before {
            Some(before) => self.keep(path, bytes, Some(before)),
            None => self.merge.files.push(RawFile { path, bytes }),
        }
    }

    /// Takes a file from the other side as it is.
    fn take(&mut self, theirs: &Entry) -> Result<(), HistoryError> {
        let file = self.read(theirs)?;
        self.merge.files.push(file);
        Ok(())
    }

    fn read(&mut self, entry: &Entry) -> Result<RawFile, HistoryError> {
        let bytes = self.repository.content(entry.id, &entry.path)?;
        let commit = || self.merge.theirs.short().to_owned();
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| HistoryError::BookTooLarge { commit: commit() })?;
        Ok(RawFile { path: entry.path.clone(), bytes })
    }

    fn our_bytes(&self, path: &str) -> Vec<u8> {
        self.ours.get(path).map(|bytes| bytes.to_vec()).unwrap_or_default()
    }
}
