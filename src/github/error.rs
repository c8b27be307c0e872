//! What can go wrong with GitHub, divided by what to do about it.

use std::error::Error as StdError;

use jiff::Timestamp;
use thiserror::Error;

use super::BODY_LIMIT;

/// Why GitHub could not be reached, or refused.
///
/// No variant carries the token.
#[derive(Debug, Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum GithubError {
    /// The API's address is not one.
    #[error("`{url}` is not the address of a GitHub API: {reason}")]
    #[diagnostic(help("set `GITHUB_API_URL`; for github.com it is https://api.github.com"))]
    ApiUrl {
        /// As given.
        url: String,
        /// What was expected.
        reason: &'static str,
    },
    /// Not `owner/name`.
    #[error("`{given}` is not a repository: expected `owner/name`")]
    #[diagnostic(help("name it in the book: `github: {{repository: owner/name}}`"))]
    Repository {
        /// As given.
        given: String,
    },
    /// Not a full commit name.
    #[error("`{given}` is not a commit: expected its 40 (or 64) hexadecimal digits")]
    #[diagnostic(help("`git rev-parse` prints the full name of a commit"))]
    Commit {
        /// As given.
        given: String,
    },
    /// A marker's part would break the marker.
    #[error("`{kind}:{key}` cannot mark a comment: expected lower-case letters, digits, `-`, `_` and `.`")]
    #[diagnostic(help("use the key of what the comment is about"))]
    Marker {
        /// As given.
        kind: String,
        /// As given.
        key: String,
    },
    /// What GitHub Actions reports about the run cannot be used.
    #[error("cannot read the event `{name}` of this run: {detail}")]
    #[diagnostic(help(
        "name the pull request with `--pr N`; in a workflow, `GITHUB_EVENT_PATH` is GitHub's own file"
    ))]
    Event {
        /// The event's name.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A branch has newer commits than the one that something was made on.
    #[error("the branch `{branch}` is not at {commit} any more")]
    #[diagnostic(help("fetch and check out its newest commit, and run the command again"))]
    BranchMoved {
        /// The branch.
        branch: String,
        /// The commit that it should be at.
        commit: String,
    },
    /// A branch was made for a pull request, and the pull request was not opened.
    #[error("the branch `{branch}` was pushed, and its pull request was not opened")]
    #[diagnostic(help(
        "if GitHub shows no pull request for it, delete the branch with `git push origin --delete {branch}` and run the command again"
    ))]
    BranchLeft {
        /// The branch.
        branch: String,
        /// Why there is no pull request.
        #[source]
        source: Box<GithubError>,
    },
    /// No token in the environment.
    #[error("no GitHub token: `GITHUB_TOKEN` is not set")]
    #[diagnostic(help("set it to a token that may read the repository and write its pull requests"))]
    NoToken,
    /// The token holds what no token holds.
    #[error(
        "the GitHub token is empty or holds a space, a line break or another character that no token has"
    )]
    #[diagnostic(help("set `GITHUB_TOKEN` to the token alone, without quotes or a line break"))]
    Token,
    /// The machine has no certificates to check GitHub's with.
    #[error("no certificate authorities are installed on this machine, so GitHub cannot be recognised")]
    #[diagnostic(help("install the package `ca-certificates`, or name a bundle in `SSL_CERT_FILE`"))]
    NoCertificates {
        /// The message of the TLS library.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The client could not be set up.
    #[error("cannot set up the connection to GitHub")]
    #[diagnostic(help("this is the machine's limit on files or threads, or a bug"))]
    SetUp {
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The body does not fit into a comment.
    #[error("the comment has {length} characters, and GitHub takes {BODY_LIMIT}")]
    #[diagnostic(help("show less, and link the full report"))]
    TooLong {
        /// Its length in UTF-16 code units, marker included.
        length: usize,
    },
    /// 401.
    #[error("GitHub does not accept the token ({message})")]
    #[diagnostic(help("it may have run out; make a new one and set `GITHUB_TOKEN`"))]
    Unauthorised {
        /// GitHub's message.
        message: String,
    },
    /// 403 that is no rate limit: the token may not do this.
    #[error("the token may not {what} ({message})")]
    #[diagnostic(help(
        "it needs `pull-requests: write` and `contents: read`; pull requests from forks get a token that reads only"
    ))]
    Forbidden {
        /// What was tried.
        what: String,
        /// GitHub's message.
        message: String,
    },
    /// 404 or 410. GitHub also answers this for what the token must not see.
    #[error("cannot {what}: not found, or not visible to the token ({message})")]
    #[diagnostic(help("check the repository's name, and that the commit was pushed"))]
    NotFound {
        /// What was tried.
        what: String,
        /// GitHub's message.
        message: String,
    },
    /// A redirect: the repository was renamed or handed over.
    #[error("cannot {what}: the repository has moved")]
    #[diagnostic(help("write its new name into the book's `github.repository`"))]
    Moved {
        /// What was tried.
        what: String,
    },
    /// 403 or 429 with a rate limit.
    #[error("GitHub's rate limit is used up{}", until.map_or_else(String::new, |until| format!(" until {until}")))]
    #[diagnostic(help("try again then; nothing was written"))]
    RateLimited {
        /// When to try again, if GitHub named it.
        until: Option<Timestamp>,
    },
    /// Any other refusal, 422 among them.
    #[error("GitHub refuses to {what}: {message} (status {status})")]
    #[diagnostic(help("nothing was written"))]
    Refused {
        /// What was tried.
        what: String,
        /// The HTTP status.
        status: u16,
        /// GitHub's message, field by field.
        message: String,
    },
    /// No answer, or one from a server in trouble.
    #[error("cannot {what}: {detail}")]
    #[diagnostic(help("try again: what is there is read before anything is written"))]
    Unreachable {
        /// What was tried.
        what: String,
        /// The status, or the limit of time that passed.
        detail: String,
        /// The transport's error, if there was one.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// A write was sent, its answer was lost, and it is not to be seen on GitHub.
    #[error("cannot {what}: the answer was lost, and GitHub does not show the change")]
    #[diagnostic(help("try again: what is there is read before anything is written"))]
    NotSeen {
        /// What was tried.
        what: String,
        /// How the answer was lost.
        #[source]
        source: Box<GithubError>,
    },
    /// An answer in a shape that GitHub's API does not have.
    #[error("cannot {what}: the answer is not one of GitHub's API ({detail})")]
    #[diagnostic(help("check that `GITHUB_API_URL` is GitHub's API and not a proxy's page"))]
    Unexpected {
        /// What was tried.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl GithubError {
    /// Whether it was GitHub that could not be reached or signed in to, so that trying again is safe.
    ///
    /// False for what was wrong before GitHub was asked, and for what GitHub understood and refused.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::ApiUrl { .. }
            | Self::Repository { .. }
            | Self::Commit { .. }
            | Self::Marker { .. }
            | Self::Event { .. }
            | Self::BranchMoved { .. }
            | Self::TooLong { .. }
            | Self::Refused { .. } => false,
            Self::BranchLeft { source, .. } => source.is_unreachable(),
            Self::NoToken
            | Self::Token
            | Self::NoCertificates { .. }
            | Self::SetUp { .. }
            | Self::Unauthorised { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Moved { .. }
            | Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::NotSeen { .. }
            | Self::Unexpected { .. } => true,
        }
    }
}
