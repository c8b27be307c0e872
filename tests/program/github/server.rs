//! A server on this machine that keeps comments and answers as GitHub's API does.
//!
//! Every request, and every answer of its own, is held against GitHub's published description. What is found
//! wrong is kept, and fails the test when the server is dropped.

mod answers;

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
    /// The account behind the token.
    login: String,
    /// The most items on a page, whatever is asked for.
    pub page: usize,
    pub comments: BTreeMap<u64, Vec<Value>>,
    pub pulls: BTreeMap<String, Vec<Value>>,
    /// The pull requests by their branches.
    pub branches: Vec<Value>,
    /// The statuses of commits, newest first.
    pub statuses: BTreeMap<String, Vec<Value>>,
    /// The commits that branches are at.
    pub heads: BTreeMap<String, String>,
    /// The trees, the commits and the pull requests that were asked for.
    pub trees: Vec<Value>,
    pub commits: Vec<Value>,
    pub opened: Vec<Value>,
    /// The check runs, each with the annotations of all its requests.
    pub checks: Vec<Value>,
    /// What another run writes to a pull request just before the next comment is created.
    pub rival: Option<String>,
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
        GitHub::start(login, "")
    }

    /// A server as GitHub Enterprise has it, for the token of an app's installation.
    pub fn of_installation(login: &str) -> Self {
        GitHub::start(login, "/api/v3")
    }

    fn start(login: &str, root: &'static str) -> Self {
        let state = Arc::new(Mutex::new(State {
            contract: Contract::read(),
            login: login.to_owned(),
            page: 100,
            comments: BTreeMap::new(),
            pulls: BTreeMap::new(),
            branches: Vec::new(),
            statuses: BTreeMap::new(),
            heads: BTreeMap::new(),
            trees: Vec::new(),
            commits: Vec::new(),
            opened: Vec::new(),
            checks: Vec::new(),
            rival: None,
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

    /// Lets the next request with this method, or with a method and the end of a route (`POST /pulls`), meet a misfortune.
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

    /// Puts a pull request of a branch: number, `OWNER:BRANCH`, commit, whether it is open.
    pub fn branch(&self, number: u64, label: &str, head: &str, open: bool) {
        let mut state = self.state();
        let mut pull = state.contract.example("pulls/list", 200)[0].clone();
        pull["requested_teams"] = json!([]);
        let (owner, branch) = label.split_once(':').unwrap();
        pull["number"] = number.into();
        pull["state"] = if open { "open" } else { "closed" }.into();
        pull["user"]["login"] = owner.into();
        pull["base"]["ref"] = "main".into();
        pull["head"]["label"] = label.into();
        pull["head"]["ref"] = branch.into();
        pull["head"]["sha"] = head.into();
        pull["head"]["user"]["login"] = owner.into();
        state.branches.push(pull);
    }

    /// Puts a branch at a commit.
    pub fn head(&self, branch: &str, commit: &str) {
        self.state().heads.insert(branch.to_owned(), commit.to_owned());
    }

    /// Deletes the comments of a pull request, as a person does.
    pub fn delete_comments(&self, pull: u64) {
        self.state().comments.remove(&pull);
    }

    /// How many requests with this method came; a question in GraphQL is a `POST` that writes nothing, and is left out.
    pub fn count(&self, method: &str) -> usize {
        let writes = |line: &&String| line.starts_with(method) && !line.ends_with("/graphql");
        self.state().log.iter().filter(writes).count()
    }

    /// How many requests came, and forgets them.
    pub fn requests(&self) -> usize {
        std::mem::take(&mut self.state().log).len()
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
            Some((expected, _)) if meets(expected, &method, route) => {
                state.faults.pop_front().map(|(_, fault)| fault)
            }
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

/// Returns whether a misfortune is meant for a request.
fn meets(expected: &str, method: &str, route: &str) -> bool {
    let (of, end) = expected.split_once(' ').unwrap_or((expected, ""));
    of == method && route.ends_with(end)
}

fn error(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(refusal(status, message))
}

fn refusal(status: u16, message: &str) -> Value {
    json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()})
}
