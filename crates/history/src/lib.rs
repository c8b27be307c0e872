//! What git knows: a book at a revision, launches, the pre-registration and its digest.

mod deleted;
mod introduced;
mod launch;
mod merge;
mod preregistration;
mod repository;
mod tree;

pub use deleted::Deleted;
pub use launch::{Launch, LaunchError};
pub use merge::{Conflict, ConflictKind, FileChange, Joined, Merge, MergedFiles};
pub use preregistration::{Preregistration, Registration, registration};
pub use repository::{Commit, HistoryError, Repository};
