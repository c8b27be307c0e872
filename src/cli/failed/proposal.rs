//! How a command ends that made nothing of a proposal.

use super::{of_forge, of_lint};
use crate::app::propose::{LONGEST_PARAGRAPH, LONGEST_TITLE, MOST_FILES, MOST_PARAGRAPHS, NotAccepted};
use crate::cli::{Exit, Failure, Opened};
use crate::report::proposal as report;
use trialbook_history::HistoryError;

/// Returns the failure of a proposal of which nothing was made.
pub(in crate::cli) fn of_proposal(error: &NotAccepted, opened: &Opened) -> Failure {
    match error {
        NotAccepted::Title => Failure::new(Exit::Usage, "`title` is not one plain line").help(format!(
            "give one line of at most {LONGEST_TITLE} characters, without `@`, `#` and addresses: in a commit they notify people and close issues"
        )),
        NotAccepted::Description => Failure::new(Exit::Usage, "`description` is too long")
            .help(format!("give at most {LONGEST_PARAGRAPH} characters in each of at most {MOST_PARAGRAPHS} paragraphs")),
        NotAccepted::Files(count) => Failure::new(Exit::Usage, format!("the proposal has {count} files"))
            .help(format!("give 1 to {MOST_FILES} files")),
        NotAccepted::Path(path) => Failure::new(Exit::Usage, format!("`{path}` is not a file of the book"))
            .help("name `trialbook.yaml` or `FOLDER/KEY.KIND.yaml`, from the book's folder"),
        NotAccepted::Twice(path) => Failure::new(Exit::Usage, format!("`{path}` is in the proposal twice"))
            .help("give each file once, with all that it holds then"),
        NotAccepted::Same => Failure::new(Exit::Refused, "nothing differs from what is committed")
            .help("read the files again: the change may be there already"),
        NotAccepted::NoCommit => {
            Failure::new(Exit::NothingMatched, "the book is in no git repository with a commit")
                .help("commit the book first: a proposal is a branch")
        }
        NotAccepted::Lint(error) => of_lint(error),
        NotAccepted::Errors(errors) => {
            let failure =
                Failure::new(Exit::Refused, "lint finds errors in the proposal, so no branch was made")
                    .help("correct the files and propose them again");
            errors.iter().take(20).fold(failure, |failure, finding| failure.detail(report::finding_with_help(finding)))
        }
        NotAccepted::Branch { branch, error } => {
            let exit = match error {
                HistoryError::BranchExists(_) => Exit::Refused,
                _ => Exit::Unreachable,
            };
            Failure::of(exit, error).advised(error).within(format!("cannot make the branch `{branch}`"))
        }
        NotAccepted::Forge(error) => of_forge(error, opened),
    }
}
