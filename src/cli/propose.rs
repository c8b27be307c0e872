//! Edits of a book as a pull request, made without touching the checkout.

use super::comment::{Place, client, failure as of_github};
use super::sink::{self, Text};
use super::{Exit, Failure, Opened, Session};
use crate::app::conclude::Edit;
use crate::github::{self, Proposed};
use trialbook_history::Repository;

/// What a pull request is opened with.
pub(super) struct Proposal<'a> {
    /// The branch that it is to be merged into.
    pub(super) base: &'a str,
    /// The branch that is made for it.
    pub(super) branch: &'a str,
    /// Its title, and the first line of the commit's message.
    pub(super) title: &'a str,
    /// The rest of the commit's message.
    pub(super) message: &'a str,
    /// Its description, as Markdown.
    pub(super) body: &'a str,
    /// The edits.
    pub(super) edits: &'a [Edit],
}

/// Opens a pull request, and prints its page.
///
/// # Errors
///
/// Where the book has edits that are not committed or is in no repository, or GitHub cannot be reached or refuses.
pub(super) fn open(proposal: &Proposal<'_>, opened: &Opened, session: &Session) -> Result<(), Failure> {
    let of_history =
        |error| Failure::of(Exit::Unreachable, &error).within("cannot read the repository of the book");
    let repository = Repository::of_book(&opened.root).map_err(of_history)?.ok_or_else(|| {
        Failure::new(Exit::NothingMatched, "the book is not in a git repository")
            .help("leave `--pull-request` out: the files are edited here")
    })?;
    if repository.book_is_edited().map_err(of_history)? {
        return Err(Failure::new(Exit::Refused, "the book has edits that are not committed")
            .help("commit them, or put them back: the pull request holds nothing but its own edits"));
    }
    let head = repository.head().map_err(of_history)?.ok_or_else(|| {
        Failure::new(Exit::NothingMatched, "the repository has no commit").help("commit the book first")
    })?;
    let on = github::Commit::new(head.as_str()).map_err(|error| of_github(&error))?;
    let client = client(Place::of(opened)?)?;
    let file = |edit: &Edit| (repository.path_in_repository(&edit.path), edit.after.clone());
    let files: Vec<_> = proposal.edits.iter().map(file).collect();
    let Proposal { base, branch, title, message, body, .. } = proposal;
    let message = format!("{title}\n\n{message}\n");
    let proposed = Proposed { base, on: &on, branch, message: &message, files: &files, title, body };
    let page = client.propose(&proposed).map_err(|error| of_github(&error))?;
    session.inform(format_args!("Opened the pull request from `{branch}` into `{base}`:"));
    sink::print(Text::Plain(&format!("{}\n", sink::inline(&page))))?;
    Ok(())
}
