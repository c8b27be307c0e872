//! Requests to a server: bounded in time, size and number, and counted.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::backend::BackendError;

/// How long one request may take; an import of many flags takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a request that changes nothing is sent again, and how long before the first time.
const RETRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// How many requests are under way at a time.
const PARALLEL: usize = 8;

/// How much of an answer is taken: 5,000 flags with their strategies are some 20 MB.
const LARGEST: usize = 256 << 20;

/// How many characters of a server's message are shown.
const LONGEST_MESSAGE: usize = 500;

/// A server, as one token may use it.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: HeaderValue,
    requests: std::sync::Arc<AtomicU64>,
}

/// Without the token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    path: String,
    body: Option<String>,
    /// Whether it may be sent again when it is not known whether it arrived: it changes nothing.
    repeatable: bool,
}

impl Request {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, repeatable: true }
    }

    /// A question that needs a body.
    pub(super) fn ask(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body.to_string()), repeatable: true }
    }

    /// A change: it is sent once.
    pub(super) fn change(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body.to_string()), repeatable: false }
    }

    /// Replaces something by hand.
    #[cfg(test)]
    pub(super) fn put(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::PUT, ..Self::change(path, body) }
    }

    fn action(&self) -> &'static str {
        if self.repeatable { "read" } else { "write" }
    }
}

impl Client {
    /// Takes the token from an environment variable; nothing is asked yet.
    pub(super) fn new(url: &str, variable: &str) -> Result<Self, BackendError> {
        let missing = || BackendError::NoToken { variable: variable.to_owned() };
        let token =
            std::env::var(variable).ok().filter(|token| !token.trim().is_empty()).ok_or_else(missing)?;
        Self::with_token(url, token.trim()).ok_or_else(missing)
    }

    fn with_token(url: &str, token: &str) -> Option<Self> {
        // The one that every client of this program uses. Somebody was first where it fails.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut token = HeaderValue::from_str(token).ok()?;
        token.set_sensitive(true);
        // A redirect could take the token elsewhere.
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        // Without encryption it is this machine that is asked, and no proxy hears the token.
        let client = if url.starts_with("https://") { client } else { client.no_proxy() };
        let http = client.build().ok()?;
        Some(Self { http, url: url.trim_end_matches('/').to_owned(), token, requests: Default::default() })
    }

    /// Returns how many requests were sent.
    #[cfg(test)]
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends a request and returns the answer; `None` where there is no such thing.
    pub(super) fn send(&self, request: Request) -> Result<Option<Value>, BackendError> {
        self.wait(request.action(), self.sent(&request))?
    }

    /// Sends requests, a few at a time, and returns their answers in the order of the requests.
    pub(super) fn all(&self, requests: Vec<Request>) -> Result<Vec<Option<Value>>, BackendError> {
        self.wait("read", async {
            let count = requests.len();
            let mut waiting = requests.into_iter().enumerate();
            let mut sent = JoinSet::new();
            let mut send = |sent: &mut JoinSet<_>| {
                if let Some((at, request)) = waiting.next() {
                    let client = self.clone();
                    sent.spawn(async move { (at, client.sent(&request).await) });
                }
            };
            for _ in 0..PARALLEL {
                send(&mut sent);
            }
            let mut answers = vec![None; count];
            while let Some(joined) = sent.join_next().await {
                let (at, answer) = joined.map_err(|error| self.io("read", io::Error::other(error)))?;
                if let Some(place) = answers.get_mut(at) {
                    *place = answer?;
                }
                send(&mut sent);
            }
            Ok(answers)
        })?
    }

    async fn sent(&self, request: &Request) -> Result<Option<Value>, BackendError> {
        let mut pause = PAUSE;
        for attempt in 0.. {
            let answer = self.once(request).await;
            let again = match &answer {
                Ok((status, _)) => {
                    *status == StatusCode::TOO_MANY_REQUESTS || matches!(status.as_u16(), 502..=504)
                }
                Err(_) => true,
            };
            if request.repeatable && again && attempt < RETRIES {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            }
            return match answer {
                Ok((status, text)) => self.read(request, status, &text),
                Err(error) => Err(self.io(request.action(), io::Error::other(error))),
            };
        }
        Ok(None)
    }

    async fn once(
        &self,
        request: &Request,
    ) -> Result<(StatusCode, Vec<u8>), Box<dyn std::error::Error + Send + Sync>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut sent = self
            .http
            .request(request.method.clone(), format!("{}{}", self.url, request.path))
            .header(AUTHORIZATION, self.token.clone());
        if let Some(body) = &request.body {
            sent = sent.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let mut answer = sent.send().await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if bytes.len() + chunk.len() > LARGEST {
                return Err("the answer is larger than 256 MiB".into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((answer.status(), bytes))
    }

    fn read(
        &self,
        request: &Request,
        status: StatusCode,
        bytes: &[u8],
    ) -> Result<Option<Value>, BackendError> {
        if status == StatusCode::NOT_FOUND && request.method == Method::GET {
            return Ok(None);
        }
        if status.is_success() {
            let empty = bytes.iter().all(u8::is_ascii_whitespace);
            return match serde_json::from_slice(bytes) {
                _ if empty || !request.repeatable => Ok(Some(Value::Null)),
                Ok(value) => Ok(Some(value)),
                Err(error) => {
                    Err(BackendError::Malformed { place: self.url.clone(), problem: error.to_string() })
                }
            };
        }
        // What stands between a client and a server answers so: the request may have arrived.
        if status.is_server_error() {
            return Err(self.io(request.action(), io::Error::other(format!("the server answered {status}"))));
        }
        Err(BackendError::Answer {
            action: request.action(),
            place: self.url.clone(),
            status: status.as_u16(),
            message: self.message(bytes),
        })
    }

    /// Returns what a server reports, on one line, and without the token should it repeat that.
    fn message(&self, bytes: &[u8]) -> String {
        let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let text = |value: &Value| value.get("message").and_then(Value::as_str).map(str::to_owned);
        let details = value.get("details").and_then(Value::as_array).into_iter().flatten();
        let details: Vec<String> = details.filter_map(text).collect();
        let message = if details.is_empty() { text(&value) } else { Some(details.join("; ")) };
        let message = message.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
        let message = match self.token.to_str() {
            Ok(token) => message.replace(token, "…"),
            Err(_) => message,
        };
        message.chars().filter(|character| !character.is_control()).take(LONGEST_MESSAGE).collect()
    }

    fn io(&self, action: &'static str, cause: io::Error) -> BackendError {
        BackendError::Io { action, place: self.url.clone(), cause }
    }

    fn wait<T>(&self, action: &'static str, answer: impl Future<Output = T>) -> Result<T, BackendError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(runtime.map_err(|cause| self.io(action, cause))?.block_on(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_holds_the_token() {
        let client =
            Client::with_token("https://unleash.acme.test", "user:planted-secret").expect("a client");
        assert!(!format!("{client:#?}").contains("planted"));
        let answered = client.message(br#"{"message": "no such token user:planted-secret", "details": []}"#);
        assert_eq!(answered, "no such token …");
        let details = br#"{"message": "no", "details": [{"message": "a\nb"}, {"message": "c"}]}"#;
        assert_eq!(client.message(details), "ab; c");
    }
}
