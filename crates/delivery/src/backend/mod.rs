//! Flag back ends: reading what is live, writing what is planned.
//!
//! A write names the version that it replaces, and a target refuses it when that is no longer the version it has.
//! Flags that are not the book's are returned as they are found and written as they were.

#[cfg(test)]
mod conformance;
pub mod flagd;
mod memory;
pub mod unleash;

use std::path::Path;

use crate::journal::{Journal, Record};
use crate::plan::{Changes, FlagState, Live, LiveVersion, State};
use trialbook_model::{self as model, Connection, FlagKey, TargetType};

pub use flagd::Flagd;
pub use memory::Memory;
pub use unleash::Unleash;

/// A flag back end, as one book uses it.
pub trait Backend {
    /// Returns what the target is, wherever the book is: a plan for one store is not one for another.
    fn identity(&self) -> &str;

    /// Returns the kind, whose capabilities are in [`model::capability`].
    fn kind(&self) -> TargetType;

    /// Returns how it takes the changes of one write.
    fn writes(&self) -> Writes {
        Writes::AtOnce
    }

    /// Reads everything that is served, at one version.
    fn read(&self) -> Result<Live, BackendError>;

    /// Writes the changes, if the version is still the expected one; returns the new version.
    ///
    /// Where it fails, the target serves what it served before, unless it could not be reached ([`BackendError::Io`]): then it
    /// may serve either; or was cut off ([`BackendError::Partial`]): then some flags are as they were and some as they were
    /// wanted, which only happens with [`Writes::FlagByFlag`]. What is attached goes along where [`Backend::journal`] is `None`, and is ignored elsewhere.
    fn write(
        &self,
        changes: &Changes,
        expected: &LiveVersion,
        attached: &Attached<'_>,
    ) -> Result<LiveVersion, BackendError>;

    /// Returns where applies are written down beside what is served; `None` where each write takes its record, and the refs
    /// of its launches, along in the same step.
    fn journal(&self) -> Option<&dyn Journal> {
        None
    }

    /// Returns the applies in the audit log, the oldest first.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    fn records(&self) -> Result<Vec<Record>, BackendError>;

    /// Returns how many bytes the target's clients take at once unless they are set up for more; `None` where nothing
    /// limits them.
    fn largest_sync(&self) -> Option<usize> {
        None
    }

    /// Returns how many bytes flags take together in the target: what all of its clients get.
    ///
    /// # Errors
    ///
    /// Where the target cannot serve one of them.
    fn size(&self, state: &State) -> Result<usize, BackendError> {
        state.flags.iter().map(|(key, flag)| Ok(self.render(key, flag)?.len())).sum()
    }

    /// Returns a flag in the target's own form, for people: what [`Backend::write`] would make of it.
    fn render(&self, flag: &FlagKey, state: &FlagState) -> Result<String, BackendError>;
}

/// How a target takes the changes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// All of them in one step, or none, on the condition that nobody wrote in between.
    AtOnce,
    /// Flag by flag, on no condition: a write that is cut off leaves each flag as it was or as it was wanted, and one apply
    /// at a time may write, which the journal sees to.
    FlagByFlag,
}

/// What goes into a target in the same step as a write, where its store is a git branch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attached<'a> {
    /// What the history records of the write.
    pub record: Option<&'a Record>,
    /// The launches.
    pub refs: &'a [Reference],
}

/// A git ref that must be on the remote after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its full name.
    pub name: String,
    /// The object that it points to, which is in the clone.
    pub id: String,
    /// The object that it may replace. One that points to anything else is left alone, and nothing is written.
    pub replaces: Option<String>,
}

/// Why a target could not be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BackendError {
    /// The store's URL is of a form that this program does not know.
    #[error("`{store}` is not a store that trialbook can use")]
    #[diagnostic(help(
        "write `file://PATH`, `s3://BUCKET/PATH`, `gs://BUCKET/PATH`, `az://CONTAINER/PATH` or `git://REMOTE/BRANCH/PATH`"
    ))]
    Store {
        /// What the book declares.
        store: String,
    },
    /// The environment variable that should hold the token of a server does not.
    #[error("`{variable}` is not set, and holds the token of the server")]
    #[diagnostic(help("set it to a token of the server that may write flags"))]
    NoToken {
        /// Which.
        variable: String,
    },
    /// A server refused a request.
    #[error("`{place}` refused to {action}, with status {status}: {message}")]
    #[diagnostic(help(
        "check the server, the project, the environment and what the token may do; Unleash takes imports from a personal access token or a service account's"
    ))]
    Answer {
        /// What was asked for: `read` or `write`.
        action: &'static str,
        /// Where.
        place: String,
        /// The status of HTTP.
        status: u16,
        /// What the server reported.
        message: String,
    },
    /// A flag's name is taken by one that this book does not own, archived or in another project.
    #[error("`{place}` has another flag of the name `{name}`, archived or in another project")]
    #[diagnostic(help(
        "delete that flag, or revive it and take it over with `--adopt`, or give the book's flag another key"
    ))]
    Taken {
        /// Where.
        place: String,
        /// The name.
        name: String,
    },
    /// A write was cut off after some flags were written.
    #[error("the write was cut off after some flags were written")]
    #[diagnostic(help("finish it with `trialbook apply --resume`"))]
    Partial {
        /// Why.
        #[source]
        cause: Box<BackendError>,
    },
    /// Another apply has begun and not ended, where only one at a time may write.
    #[error("another apply to `{place}` has started and not ended")]
    #[diagnostic(help("wait for it; if it was cut off, finish it with `trialbook apply --resume`"))]
    Underway {
        /// Where.
        place: String,
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
    #[diagnostic(help(
        "wait for the other process, then plan again; the lock is the system's and ends with its process, which `fuser` shows for the folder"
    ))]
    Locked {
        /// Where.
        place: String,
    },
    /// Somebody else wrote since the version that the write expected.
    #[error("somebody else has written to the target since it was read")]
    #[diagnostic(help("plan again: somebody else has written in between"))]
    Conflict {
        /// What the write was to replace.
        expected: LiveVersion,
        /// What is there.
        found: LiveVersion,
    },
    /// What the store holds cannot be read, so it is not written either.
    #[error("`{place}` is not a flag file: {problem}")]
    #[diagnostic(help(
        "repair the file by hand or from git; trialbook writes nothing over what it cannot read"
    ))]
    Malformed {
        /// Where, with a line and column where there are some.
        place: String,
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// A link in the book leads out of it, where no review sees what is there.
    #[error("`{place}` is a symbolic link that leads out of the book, or is behind one")]
    #[diagnostic(help("write a path within the book into `store:`, or name a bucket or a git branch"))]
    Outside {
        /// Where.
        place: String,
    },
    /// What keeps applies that were cut off cannot be read.
    #[error("`{place}` is not a journal of trialbook: {problem}")]
    #[diagnostic(help(
        "move the file away: it holds only applies that were cut off, and `trialbook plan` shows what is left to do"
    ))]
    Journal {
        /// Where.
        place: String,
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// The remote has another launch of an experiment than this clone.
    #[error("the remote `{remote}` has another launch under `{name}`")]
    #[diagnostic(help(
        "get the launches of others with `git fetch {remote} '+refs/trialbook/*:refs/trialbook/*'`, and plan again"
    ))]
    Launched {
        /// The remote's name.
        remote: String,
        /// The ref.
        name: String,
    },
    /// What would be written is more than can be read again.
    #[error("`{place}` would be larger than {mebibytes} MiB")]
    #[diagnostic(help(
        "large segments take the most: target an attribute that means the same, or archive flags"
    ))]
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

/// Opens a target of a book whose root is `root`; nothing is read yet.
///
/// # Errors
///
/// [`BackendError::Store`] where the store's URL is not one for this kind, and [`BackendError::NoToken`].
pub fn open(book: &str, target: &model::Target, root: &Path) -> Result<Box<dyn Backend>, BackendError> {
    match &target.connection {
        Connection::Flagd { store, .. } => Ok(Box::new(Flagd::open(book, store, root)?)),
        connection @ Connection::Unleash { .. } => Ok(Box::new(Unleash::open(book, connection, root)?)),
    }
}
