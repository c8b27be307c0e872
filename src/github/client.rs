//! Requests and what their answers mean.

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{ApiUrl, GithubError, Repository, Token};

/// Items asked for on a page; GitHub gives no more.
const PER_PAGE: u32 = 100;

/// Pages read before a list is taken for endless. GitHub allows 2,500 comments on a pull request.
const MOST_PAGES: u32 = 100;

/// The longest answer that is read, in bytes: 100 comments as long as GitHub takes them fit.
const LONGEST_ANSWER: usize = 32 << 20;

/// The longest reason of GitHub's that is passed on, in characters.
const LONGEST_REASON: usize = 300;

/// The furthest from now that a rate limit may end, in seconds. GitHub's end within the hour.
const FURTHEST_LIMIT: i64 = 24 * 60 * 60;

/// The second at which the year 2000 began.
const THIS_CENTURY: i64 = 946_684_800;

/// How often a read is tried while the server is in trouble.
const READ_ATTEMPTS: u32 = 3;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The most that one request may take, its answer included.
    pub timeout: Duration,
    /// The pause before a read is tried again; each further one is twice as long.
    pub pause: Duration,
    /// The most that everything together may take: all pages, all attempts, all pauses.
    pub whole: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            timeout: Duration::from_secs(30),
            pause: Duration::from_millis(500),
            whole: Duration::from_secs(300),
        }
    }
}

/// A blocking client of one repository on GitHub.
///
/// Made outside of an async runtime, and used there: it drives its own.
pub struct Client {
    pub(super) repository: Repository,
    pub(super) pace: Pace,
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
        Ok(Client { repository, pace: Pace::default(), api, octocrab, runtime })
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

    /// Runs a conversation to its end, which `what` says.
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

    /// The address of a route of the API, such as `/user`.
    pub(super) fn rest(&self, route: &str) -> String {
        self.api.rest(route)
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
            let address = format!("{address}?per_page={PER_PAGE}&page={page}");
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

    /// Sends one request, once.
    pub(super) async fn once(&self, what: &str, request: &Request<'_>) -> Result<Answer, GithubError> {
        let exchange = async {
            let response = match request {
                Request::Get(address) => self.octocrab._get(*address).await,
                Request::Post(address, body) => self.octocrab._post(*address, Some(body)).await,
                Request::Patch(address, body) => self.octocrab._patch(*address, Some(body)).await,
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
        // A clock that no timestamp holds cannot say when a limit ends.
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
        // (octocrab 0.54.9, `OctocrabBuilder::build`). Test: a_machine_without_certificates_is_told_so.
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
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    /// Whether the list has a further page.
    more: bool,
    limit: Limit,
    text: String,
}

/// GitHub's rate limit, in the seconds that its headers speak of.
#[derive(Debug, Default)]
struct Limit {
    retry_after: Option<i64>,
    remaining: Option<i64>,
    reset: Option<i64>,
}

impl Limit {
    /// Returns when the limit ends. What is further off than a day, or before this century, is no such instant.
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.as_second();
        let until = match (self.retry_after, self.reset) {
            (Some(after), _) => now.checked_add(after).filter(|_| after >= 0)?,
            (None, reset) => reset.filter(|reset| *reset >= THIS_CENTURY)?,
        };
        let limit = now.saturating_add(FURTHEST_LIMIT);
        Timestamp::from_second(until).ok().filter(|_| until <= limit)
    }
}

impl Answer {
    /// The body as the API's type.
    pub(super) fn parse<T: DeserializeOwned>(&self, what: &str) -> Result<T, GithubError> {
        serde_json::from_str(&self.text).map_err(|cause| GithubError::Unexpected {
            what: what.to_owned(),
            detail: brief(&cause.to_string()),
        })
    }

    /// This answer if the request succeeded, else what its refusal means.
    fn accepted(self, what: &str, now: Timestamp) -> Result<Self, GithubError> {
        let what = what.to_owned();
        let message = || said(&self.text);
        // A rate limit is a 403 or a 429, told by either header or, for the secondary one, by the message
        // alone (docs.github.com, "Best practices for using the REST API", read 2026-11).
        let limited = match self.status {
            429 => true,
            403 => {
                self.limit.retry_after.is_some()
                    || self.limit.remaining == Some(0)
                    || message().to_lowercase().contains("rate limit")
            }
            _ => false,
        };
        match self.status {
            200..=299 => Ok(self),
            300..=399 => Err(GithubError::Moved { what }),
            401 => Err(GithubError::Unauthorised { message: message() }),
            _ if limited => Err(GithubError::RateLimited { until: self.limit.until(now) }),
            403 => Err(GithubError::Forbidden { what, message: message() }),
            404 | 410 => Err(GithubError::NotFound { what, message: message() }),
            status @ 400..=499 => Err(GithubError::Refused { what, status, message: message() }),
            status => Err(GithubError::Unreachable {
                what,
                detail: format!("the server answers with status {status}"),
                source: None,
            }),
        }
    }
}

/// What GitHub says in an error's body, on one line.
fn said(text: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
        #[serde(default)]
        errors: Vec<Value>,
    }
    let Ok(refusal) = serde_json::from_str::<Refusal>(text) else {
        return "no reason given".to_owned();
    };
    let fields = refusal.errors.iter().filter_map(|error| match error {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str);
            match (text("field"), text("message").or_else(|| text("code"))) {
                (Some(field), Some(reason)) => Some(format!("{field}: {reason}")),
                (None, Some(reason)) => Some(reason.to_owned()),
                _ => None,
            }
        }
        _ => None,
    });
    let all: Vec<String> = std::iter::once(refusal.message.clone()).chain(fields).collect();
    brief(&all.join("; "))
}

/// Returns a text on one line, and no more of it than a person reads.
fn brief(text: &str) -> String {
    let mut brief: String =
        text.chars().take(LONGEST_REASON).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST_REASON).is_some() {
        brief.push('…');
    }
    brief
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, limit: Limit, text: &str) -> Result<Answer, GithubError> {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        Answer { status, more: false, limit, text: text.to_owned() }.accepted("look", now)
    }

    #[test]
    fn a_forbidden_request_and_a_rate_limit_are_told_apart() {
        let plain = answer(403, Limit::default(), r#"{"message": "Resource not accessible by integration"}"#);
        assert_eq!(
            plain.unwrap_err().to_string(),
            "the token may not look (Resource not accessible by integration)"
        );
        for (status, limit, text) in [
            (403, Limit { remaining: Some(0), ..Limit::default() }, "{}"),
            (403, Limit { retry_after: Some(60), ..Limit::default() }, "{}"),
            (403, Limit::default(), r#"{"message": "You have exceeded a secondary rate limit."}"#),
            (429, Limit::default(), ""),
        ] {
            assert!(matches!(answer(status, limit, text), Err(GithubError::RateLimited { .. })), "{text}");
        }
    }

    #[test]
    fn a_rate_limit_says_until_when() {
        let limit = Limit { retry_after: Some(90), ..Limit::default() };
        let shown = answer(429, limit, "").unwrap_err().to_string();
        assert_eq!(shown, "GitHub's rate limit is used up until 2026-11-25T12:01:30Z");
        let limit = Limit { reset: Some(1_795_608_000), remaining: Some(0), retry_after: None };
        let shown = answer(403, limit, "").unwrap_err().to_string();
        assert_eq!(shown, "GitHub's rate limit is used up until 2026-11-25T12:00:00Z");
        let limit = Limit { retry_after: Some(i64::MAX), ..Limit::default() };
        assert_eq!(answer(429, limit, "").unwrap_err().to_string(), "GitHub's rate limit is used up");
    }

    #[test]
    fn a_rate_limit_that_ends_at_no_sensible_time_says_none() {
        for seconds in [-99_999_999_999, -1, FURTHEST_LIMIT + 1, i64::MAX, i64::MIN] {
            for limit in [
                Limit { retry_after: Some(seconds), ..Limit::default() },
                Limit { reset: Some(seconds), remaining: Some(0), retry_after: None },
            ] {
                let shown = answer(429, limit, "").unwrap_err().to_string();
                assert_eq!(shown, "GitHub's rate limit is used up", "{seconds}");
            }
        }
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let limit = Limit { retry_after: Some(60), reset: Some(0), ..Limit::default() };
            assert!(limit.until(now).is_none_or(|until| until > now));
        }
    }

    #[test]
    fn an_endless_reason_is_cut() {
        let text = format!(r#"{{"message": "{}"}}"#, "no ".repeat(100_000));
        assert_eq!(said(&text).chars().count(), LONGEST_REASON + 1);
        let wrong = Answer {
            status: 200,
            more: false,
            limit: Limit::default(),
            text: format!("\"{}\"", "x".repeat(1 << 20)),
        };
        assert!(wrong.parse::<u64>("look").unwrap_err().to_string().len() < 2 * LONGEST_REASON);
    }

    #[test]
    fn a_refusal_names_each_field_and_stays_on_one_line() {
        let text = r#"{"message": "Validation\nFailed", "errors": [
            {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "too long"},
            {"code": "missing"}, "plain", 7]}"#;
        assert_eq!(said(text), "Validation Failed; data: too long; missing; plain");
        assert_eq!(said("<html>"), "no reason given");
    }

    #[test]
    fn every_status_means_something() {
        let of =
            |status| answer(status, Limit::default(), "").map(|_| ()).map_err(|error| error.is_unreachable());
        for (status, expected) in [
            (200, Ok(())),
            (201, Ok(())),
            (301, Err(true)),
            (401, Err(true)),
            (404, Err(true)),
            (410, Err(true)),
            (422, Err(false)),
            (500, Err(true)),
            (502, Err(true)),
        ] {
            assert_eq!(of(status), expected, "{status}");
        }
    }

    #[test]
    fn a_client_wants_a_token_and_takes_the_public_api_unless_told_otherwise() {
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
