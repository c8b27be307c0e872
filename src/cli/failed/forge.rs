//! How a command ends that could not read from GitHub or write to it.

use crate::app::comment::MaterialError;
use crate::app::forge::ForgeError;
use crate::artifact::ArtifactError;
use crate::cli::{Exit, Failure, Opened, exit};
use crate::github::{FetchError, GithubError};
use trialbook_history::HistoryError;

const BY_HAND: &str = "name the pull request with `--pr N`";

/// Returns the failure of what could not be read from GitHub or written to it.
pub(in crate::cli) fn of_forge(error: &ForgeError, opened: &Opened) -> Failure {
    match error {
        ForgeError::Github(error) => of_github(error),
        ForgeError::Fetch(error) => of_fetch(error),
        ForgeError::History(error) => {
            Failure::of(Exit::Unreachable, error).within("cannot read the repository of the book")
        }
        ForgeError::NoBook => match opened.book() {
            Err(failure) => failure,
            Ok(_) => Failure::new(Exit::Bug, "there is a book, and it was not found"),
        },
        ForgeError::NotDeclared => {
            Failure::new(Exit::NothingMatched, "the book does not declare where its pull requests are")
                .help("write `github: {repository: owner/name}` into `trialbook.yaml`")
        }
        ForgeError::NoPull { owner, name, head } => {
            let message = format!("no pull request has the branch `{owner}:{name}` at {head}");
            Failure::new(Exit::NothingMatched, message).help(BY_HAND)
        }
        ForgeError::NoEvent => {
            Failure::new(Exit::Usage, "no event of GitHub Actions names a pull request").help(BY_HAND)
        }
        ForgeError::OtherBook { what, other, book } => {
            Failure::new(Exit::Refused, format!("the {what} is of the book `{other}`, not of `{book}`"))
                .help(format!("name the {what}'s book with `--book DIR`"))
        }
        ForgeError::NoExperiment(key) => {
            Failure::new(Exit::NothingMatched, format!("the book has no experiment `{key}`")).help(BY_HAND)
        }
        ForgeError::NoRepository => {
            Failure::new(Exit::NothingMatched, "the book is not in a git repository").help(BY_HAND)
        }
        ForgeError::NothingToBranch => {
            Failure::new(Exit::NothingMatched, "the book is not in a git repository")
                .help("leave `--pull-request` out: the files are edited here")
        }
        ForgeError::Introduced(error) => not_introduced(error),
        ForgeError::Direct { commit, path } => {
            let message =
                format!("commit {}, which added `{path}`, came without a pull request", commit.short());
            Failure::new(Exit::NothingMatched, message).help(BY_HAND)
        }
        ForgeError::Edited => Failure::new(Exit::Refused, "the book has edits that are not committed")
            .help("commit them, or put them back: the pull request holds nothing but its own edits"),
        ForgeError::NoCommit => {
            Failure::new(Exit::NothingMatched, "the repository has no commit").help("commit the book first")
        }
    }
}

/// Returns the failure of GitHub.
pub(in crate::cli) fn of_github(error: &GithubError) -> Failure {
    let exit = if error.is_unreachable() { Exit::Unreachable } else { Exit::Refused };
    Failure::of(exit, error).advised(error)
}

fn of_fetch(error: &FetchError) -> Failure {
    Failure::of(Exit::Unreachable, error).advised(error)
}

fn not_introduced(error: &HistoryError) -> Failure {
    let failure =
        Failure::new(Exit::NothingMatched, "cannot find the pull request that introduced the experiment")
            .because(error);
    match miette::Diagnostic::help(error) {
        Some(help) => failure.help(format!("{help}; or {BY_HAND}")),
        None => failure.help(BY_HAND),
    }
}

/// Returns the failure of files that cannot be reported.
pub(in crate::cli) fn of_material(error: &MaterialError) -> Failure {
    match error {
        MaterialError::File { path, cause } => exit::of_artifact(cause, path).help(match cause {
            ArtifactError::Version { .. } if cause.is_newer() => {
                "use the trialbook that wrote it, or a newer one"
            }
            _ => "`lint --format json=FILE`, `plan --out FILE` and `analyze --out FILE` write what is read here",
        }),
        MaterialError::Folder { .. } => Failure::of(Exit::NothingMatched, error),
        MaterialError::TooMany { .. } | MaterialError::Second { .. } | MaterialError::Mixed => {
            Failure::of(Exit::Usage, error).help("run the command once for each")
        }
    }
}
