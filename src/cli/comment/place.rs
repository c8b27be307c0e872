//! Which repository and which pull request a comment goes to.

use crate::cli::{Exit, Failure, Opened, Session};
use crate::github::{self, Client, Commit, Event, GithubError, Headed, PullOf};
use trialbook_analysis::Outcome;
use trialbook_history::{HistoryError, Repository};
use trialbook_model::Kind;

/// A repository on a GitHub server.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Place {
    repository: github::Repository,
    server: String,
}

impl Place {
    /// Returns the repository that the book declares, or else the one whose workflow this is.
    pub(in crate::cli) fn of(opened: &Opened) -> Result<Option<Self>, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let declared = opened.loaded.book.as_ref().and_then(|book| book.github.as_ref());
        let name = declared.map(|github| github.repository.clone()).or_else(|| set("GITHUB_REPOSITORY"));
        let repository = name.map(|name| github::Repository::new(&name)).transpose();
        Ok(repository
            .map_err(|error| failure(&error))?
            .map(|repository| Self { repository, server: server() }))
    }

    /// Returns the address below which the files of a commit can be read.
    pub(in crate::cli) fn files(&self, commit: &str) -> String {
        format!("{}/{}/blob/{commit}/", self.server, self.repository)
    }

    /// Returns the page of a workflow's run.
    pub(in crate::cli) fn run(&self, id: u64) -> String {
        format!("{}/{}/actions/runs/{id}", self.server, self.repository)
    }
}

/// Returns the address of the GitHub server.
pub(in crate::cli) fn server() -> String {
    let set = std::env::var("GITHUB_SERVER_URL").ok().filter(|value| !value.is_empty());
    let server = set.unwrap_or_else(|| "https://github.com".to_owned());
    server.trim_end_matches('/').to_owned()
}

/// Returns a client of a repository.
pub(in crate::cli) fn client(place: Option<Place>) -> Result<Client, Failure> {
    let place = place.ok_or_else(|| {
        Failure::new(Exit::NothingMatched, "the book does not declare where its pull requests are")
            .help("write `github: {repository: owner/name}` into `trialbook.yaml`")
    })?;
    Client::from_variables(place.repository, |name| std::env::var(name).ok()).map_err(|error| failure(&error))
}

/// Returns the number of an event's pull request; as an error, of one that has a newer commit by now.
pub(in crate::cli) fn pull_of(event: &Event, client: &Client) -> Result<Result<u64, u64>, Failure> {
    let (owner, name) = match &event.pull {
        PullOf::Numbered(number) => return Ok(Ok(*number)),
        PullOf::Branch { owner, name } => (owner, name),
    };
    match client.pull_request_at(owner, name, &event.head).map_err(|error| failure(&error))? {
        Headed::At(number) => Ok(Ok(number)),
        Headed::Superseded(number) => Ok(Err(number)),
        Headed::Nowhere => {
            let message = format!("no pull request has the branch `{owner}:{name}` at {}", event.head);
            Err(Failure::new(Exit::NothingMatched, message).help("name the pull request with `--pr N`"))
        }
    }
}

/// Returns the number of the pull request that brought the experiment's file in, and the commit that did.
pub(in crate::cli) fn introducing(
    opened: &Opened,
    outcome: &Outcome,
    client: &Client,
    session: &Session,
) -> Result<(u64, Commit), Failure> {
    let key = &outcome.experiment.key;
    let by_hand = "name the pull request with `--pr N`";
    let path = opened.loaded.documents.path_of(Kind::Experiment, key.as_str()).ok_or_else(|| {
        Failure::new(Exit::NothingMatched, format!("the book has no experiment `{key}`")).help(by_hand)
    })?;
    let history = Repository::of_book(&opened.root).map_err(|error| unknown(&error))?.ok_or_else(|| {
        Failure::new(Exit::NothingMatched, "the book is not in a git repository").help(by_hand)
    })?;
    let commit = history.introduced(path).map_err(|error| unknown(&error))?;
    let asked = Commit::new(commit.as_str()).map_err(|error| failure(&error))?;
    let number = client.pull_request_introducing(&asked).map_err(|error| failure(&error))?;
    let number = number.ok_or_else(|| {
        let message = format!("commit {}, which added `{path}`, came without a pull request", commit.short());
        Failure::new(Exit::NothingMatched, message).help(by_hand)
    })?;
    if session.verbose() {
        session.inform(format_args!("Commit {} added `{path}` with pull request #{number}.", commit.short()));
    }
    Ok((number, asked))
}

pub(in crate::cli) fn failure(error: &GithubError) -> Failure {
    let exit = if error.is_unreachable() { Exit::Unreachable } else { Exit::Refused };
    Failure::of(exit, error).advised(error)
}

fn unknown(error: &HistoryError) -> Failure {
    let failure =
        Failure::new(Exit::NothingMatched, "cannot find the pull request that introduced the experiment")
            .because(error);
    match miette::Diagnostic::help(error) {
        Some(help) => failure.help(format!("{help}; or name the pull request with `--pr N`")),
        None => failure.help("name the pull request with `--pr N`"),
    }
}
