//! The files of a book as they are now: what is on disk, and what git lists though the checkout hides it.
//!
//! Every command reads a book here. A file is gone only where git agrees: what a sparse checkout, `skip-worktree` or
//! `assume-unchanged` hides is read from the object database, and what cannot be read there is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::index::{Checkout, EntryKind, IndexEntry, IndexError, checkout_of};
use super::{HistoryError, tree};
use trialbook_language::load::{self, BOOK_FILE, DiscoverError, Limits, MAX_BYTES, RawFile};

/// Why the files of a book cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk does not give them.
    #[error(transparent)]
    Disk(#[from] DiscoverError),
    /// Git's index is there, and cannot be read.
    #[error("cannot read git's index of `{work_tree}`, which lists the files that exist", work_tree = work_tree.display())]
    Index {
        /// The checkout.
        work_tree: PathBuf,
        /// Why.
        #[source]
        cause: IndexError,
    },
    /// A merge was not finished.
    #[error("`{path}` has merge conflicts that are not resolved")]
    Unmerged {
        /// From the book's root.
        path: String,
    },
    /// A submodule inside the book is not checked out.
    #[error("the submodule `{path}` in the book is not checked out, so its files are unknown")]
    Submodule {
        /// From the book's root.
        path: String,
    },
    /// Git lists a file, the checkout does not show it, and git cannot give its content.
    #[error("git has `{path}`, the checkout leaves it out, and its content cannot be read")]
    Hidden {
        /// From the book's root.
        path: String,
        /// Why.
        #[source]
        cause: HistoryError,
    },
    /// A symbolic link that the checkout leaves out does not lead to a file of the book.
    #[error(
        "git has the symbolic link `{path}`, the checkout leaves it out, and it leads to no file of the book"
    )]
    HiddenLink {
        /// From the book's root.
        path: String,
    },
}

impl miette::Diagnostic for ReadError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = match self {
            Self::Disk(error) => return error.help(),
            Self::Index { cause, .. } => return cause.help(),
            Self::Unmerged { .. } => {
                "resolve the conflict and `git add` the file; `git status` lists all of them".to_owned()
            }
            Self::Submodule { path } => {
                format!("run `git submodule update --init {path}` in the book's folder")
            }
            Self::Hidden { cause: cause @ HistoryError::ForeignOwner(_), .. } => return cause.help(),
            Self::Hidden { path, .. } | Self::HiddenLink { path } => show(path),
        };
        Some(Box::new(help))
    }
}

fn show(path: &str) -> String {
    format!(
        "show the whole book with `git sparse-checkout disable`, or that file with `git update-index --no-skip-worktree \
         --no-assume-unchanged {path}` and `git checkout -- {path}` in the book's folder"
    )
}

/// Returns the files of a book, sorted by path: those on disk, and those that git has and the checkout hides.
///
/// A file that was deleted in the work tree, and that git does not hide, is gone. Without git, the disk decides alone.
///
/// # Errors
///
/// [`ReadError`]. What git has and nobody can read is never taken for deleted.
pub fn read_book(root: &Path) -> Result<Vec<RawFile>, ReadError> {
    read_book_within(root, Limits::default())
}

/// Does what [`read_book`] does, within other limits.
///
/// # Errors
///
/// Those of [`read_book`].
pub fn read_book_within(root: &Path, limits: Limits) -> Result<Vec<RawFile>, ReadError> {
    let mut files = load::read_folder_within(root, limits)?;
    let root = real(root)?;
    let mut hidden = Hidden::of(&load::is_book_file);
    hidden.find(&root, "", &|path| files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok())?;
    let mut bytes = files.iter().map(|file| file.bytes.len()).sum::<usize>();
    for path in hidden.paths() {
        if files.len() == limits.files {
            return Err(DiscoverError::TooManyFiles { limit: limits.files }.into());
        }
        let file = hidden.read(&path, &files)?;
        bytes += file.bytes.len();
        if bytes > limits.bytes {
            return Err(DiscoverError::TooLarge { limit: limits.bytes }.into());
        }
        files.push(file);
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Returns a file of a book as it is now; `None` where neither the disk nor git has it.
///
/// # Errors
///
/// Those of [`read_book`], as far as they concern this file.
pub fn read_file(root: &Path, path: &str) -> Result<Option<RawFile>, ReadError> {
    if let Some(file) = load::read_one(root, path)? {
        return Ok(Some(file));
    }
    let root = real(root)?;
    let mut hidden = Hidden::of(&load::is_book_file);
    hidden.find(&root, "", &|_| false)?;
    if !hidden.entries.contains_key(path) {
        return Ok(None);
    }
    hidden.read(path, &load::read_folder(&root)?).map(Some)
}

/// Returns the files below a folder that git has and the checkout leaves out, of those that are wanted: paths from the folder,
/// sorted.
///
/// # Errors
///
/// Those of [`read_book`] that come from git's index.
pub fn hidden_files(root: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<String>, ReadError> {
    let root = real(root)?;
    let mut hidden = Hidden::of(wanted);
    hidden.find(&root, "", &|path| root.join(path).exists())?;
    Ok(hidden.paths())
}

/// Returns the nearest folder, from `start` upwards, that holds a `trialbook.yaml` on disk or in git's index.
///
/// # Errors
///
/// Where there is none, or `start` cannot be read.
pub fn find_book(start: &Path) -> Result<PathBuf, ReadError> {
    let start = real(start)?;
    let on_disk = load::find_root(&start);
    let hidden = checkout_of(&start).map(|checkout| hidden_root(&checkout, &start)).transpose()?.flatten();
    match (on_disk, hidden) {
        // The one that is further down.
        (Ok(found), Some(hidden)) => Ok(if hidden.starts_with(&found) { hidden } else { found }),
        (Ok(found), None) => Ok(found),
        (Err(DiscoverError::NoBook { .. }), Some(hidden)) => Ok(hidden),
        (Err(error), _) => Err(error.into()),
    }
}

/// Returns the nearest folder upwards whose `trialbook.yaml` git has and the checkout hides.
fn hidden_root(checkout: &Checkout, start: &Path) -> Result<Option<PathBuf>, ReadError> {
    let entries = entries_of(checkout)?;
    let mut marked = entries.iter().filter(|entry| entry.hidden && entry.kind == EntryKind::File);
    let folders = marked.by_ref().filter_map(|entry| {
        let path = std::str::from_utf8(&entry.path).ok()?;
        let folder = match path.strip_suffix(BOOK_FILE)? {
            "" => "",
            folder => folder.strip_suffix('/')?,
        };
        Some(if folder.is_empty() { checkout.work_tree.clone() } else { checkout.work_tree.join(folder) })
    });
    Ok(folders.filter(|folder| start.starts_with(folder)).max_by_key(|folder| folder.components().count()))
}

/// The files that git has and the checkout hides.
struct Hidden<'w> {
    /// Which paths are looked for.
    wanted: &'w dyn Fn(&str) -> bool,
    /// By the path from the book's root: the checkout that holds it, the object's id, and whether it is a link.
    entries: BTreeMap<String, Object>,
    /// Each checkout's repository, opened when the first object is read.
    checkouts: Vec<(Checkout, Option<git2::Repository>)>,
}

#[derive(Clone)]
struct Object {
    checkout: usize,
    id: String,
    link: bool,
}

impl<'w> Hidden<'w> {
    fn of(wanted: &'w dyn Fn(&str) -> bool) -> Self {
        Self { wanted, entries: BTreeMap::new(), checkouts: Vec::new() }
    }

    /// Looks for what is hidden below a folder, which is at `mount` in the book; `shown` tells which paths the disk has.
    fn find(&mut self, folder: &Path, mount: &str, shown: &dyn Fn(&str) -> bool) -> Result<(), ReadError> {
        let Some(checkout) = checkout_of(folder) else { return Ok(()) };
        let entries = entries_of(&checkout)?;
        let within = folder.strip_prefix(&checkout.work_tree).ok().and_then(Path::to_str);
        let prefix = match within {
            Some("") => String::new(),
            Some(path) => format!("{}/", path.replace(std::path::MAIN_SEPARATOR, "/")),
            // No file of the index has a path that is not text and is a file of the book.
            None => return Ok(()),
        };
        let number = self.checkouts.len();
        self.checkouts.push((checkout, None));
        for entry in entries {
            // A hidden folder of a sparse index may be the book's folder, or around it.
            if entry.kind == EntryKind::Folder && prefix.as_bytes().starts_with(&entry.path) {
                self.hidden_folder(number, &entry, &prefix, mount, shown)?;
                continue;
            }
            let Some(path) = entry.path.strip_prefix(prefix.as_bytes()) else { continue };
            if path.split(|byte| *byte == b'/').any(|part| part.starts_with(b".")) {
                continue;
            }
            let path = format!("{mount}{}", String::from_utf8_lossy(path));
            match entry.kind {
                _ if entry.unmerged => return Err(ReadError::Unmerged { path }),
                EntryKind::Submodule => {
                    self.submodule(&folder.join(within_folder(&path, mount)), path, shown)?
                }
                EntryKind::Folder => self.hidden_folder(number, &entry, &prefix, mount, shown)?,
                EntryKind::File | EntryKind::Link
                    if entry.hidden && (self.wanted)(&path) && !shown(&path) =>
                {
                    if std::str::from_utf8(&entry.path).is_err() {
                        return Err(DiscoverError::Name { path: PathBuf::from(path) }.into());
                    }
                    let link = entry.kind == EntryKind::Link;
                    self.entries.insert(path, Object { checkout: number, id: entry.id, link });
                }
                EntryKind::File | EntryKind::Link => {}
            }
        }
        Ok(())
    }

    /// A submodule is a checkout of its own; without one, nobody knows what is in it.
    fn submodule(
        &mut self,
        folder: &Path,
        path: String,
        shown: &dyn Fn(&str) -> bool,
    ) -> Result<(), ReadError> {
        let checked_out = checkout_of(folder).is_some_and(|checkout| checkout.work_tree == folder);
        if !checked_out {
            return Err(ReadError::Submodule { path });
        }
        self.find(folder, &format!("{path}/"), shown)
    }

    /// Adds the files of a folder that a sparse index names and does not list.
    fn hidden_folder(
        &mut self,
        checkout: usize,
        entry: &IndexEntry,
        prefix: &str,
        mount: &str,
        shown: &dyn Fn(&str) -> bool,
    ) -> Result<(), ReadError> {
        let above = String::from_utf8_lossy(&entry.path).into_owned();
        let wanted = self.wanted;
        let place = |path: &str| {
            let inside = path.strip_prefix(prefix)?;
            let visible = !inside.split('/').any(|part| part.starts_with('.'));
            (visible && wanted(inside)).then(|| format!("{mount}{inside}"))
        };
        let failed = |cause| ReadError::Hidden { path: above.clone(), cause };
        let git = self.repository(checkout).map_err(failed)?;
        let found = listed(git, &entry.id, &above, &|path| place(path).is_some()).map_err(failed)?;
        for listed in found {
            match listed {
                Listed::Object { path, id, link } => {
                    if let Some(path) = place(&path).filter(|path| !shown(path)) {
                        self.entries.insert(path, Object { checkout, id, link });
                    }
                }
                Listed::Submodule { path } => {
                    if let Some(path) = path.strip_prefix(prefix) {
                        return Err(ReadError::Submodule { path: format!("{mount}{path}") });
                    }
                }
                Listed::NotText { path } => {
                    return Err(DiscoverError::Name { path: PathBuf::from(path) }.into());
                }
            }
        }
        Ok(())
    }

    fn paths(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// Reads a hidden file; a link stands for the file that it leads to, hidden or among `shown`.
    fn read(&mut self, path: &str, shown: &[RawFile]) -> Result<RawFile, ReadError> {
        let leads_nowhere = || ReadError::HiddenLink { path: path.to_owned() };
        let mut at = path.to_owned();
        // Nobody has more than a few links after links; a circle of them ends here.
        for _ in 0..8 {
            let Some(object) = self.entries.get(&at).cloned() else {
                let file = shown.iter().find(|file| file.path == at).ok_or_else(leads_nowhere)?;
                return Ok(RawFile { path: path.to_owned(), bytes: file.bytes.clone() });
            };
            let failed = |cause| ReadError::Hidden { path: at.clone(), cause };
            let git = self.repository(object.checkout).map_err(failed)?;
            let bytes = content(git, &object.id, &at).map_err(failed)?;
            if !object.link {
                return Ok(RawFile { path: path.to_owned(), bytes });
            }
            at = tree::beside(&at, &bytes).ok_or_else(leads_nowhere)?;
        }
        Err(leads_nowhere())
    }

    fn repository(&mut self, checkout: usize) -> Result<&git2::Repository, HistoryError> {
        let missing = || HistoryError::OutsideWorkTree;
        let (place, git) = self.checkouts.get_mut(checkout).ok_or_else(missing)?;
        if git.is_none() {
            *git = Some(super::repository::open(&place.work_tree)?.ok_or_else(missing)?);
        }
        git.as_ref().ok_or_else(missing)
    }
}

/// What a hidden folder holds.
enum Listed {
    Object { path: String, id: String, link: bool },
    Submodule { path: String },
    NotText { path: String },
}

fn listed(
    git: &git2::Repository,
    folder: &str,
    above: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Listed>, HistoryError> {
    let not_here = |error: git2::Error| tree::missing(git, error, above);
    let root = git.find_tree(git2::Oid::from_str(folder)?).map_err(not_here)?;
    let mut found = Vec::new();
    tree::walk(git, &root, &mut |path, entry| {
        let text = std::str::from_utf8(path);
        let path = format!("{above}{}", String::from_utf8_lossy(path));
        match entry.kind() {
            Some(git2::ObjectType::Blob) if wanted(&path) => found.push(match text {
                Ok(_) => {
                    Listed::Object { path, id: entry.id().to_string(), link: entry.filemode() == tree::LINK }
                }
                Err(_) => Listed::NotText { path },
            }),
            Some(git2::ObjectType::Commit) => found.push(Listed::Submodule { path }),
            _ => {}
        }
    })?;
    Ok(found)
}

/// Reads an object; of one that is larger than a file may be, only that it is.
fn content(git: &git2::Repository, id: &str, path: &str) -> Result<Vec<u8>, HistoryError> {
    let id = git2::Oid::from_str(id)?;
    let not_here = |error: git2::Error| tree::missing(git, error, path);
    let (length, _) = git.odb()?.read_header(id).map_err(not_here)?;
    if length > MAX_BYTES {
        return Ok(vec![b' '; MAX_BYTES + 1]);
    }
    Ok(git.find_blob(id).map_err(not_here)?.content().to_vec())
}

fn entries_of(checkout: &Checkout) -> Result<Vec<IndexEntry>, ReadError> {
    checkout.entries().map_err(|cause| ReadError::Index { work_tree: checkout.work_tree.clone(), cause })
}

fn within_folder<'a>(path: &'a str, mount: &str) -> &'a str {
    path.strip_prefix(mount).unwrap_or(path)
}

fn real(path: &Path) -> Result<PathBuf, ReadError> {
    let cause = |cause| DiscoverError::Read { path: path.to_path_buf(), cause };
    Ok(std::fs::canonicalize(path).map_err(cause)?)
}
