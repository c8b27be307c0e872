//! Edits of a book as a pull request, made without touching the checkout.

use super::conclude::Edit;
use super::forge::{ForgeError, Surroundings};
use crate::github::{self, Proposed};
use trialbook_history::Repository;

/// What a pull request is opened with.
#[derive(Debug, Clone, Copy)]
pub struct PullRequest<'a> {
    /// The branch that it is to be merged into.
    pub base: &'a str,
    /// The branch that is made for it.
    pub branch: &'a str,
    /// Its title, and the first line of the commit's message.
    pub title: &'a str,
    /// The rest of the commit's message.
    pub message: &'a str,
    /// Its description, as Markdown.
    pub body: &'a str,
    /// The edits.
    pub edits: &'a [Edit],
}

/// Opens a pull request, and returns its page.
///
/// # Errors
///
/// Where the book has edits that are not committed or is in no repository, or GitHub cannot be reached or refuses.
pub fn open(request: &PullRequest<'_>, around: Surroundings<'_>) -> Result<String, ForgeError> {
    let repository = Repository::of_book(around.root).map_err(ForgeError::History)?;
    let repository = repository.ok_or(ForgeError::NothingToBranch)?;
    if repository.book_is_edited().map_err(ForgeError::History)? {
        return Err(ForgeError::Edited);
    }
    let head = repository.head().map_err(ForgeError::History)?.ok_or(ForgeError::NoCommit)?;
    let on = github::Commit::new(head.as_str())?;
    let file = |edit: &Edit| (repository.path_in_repository(&edit.path), edit.after.clone());
    let files: Vec<_> = request.edits.iter().map(file).collect();
    let PullRequest { base, branch, title, message, body, .. } = *request;
    let message = std::format!("{title}\n\n{message}\n");
    let proposed = Proposed { base, on: &on, branch, message: &message, files: &files, title, body };
    Ok(around.client()?.propose(&proposed)?)
}
