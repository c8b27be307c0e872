//! `trialbook comment`: the result on the pull request that began the experiment.

use std::path::PathBuf;

use super::sink::{self, Text};
use super::{Exit, Failure, Opened, Session, report};
use crate::github::{self, Change, Client, GithubError, Marker, Upserted};
use crate::report::{markdown, outcome};
use trialbook_analysis::Outcome;
use trialbook_history::{HistoryError, Repository};
use trialbook_model::Kind;

/// Write a result to the pull request that introduced its experiment
///
/// There is one comment for each experiment: the first run writes it, later runs edit it. The pull request is the
/// one whose merge brought the experiment's file in. Reads GITHUB_TOKEN, which needs `pull-requests: write` and
/// `contents: read`, and GITHUB_API_URL.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The outcome, as `trialbook analyze --out` wrote it
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The pull request to write to, instead of the one that introduced the experiment
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pr: Option<u64>,
    /// Print the comment, and ask nobody
    #[arg(long)]
    dry_run: bool,
}

/// Writes the comment, or edits the one that is there.
///
/// # Errors
///
/// Where the outcome cannot be read or is of another book, the pull request is not known, or GitHub cannot be
/// reached or says no. Nothing is written then.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let outcome = report::read(&args.from)?;
    let marker = Marker::new("outcome", outcome.experiment.key.as_str()).map_err(|error| failure(&error))?;
    let body = markdown::for_pull_request(&outcome::document(&outcome), &report::rest());
    if args.dry_run {
        sink::print(Text::Plain(&format!("{}\n", marker.mark(&body).trim_end())))?;
        return Ok(Exit::Done);
    }
    let opened = session.open()?;
    let client = client(&opened, &outcome)?;
    let number = match args.pr {
        Some(number) => number,
        None => introducing(&opened, &outcome, &client, session)?,
    };
    let upserted = client.upsert_comment(number, &marker, &body).map_err(|error| failure(&error))?;
    told(&upserted, number, session)?;
    Ok(Exit::Done)
}

fn client(opened: &Opened, outcome: &Outcome) -> Result<Client, Failure> {
    let book = opened.book()?;
    if book.name != outcome.book.name {
        let message = format!("the outcome is of the book `{}`, not of `{}`", outcome.book.name, book.name);
        return Err(Failure::new(Exit::Refused, message).help("name the outcome's book with `--book DIR`"));
    }
    let repository = book.github.as_ref().ok_or_else(|| {
        Failure::new(Exit::NothingMatched, "the book does not say where its pull requests are")
            .help("write `github: {repository: owner/name}` into `trialbook.yaml`")
    })?;
    let repository = github::Repository::new(&repository.repository).map_err(|error| failure(&error))?;
    Client::from_variables(repository, |name| std::env::var(name).ok()).map_err(|error| failure(&error))
}

/// Returns the number of the pull request that brought the experiment's file in.
fn introducing(
    opened: &Opened,
    outcome: &Outcome,
    client: &Client,
    session: &Session,
) -> Result<u64, Failure> {
    let key = &outcome.experiment.key;
    let by_hand = "name the pull request with `--pr N`";
    let path = opened.loaded.documents.path_of(Kind::Experiment, key.as_str()).ok_or_else(|| {
        Failure::new(Exit::NothingMatched, format!("the book has no experiment `{key}`")).help(by_hand)
    })?;
    let history = Repository::of_book(&opened.root).map_err(|error| unknown(&error))?.ok_or_else(|| {
        Failure::new(Exit::NothingMatched, "the book is not in a git repository").help(by_hand)
    })?;
    let commit = history.introduced(path).map_err(|error| unknown(&error))?;
    let asked = github::Commit::new(commit.as_str()).map_err(|error| failure(&error))?;
    let number = client.pull_request_introducing(&asked).map_err(|error| failure(&error))?;
    let number = number.ok_or_else(|| {
        let message = format!("commit {}, which added `{path}`, came without a pull request", commit.short());
        Failure::new(Exit::NothingMatched, message).help(by_hand)
    })?;
    if session.verbose() {
        session.say(format_args!("Commit {} added `{path}` with pull request #{number}.", commit.short()));
    }
    Ok(number)
}

fn told(upserted: &Upserted, number: u64, session: &Session) -> Result<(), Failure> {
    let what = match upserted.change {
        Change::Created => "Wrote the comment",
        Change::Edited => "Edited the comment",
        Change::Unchanged => "The comment says so already",
    };
    session.say(format_args!("{what} on pull request #{number}:"));
    sink::print(Text::Plain(&format!("{}\n", sink::inline(&upserted.url))))?;
    if !upserted.duplicates.is_empty() {
        const NAMED: usize = 10;
        let pages: Vec<_> = upserted.duplicates.iter().take(NAMED).map(String::as_str).collect();
        let more = match upserted.duplicates.len() - pages.len() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        session.say(format_args!(
            "There are more comments of this experiment, left as they are: {}{more}",
            pages.join(", ")
        ));
    }
    Ok(())
}

fn failure(error: &GithubError) -> Failure {
    let exit = if error.is_unreachable() { Exit::Unreachable } else { Exit::Refused };
    Failure::of(exit, error).help(error.hint())
}

fn unknown(error: &HistoryError) -> Failure {
    let failure = Failure::new(Exit::NothingMatched, "cannot tell which pull request began the experiment")
        .because(error);
    match error.help() {
        Some(help) => failure.help(format!("{help}; or name the pull request with `--pr N`")),
        None => failure.help("name the pull request with `--pr N`"),
    }
}
