//! `trialbook mcp`: what an agent can read, and that its edits end in a branch or nowhere.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::example_book::ExampleBook;
use crate::github::server::{GitHub, TOKEN};

const NOW: &str = "2026-11-20";
/// After the book's commit, which is of today: before it there was no book.
const LATER: &str = "2090-01-01";
const BOLD: &str = "checkout/bold-checkout-button.experiment.yaml";

/// A server about the example book, whose branch is `main`.
struct Agent {
    book: ExampleBook,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: u64,
}

impl Agent {
    fn new(github: Option<&GitHub>) -> Self {
        let book = ExampleBook::new();
        git(&book, &["branch", "-M", "main"]);
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
        command.current_dir(book.path()).args(["mcp", "--at", NOW]);
        for name in ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "TRIALBOOK_BOOK"] {
            command.env_remove(name);
        }
        if let Some(github) = github {
            command.env("GITHUB_TOKEN", TOKEN).env("GITHUB_API_URL", github.url());
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { book, input: child.stdin.take(), child, output, next: 0 }
    }

    fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        let answer = self.receive();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(id)), "{answer}");
        answer
    }

    /// Whether the call failed, its text and its JSON.
    fn call(&mut self, tool: &str, arguments: Value) -> (bool, String, Value) {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (result["isError"] == true, text, result["structuredContent"].clone())
    }

    fn proposal(&self, from: &str, to: &str) -> Value {
        let text = std::fs::read_to_string(self.book.path().join(BOLD)).unwrap();
        assert!(text.contains(from), "{text}");
        json!({"title": "Rename the test", "description": "Its name said too little.",
            "files": [{"path": BOLD, "content": text.replacen(from, to, 1)}]})
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.input.take());
        let ended = self.child.wait().unwrap();
        assert!(ended.success() || std::thread::panicking(), "{ended}");
    }
}

fn git(book: &ExampleBook, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(book.path()).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_client_learns_what_there_is_and_wrong_messages_end_nothing() {
    let mut agent = Agent::new(None);
    let hello = agent.ask("initialize", json!({"protocolVersion": "2025-06-18", "capabilities": {}}));
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(hello["result"]["serverInfo"]["name"], "trialbook");
    let newest = agent.ask("initialize", json!({"protocolVersion": "2999-01-01"}));
    assert_eq!(newest["result"]["protocolVersion"], "2025-11-25");
    agent.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
    for (line, code) in [
        ("not JSON", -32700),
        ("[]", -32600),
        ("{\"id\": 1}", -32600),
        ("{\"id\": {}, \"method\": \"ping\"}", -32600),
        ("{\"id\": 1, \"method\": \"resources/list\"}", -32601),
        ("{\"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": \"rm\"}}", -32602),
        (
            "{\"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": \"why\", \"arguments\": {\"unit\": 1}}}",
            -32602,
        ),
    ] {
        agent.send(line);
        assert_eq!(agent.receive()["error"]["code"], code, "{line}");
    }
    let tools = agent.ask("tools/list", json!({}))["result"]["tools"].clone();
    let names: Vec<_> = tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    for expected in ["lint", "plan", "status", "why", "evaluate", "explain", "schema", "propose_change"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    for tool in tools.as_array().unwrap() {
        assert!(jsonschema::meta::is_valid(&tool["inputSchema"]), "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], tool["name"] != "propose_change", "{tool}");
    }
    assert_eq!(agent.ask("ping", json!({}))["result"], json!({}));
}

#[test]
fn every_tool_answers_what_its_command_would() {
    let mut agent = Agent::new(None);
    let (failed, text, json) = agent.call("lint", json!({}));
    assert!(!failed && json["findings"].is_array() && json["summary"]["files"].as_u64() > Some(10), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json);
    let (failed, text, json) = agent.call("status", json!({"experiments": ["bold-checkout-button"]}));
    assert!(!failed && text.contains("bold-checkout-button") && json["version"] == 1, "{text}");
    let context = json!({"targetingKey": "user-1", "country": "SE", "platform": "ios"});
    let (failed, text, json) =
        agent.call("evaluate", json!({"flags": ["checkout-button"], "context": context}));
    assert!(!failed && json["results"][0]["flag"] == "checkout-button", "{text}");
    let (failed, text, json) =
        agent.call("why", json!({"unit": "user-1", "flag": "checkout-button", "at": LATER}));
    assert!(!failed && json.is_object(), "{text}");
    let (failed, text, json) = agent.call("explain", json!({"rule": "expired-flag"}));
    assert!(!failed && text.contains("expires") && json.is_null(), "{text}");
    let (failed, text, _) = agent.call("schema", json!({"name": "clean-v1"}));
    assert!(!failed && serde_json::from_str::<Value>(&text).unwrap()["type"] == "object", "{text}");
    let (failed, text, json) = agent.call("clean", json!({}));
    assert!(!failed && json["flags"].is_array(), "{text}");
    let (failed, text, json) = agent.call("power", json!({"experiment": "bold-checkout-button"}));
    assert!(!failed && json.is_object(), "{text}");
    let (failed, text, json) = agent.call("plan", json!({}));
    assert!(!failed && json["target"].is_string(), "{text}");
    // What a command refuses is an answer that names it, and nothing is taken for an option.
    let (failed, text, json) = agent.call("why", json!({"unit": "user-1", "flag": "--help", "at": LATER}));
    assert!(failed && text.contains("`--help`") && json.is_null(), "{text}");
    assert_eq!(git(&agent.book, &["status", "--porcelain"]), "");
}

#[test]
fn without_a_token_edits_become_a_branch_and_nothing_else_changes() {
    let mut agent = Agent::new(None);
    let before = git(&agent.book, &["rev-parse", "HEAD"]);
    let proposal = agent.proposal("title: A bold", "title: A very bold");
    let (failed, text, json) = agent.call("propose_change", proposal.clone());
    assert!(!failed, "{text}");
    let branch = json["branch"].as_str().unwrap();
    assert!(branch.starts_with("trialbook/propose-") && json["pull_request"].is_null(), "{json}");
    let changed = git(&agent.book, &["diff", "--shortstat", "main", branch]);
    assert!(changed.contains("1 file changed, 1 insertion(+), 1 deletion(-)"), "{changed}");
    assert_eq!(
        git(&agent.book, &["log", "-1", "--format=%s|%b|%P", branch]).replace('\n', ""),
        format!("Rename the test||{before}")
    );
    assert_eq!(git(&agent.book, &["status", "--porcelain"]), "");
    assert_eq!(git(&agent.book, &["rev-parse", "HEAD"]), before);
    // The same again is not made twice.
    let (failed, text, _) = agent.call("propose_change", proposal);
    assert!(failed && text.contains("cannot make the branch"), "{text}");
}

#[test]
fn a_checkout_without_the_base_branch_takes_the_one_that_was_fetched() {
    let mut agent = Agent::new(None);
    // As CI checks a commit out: no local branch.
    git(&agent.book, &["checkout", "-q", "--detach"]);
    git(&agent.book, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    git(&agent.book, &["branch", "-q", "-D", "main"]);
    let proposal = agent.proposal("title: A bold", "title: A very bold");
    let (failed, text, json) = agent.call("propose_change", proposal);
    assert!(!failed && json["branch"].as_str().unwrap().starts_with("trialbook/propose-"), "{text}");
    let mut nowhere = agent.proposal("title: A bold", "title: A most bold");
    nowhere["base"] = "release".into();
    let (failed, text, _) = agent.call("propose_change", nowhere);
    assert!(failed && text.contains("there is no revision `release`"), "{text}");
}

#[test]
fn edits_with_errors_and_edits_of_other_files_end_nowhere() {
    let mut agent = Agent::new(None);
    let before = git(&agent.book, &["for-each-ref"]);
    let (failed, text, _) = agent.call("propose_change", agent_wrong(&agent));
    assert!(
        failed && text.contains("lint finds errors in the proposal") && text.contains("no-such-metric"),
        "{text}"
    );
    for (files, expected) in [
        (json!([{"path": ".github/workflows/x.flag.yaml", "content": ""}]), "is not a file of the book"),
        (json!([{"path": "../x.flag.yaml", "content": ""}]), "is not a file of the book"),
        (json!([{"path": "x.sh", "content": "echo"}]), "is not a file of the book"),
        (json!([]), "the proposal has 0 files"),
        (json!([{"path": "a.flag.yaml", "content": "a"}, {"path": "A.flag.yaml", "content": "a"}]), "twice"),
        (json!([{"path": "a.flag.yaml"}]), "stdin holds no proposal"),
    ] {
        let (failed, text, _) = agent.call("propose_change", json!({"title": "x", "files": files}));
        assert!(failed && text.contains(expected), "{expected}: {text}");
    }
    for title in [
        "Fixes #1",
        "for @all",
        "as https://acme.test/1",
        "GH-2",
        "two\nlines",
        "[skip CI] x",
        "x [ci skip]",
        "skip-checks: true",
        "\u{202e}x",
    ] {
        let mut proposal = agent.proposal("title: A bold", "title: A very bold");
        proposal["title"] = title.into();
        let (failed, text, _) = agent.call("propose_change", proposal);
        assert!(failed && text.contains("`title` is not one plain line"), "{title}: {text}");
    }
    let mut long = agent.proposal("title: A bold", "title: A very bold");
    long["description"] = "x".repeat(1_001).into();
    let (failed, text, _) = agent.call("propose_change", long);
    assert!(failed && text.contains("`description` is too long"), "{text}");
    let proposal = agent.proposal("title: A bold", "title: A bold");
    let (failed, text, _) = agent.call("propose_change", proposal);
    assert!(failed && text.contains("nothing differs from what is committed"), "{text}");
    assert_eq!(git(&agent.book, &["for-each-ref"]), before);
    assert_eq!(git(&agent.book, &["status", "--porcelain"]), "");
}

#[test]
fn an_error_of_the_book_hides_none_of_a_proposal() {
    let mut agent = Agent::new(None);
    std::fs::write(agent.book.path().join("broken.flag.yaml"), "description: [\n").unwrap();
    git(&agent.book, &["add", "-A"]);
    git(&agent.book, &["commit", "-q", "-m", "Break a flag"]);
    let proposal = agent.proposal("title: A bold", "title: A very bold");
    let (failed, text, _) = agent.call("propose_change", proposal);
    assert!(failed && text.contains("lint finds errors") && text.contains("broken.flag.yaml"), "{text}");
}

/// An experiment that names a metric which is not there.
fn agent_wrong(agent: &Agent) -> Value {
    agent.proposal("purchases-per-user", "no-such-metric")
}

#[test]
fn with_a_token_edits_become_a_pull_request_whose_text_stays_text() {
    let github = GitHub::of_installation("github-actions[bot]");
    let mut agent = Agent::new(Some(&github));
    github.head("main", &git(&agent.book, &["rev-parse", "HEAD"]));
    let before = git(&agent.book, &["for-each-ref"]);
    let mut proposal = agent.proposal("title: A bold", "title: A very bold");
    proposal["description"] = "Fixes #1, says @everyone: <img src=x>".into();
    let (failed, text, json) = agent.call("propose_change", proposal);
    assert!(!failed, "{text}");
    assert!(json["pull_request"].as_str().unwrap().starts_with("https://github.com/"), "{json}");
    let state = github.state();
    assert_eq!(state.opened[0]["title"], "Rename the test");
    assert_eq!(state.opened[0]["head"], json["branch"]);
    assert_eq!(state.commits[0]["message"], "Rename the test\n");
    assert_eq!(state.commits[0]["parents"], json!([git(&agent.book, &["rev-parse", "HEAD"])]));
    let body = state.opened[0]["body"].as_str().unwrap();
    assert!(!body.contains("@everyone") && !body.contains("#1") && !body.contains("<img"), "{body}");
    assert_eq!(git(&agent.book, &["for-each-ref"]), before);
}
