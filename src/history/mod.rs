//! What git knows: a book at a revision, launches, the pre-registration and its digest.

mod introduced;
mod launch;
mod preregistration;
mod repository;

pub use launch::{Launch, LaunchError};
pub use preregistration::{Preregistration, Registration, registration};
pub use repository::{Commit, HistoryError, Repository};
