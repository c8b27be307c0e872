//! What git knows: a book at a revision, launches, the pre-registration and its digest.

mod deleted;
mod descent;
mod index;
mod introduced;
mod launch;
mod merge;
mod preregistration;
mod reader;
mod registration;
mod repository;
mod tree;

pub use deleted::Deleted;
pub use descent::{Descent, Subject};
pub use index::IndexError;
pub use launch::{Launch, LaunchError, Launched};
pub use merge::{Conflict, ConflictKind, FileChange, Joined, Merge, MergedFiles};
pub use preregistration::Preregistration;
pub use reader::{ReadError, find_book, read_book, read_book_within, read_file};
pub use registration::{LiveLaunch, Registrar, Registration};
pub use repository::{Commit, HistoryError, Repository};
