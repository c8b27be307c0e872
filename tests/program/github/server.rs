//! A server on this machine that keeps comments and answers as GitHub's API does.
//!
//! Every request, and every answer of its own, is held against GitHub's published description. What is found
//! wrong is kept, and fails the test when the server is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::contract::Contract;

pub const TOKEN: &str = "ghp_0123456789abcdef";

/// Longer than any test's limit of time.
const HANG: Duration = Duration::from_secs(20);

/// A misfortune that meets one request.
#[derive(Clone)]
pub enum Fault {
    /// This status, headers and body; nothing is done.
    Answer(u16, Vec<(&'static str, String)>, Value),
    /// The request is done, then the answer has this status and no use.
    Done(u16),
    /// The request is done, then no answer comes.
    DoneThenSilent,
    /// Nothing is done, and no answer comes.
    Silent,
}

/// What the server knows.
pub struct State {
    contract: Contract,
    /// The account behind the token, and whether it is an app's installation.
    login: String,
    installation: bool,
    /// The most items on a page, whatever is asked for.
    pub page: usize,
    pub comments: BTreeMap<u64, Vec<Value>>,
    pub pulls: BTreeMap<String, Vec<Value>>,
    faults: VecDeque<(&'static str, Fault)>,
    pub log: Vec<String>,
    problems: Vec<String>,
    next_id: u64,
}

pub struct GitHub {
    server: MockServer,
    state: Arc<Mutex<State>>,
    root: &'static str,
}

impl GitHub {
    /// A server for a user's token.
    pub fn of_user(login: &str) -> Self {
        GitHub::start(login, false, "")
    }

    /// A server as GitHub Enterprise has it, for the token of an app's installation.
    pub fn of_installation(login: &str) -> Self {
        GitHub::start(login, true, "/api/v3")
    }

    fn start(login: &str, installation: bool, root: &'static str) -> Self {
        let state = Arc::new(Mutex::new(State {
            contract: Contract::read(),
            login: login.to_owned(),
            installation,
            page: 100,
            comments: BTreeMap::new(),
            pulls: BTreeMap::new(),
            faults: VecDeque::new(),
            log: Vec::new(),
            problems: Vec::new(),
            next_id: 1_000,
        }));
        let responder = Responder { state: Arc::clone(&state), root };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // The server runs on a thread of its own; the runtime is needed to start it only.
        let server = runtime.block_on(async {
            let server = MockServer::builder().start().await;
            Mock::given(any()).respond_with(responder).mount(&server).await;
            server
        });
        GitHub { server, state, root }
    }

    pub fn url(&self) -> String {
        format!("{}{}", self.server.uri(), self.root)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets the next request with this method meet a misfortune.
    pub fn will(&self, method: &'static str, fault: Fault) {
        self.state().faults.push_back((method, fault));
    }

    /// Puts a comment on a pull request.
    pub fn comment(&self, pull: u64, login: &str, body: &str) -> u64 {
        self.state().add_comment(pull, login, body)
    }

    /// Puts pull requests to a commit: number, time of the merge, commit of the merge, repository.
    pub fn pull(&self, commit: &str, number: u64, merged: Option<&str>, merge: &str, repository: &str) {
        let mut state = self.state();
        let mut pull =
            state.contract.example("repos/list-pull-requests-associated-with-commit", 200)[0].clone();
        // The team in GitHub's example lacks a `type` that its schema asks for.
        pull["requested_teams"] = json!([]);
        pull["number"] = number.into();
        pull["state"] = if merged.is_some() { "closed" } else { "open" }.into();
        pull["merged_at"] = merged.map_or(Value::Null, Value::from);
        pull["merge_commit_sha"] = merge.into();
        pull["base"]["repo"]["full_name"] = repository.into();
        state.pulls.entry(commit.to_owned()).or_default().push(pull);
    }

    /// The bodies on a pull request, in order.
    pub fn bodies(&self, pull: u64) -> Vec<String> {
        let state = self.state();
        let comments = state.comments.get(&pull).into_iter().flatten();
        comments.map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }

    /// How many requests with this method came.
    pub fn count(&self, method: &str) -> usize {
        self.state().log.iter().filter(|line| line.starts_with(method)).count()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        let problems = self.state().problems.clone();
        if !std::thread::panicking() {
            assert!(problems.is_empty(), "against GitHub's description:\n{}", problems.join("\n"));
        }
    }
}

struct Responder {
    state: Arc<Mutex<State>>,
    root: &'static str,
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let method = request.method.to_string();
        let path = request.url.path();
        state.log.push(format!("{method} {path}"));
        if let Some(refusal) = state.check_headers(request) {
            return refusal;
        }
        let graphql = format!("{}/graphql", self.root.trim_end_matches("/v3"));
        if method == "POST" && path == graphql {
            return state.graphql(&request.body);
        }
        let Some(route) = path.strip_prefix(self.root) else {
            state.problems.push(format!("{method} {path} is outside of the API"));
            return error(404, "Not Found");
        };
        let query: Vec<(String, String)> =
            request.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let wrong = match state.contract.operation(&method, route) {
            Some(operation) => operation.request_problems(route, &query, &request.body),
            None => vec!["no such operation".to_owned()],
        };
        state.problems.extend(wrong.into_iter().map(|problem| format!("{method} {route}: {problem}")));

        let fault = match state.faults.front() {
            Some((expected, _)) if *expected == method => state.faults.pop_front().map(|(_, fault)| fault),
            _ => None,
        };
        if let Some(Fault::Answer(status, headers, body)) = &fault {
            let template = ResponseTemplate::new(*status).set_body_json(body);
            return headers
                .iter()
                .fold(template, |template, (name, value)| template.insert_header(*name, value.as_str()));
        }
        if matches!(fault, Some(Fault::Silent)) {
            return ResponseTemplate::new(500).set_delay(HANG);
        }
        let (status, body, link) = state.perform(&method, route, &query, &request.body);
        let wrong = match state.contract.operation(&method, route) {
            Some(operation) => operation.response_problems(status, &body),
            None => Vec::new(),
        };
        state
            .problems
            .extend(wrong.into_iter().map(|problem| format!("answer to {method} {route}: {problem}")));
        match fault {
            Some(Fault::Done(status)) => {
                ResponseTemplate::new(status).set_body_string("<html>Bad gateway</html>")
            }
            Some(Fault::DoneThenSilent) => ResponseTemplate::new(status).set_body_json(body).set_delay(HANG),
            _ => {
                let template = ResponseTemplate::new(status).set_body_json(body);
                match link {
                    Some(page) => {
                        let next = format!(
                            "<{}?page={page}>; rel=\"next\", <{0}?page=99>; rel=\"last\"",
                            request.url
                        );
                        template.insert_header("link", next.as_str())
                    }
                    None => template,
                }
            }
        }
    }
}

fn error(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(refusal(status, message))
}

fn refusal(status: u16, message: &str) -> Value {
    json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()})
}

impl State {
    fn check_headers(&mut self, request: &Request) -> Option<ResponseTemplate> {
        let all = |name: &str| -> Vec<String> {
            request.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        for (name, expected) in [
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
            ("user-agent", "octocrab"),
        ] {
            if all(name) != [expected] {
                self.problems.push(format!("{name} is {:?} and not {expected:?}", all(name)));
            }
        }
        if !request.body.is_empty() && all("content-type") != ["application/json"] {
            self.problems.push(format!("content-type is {:?}", all("content-type")));
        }
        let signed = all("authorization") == [format!("Bearer {TOKEN}")];
        (!signed).then(|| error(401, "Bad credentials"))
    }

    fn graphql(&self, body: &[u8]) -> ResponseTemplate {
        let asked: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(asked["query"], "query { viewer { login } }");
        ResponseTemplate::new(200).set_body_json(json!({"data": {"viewer": {"login": self.login}}}))
    }

    fn add_comment(&mut self, pull: u64, login: &str, body: &str) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let mut comment = self.contract.example("issues/create-comment", 201);
        comment["id"] = id.into();
        comment["html_url"] = format!("https://github.com/acme/shop/pull/{pull}#issuecomment-{id}").into();
        comment["body"] = body.into();
        comment["user"]["login"] = login.into();
        comment["user"]["type"] = if login.ends_with("[bot]") { "Bot" } else { "User" }.into();
        self.comments.entry(pull).or_default().push(comment);
        id
    }

    /// Status, body, and the next page if there is one.
    fn perform(
        &mut self,
        method: &str,
        route: &str,
        query: &[(String, String)],
        body: &[u8],
    ) -> (u16, Value, Option<usize>) {
        let parts: Vec<&str> = route.trim_start_matches('/').split('/').collect();
        let said =
            serde_json::from_slice::<Value>(body).ok().and_then(|v| v["body"].as_str().map(str::to_owned));
        match (method, parts.as_slice()) {
            ("GET", ["user"]) if self.installation => {
                (403, refusal(403, "Resource not accessible by integration"), None)
            }
            ("GET", ["user"]) => {
                let mut user = self.contract.example("users/get-authenticated", 200);
                user["login"] = self.login.clone().into();
                (200, user, None)
            }
            (_, ["repos", owner, name, ..]) if [*owner, *name] != ["acme", "shop"] => {
                (404, refusal(404, "Not Found"), None)
            }
            ("GET", ["repos", _, _, "commits", commit, "pulls"]) => match self.pulls.get(*commit) {
                Some(pulls) => self.page_of(pulls.clone(), query),
                None => (422, refusal(422, &format!("No commit found for SHA: {commit}")), None),
            },
            ("GET", ["repos", _, _, "issues", pull, "comments"]) => {
                let comments = self.comments.get(&pull.parse().unwrap()).cloned();
                self.page_of(comments.unwrap_or_default(), query)
            }
            ("POST", ["repos", _, _, "issues", pull, "comments"]) => {
                let login = self.login.clone();
                let pull = pull.parse().unwrap();
                self.add_comment(pull, &login, &said.unwrap());
                (201, self.comments[&pull].last().unwrap().clone(), None)
            }
            (_, ["repos", _, _, "issues", "comments", id]) => {
                let found = self
                    .comments
                    .values_mut()
                    .flatten()
                    .find(|comment| comment["id"].as_u64() == id.parse().ok());
                match found {
                    Some(comment) => {
                        if method == "PATCH" {
                            comment["body"] = said.unwrap().into();
                        }
                        (200, comment.clone(), None)
                    }
                    None => (404, refusal(404, "Not Found"), None),
                }
            }
            _ => (404, refusal(404, "Not Found"), None),
        }
    }

    fn page_of(&self, items: Vec<Value>, query: &[(String, String)]) -> (u16, Value, Option<usize>) {
        let number = |name: &str| {
            query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let size = number("per_page").unwrap_or(30).min(self.page);
        let page = number("page").unwrap_or(1);
        let rest = items.into_iter().skip(size * (page - 1));
        let mut shown: Vec<Value> = rest.take(size + 1).collect();
        let more = shown.len() > size;
        shown.truncate(size);
        (200, Value::from(shown), more.then_some(page + 1))
    }
}
