//! What git knows: a book at a revision, launches, the pre-registration and its digest.

mod bearing;
mod branch;
mod deleted;
mod descent;
mod error;
mod index;
mod introduced;
mod launch;
mod log;
mod merge;
mod preregistration;
mod reader;
mod registration;
mod repository;
mod tree;

pub use bearing::{grown, holds_more, keeps_units};
pub use deleted::Deleted;
pub use descent::{Descent, Subject};
pub use error::HistoryError;
pub use index::IndexError;
pub use launch::{Launch, LaunchError, Launched};
pub use log::{Described, Log, Logged, Touched};
pub use merge::{Conflict, ConflictKind, FileChange, Joined, Merge, MergedFiles};
pub use preregistration::{Defaults, Preregistration};
pub use reader::{ReadError, find_book, hidden_files, read_book, read_book_within, read_file};
pub use registration::{LiveLaunch, Registrar, Registration};
pub use repository::{Commit, Repository};
