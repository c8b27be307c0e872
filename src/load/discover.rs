//! The files of a book on disk. The only part of `load` that touches it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::name::{FileName, classify};
use super::{BOOK_FILE, MAX_BYTES};

/// A file before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// The path relative to the book's root, `/`-separated.
    pub path: String,
    /// What is in it; past [`MAX_BYTES`] there may be less than there is.
    pub bytes: Vec<u8>,
}

/// Why a book's files cannot be found or read.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No folder on the way up is a book.
    #[error("no `{BOOK_FILE}` in `{start}` or in a folder above it", start = start.display())]
    NoBook {
        /// Where the search began.
        start: PathBuf,
    },
    /// A folder or a file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A symbolic link leads out of the book, where no review sees a change.
    #[error("the symbolic link `{path}` leads out of the book", path = path.display())]
    LeavesBook {
        /// The link.
        path: PathBuf,
    },
    /// A name that is not UTF-8.
    #[error("the name of `{path}` is not UTF-8", path = path.display())]
    Name {
        /// Which.
        path: PathBuf,
    },
}

impl DiscoverError {
    /// Returns what to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoBook { .. } => {
                "go to a book's folder, or name one with `--book DIR`; `trialbook demo` makes one to play with"
            }
            Self::Read { .. } => "check that it exists and may be read",
            Self::LeavesBook { .. } => "copy the file into the book",
            Self::Name { .. } => "rename it",
        }
    }
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

/// Returns the files of a book, sorted by path: those with the name of a kind, and other YAML that looks as if
/// it were meant to have one.
///
/// Folders whose name begins with a dot are left out, and no symbolic link to a folder is followed: what is in
/// the book is found where it is.
///
/// # Errors
///
/// Where a folder or a file cannot be read, or a link leads out of the book.
pub fn read_folder(root: &Path) -> Result<Vec<RawFile>, DiscoverError> {
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
            // Only a file that could be ours has to have a name that can be told.
            let extension = entry.path().extension().unwrap_or_default();
            if extension == "yaml" || extension == "yml" {
                return Err(DiscoverError::Name { path: entry.path().to_path_buf() });
            }
            continue;
        };
        let ours = classify(&path) != FileName::Other;
        if kind.is_symlink() {
            let target = std::fs::canonicalize(entry.path());
            let folder = target.as_ref().is_ok_and(|target| target.is_dir());
            let inside = target.as_ref().is_ok_and(|target| target.starts_with(&real_root));
            match target {
                Ok(_) if (ours || folder) && !inside => {
                    return Err(DiscoverError::LeavesBook { path: entry.path().to_path_buf() });
                }
                Err(cause) if ours => {
                    return Err(DiscoverError::Read { path: entry.path().to_path_buf(), cause });
                }
                Ok(_) | Err(_) => {}
            }
            if folder {
                continue;
            }
        } else if !kind.is_file() {
            continue;
        }
        if ours {
            files.push((path, entry.into_path()));
        }
    }
    files.sort_unstable();
    // The first file that cannot be read is the one that is told, whichever is tried first.
    let files: Vec<_> = files
        .into_par_iter()
        .map(|(path, place)| Ok(RawFile { path, bytes: read(&place, content(&place))? }))
        .collect();
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
