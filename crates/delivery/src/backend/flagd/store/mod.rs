//! Where a flag file is kept: bytes that are replaced in one step, if they are still those that were read.
//!
//! Every store gives the same promise by the means that it has: a file by a lock and a rename, an object store by a
//! conditional put, a git branch by a push that names the commit it replaces. The version of what is there is the digest of
//! its bytes in each, so a plan stays valid when a store names the same bytes otherwise (another entity tag, a commit that
//! touched another file).

mod file;
mod git;
mod journal;
mod object;

use std::fmt::Debug;
use std::path::Path;

use crate::backend::{BackendError, Reference};
use crate::journal::Record;
use crate::plan::LiveVersion;
use trialbook_model::Digest;

use file::FileStore;
use git::GitStore;
#[cfg(test)]
pub(in crate::backend) use journal::Log;
pub(in crate::backend) use journal::StoreJournal;
pub(in crate::backend) use object::ObjectStore;

/// The largest flag file that is read or written: flagd itself holds the whole file in memory.
const LARGEST: u64 = 256 << 20;

/// Makes the new bytes of the old ones; `None` where nothing is to be written.
pub(in crate::backend) type Make<'a> =
    &'a mut dyn FnMut(Option<&[u8]>) -> Result<Option<String>, BackendError>;

/// Bytes that are replaced in one step.
pub(in crate::backend) trait Store: Debug {
    /// Returns where it is, for people.
    fn place(&self) -> String;

    /// Returns the bytes; `None` where there is nothing yet.
    fn read(&self) -> Result<Option<Vec<u8>>, BackendError>;

    /// Replaces the bytes by what `make` makes of them, if they are of the expected version; returns the new version.
    ///
    /// Readers see the old bytes or the new ones, and where anything fails the bytes are the old ones. `make` may be called
    /// more than once, each time with what is there.
    fn replace(
        &self,
        expected: &LiveVersion,
        beside: &Beside<'_>,
        make: Make<'_>,
    ) -> Result<LiveVersion, BackendError>;

    /// Returns where applies are written down beside the bytes; `None` where the store's own history holds them.
    fn journal(&self) -> Option<StoreJournal>;

    /// Returns the records that the store's own history holds, the oldest first: the lines of its notes that begin with `mark`.
    fn records(&self, _mark: &str) -> Result<Vec<Record>, BackendError> {
        Ok(Vec::new())
    }
}

/// What a store with a history takes along with a change.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::backend) struct Beside<'a> {
    /// What it writes down about the change.
    pub(in crate::backend) note: &'a str,
    /// The refs that the change sets.
    pub(in crate::backend) refs: &'a [Reference],
}

/// Returns the version of bytes.
pub(in crate::backend) fn version(bytes: Option<&[u8]>) -> LiveVersion {
    bytes.map_or(LiveVersion::Absent, |bytes| LiveVersion::Tag(Digest::of_bytes(bytes).to_string()))
}

/// Names the store of a URL; nothing is read yet. A relative path of `file://` begins at `root`, and a remote of `git://` is
/// one of the repository that `root` is in.
pub(in crate::backend) fn open(url: &str, root: &Path) -> Result<Box<dyn Store>, BackendError> {
    let unknown = || BackendError::Store { store: url.to_owned() };
    let (scheme, place) = url.split_once("://").ok_or_else(unknown)?;
    if place.is_empty() || place.ends_with('/') {
        return Err(unknown());
    }
    match scheme {
        "file" => Ok(Box::new(FileStore::in_book(root, place))),
        "git" => Ok(Box::new(GitStore::new(place, root).ok_or_else(unknown)?)),
        "s3" | "gs" | "az" => Ok(Box::new(ObjectStore::open(url)?)),
        _ => Err(unknown()),
    }
}

/// Refuses bytes of another version than the expected one.
fn check(expected: &LiveVersion, bytes: Option<&[u8]>) -> Result<(), BackendError> {
    let found = version(bytes);
    if found == *expected {
        Ok(())
    } else {
        Err(BackendError::Conflict { expected: expected.clone(), found })
    }
}

/// Refuses more bytes than can be read again.
fn bounded(text: String, place: impl FnOnce() -> String) -> Result<String, BackendError> {
    if text.len() as u64 > LARGEST {
        return Err(BackendError::TooLarge { place: place(), mebibytes: LARGEST >> 20 });
    }
    Ok(text)
}

/// Returns the error that what is there is too large to be read.
fn too_large(place: String) -> BackendError {
    BackendError::Malformed { place, problem: format!("it is larger than {} MiB", LARGEST >> 20) }
}
