//! Flag back ends: reading what is live, writing what is planned.
//!
//! A write says which version it replaces, and a target refuses it when that is no longer the version it has.
//! Flags that are not the book's are returned as they are found and written as they were.

#[cfg(test)]
mod conformance;
pub mod flagd;
mod memory;

use std::path::Path;

use crate::plan::{Changes, FlagState, Live, LiveVersion};
use trialbook_model::{self as model, Backend, FlagKey, TargetType};

pub use flagd::Flagd;
pub use memory::Memory;

/// A flag back end, as one book uses it.
pub trait Target {
    /// Returns what the target is, wherever the book is: a plan for one store is not one for another.
    fn identity(&self) -> &str;

    /// Returns the kind, whose capabilities are in [`model::capability`].
    fn kind(&self) -> TargetType;

    /// Reads everything that is served, at one version.
    fn read(&self) -> Result<Live, TargetError>;

    /// Writes the changes in one step, if the version is still the expected one; returns the new version.
    ///
    /// Where it fails, the target serves what it served before.
    fn write(&self, changes: &Changes, expected: &LiveVersion) -> Result<LiveVersion, TargetError>;

    /// Returns how many bytes the target's clients take at once unless they are set up for more; `None` where nothing
    /// limits them.
    fn largest_sync(&self) -> Option<usize> {
        None
    }

    /// Returns a flag in the target's own form, for people: what [`Target::write`] would make of it.
    fn render(&self, flag: &FlagKey, state: &FlagState) -> Result<String, TargetError>;
}

/// Why a target could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The store's URL is of a form that this program does not know.
    #[error("`{store}` is not a store that trialbook can use")]
    Store {
        /// What the book says.
        store: String,
    },
    /// The store is one that this version can read about in a book, and no more.
    #[error("this version cannot write the object store `{store}`")]
    ObjectStore {
        /// What the book says.
        store: String,
    },
    /// The kind of target is one that this version can read about in a book, and no more.
    #[error("this version cannot serve targets of type `{kind}`")]
    Unsupported {
        /// Which kind.
        kind: &'static str,
    },
    /// The store could not be reached, read or written.
    #[error("cannot {action} `{place}`")]
    Io {
        /// What was tried: `read`, `write`, `lock`.
        action: &'static str,
        /// Where.
        place: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Somebody else is writing, and went on for too long.
    #[error("`{place}` is locked by another process")]
    Locked {
        /// Where.
        place: String,
    },
    /// Somebody else wrote since the version that the write expected.
    #[error("the target has changed: expected version {expected}, found {found}")]
    Conflict {
        /// What the write was to replace.
        expected: LiveVersion,
        /// What is there.
        found: LiveVersion,
    },
    /// What the store holds cannot be read, so it is not written either.
    #[error("`{place}` is not a flag file: {problem}")]
    Malformed {
        /// Where, with a line and column where there are some.
        place: String,
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// What would be written is more than can be read again.
    #[error("`{place}` would be larger than {mebibytes} MiB")]
    TooLarge {
        /// Where.
        place: String,
        /// The most that a file may have.
        mebibytes: u64,
    },
    /// The target cannot serve what a flag asks for.
    #[error("the target cannot serve `{flag}`: {problem}")]
    Inexpressible {
        /// Which flag.
        flag: FlagKey,
        /// What it cannot, as a fragment.
        problem: String,
    },
}

impl TargetError {
    /// Returns what to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store { .. } => Some("a flagd target has a store such as `file://live/production.json`"),
            Self::ObjectStore { .. } => Some(
                "write `store: file://live/production.json`, and copy the file to the object store in CI",
            ),
            Self::Locked { .. } => Some(
                "wait for the other process, then plan again; the lock is the system's and ends with its process, which \
                 `fuser` shows for the folder",
            ),
            Self::TooLarge { .. } => Some(
                "large segments are written into every flag that names them: target an attribute that says the same, or \
                 archive flags",
            ),
            Self::Conflict { .. } => Some("plan again: somebody else has written in between"),
            Self::Malformed { .. } => {
                Some("repair the file by hand or from git; trialbook writes nothing over what it cannot read")
            }
            Self::Unsupported { .. } => Some("name a flagd target with `--target`"),
            Self::Io { .. } | Self::Inexpressible { .. } => None,
        }
    }
}

/// Opens a target of a book whose root is `root`; nothing is read yet.
///
/// # Errors
///
/// [`TargetError::Store`] where the store's URL is not one for this kind.
pub fn open(book: &str, target: &model::Target, root: &Path) -> Result<Box<dyn Target>, TargetError> {
    match &target.backend {
        Backend::Flagd { store, .. } if target.backend.cannot_open().is_some() => {
            Err(TargetError::ObjectStore { store: store.clone() })
        }
        Backend::Flagd { store, .. } => Ok(Box::new(Flagd::open(book, store, root)?)),
        Backend::Unleash { .. } => Err(TargetError::Unsupported { kind: target.kind().as_str() }),
    }
}
