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
        let sent =
            serde_json::from_slice::<Value>(body).ok().and_then(|v| v["body"].as_str().map(str::to_owned));
        match (method, parts.as_slice()) {
            (_, ["repos", owner, name, ..]) if [*owner, *name] != ["acme", "shop"] => {
                (404, refusal(404, "Not Found"), None)
            }
            ("GET", ["repos", _, _, "commits", commit, "pulls"]) => match self.pulls.get(*commit) {
                Some(pulls) => self.page_of(pulls.clone(), query),
                None => (422, refusal(422, &format!("No commit found for SHA: {commit}")), None),
            },
            ("GET", ["repos", _, _, "pulls"]) => {
                let given =
                    |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                let state = given("state").unwrap_or("open");
                let of_state = |pull: &&Value| state == "all" || pull["state"] == state;
                let head = given("head").map(str::to_lowercase);
                let label = |pull: &Value| pull["head"]["label"].as_str().unwrap().to_lowercase();
                let of_head = |pull: &&Value| head.as_ref().is_none_or(|head| label(pull) == *head);
                let of_base = |pull: &&Value| given("base").is_none_or(|base| pull["base"]["ref"] == base);
                let found = self.branches.iter().filter(of_state).filter(of_head).filter(of_base);
                let found = found.cloned().collect();
                self.page_of(found, query)
            }
            ("GET", ["repos", _, _, "git", "ref", name]) => {
                match self.heads.get(name.trim_start_matches("heads%2F")) {
                    Some(commit) => {
                        let mut found = self.contract.example("git/get-ref", 200);
                        found["object"]["sha"] = commit.clone().into();
                        (200, found, None)
                    }
                    None => (404, refusal(404, "Not Found"), None),
                }
            }
            ("GET", ["repos", _, _, "git", "commits", commit]) => {
                let mut found = self.contract.example("git/get-commit", 200);
                found["sha"] = (*commit).into();
                (200, found, None)
            }
            ("POST", ["repos", _, _, "git", "trees"]) => {
                self.trees.push(serde_json::from_slice(body).unwrap());
                (201, self.contract.example("git/create-tree", 201), None)
            }
            ("POST", ["repos", _, _, "git", "commits"]) => {
                self.commits.push(serde_json::from_slice(body).unwrap());
                (201, self.contract.example("git/create-commit", 201), None)
            }
            ("POST", ["repos", _, _, "git", "refs"]) => {
                let asked: Value = serde_json::from_slice(body).unwrap();
                let branch = asked["ref"].as_str().unwrap().strip_prefix("refs/heads/").unwrap().to_owned();
                if self.heads.contains_key(&branch) {
                    return (422, refusal(422, "Reference already exists"), None);
                }
                self.heads.insert(branch, asked["sha"].as_str().unwrap().to_owned());
                (201, self.contract.example("git/create-ref", 201), None)
            }
            ("DELETE", ["repos", _, _, "git", "refs", name]) => {
                match self.heads.remove(&name.trim_start_matches("heads%2F").replace("%2F", "/")) {
                    Some(_) => (204, Value::Null, None),
                    None => (422, Value::Null, None),
                }
            }
            ("POST", ["repos", _, _, "check-runs"]) => {
                self.checks.push(serde_json::from_slice(body).unwrap());
                let mut made = self.contract.example("checks/create", 201);
                made["id"] = (self.checks.len() - 1).into();
                (201, made, None)
            }
            ("PATCH", ["repos", _, _, "check-runs", id]) => {
                let asked: Value = serde_json::from_slice(body).unwrap();
                let check = &mut self.checks[id.parse::<usize>().unwrap()];
                let all = check["output"]["annotations"].as_array_mut().unwrap();
                all.extend(asked["output"]["annotations"].as_array().unwrap().iter().cloned());
                (200, self.contract.example("checks/update", 200), None)
            }
            ("POST", ["repos", _, _, "pulls"]) => {
                self.opened.push(serde_json::from_slice(body).unwrap());
                let mut made = self.contract.example("pulls/create", 201);
                // As in the other examples, the team lacks a `type` that its schema asks for.
                made["requested_teams"] = json!([]);
                (201, made, None)
            }
            ("GET", ["repos", _, _, "commits", commit, "statuses"]) => {
                self.page_of(self.statuses.get(*commit).cloned().unwrap_or_default(), query)
            }
            ("POST", ["repos", _, _, "statuses", commit]) => {
                let asked: Value = serde_json::from_slice(body).unwrap();
                let mut status = self.contract.example("repos/create-commit-status", 201);
                for field in ["state", "context", "description", "target_url"] {
                    status[field] = asked[field].clone();
                }
                self.statuses.entry((*commit).to_owned()).or_default().insert(0, status.clone());
                (201, status, None)
            }
            ("GET", ["repos", _, _, "issues", pull, "comments"]) => {
                let comments = self.comments.get(&pull.parse().unwrap()).cloned();
                self.page_of(comments.unwrap_or_default(), query)
            }
            ("POST", ["repos", _, _, "issues", pull, "comments"]) => {
                let login = self.login.clone();
                let pull = pull.parse().unwrap();
                if let Some(rival) = self.rival.take() {
                    self.add_comment(pull, &login, &rival);
                }
                self.add_comment(pull, &login, &sent.unwrap());
                (201, self.comments[&pull].last().unwrap().clone(), None)
            }
            ("DELETE", ["repos", _, _, "issues", "comments", id]) => {
                let id = id.parse().ok();
                for comments in self.comments.values_mut() {
                    comments.retain(|comment| comment["id"].as_u64() != id);
                }
                (204, Value::Null, None)
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
                            comment["body"] = sent.unwrap().into();
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
