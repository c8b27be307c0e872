//! The files of a book in a commit's tree, by their names and ids: contents are read when they are needed.

use std::collections::BTreeMap;

use super::{Commit, HistoryError, Repository, repository::is_yaml};

/// The files of a book at a commit: each path with the id of its content.
pub(super) type Blobs = BTreeMap<String, git2::Oid>;

/// The mode of a symbolic link in a tree.
const LINK: i32 = 0o120_000;

impl Repository {
    /// Returns the files of the book at a commit; none where the book is not there.
    ///
    /// A symbolic link to a file stands for that file, as it does in a work tree; one that leads nowhere in the book is left out.
    pub(super) fn blobs_at(&self, commit: &Commit) -> Result<Blobs, HistoryError> {
        let found = self.git.find_commit(git2::Oid::from_str(commit.as_str())?)?;
        let Some(root) = self.folder(&found)? else { return Ok(Blobs::new()) };
        let (mut blobs, mut links) = (Blobs::new(), Vec::new());
        root.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            let name = entry.name().unwrap_or_default();
            match entry.kind() {
                // Folders whose name begins with a dot are no part of a book.
                Some(git2::ObjectType::Tree) if name.starts_with('.') => return git2::TreeWalkResult::Skip,
                Some(git2::ObjectType::Blob) if is_yaml(name) => {
                    let path = format!("{folder}{name}");
                    if entry.filemode() == LINK {
                        links.push((path, entry.id()));
                    } else {
                        blobs.insert(path, entry.id());
                    }
                }
                _ => {}
            }
            git2::TreeWalkResult::Ok
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
    /// [`HistoryError::NotFetched`] where a partial clone left it out.
    pub(super) fn content(&self, id: git2::Oid, path: &str) -> Result<Vec<u8>, HistoryError> {
        match self.git.find_blob(id) {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(error) if error.code() == git2::ErrorCode::NotFound && self.is_partial() => {
                Err(HistoryError::NotFetched(path.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether the clone may lack objects that its remote has.
    fn is_partial(&self) -> bool {
        let Ok(config) = self.git.config() else { return false };
        config.get_string("extensions.partialclone").is_ok()
            || config
                .entries(Some("remote\\..*\\.promisor"))
                .is_ok_and(|mut entries| entries.next().is_some())
    }
}

/// Returns the path that a link's text leads to from the link's folder; `None` where that leaves the book.
fn beside(link: &str, text: &[u8]) -> Option<String> {
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
