//! The files of a book on disk. The only part of `load` that touches it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::name::{FileName, classify, is_yaml};
use super::{BOOK_FILE, MAX_BYTES};

/// A file before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// The path relative to the book's root, `/`-separated.
    pub path: String,
    /// What is in it; past [`MAX_BYTES`] there may be less than there is.
    pub bytes: Vec<u8>,
}

/// How much a book may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many files of its own.
    pub files: usize,
    /// How many bytes all of them have together.
    pub bytes: usize,
}

impl Default for Limits {
    /// Ten times what the largest companies have, and what a machine of CI can hold.
    fn default() -> Self {
        Self { files: 200_000, bytes: 512 << 20 }
    }
}

/// Why a book's files cannot be found or read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DiscoverError {
    /// No folder on the way up is a book.
    #[error("no `{BOOK_FILE}` in `{start}` or in a folder above it", start = start.display())]
    #[diagnostic(help("go to a book's folder, or name one with `--book DIR`; `trialbook init` makes one"))]
    NoBook {
        /// Where the search began.
        start: PathBuf,
    },
    /// A folder or a file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    #[diagnostic(help("check that it exists and may be read"))]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A symbolic link leads out of the book, where no review sees a change.
    #[error("the symbolic link `{path}` leads out of the book", path = path.display())]
    #[diagnostic(help("copy the file into the book"))]
    LeavesBook {
        /// The link.
        path: PathBuf,
    },
    /// A pipe, a socket or a device with the name of a book's file: reading it may never end.
    #[error("`{path}` is not a file", path = path.display())]
    #[diagnostic(help("remove it, or give it a name that is not that of a book's file"))]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// More files than a book may have.
    #[error("the book has more than {limit} files")]
    #[diagnostic(help(
        "split the book by product, each with a `trialbook.yaml` of its own, and move data out of it"
    ))]
    TooManyFiles {
        /// How many it may have.
        limit: usize,
    },
    /// More bytes than a book may have.
    #[error("the files of the book have more than {limit} bytes together")]
    #[diagnostic(help(
        "split the book by product, each with a `trialbook.yaml` of its own, and move data out of it"
    ))]
    TooLarge {
        /// How many they may have.
        limit: usize,
    },
    /// A name that is not UTF-8.
    #[error("the name of `{path}` is not UTF-8", path = path.display())]
    #[diagnostic(help("rename it"))]
    Name {
        /// Which.
        path: PathBuf,
    },
}

/// Returns the nearest folder, from `start` upwards, that holds a `trialbook.yaml`.
///
/// # Errors
///
/// Where there is none, or `start` cannot be read.
pub fn find_root(start: &Path) -> Result<PathBuf, DiscoverError> {
    let absolute = read(start, std::fs::canonicalize(start))?;
    let folder = absolute.ancestors().find(|folder| folder.join(BOOK_FILE).is_file());
    folder.map(Path::to_path_buf).ok_or_else(|| DiscoverError::NoBook { start: start.to_path_buf() })
}

/// Returns the folders below a folder that are roots of books and in no other one, by name. Folders that hold what others made are
/// left out, and what is more than a few folders down.
pub fn roots_below(folder: &Path) -> Vec<PathBuf> {
    const DEPTH: usize = 5;
    let visible = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "node_modules" || name == "target")
    };
    let mut roots: Vec<PathBuf> = Vec::new();
    let entries = WalkDir::new(folder).max_depth(DEPTH).sort_by_file_name().into_iter().filter_entry(visible);
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name() == BOOK_FILE && entry.path().is_file() {
            roots.extend(entry.path().parent().map(Path::to_owned));
        }
    }
    let nested = |root: &PathBuf| roots.iter().any(|other| root != other && root.starts_with(other));
    roots.iter().filter(|root| !nested(root)).cloned().collect()
}

/// Returns the files of a book on disk, sorted by path: those with the name of a kind, and other YAML that looks as if
/// it were meant to have one.
///
/// Folders whose name begins with a dot are left out, and no symbolic link to a folder is followed: what is in
/// the book is found where it is.
///
/// # Errors
///
/// Where a folder or a file cannot be read, is no file, or is more than a book may be, or a link leads out of the book.
pub fn read_folder(root: &Path) -> Result<Vec<RawFile>, DiscoverError> {
    read_folder_within(root, Limits::default())
}

/// Does what [`read_folder`] does, within other limits.
///
/// # Errors
///
/// Those of [`read_folder`].
pub fn read_folder_within(root: &Path, limits: Limits) -> Result<Vec<RawFile>, DiscoverError> {
    let real_root = read(root, std::fs::canonicalize(root))?;
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(&real_root).into_iter().filter_entry(visible) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_path_buf();
            let cause =
                error.into_io_error().unwrap_or_else(|| std::io::Error::other("the folders form a loop"));
            DiscoverError::Read { path, cause }
        })?;
        let kind = entry.file_type();
        if kind.is_dir() {
            continue;
        }
        let Some(path) = relative(entry.path(), &real_root) else {
            // Only a file that could be ours has to have a name that is text.
            let extension = entry.path().extension().unwrap_or_default();
            if extension.to_str().is_some_and(is_yaml) {
                return Err(DiscoverError::Name { path: entry.path().to_path_buf() });
            }
            continue;
        };
        let ours = classify(&path) != FileName::Other;
        if kind.is_symlink() {
            let target = std::fs::canonicalize(entry.path());
            let folder = target.as_ref().is_ok_and(|target| target.is_dir());
            let inside = target.as_ref().is_ok_and(|target| target.starts_with(&real_root));
            let file = target.as_ref().is_ok_and(|target| target.is_file());
            match target {
                Ok(_) if (ours || folder) && !inside => {
                    return Err(DiscoverError::LeavesBook { path: entry.path().to_path_buf() });
                }
                Err(cause) if ours => {
                    return Err(DiscoverError::Read { path: entry.path().to_path_buf(), cause });
                }
                Ok(_) if ours && !folder && !file => {
                    return Err(DiscoverError::NotAFile { path: entry.path().to_path_buf() });
                }
                Ok(_) | Err(_) => {}
            }
            if folder {
                continue;
            }
        } else if !kind.is_file() {
            if ours {
                return Err(DiscoverError::NotAFile { path: entry.path().to_path_buf() });
            }
            continue;
        }
        if ours {
            if files.len() == limits.files {
                return Err(DiscoverError::TooManyFiles { limit: limits.files });
            }
            files.push((path, entry.into_path()));
        }
    }
    files.sort_unstable();
    // The first file that cannot be read is the one that is reported, whichever is tried first.
    let total = AtomicUsize::new(0);
    let files: Vec<_> = files
        .into_par_iter()
        .map(|(path, place)| {
            // What is past the limit is not kept, whichever file it is in.
            if total.load(Ordering::Relaxed) > limits.bytes {
                return Err(DiscoverError::TooLarge { limit: limits.bytes });
            }
            let bytes = read(&place, content(&place))?;
            total.fetch_add(bytes.len(), Ordering::Relaxed);
            Ok(RawFile { path, bytes })
        })
        .collect();
    if total.into_inner() > limits.bytes {
        return Err(DiscoverError::TooLarge { limit: limits.bytes });
    }
    files.into_iter().collect()
}

/// Returns a file of a book as it is on disk; `None` where there is none, or none that a book would have.
///
/// # Errors
///
/// Where it cannot be read, or is a link that leads out of the book.
pub fn read_one(root: &Path, path: &str) -> Result<Option<RawFile>, DiscoverError> {
    if classify(path) == FileName::Other || path.split('/').any(|part| part.starts_with('.')) {
        return Ok(None);
    }
    let full = root.join(path);
    let real = match std::fs::canonicalize(&full) {
        Ok(real) => real,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(DiscoverError::Read { path: full, cause }),
    };
    if !real.is_file() {
        return Ok(None);
    }
    if !real.starts_with(read(root, std::fs::canonicalize(root))?) {
        return Err(DiscoverError::LeavesBook { path: full });
    }
    Ok(Some(RawFile { path: path.to_owned(), bytes: read(&full, content(&full))? }))
}

/// Reads one byte more than is accepted, so that a file of any size costs no more.
fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    // Room for nearly every file: most are read at once.
    let mut bytes = Vec::with_capacity(4096);
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

fn relative(path: &Path, root: &Path) -> Option<String> {
    let parts = path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str());
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

fn read<T>(path: &Path, result: std::io::Result<T>) -> Result<T, DiscoverError> {
    result.map_err(|cause| DiscoverError::Read { path: path.to_path_buf(), cause })
}
