//! Requests: their addresses, their pace and their bounds.

use std::fmt;
use std::future::Future;
use std::time::{Instant, SystemTime};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::answer::{Answer, Limit};
use super::pace::{Pace, Turns};
use super::{ApiUrl, GithubError, Repository, Token};

/// Items asked for on a page; GitHub gives no more.
const PER_PAGE: u32 = 100;

/// Pages read before a list is taken for endless. GitHub allows 2,500 comments on a pull request.
const MOST_PAGES: u32 = 100;

/// The longest answer that is read, in bytes: 100 comments as long as GitHub takes them fit.
const LONGEST_ANSWER: usize = 32 << 20;

/// How often a read is tried while the server is in trouble.
const READ_ATTEMPTS: u32 = 3;

/// A blocking client of one repository on GitHub.
///
/// Made outside of an async runtime, and used there: it drives its own.
pub struct Client {
    pub(super) repository: Repository,
    pub(super) pace: Pace,
    turns: Turns,
    api: ApiUrl,
    octocrab: Octocrab,
    runtime: Runtime,
}

impl Client {
    /// Sets up a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`GithubError::NoCertificates`] where the machine has no certificate authorities,
    /// [`GithubError::SetUp`] where it gives no runtime.
    pub fn new(api: ApiUrl, repository: Repository, token: &Token) -> Result<Self, GithubError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| GithubError::SetUp { source: Box::new(cause) })?;
        // The paths of requests carry the API's own path: octocrab leaves the base path out where a
        // route happens to start with it.
        let octocrab = {
            let _inside = runtime.enter();
            octocrab_for(&api, token)?
        };
        Ok(Client { repository, pace: Pace::default(), turns: Turns::default(), api, octocrab, runtime })
    }

    /// Sets up a client from `GITHUB_TOKEN` and `GITHUB_API_URL` (that of github.com unless set), as
    /// `variable` gives them.
    ///
    /// # Errors
    ///
    /// [`GithubError::NoToken`], and those of [`ApiUrl::new`], [`Token::new`] and [`Client::new`].
    pub fn from_variables(
        repository: Repository,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, GithubError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let api = ApiUrl::new(&set("GITHUB_API_URL").unwrap_or_else(|| ApiUrl::PUBLIC.to_owned()))?;
        let token = Token::new(set("GITHUB_TOKEN").ok_or(GithubError::NoToken)?)?;
        Client::new(api, repository, &token)
    }

    /// The same client at another pace.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Runs requests to their end; `what` names what they do.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        conversation: impl Future<Output = Result<T, GithubError>>,
    ) -> Result<T, GithubError> {
        let bounded = async { tokio::time::timeout(self.pace.whole, conversation).await };
        self.runtime.block_on(bounded).unwrap_or_else(|_elapsed| {
            Err(GithubError::Unreachable {
                what: what.to_owned(),
                detail: format!("{} did not finish within {:?}", self.api, self.pace.whole),
                source: None,
            })
        })
    }

    /// The address of a route below the repository, such as `/issues/1/comments`.
    pub(super) fn in_repository(&self, route: &str) -> String {
        self.api.rest(&format!("/repos/{}{route}", self.repository))
    }

    /// The address of GraphQL.
    pub(super) fn graphql(&self) -> String {
        self.api.graphql()
    }

    /// The items of a list that are wanted, page after page.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        what: &str,
        address: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, GithubError> {
        let mut items = Vec::new();
        for page in 1..=MOST_PAGES {
            let and = if address.contains('?') { '&' } else { '?' };
            let address = format!("{address}{and}per_page={PER_PAGE}&page={page}");
            let answer = self.read(what, Request::Get(&address)).await?;
            items.extend(answer.parse::<Vec<T>>(what)?.into_iter().filter(&wanted));
            // The address of the next page is counted, not followed: the token goes to one host only.
            if !answer.more {
                return Ok(items);
            }
        }
        Err(GithubError::Unexpected {
            what: what.to_owned(),
            detail: format!("the list has more than {MOST_PAGES} pages"),
        })
    }

    /// Asks for what changes nothing, again after a pause while the server is in trouble.
    pub(super) async fn read(&self, what: &str, request: Request<'_>) -> Result<Answer, GithubError> {
        let mut attempt = 1;
        loop {
            match self.once(what, &request).await {
                Err(GithubError::Unreachable { .. }) if attempt < READ_ATTEMPTS => {
                    self.pause(attempt).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// The pause after the `attempt`th attempt, which counts from one.
    pub(super) async fn pause(&self, attempt: u32) {
        let times = 2_u32.saturating_pow(attempt.saturating_sub(1));
        tokio::time::sleep(self.pace.pause.saturating_mul(times)).await;
    }

    /// Waits until the hour has room for so many writes. GitHub would refuse them, and then everything for a while.
    pub(super) fn await_room(&self, writes: usize) {
        std::thread::sleep(self.turns.until_there_is_room(Instant::now(), writes));
    }

    /// Sends a write, once, a while after the one before it.
    pub(super) async fn write(&self, what: &str, request: Request<'_>) -> Result<Answer, GithubError> {
        tokio::time::sleep(self.turns.after_the_last(Instant::now(), self.pace.between_writes)).await;
        self.turns.sent(Instant::now());
        self.once(what, &request).await
    }

    /// Sends one request, once.
    async fn once(&self, what: &str, request: &Request<'_>) -> Result<Answer, GithubError> {
        let exchange = async {
            let response = match request {
                Request::Get(address) => self.octocrab._get(*address).await,
                Request::Post(address, body) => self.octocrab._post(*address, Some(body)).await,
                Request::Patch(address, body) => self.octocrab._patch(*address, Some(body)).await,
                Request::Delete(address) => self.octocrab._delete(*address, None::<&()>).await,
            }
            .map_err(|cause| Broken::Transport(transport(cause)))?;
            let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
            let seconds = |name: &str| header(name).and_then(|text| text.trim().parse::<i64>().ok());
            let mut answer = Answer {
                status: response.status().as_u16(),
                more: header("link").is_some_and(|links| links.contains("rel=\"next\"")),
                limit: Limit {
                    retry_after: seconds("retry-after"),
                    remaining: seconds("x-ratelimit-remaining"),
                    reset: seconds("x-ratelimit-reset"),
                },
                text: String::new(),
            };
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
            let body = match body {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    Err(format!("it is longer than {} MiB", LONGEST_ANSWER >> 20))
                }
                Err(error) => return Err(Broken::Transport(error)),
            };
            let text = body
                .and_then(|body| String::from_utf8(body.into()).map_err(|_| "it is not UTF-8".to_owned()));
            answer.text = text.map_err(Broken::Answer)?;
            Ok(answer)
        };
        let answer = match tokio::time::timeout(self.pace.timeout, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Broken::Answer(detail))) => {
                return Err(GithubError::Unexpected { what: what.to_owned(), detail });
            }
            Ok(Err(Broken::Transport(cause))) => {
                return Err(GithubError::Unreachable {
                    what: what.to_owned(),
                    detail: format!("no answer from {}", self.api),
                    source: Some(cause),
                });
            }
            Err(_elapsed) => {
                return Err(GithubError::Unreachable {
                    what: what.to_owned(),
                    detail: format!("no answer from {} within {:?}", self.api, self.pace.timeout),
                    source: None,
                });
            }
        };
        // A clock that no timestamp holds cannot hold when a limit ends.
        answer.accepted(what, Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api", &self.api)
            .field("repository", &self.repository)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

fn octocrab_for(api: &ApiUrl, token: &Token) -> Result<Octocrab, GithubError> {
    let set_up = |cause: octocrab::Error| GithubError::SetUp { source: Box::new(cause) };
    let accept = "accept".parse().expect("a header's name, written out");
    let builder = Octocrab::builder()
        .base_uri(api.origin())
        .map_err(set_up)?
        .add_header(accept, "application/vnd.github+json".to_owned());
    builder.personal_token(token.secret()).build().map_err(|cause| match cause {
        // octocrab reads the machine's certificates while it builds, and fails where there are none
        // (octocrab 0.54.9, `OctocrabBuilder::build`). Test: a_machine_without_certificates_is_reported.
        octocrab::Error::Other { source, .. } => GithubError::NoCertificates { source },
        other => set_up(other),
    })
}

/// The error below octocrab's wrapping, whose own text repeats it.
fn transport(cause: octocrab::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match cause {
        octocrab::Error::Service { source, .. } => source,
        other => Box::new(other),
    }
}

/// Why there is no answer.
enum Broken {
    /// It did not arrive.
    Transport(Box<dyn std::error::Error + Send + Sync>),
    /// It is none that is read.
    Answer(String),
}

/// What is sent.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    Get(&'a str),
    Post(&'a str, &'a Value),
    Patch(&'a str, &'a Value),
    Delete(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_wants_a_token_and_takes_the_public_api_unless_another_is_set() {
        let repository = || Repository::new("acme/shop").unwrap();
        let none = Client::from_variables(repository(), |_| None);
        assert!(matches!(none, Err(GithubError::NoToken)));
        let empty = Client::from_variables(repository(), |_| Some(String::new()));
        assert!(matches!(empty, Err(GithubError::NoToken)));
        let variable = |name: &str| (name == "GITHUB_TOKEN").then(|| "ghp_secret".to_owned());
        let client = Client::from_variables(repository(), variable).unwrap();
        assert_eq!(
            client.in_repository("/issues/1/comments"),
            "https://api.github.com/repos/acme/shop/issues/1/comments"
        );
        assert!(!format!("{client:?}").contains("ghp_secret"));
    }
}
