//! `--pull-request`: edits of a book as a pull request.

use super::sink::{self, Text};
use super::{Failure, Opened, Session, failed};
use crate::app::pull_request::{self, PullRequest};

/// Opens a pull request, and prints its page.
///
/// # Errors
///
/// Where the book has edits that are not committed or is in no repository, or GitHub cannot be reached or refuses.
pub(super) fn open(request: &PullRequest<'_>, opened: &Opened, session: &Session) -> Result<(), Failure> {
    let page = pull_request::open(request, opened.surroundings())
        .map_err(|error| failed::of_forge(&error, opened))?;
    let PullRequest { branch, base, .. } = request;
    session.inform(format_args!("Opened the pull request from `{branch}` into `{base}`:"));
    sink::print(Text::Plain(&format!("{}\n", sink::inline(&page))))?;
    Ok(())
}
