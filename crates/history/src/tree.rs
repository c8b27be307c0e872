//! The files of a book in a commit's tree, by their names and ids: contents are read when they are needed.

use std::collections::BTreeMap;

use trialbook_language::load::MAX_BYTES;

use super::{Commit, HistoryError, Repository, repository::is_yaml};

/// The files of a book at a commit: each path with the id of its content.
pub(super) type Blobs = BTreeMap<String, git2::Oid>;

/// The mode of a symbolic link in a tree.
pub(super) const LINK: i32 = 0o120_000;

impl Repository {
    /// Returns the files of the book at a commit; none where the book is not there.
    ///
    /// A symbolic link to a file stands for that file, as it does in a work tree; one that leads nowhere in the book is left out.
    pub(super) fn blobs_at(&self, commit: &Commit) -> Result<Blobs, HistoryError> {
        let found = self.git.find_commit(git2::Oid::from_str(commit.as_str())?)?;
        let Some(root) = self.folder(&found)? else { return Ok(Blobs::new()) };
        let (mut blobs, mut links) = (Blobs::new(), Vec::new());
        walk(&self.git, &root, &mut |path, entry| {
            // A file is known by its kind and key, so a folder whose name is not text may be shown in another way.
            let path = String::from_utf8_lossy(path);
            if entry.kind() == Some(git2::ObjectType::Blob) && is_yaml(&path) {
                if entry.filemode() == LINK {
                    links.push((path.into_owned(), entry.id()));
                } else {
                    blobs.insert(path.into_owned(), entry.id());
                }
            }
        })?;
        for (path, link) in links {
            let target = self.content(link, &path)?;
            if let Some(id) = beside(&path, &target).and_then(|target| blobs.get(&target).copied()) {
                blobs.insert(path, id);
            }
        }
        Ok(blobs)
    }

    /// Reads a blob.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFetched`] where a partial clone left it out, [`HistoryError::FileTooLarge`] where no file of a book
    /// may be so large: it is not expanded then.
    pub(super) fn content(&self, id: git2::Oid, path: &str) -> Result<Vec<u8>, HistoryError> {
        if let Ok((bytes, _)) = self.git.odb().and_then(|odb| odb.read_header(id))
            && bytes > MAX_BYTES
        {
            return Err(HistoryError::FileTooLarge { path: path.to_owned(), bytes });
        }
        match self.git.find_blob(id) {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(error) => Err(missing(&self.git, error, path)),
        }
    }
}

/// Returns why an object cannot be read: a partial clone may have left it out.
pub(super) fn missing(git: &git2::Repository, error: git2::Error, path: &str) -> HistoryError {
    if error.code() == git2::ErrorCode::NotFound && is_partial(git) {
        HistoryError::NotFetched(path.to_owned())
    } else {
        error.into()
    }
}

/// Tells whether the clone may lack objects that its remote has.
fn is_partial(git: &git2::Repository) -> bool {
    let Ok(config) = git.config() else { return false };
    config.get_string("extensions.partialclone").is_ok()
        || config.entries(Some("remote\\..*\\.promisor")).is_ok_and(|mut entries| entries.next().is_some())
}

/// The most entries that are looked at below one folder: a small tree may name itself without end.
const MOST_ENTRIES: usize = 5_000_000;

/// The deepest folder that is looked into.
const DEEPEST: usize = 128;

/// Visits what is below a folder, with the path from there as bytes: git does not require UTF-8, and libgit2's own walk ends
/// at the first folder whose name is none. Folders whose name begins with a dot are no part of a book and are left out.
///
/// # Errors
///
/// [`HistoryError::TooLarge`], and where a folder cannot be read.
pub(super) fn walk(
    git: &git2::Repository,
    root: &git2::Tree<'_>,
    visit: &mut dyn FnMut(&[u8], &git2::TreeEntry<'_>),
) -> Result<(), HistoryError> {
    let mut visited = 0;
    below(git, root, (&mut Vec::new(), 0), &mut visited, visit)
}

fn below(
    git: &git2::Repository,
    tree: &git2::Tree<'_>,
    (path, depth): (&mut Vec<u8>, usize),
    visited: &mut usize,
    visit: &mut dyn FnMut(&[u8], &git2::TreeEntry<'_>),
) -> Result<(), HistoryError> {
    if depth > DEEPEST {
        return Err(HistoryError::TooLarge);
    }
    for entry in tree {
        *visited += 1;
        if *visited > MOST_ENTRIES {
            return Err(HistoryError::TooLarge);
        }
        let name = entry.name_bytes();
        let length = path.len();
        path.extend_from_slice(name);
        if entry.kind() == Some(git2::ObjectType::Tree) {
            if !name.starts_with(b".") {
                let shown = || String::from_utf8_lossy(path).into_owned();
                let folder = git.find_tree(entry.id()).map_err(|error| missing(git, error, &shown()))?;
                path.push(b'/');
                below(git, &folder, (path, depth + 1), visited, visit)?;
            }
        } else {
            visit(path, &entry);
        }
        path.truncate(length);
    }
    Ok(())
}

/// Returns the path that a link's text leads to from the link's folder; `None` where that leaves the book.
pub(super) fn beside(link: &str, text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in text.split('/') {
        match part {
            "" if parts.is_empty() => return None,
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_its_folder() {
        assert_eq!(beside("a/b.flag.yaml", b"c.flag.yaml").as_deref(), Some("a/c.flag.yaml"));
        assert_eq!(beside("a/b.flag.yaml", b"../d/./c.flag.yaml").as_deref(), Some("d/c.flag.yaml"));
        assert_eq!(beside("b.flag.yaml", b"../c.flag.yaml"), None);
        assert_eq!(beside("b.flag.yaml", b"/etc/passwd"), None);
    }
}
