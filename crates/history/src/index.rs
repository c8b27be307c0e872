//! Git's index: which files git lists, whatever the checkout shows.
//!
//! It is read here and not by libgit2, which (1.9, read 2026-11) refuses the sparse indexes of
//! `git sparse-checkout --sparse-index` and every repository with SHA-256 ids. The format is that of
//! `gitformat-index(5)`, versions 2 to 4.

use std::path::{Path, PathBuf};

/// Where git keeps what it knows of a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkout {
    /// The folder that git checks out into, without symbolic links.
    pub work_tree: PathBuf,
    /// The folder of its index.
    folder: PathBuf,
}

/// A file, a submodule or, in a sparse index, a folder that git lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexEntry {
    /// The path from the work tree, `/`-separated, as bytes: git does not require UTF-8.
    pub path: Vec<u8>,
    /// The object's id in hexadecimal.
    pub id: String,
    pub kind: EntryKind,
    /// Whether a merge left it to be resolved.
    pub unmerged: bool,
    /// Whether git takes it for there without looking: `skip-worktree` (sparse checkouts) or `assume-unchanged`.
    pub hidden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Link,
    Submodule,
    /// Everything below it is hidden, and only in the object database.
    Folder,
}

/// Why an index cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum IndexError {
    /// The file cannot be read.
    #[error("it cannot be read")]
    #[diagnostic(help("check that the folder `.git` may be read"))]
    Read(#[from] std::io::Error),
    /// It ends early, or holds what no index holds.
    #[error("it is damaged")]
    #[diagnostic(help("`git status` shows what is wrong; `git reset` writes the index again"))]
    Damaged,
    /// The files are in two indexes, one of them shared.
    #[error("it is a split index")]
    #[diagnostic(help("write it as one with `git update-index --no-split-index`"))]
    Split,
    /// A form of a later git.
    #[error("it has a form that this version does not know ({0})")]
    #[diagnostic(help("write it in a known form with `git update-index --index-version 4`"))]
    Unknown(String),
}

/// Returns the checkout that a folder is in; `None` where it is in none. Symbolic links are resolved by the caller.
pub(super) fn checkout_of(folder: &Path) -> Option<Checkout> {
    folder.ancestors().find_map(|work_tree| {
        let link = work_tree.join(".git");
        let folder = if link.is_dir() {
            link
        } else {
            // A submodule or a further work tree: the file holds the path of its folder.
            let text = std::fs::read_to_string(&link).ok().filter(|text| text.len() < 1 << 16)?;
            work_tree.join(text.strip_prefix("gitdir:")?.trim())
        };
        // What has no HEAD is no repository to git either, and the search goes on above it.
        let known = folder.join("HEAD").symlink_metadata().is_ok();
        known.then(|| Checkout { work_tree: work_tree.to_path_buf(), folder })
    })
}

impl Checkout {
    /// Returns what the index holds; nothing where there is no index yet.
    pub fn entries(&self) -> Result<Vec<IndexEntry>, IndexError> {
        let bytes = match std::fs::read(self.folder.join("index")) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        parse(&bytes, self.id_length())
    }

    /// Returns how many bytes an id has: 32 where it is a SHA-256 by the configuration.
    fn id_length(&self) -> usize {
        let common = std::fs::read_to_string(self.folder.join("commondir"));
        let common = common.map_or_else(|_| self.folder.clone(), |path| self.folder.join(path.trim()));
        let config = std::fs::read_to_string(common.join("config")).unwrap_or_default();
        let sha256 = config.lines().any(|line| {
            let line = line.trim().to_ascii_lowercase();
            line.strip_prefix("objectformat")
                .and_then(|rest| rest.trim_start().strip_prefix('='))
                .is_some_and(|value| value.trim().trim_matches('"') == "sha256")
        });
        if sha256 { 32 } else { 20 }
    }
}

/// Bytes that are read from front to back.
struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], IndexError> {
        let end = self.at.checked_add(length).ok_or(IndexError::Damaged)?;
        let taken = self.all.get(self.at..end).ok_or(IndexError::Damaged)?;
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, IndexError> {
        let bytes = self.take(4)?.try_into().map_err(|_| IndexError::Damaged)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn half(&mut self) -> Result<u16, IndexError> {
        let bytes = self.take(2)?.try_into().map_err(|_| IndexError::Damaged)?;
        Ok(u16::from_be_bytes(bytes))
    }

    /// Reads up to a NUL, which is passed over.
    fn text(&mut self) -> Result<&'a [u8], IndexError> {
        let rest = self.all.get(self.at..).ok_or(IndexError::Damaged)?;
        let length = rest.iter().position(|byte| *byte == 0).ok_or(IndexError::Damaged)?;
        self.at += length + 1;
        rest.get(..length).ok_or(IndexError::Damaged)
    }

    /// Reads the number of bytes that a path of version 4 drops from the path before it.
    fn dropped(&mut self) -> Result<usize, IndexError> {
        let mut byte = usize::from(*self.take(1)?.first().ok_or(IndexError::Damaged)?);
        let mut number = byte & 127;
        while byte & 128 != 0 {
            byte = usize::from(*self.take(1)?.first().ok_or(IndexError::Damaged)?);
            let next = number.checked_add(1).and_then(|number| number.checked_mul(128));
            number = next.ok_or(IndexError::Damaged)? + (byte & 127);
        }
        Ok(number)
    }
}

fn parse(all: &[u8], id_length: usize) -> Result<Vec<IndexEntry>, IndexError> {
    let mut bytes = Bytes { all, at: 0 };
    if bytes.take(4)? != b"DIRC" {
        return Err(IndexError::Damaged);
    }
    let version = bytes.number()?;
    if !(2..=4).contains(&version) {
        return Err(IndexError::Unknown(format!("version {version}")));
    }
    let count = bytes.number()?;
    let mut entries: Vec<IndexEntry> = Vec::new();
    for _ in 0..count {
        let entry = entry(&mut bytes, version, id_length, entries.last())?;
        entries.push(entry);
    }
    extensions(&mut bytes, id_length)?;
    Ok(entries)
}

fn entry(
    bytes: &mut Bytes<'_>,
    version: u32,
    id_length: usize,
    before: Option<&IndexEntry>,
) -> Result<IndexEntry, IndexError> {
    const ASSUME_UNCHANGED: u16 = 0x8000;
    const EXTENDED: u16 = 0x4000;
    const STAGE: u16 = 0x3000;
    const SKIP_WORKTREE: u16 = 0x4000;
    let start = bytes.at;
    // Times, device and inode.
    bytes.take(24)?;
    let mode = bytes.number()?;
    // Owner and size.
    bytes.take(12)?;
    let id = bytes.take(id_length)?.iter().map(|byte| format!("{byte:02x}")).collect();
    let flags = bytes.half()?;
    let more = if version >= 3 && flags & EXTENDED != 0 { bytes.half()? } else { 0 };
    let path = if version == 4 {
        let before = before.map_or(&[][..], |before| &before.path);
        let kept = before.len().checked_sub(bytes.dropped()?).ok_or(IndexError::Damaged)?;
        let mut path = before.get(..kept).ok_or(IndexError::Damaged)?.to_vec();
        path.extend_from_slice(bytes.text()?);
        path
    } else {
        let path = bytes.text()?.to_vec();
        // An entry ends at a multiple of eight bytes, with one NUL at least.
        let length = bytes.at - start;
        bytes.take(length.next_multiple_of(8) - length)?;
        path
    };
    let kind = match mode & 0o170_000 {
        0o100_000 => EntryKind::File,
        0o120_000 => EntryKind::Link,
        0o160_000 => EntryKind::Submodule,
        0o040_000 => EntryKind::Folder,
        _ => return Err(IndexError::Damaged),
    };
    Ok(IndexEntry {
        path,
        id,
        kind,
        unmerged: flags & STAGE != 0,
        hidden: flags & ASSUME_UNCHANGED != 0 || more & SKIP_WORKTREE != 0,
    })
}

/// Passes over the extensions; one whose name begins with a small letter may not be passed over.
fn extensions(bytes: &mut Bytes<'_>, id_length: usize) -> Result<(), IndexError> {
    while bytes.all.len() > bytes.at + id_length {
        let name = bytes.take(4)?;
        let length = usize::try_from(bytes.number()?).map_err(|_| IndexError::Damaged)?;
        match name {
            b"link" => return Err(IndexError::Split),
            // Folders are entries, which are read.
            b"sdir" => {}
            [b'A'..=b'Z', ..] => {}
            other => {
                let name = String::from_utf8_lossy(other).escape_default().to_string();
                return Err(IndexError::Unknown(format!("extension {name}")));
            }
        }
        bytes.take(length)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            version in 0u32..6,
            count in 0u32..4,
            rest in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut bytes = b"DIRC".to_vec();
            bytes.extend(version.to_be_bytes());
            bytes.extend(count.to_be_bytes());
            bytes.extend(rest);
            let _ = parse(&bytes, 20);
            let _ = parse(&bytes, 32);
        }
    }

    #[test]
    fn a_split_index_and_an_unknown_extension_are_refused() {
        let with = |name: &[u8]| {
            let mut bytes = b"DIRC\0\0\0\x02\0\0\0\0".to_vec();
            bytes.extend(name);
            bytes.extend([0, 0, 0, 0]);
            bytes.extend([0; 20]);
            parse(&bytes, 20)
        };
        assert!(matches!(with(b"link"), Err(IndexError::Split)));
        assert!(matches!(with(b"zeta"), Err(IndexError::Unknown(_))));
        assert!(matches!(with(b"TREE"), Ok(entries) if entries.is_empty()));
        assert!(matches!(parse(b"DIRC\0\0\0\x02\0\0\0\x01", 20), Err(IndexError::Damaged)));
    }
}
