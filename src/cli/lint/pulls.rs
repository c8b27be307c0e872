//! `--with-open-pull-requests`: which pull requests are open, with their commits fetched.

use crate::cli::comment::{Place, client, failure, server};
use crate::cli::{Exit, Failure, Opened};
use crate::github::{FetchError, OpenPulls, Remote, Token};

/// Lists the open pull requests into the branch of a revision, and fetches their commits.
///
/// # Errors
///
/// Where GitHub or the remote cannot be reached, or refuses.
pub(super) fn open(revision: &str, opened: &Opened) -> Result<OpenPulls, Failure> {
    let client = client(Place::of(opened)?)?;
    let (remote, branch) = Remote::of(&opened.root, revision).map_err(|error| of_fetch(&error))?;
    let pulls = client.open_pull_requests(branch.as_deref()).map_err(|error| failure(&error))?;
    let token = std::env::var("GITHUB_TOKEN").ok().and_then(|token| Token::new(token).ok());
    let remote = match &token {
        Some(token) => remote.signed(&server(), token),
        None => remote,
    };
    remote.fetch(&pulls.pulls).map_err(|error| of_fetch(&error))?;
    Ok(pulls)
}

fn of_fetch(error: &FetchError) -> Failure {
    Failure::of(Exit::Unreachable, error).advised(error)
}
