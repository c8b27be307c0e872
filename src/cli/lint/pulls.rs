//! `--with-open-pull-requests`: which pull requests are open, with their commits fetched.

use crate::app::forge;
use crate::cli::{Failure, Opened, failed};
use crate::github::OpenPulls;

/// Lists the open pull requests into the branch of a revision, and fetches their commits.
///
/// # Errors
///
/// Where GitHub or the remote cannot be reached, or refuses.
pub(super) fn open(revision: &str, opened: &Opened) -> Result<OpenPulls, Failure> {
    forge::open_pulls(revision, opened.surroundings()).map_err(|error| failed::of_forge(&error, opened))
}
