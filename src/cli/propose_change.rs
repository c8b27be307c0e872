//! `trialbook propose`: edits of a book's files from stdin, linted, as a branch and a pull request. Agents use it through `mcp`.

use std::io::Read as _;

use serde_json::json;

use super::comment::{Place, client, failure as of_github};
use super::sink::{self, Text};
use super::{Exit, Failure, Opened, Session, failed};
use crate::app::propose::{
    self, Accepted, LONGEST_PARAGRAPH, LONGEST_TITLE, MOST_FILES, MOST_PARAGRAPHS, NotAccepted, Proposal,
};
use crate::github::{Commit, Proposed};
use crate::report::markdown;
use trialbook_model::diagnostic::Diagnostic;

/// The most bytes of a proposal.
const LARGEST: u64 = 16 << 20;

/// Propose edits of the book's files, read as JSON from stdin, on a new branch
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<super::At>,
}

/// Lints the edits, commits them on a new branch, and opens a pull request where there is a token.
///
/// # Errors
///
/// Where stdin holds no proposal, lint finds errors, or git or GitHub refuses.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(LARGEST + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::Usage, "stdin is not UTF-8").because(&error))?;
    if text.len() as u64 > LARGEST {
        return Err(Failure::new(
            Exit::Refused,
            format!("the proposal is larger than {} MiB", LARGEST >> 20),
        ));
    }
    let proposal: Proposal = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Usage, "stdin holds no proposal").because(&error).help(
            "an object with `title`, `description`, `base` and `files`, each with `path` and its whole `content`",
        )
    })?;
    let opened = session.open()?;
    let accepted =
        propose::judge(&opened.root, &proposal, opened.instant(args.at)).map_err(|error| failure(&error))?;
    let has_token = std::env::var("GITHUB_TOKEN").is_ok_and(|token| !token.is_empty());
    let page = if has_token { Some(pull_request(&proposal, &accepted, &opened)?) } else { None };
    let commit = if has_token { None } else { Some(branch(&proposal, &accepted, &opened)?) };
    let answer = json!({
        "version": 1,
        "branch": accepted.branch,
        "commit": commit,
        "pull_request": page,
        "warnings": accepted.warnings.iter().take(100).map(sentence).collect::<Vec<_>>(),
    });
    sink::print(Text::Json(&format!("{answer:#}\n")))?;
    Ok(Exit::Done)
}

fn pull_request(proposal: &Proposal, accepted: &Accepted, opened: &Opened) -> Result<String, Failure> {
    let on = Commit::new(accepted.on.as_str()).map_err(|error| of_github(&error))?;
    let title = proposal.title.trim();
    let paragraphs = proposal.description.split("\n\n").map(markdown::paragraph);
    let body = paragraphs.collect::<Vec<_>>().join("\n");
    let message = message(proposal);
    let proposed = Proposed {
        base: &proposal.base,
        on: &on,
        branch: &accepted.branch,
        message: &message,
        files: &accepted.files,
        title,
        body: &body,
    };
    client(Place::of(opened)?)?.propose(&proposed).map_err(|error| of_github(&error))
}

/// Commits the files on a new branch, next to what is checked out, and returns the commit.
fn branch(proposal: &Proposal, accepted: &Accepted, opened: &Opened) -> Result<String, Failure> {
    let failed = |error: git2::Error| {
        let exit = if error.code() == git2::ErrorCode::Exists { Exit::Refused } else { Exit::Unreachable };
        Failure::new(exit, format!("cannot make the branch `{}`", accepted.branch)).because(&error)
    };
    let git = git2::Repository::discover(&opened.root).map_err(failed)?;
    let parent =
        git2::Oid::from_str(accepted.on.as_str()).and_then(|id| git.find_commit(id)).map_err(failed)?;
    let mut update = git2::build::TreeUpdateBuilder::new();
    for (path, text) in &accepted.files {
        let blob = git.blob(text.as_bytes()).map_err(failed)?;
        update.upsert(path.as_str(), blob, git2::FileMode::Blob);
    }
    let tree = parent.tree().and_then(|tree| update.create_updated(&git, &tree)).map_err(failed)?;
    let tree = git.find_tree(tree).map_err(failed)?;
    let author = git.signature().or_else(|_| git2::Signature::now("trialbook", "trialbook@localhost"));
    let author = author.map_err(failed)?;
    let commit = git.commit(None, &author, &author, &message(proposal), &tree, &[&parent]).map_err(failed)?;
    git.reference(&format!("refs/heads/{}", accepted.branch), commit, false, "trialbook propose")
        .map_err(failed)?;
    Ok(commit.to_string())
}

/// The title alone: the description is in the pull request, where its text is escaped. In a commit it could close issues and notify
/// people.
fn message(proposal: &Proposal) -> String {
    format!("{}\n", proposal.title.trim())
}

fn sentence(finding: &Diagnostic) -> String {
    let at = finding.primary.file.position(finding.primary.span.start);
    format!("{}:{}: {} [{}]", finding.primary.file.path(), at.line, finding.message, finding.rule)
}

fn failure(error: &NotAccepted) -> Failure {
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
        NotAccepted::Lint(error) => failed::of_lint(error),
        NotAccepted::Errors(errors) => {
            let with_help = |finding: &Diagnostic| {
                let help = finding.help.as_ref().map_or_else(String::new, |help| format!(" — {help}"));
                format!("{}{help}", sentence(finding))
            };
            let failure =
                Failure::new(Exit::Refused, "lint finds errors in the proposal, so no branch was made")
                    .help("correct the files and propose them again");
            errors.iter().take(20).fold(failure, |failure, finding| failure.detail(with_help(finding)))
        }
    }
}
