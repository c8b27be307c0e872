//! The GitHub repository that a book belongs to, and the pull requests in it that something is about.

use std::path::Path;

use crate::github::{
    self, Client, Commit, Event, FetchError, GithubError, Headed, OpenPulls, PullOf, Remote, Token,
};
use trialbook_analysis::Outcome;
use trialbook_history::{self as history, HistoryError, Repository};
use trialbook_language::load::Loaded;
use trialbook_model::{Book, ExperimentKey, Kind};

/// Reads a variable of the environment.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A book, and the variables of the environment that it is looked at in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The book's folder.
    pub root: &'a Path,
    /// What was read from it.
    pub loaded: &'a Loaded,
    /// The environment.
    pub variable: Variable<'a>,
}

/// Why nothing was read from GitHub or written to it.
#[derive(Debug)]
pub enum ForgeError {
    /// GitHub could not be reached, or refused.
    Github(GithubError),
    /// Commits of pull requests could not be fetched.
    Fetch(FetchError),
    /// The repository of the book could not be read.
    History(HistoryError),
    /// The book has errors, so that there is no book.
    NoBook,
    /// The book does not declare which repository its pull requests are in.
    NotDeclared,
    /// No pull request has a branch that is at a commit.
    NoPull {
        /// Who owns the repository of the branch.
        owner: String,
        /// The branch.
        name: String,
        /// The commit.
        head: Commit,
    },
    /// No event names a pull request, and none was named.
    NoEvent,
    /// A plan or an outcome is of another book.
    OtherBook {
        /// What is.
        what: &'static str,
        /// Its book.
        other: String,
        /// The book that is reported on.
        book: String,
    },
    /// The book has no file of the experiment.
    NoExperiment(ExperimentKey),
    /// The book is in no git repository, whose history would name the pull request.
    NoRepository,
    /// The book is in no git repository, in which a branch could be made.
    NothingToBranch,
    /// The history of the experiment's file could not be read.
    Introduced(HistoryError),
    /// The commit that added a file came without a pull request.
    Direct {
        /// The commit.
        commit: history::Commit,
        /// The file.
        path: String,
    },
    /// The book has edits that are not committed.
    Edited,
    /// The repository has no commit.
    NoCommit,
}

impl From<GithubError> for ForgeError {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}

impl From<FetchError> for ForgeError {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

/// A repository on a GitHub server.
#[derive(Debug, Clone)]
pub struct Place {
    repository: github::Repository,
    server: String,
}

impl Place {
    /// Returns the repository that the book declares, or else the one whose workflow this is.
    ///
    /// # Errors
    ///
    /// [`GithubError::Repository`] where its name is none.
    pub fn of(book: Option<&Book>, variable: Variable<'_>) -> Result<Option<Self>, GithubError> {
        let declared = book.and_then(|book| book.github.as_ref());
        let name =
            declared.map(|github| github.repository.clone()).or_else(|| set(variable, "GITHUB_REPOSITORY"));
        let repository = name.map(|name| github::Repository::new(&name)).transpose()?;
        Ok(repository.map(|repository| Self { repository, server: server(variable) }))
    }

    /// Returns the address below which the files of a commit can be read.
    pub fn files(&self, commit: &str) -> String {
        format!("{}/{}/blob/{commit}/", self.server, self.repository)
    }

    /// Returns the page of a workflow's run.
    pub fn run(&self, id: u64) -> String {
        format!("{}/{}/actions/runs/{id}", self.server, self.repository)
    }

    /// Returns a client of the repository.
    ///
    /// # Errors
    ///
    /// Where there is no token, or it is none.
    pub fn client(self, variable: Variable<'_>) -> Result<Client, GithubError> {
        Client::from_variables(self.repository, variable)
    }
}

fn set(variable: Variable<'_>, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

/// Returns the address of the GitHub server.
fn server(variable: Variable<'_>) -> String {
    let server = set(variable, "GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    server.trim_end_matches('/').to_owned()
}

impl Surroundings<'_> {
    /// Returns the book.
    pub(super) fn book(&self) -> Result<&Book, ForgeError> {
        self.loaded.book.as_ref().ok_or(ForgeError::NoBook)
    }

    /// Returns the book's repository on GitHub, where it is known.
    pub(super) fn place(&self) -> Result<Option<Place>, GithubError> {
        Place::of(self.loaded.book.as_ref(), self.variable)
    }

    /// Returns a client of the book's repository.
    pub(super) fn client(&self) -> Result<Client, ForgeError> {
        Ok(self.place()?.ok_or(ForgeError::NotDeclared)?.client(self.variable)?)
    }
}

/// Lists the open pull requests into the branch of a revision, and fetches their commits.
///
/// # Errors
///
/// Where GitHub or the remote cannot be reached, or refuses.
pub fn open_pulls(revision: &str, around: Surroundings<'_>) -> Result<OpenPulls, ForgeError> {
    let client = around.client()?;
    let (remote, branch) = Remote::of(around.root, revision)?;
    let pulls = client.open_pull_requests(branch.as_deref())?;
    let token = (around.variable)("GITHUB_TOKEN").and_then(|token| Token::new(token).ok());
    let remote = match &token {
        Some(token) => remote.signed(&server(around.variable), token),
        None => remote,
    };
    remote.fetch(&pulls.pulls)?;
    Ok(pulls)
}

/// Returns the number of an event's pull request; as an inner error, of one that has a newer commit by now.
pub(super) fn pull_of(event: &Event, client: &Client) -> Result<Result<u64, u64>, ForgeError> {
    let (owner, name) = match &event.pull {
        PullOf::Numbered(number) => return Ok(Ok(*number)),
        PullOf::Branch { owner, name } => (owner, name),
    };
    match client.pull_request_at(owner, name, &event.head)? {
        Headed::At(number) => Ok(Ok(number)),
        Headed::Superseded(number) => Ok(Err(number)),
        Headed::Nowhere => {
            Err(ForgeError::NoPull { owner: owner.clone(), name: name.clone(), head: event.head.clone() })
        }
    }
}

/// The pull request that added an experiment's file.
#[derive(Debug, Clone)]
pub struct Introduced {
    /// Its number.
    pub number: u64,
    /// The commit that added the file.
    pub commit: Commit,
    /// The file.
    pub path: String,
}

/// Returns the pull request that added the experiment's file.
pub(super) fn introducing(
    around: Surroundings<'_>,
    outcome: &Outcome,
    client: &Client,
) -> Result<Introduced, ForgeError> {
    let key = &outcome.experiment.key;
    let path = around.loaded.documents.path_of(Kind::Experiment, key.as_str());
    let path = path.ok_or_else(|| ForgeError::NoExperiment(key.clone()))?;
    let history = Repository::of_book(around.root).map_err(ForgeError::Introduced)?;
    let commit = history.ok_or(ForgeError::NoRepository)?.introduced(path).map_err(ForgeError::Introduced)?;
    let asked = Commit::new(commit.as_str())?;
    match client.pull_request_introducing(&asked)? {
        Some(number) => Ok(Introduced { number, commit: asked, path: path.to_owned() }),
        None => Err(ForgeError::Direct { commit, path: path.to_owned() }),
    }
}
