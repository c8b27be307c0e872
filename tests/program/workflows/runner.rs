//! A small runner of workflows: shell steps are run with bash, the actions that are known are done here, and all others are refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::github::server::TOKEN;
use serde_yaml::Value;
use trialbook_analysis::warehouse::driver::{DUCKDB, Environment, obtain};

/// Runs git in a folder, as somebody who may do everything.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@acme.test", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What a workflow runs for.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub name: &'a str,
    /// The commit that is checked out.
    pub sha: &'a str,
}

/// The action of this repository, as the workflows name it.
const OWN: &str = "trialbook/trialbook/.github/actions/trialbook";

/// A forge with one private repository, `acme/shop`: only who shows the token reads or writes it.
pub struct Forge {
    folder: tempfile::TempDir,
}

/// How a job went: the steps that were run, with the exit code and the output of the last one.
pub struct Run {
    pub steps: Vec<String>,
    pub code: i32,
    pub output: String,
    pub temp: PathBuf,
}

impl Forge {
    /// Makes the forge, whose main branch is what `fill` puts into a folder.
    pub fn new(fill: impl FnOnce(&Path)) -> Self {
        let forge = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let root = forge.folder.path();
        std::fs::create_dir_all(root.join("forge/acme")).expect("a folder");
        git(root, &["init", "-q", "--bare", "-b", "main", "forge/acme/shop"]);
        // The token is a part of the address that git is sent to; any other address of the forge leads nowhere.
        let config = format!(
            "[url \"file://{}/forge/\"]\n\tinsteadOf = https://x-access-token:{TOKEN}@github.com/\n",
            root.display()
        );
        std::fs::write(root.join("gitconfig"), config).expect("a configuration");
        git(root, &["init", "-q", "-b", "main", "desk"]);
        git(&forge.desk(), &["remote", "add", "origin", &forge.bare().display().to_string()]);
        fill(&forge.desk());
        forge.push("main", "Begin");
        forge
    }

    /// A clone of somebody who works on the repository.
    pub fn desk(&self) -> PathBuf {
        self.folder.path().join("desk")
    }

    pub fn bare(&self) -> PathBuf {
        self.folder.path().join("forge/acme/shop")
    }

    /// Commits what is at the desk to a branch there, pushes it, and returns the commit.
    pub fn push(&self, branch: &str, message: &str) -> String {
        let desk = self.desk();
        git(&desk, &["add", "-A"]);
        git(&desk, &["commit", "-q", "--allow-empty", "-m", message]);
        git(&desk, &["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
        git(&desk, &["rev-parse", "HEAD"])
    }

    /// Runs a job of a workflow on a machine of its own. `None` where the job is not for this event.
    pub fn run(&self, workflow: &str, job: &str, event: Event<'_>, api: &str) -> Option<Run> {
        let workflow: Value = serde_yaml::from_str(workflow).expect("a workflow is YAML");
        assert_eq!(workflow["permissions"].as_mapping().map(serde_yaml::Mapping::len), Some(0));
        let on = &workflow["on"];
        assert!(on.get(event.name).is_some(), "the workflow does not run for {}", event.name);
        let job = &workflow["jobs"][job];
        if let Some(condition) = job.get("if").and_then(Value::as_str)
            && !holds(condition, event, 0)
        {
            return None;
        }
        let machine = tempfile::Builder::new().tempdir_in(self.folder.path()).expect("a folder").keep();
        for folder in ["work", "temp", "home"] {
            std::fs::create_dir(machine.join(folder)).expect("a folder");
        }
        let mut run = Run { steps: Vec::new(), code: 0, output: String::new(), temp: machine.join("temp") };
        let top = variables(&workflow, &BTreeMap::new(), event);
        for step in job["steps"].as_sequence().expect("steps") {
            let name = step["name"].as_str().expect("a step has a name").to_owned();
            let here = variables(step, &top, event);
            let condition = step.get("if").and_then(Value::as_str).unwrap_or("success()");
            if !holds(condition, event, run.code) {
                continue;
            }
            run.steps.push(name);
            let uses = step.get("uses").and_then(Value::as_str);
            if let Some(OWN) = uses.and_then(|action| action.split_once('@')).map(|(name, _)| name) {
                let (code, output) = self.own_action(step, &machine, event, api);
                if run.code == 0 {
                    (run.code, run.output) = (code, output);
                }
                continue;
            }
            if let Some(action) = uses {
                self.act(action, step, &machine.join("work"), event);
                continue;
            }
            let mut script =
                replaced(step["run"].as_str().expect("a step uses or runs something"), &here, event);
            // It gets a library from a registry. The runner has one already.
            if script == "trialbook driver install duckdb" {
                script = "trialbook driver list".to_owned();
            }
            (run.code, run.output) = self.shell(&script, &here, &machine, event, api);
        }
        Some(run)
    }

    /// Runs the steps of this repository's own action, with the program that is built here instead of a release.
    fn own_action(&self, step: &Value, machine: &Path, event: Event<'_>, api: &str) -> (i32, String) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/actions/trialbook");
        let text = std::fs::read_to_string(folder.join("action.yml")).expect("the action");
        let action: Value = serde_yaml::from_str(&text).expect("an action is YAML");
        let mut known = BTreeMap::new();
        for (name, input) in action["inputs"].as_mapping().expect("inputs") {
            let name = name.as_str().expect("a name");
            let default = input.get("default").and_then(Value::as_str).unwrap_or_default();
            let given = step["with"].get(name).and_then(Value::as_str);
            let value = replaced(given.unwrap_or(default), &BTreeMap::new(), event);
            known.insert(format!("inputs.{name}"), value);
        }
        for name in step["with"].as_mapping().expect("inputs").keys() {
            let name = format!("inputs.{}", name.as_str().expect("a name"));
            assert!(known.contains_key(&name), "the action has no {name}");
        }
        let program = assert_cmd::cargo::cargo_bin!("trialbook").display().to_string();
        known.insert("inputs.binary".to_owned(), program);
        for step in action["runs"]["steps"].as_sequence().expect("steps") {
            if step.get("if").and_then(Value::as_str) == Some("inputs.binary == ''") {
                continue;
            }
            let mut here = BTreeMap::new();
            for (name, value) in step["env"].as_mapping().expect("an env") {
                let value = replaced(value.as_str().expect("text"), &known, event);
                here.insert(name.as_str().expect("a name").to_owned(), value);
            }
            here.insert("GITHUB_ACTION_PATH".to_owned(), folder.display().to_string());
            let outputs = machine.join("temp/outputs");
            here.insert("GITHUB_OUTPUT".to_owned(), outputs.display().to_string());
            let (code, output) =
                self.shell(step["run"].as_str().expect("a script"), &here, machine, event, api);
            if code != 0 || step.get("id").is_none() {
                return (code, output);
            }
            let id = step["id"].as_str().expect("a name");
            for line in std::fs::read_to_string(&outputs).expect("outputs").lines() {
                let (name, value) = line.split_once('=').expect("an output");
                known.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
        }
        panic!("the action runs nothing")
    }

    /// Does what an action does, as far as it is known.
    fn act(&self, action: &str, step: &Value, work: &Path, event: Event<'_>) {
        let (name, commit) = action.split_once('@').expect("an action has a version");
        assert!(
            commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "not a commit: {action}"
        );
        let with = &step["with"];
        match name {
            "actions/upload-artifact" | "actions/download-artifact" => {
                let kept = self.folder.path().join("artifacts").join(with["name"].as_str().expect("a name"));
                let here = work.join(with["path"].as_str().expect("a path"));
                let (from, to) = if name.ends_with("upload-artifact") { (here, kept) } else { (kept, here) };
                // An artifact is that of one run.
                let _ = std::fs::remove_dir_all(&to);
                std::fs::create_dir_all(&to).expect("a folder");
                for entry in std::fs::read_dir(from).into_iter().flatten() {
                    let file = entry.expect("a file").path();
                    std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("a copy");
                }
            }
            // There is nothing in the cache.
            "actions/cache" => assert!(with.get("key").is_some() && with.get("path").is_some()),
            "actions/checkout" => {
                assert_eq!(
                    with["persist-credentials"].as_bool(),
                    Some(false),
                    "credentials would be left behind"
                );
                let folder =
                    with.get("path").and_then(Value::as_str).map_or(work.to_owned(), |path| work.join(path));
                std::fs::create_dir_all(&folder).expect("a folder");
                git(&folder, &["init", "-q"]);
                git(&folder, &["remote", "add", "origin", "https://github.com/acme/shop"]);
                let bare = format!("file://{}", self.bare().display());
                let reference = with.get("ref").and_then(Value::as_str);
                let commit =
                    reference.map_or(event.sha.to_owned(), |name| git(&self.bare(), &["rev-parse", name]));
                if with.get("fetch-depth").and_then(Value::as_u64) == Some(0) {
                    git(&folder, &["fetch", "-q", &bare, "+refs/heads/*:refs/remotes/origin/*"]);
                }
                git(&folder, &["fetch", "-q", &bare, &commit]);
                git(&folder, &["checkout", "-q", "--detach", &commit]);
            }
            other => panic!("no action of this name is known here: {other}"),
        }
    }

    /// Writes what GitHub says of the run: one of a fork's branch `bold`, whatever the event.
    fn event(&self, event: Event<'_>) -> PathBuf {
        let head = git(&self.desk(), &["rev-parse", "HEAD"]);
        let payload = serde_json::json!({
            "pull_request": {"number": 7, "head": {"sha": head}},
            "workflow_run": {
                "id": 17, "run_attempt": 1, "event": "pull_request", "head_sha": head, "head_branch": "bold",
                "head_repository": {"owner": {"login": "mallory"}}, "pull_requests": [],
            },
        });
        let path = self.folder.path().join(format!("{}.json", event.name));
        std::fs::write(&path, payload.to_string()).expect("an event");
        path
    }

    fn shell(
        &self,
        script: &str,
        variables: &BTreeMap<String, String>,
        machine: &Path,
        event: Event<'_>,
        api: &str,
    ) -> (i32, String) {
        let program = assert_cmd::cargo::cargo_bin!("trialbook");
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", program.parent().expect("a folder").display());
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(machine.join("work")).env_clear();
        let library =
            obtain(&DUCKDB, &Environment::of_process(), &mut |_| ()).expect("the library of DuckDB");
        command.envs(library.path.map(|path| ("TRIALBOOK_DUCKDB", path)));
        command.envs(std::env::var_os("LD_LIBRARY_PATH").map(|value| ("LD_LIBRARY_PATH", value)));
        command
            .envs([("PATH", path.as_str()), ("GITHUB_REPOSITORY", "acme/shop"), ("GITHUB_ACTIONS", "true")])
            .envs([("GITHUB_SHA", event.sha), ("GITHUB_API_URL", api), ("GIT_ALLOW_PROTOCOL", "file")])
            .envs([("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_EVENT_NAME", event.name)])
            .env("GITHUB_EVENT_PATH", self.event(event))
            .env("HOME", machine.join("home"))
            .env("RUNNER_TEMP", machine.join("temp"))
            .env("GITHUB_STEP_SUMMARY", machine.join("temp/summary.md"))
            .env("GIT_CONFIG_GLOBAL", self.folder.path().join("gitconfig"))
            .envs(variables);
        let output = command.output().expect("bash runs");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code().unwrap_or(-1), text.concat())
    }
}

/// Tells whether a step or a job runs, after steps that ended with a code.
fn holds(condition: &str, event: Event<'_>, code: i32) -> bool {
    let of_event = |name: &str| event.name == name;
    match condition {
        "success()" => code == 0,
        "always()" => true,
        "always() && github.event_name == 'pull_request'" => of_event("pull_request"),
        "github.event.workflow_run.event == 'pull_request'" => of_event("workflow_run"),
        _ => {
            let wanted =
                condition.strip_prefix("github.event_name == '").and_then(|rest| rest.strip_suffix('\''));
            code == 0 && of_event(wanted.unwrap_or_else(|| panic!("unknown condition: {condition}")))
        }
    }
}

/// Returns the `env` of a workflow or a step over that of what is around it.
fn variables(of: &Value, around: &BTreeMap<String, String>, event: Event<'_>) -> BTreeMap<String, String> {
    let mut all = around.clone();
    for (name, value) in of.get("env").and_then(Value::as_mapping).into_iter().flatten() {
        let text = match value {
            Value::String(text) => replaced(text, around, event),
            Value::Number(number) => number.to_string(),
            other => panic!("an `env` of another type: {other:?}"),
        };
        all.insert(name.as_str().expect("a name").to_owned(), text);
    }
    all
}

/// Replaces `${{ … }}`; an expression that is not known here is refused.
fn replaced(text: &str, variables: &BTreeMap<String, String>, event: Event<'_>) -> String {
    let expression = regex::Regex::new(r"\$\{\{\s*(.*?)\s*\}\}").expect("an expression");
    let value = |found: &regex::Captures<'_>| match &found[1] {
        "github.token" => TOKEN.to_owned(),
        "github.base_ref" if event.name == "pull_request" => "main".to_owned(),
        "github.base_ref" => String::new(),
        "runner.os" => "Linux".to_owned(),
        "github.event.merge_group.base_sha || format('origin/{0}', github.base_ref)" => {
            "origin/main".to_owned()
        }
        other => match variables.get(other.strip_prefix("env.").unwrap_or(other)) {
            Some(value) => value.clone(),
            None => panic!("unknown expression: {other}"),
        },
    };
    expression.replace_all(text, value).into_owned()
}
