//! What the server does and answers, route by route.

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::{State, TOKEN, error, refusal};

impl State {
    pub(super) fn check_headers(&mut self, request: &Request) -> Option<ResponseTemplate> {
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

    pub(super) fn graphql(&self, body: &[u8]) -> ResponseTemplate {
        let asked: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(asked["query"], "query { viewer { login } }");
        ResponseTemplate::new(200).set_body_json(json!({"data": {"viewer": {"login": self.login}}}))
    }

    pub(super) fn add_comment(&mut self, pull: u64, login: &str, body: &str) -> u64 {
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
    pub(super) fn perform(
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
