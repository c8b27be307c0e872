//! Why a unit was served a variant: history, dates and launches together.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

/// A small book whose commits have dates of their own.
struct History {
    folder: tempfile::TempDir,
}

const EXPERIMENT: &str = "title: A page
hypothesis: It helps.
owner: team-a
flag: start-page
audience: {country: SE}
allocation: 100%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-12-01, end: 2026-12-15}
metrics:
  success: [{metric: purchases-per-user, mde: 2%}]
  guardrails: [{metric: refund-rate, margin: 5%}]
";

impl History {
    /// The small book of the rules' pages, committed on the first of November.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        git2::Repository::init(folder.path()).expect("a repository");
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base");
        for file in std::fs::read_dir(base).expect("the base book") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("it can be copied");
        }
        let history = Self { folder };
        history.commit("2026-11-01T12:00:00Z", "Begin");
        history
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.folder.path().join(path), text).expect("it can be written");
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).expect("a file")
    }

    fn commit(&self, at: &str, message: &str) -> String {
        let git = git2::Repository::open(self.folder.path()).expect("the repository");
        let mut index = git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added files");
        index.update_all(["*"], None).expect("updated files");
        index.write().expect("a written index");
        let tree = git.find_tree(index.write_tree().expect("a tree")).expect("the tree");
        let at: jiff::Timestamp = at.parse().expect("an instant");
        let author = git2::Signature::new("Ann", "ann@acme.test", &git2::Time::new(at.as_second(), 0));
        let author = author.expect("an author");
        let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        git.commit(Some("HEAD"), &author, &author, message, &tree, &parents).expect("a commit").to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
        let command =
            command.current_dir(self.folder.path()).env("NO_COLOR", "1").env_remove("TRIALBOOK_BOOK");
        command.arg("why").args(args).output().expect("a run")
    }

    fn why(&self, at: &str, context: &str) -> Value {
        let output = self.run(&[
            "user-1",
            "start-page",
            "--at",
            at,
            "--until",
            "2027-02-01",
            "--context",
            context,
            "--format",
            "json",
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        accepted("why", &value);
        value
    }
}

fn accepted(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}-v1.output.schema.json"));
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

const SWEDE: &str = r#"{"country": "SE"}"#;

/// An experiment by a pull request, then a rule by another; both changes and the experiment's dates count.
fn recorded() -> (History, [String; 2]) {
    let history = History::new();
    history.write("page-test.experiment.yaml", EXPERIMENT);
    let first = history.commit("2026-11-20T12:00:00Z", "Merge pull request #7 from acme/page");
    let flag = history.read("start-page.flag.yaml");
    history.write(
        "start-page.flag.yaml",
        &format!("{flag}rules:\n  - {{when: {{country: SE}}, serve: bold}}\n"),
    );
    let second = history.commit("2026-12-10T12:00:00Z", "Give Sweden the bold page (#9)");
    (history, [first, second])
}

#[test]
fn an_answer_names_what_decided_and_the_commit_and_the_pull_request() {
    let (history, [first, second]) = recorded();
    let during = history.why("2026-12-05", SWEDE);
    let answer = &during["answer"];
    assert_eq!(answer["reason"], "experiment", "{during:#}");
    assert_eq!(answer["source"], "page-test");
    assert!(answer["bucket"].is_u64());
    // A date of that commit's book brought it.
    assert_eq!(answer["since"], "2026-12-01T00:00:00Z");
    assert_eq!(answer["cause"]["cause"], "schedule");
    assert_eq!(answer["cause"]["book"]["commit"], first.as_str());
    assert_eq!(answer["written"]["pull_request"], 7);
    let changes = during["changes"].as_array().expect("changes");
    assert_eq!(changes.len(), 1, "{during:#}");
    assert_eq!(changes[0]["reason"], "rule");
    assert_eq!(changes[0]["rule"], 1);
    assert_eq!(changes[0]["cause"]["commit"], second.as_str());
    assert_eq!(changes[0]["cause"]["pull_request"], 9);
    assert_eq!(changes[0]["cause"]["author"], "Ann");
    assert_eq!(during["complete"], true);
}

#[test]
fn an_answer_from_before_the_test_lists_every_change_since_and_one_after_it_none() {
    let (history, _) = recorded();
    let before = history.why("2026-11-25", SWEDE);
    assert_eq!(before["answer"]["reason"], "default");
    assert_eq!(before["answer"]["passed"][0]["because"], "not-started");
    let reasons: Vec<_> =
        before["changes"].as_array().expect("changes").iter().map(|c| &c["reason"]).collect();
    assert_eq!(reasons, ["experiment", "rule"]);
    assert_eq!(history.why("2026-12-11", SWEDE)["changes"], json!([]));
    // Another unit: the rule and the experiment are not for it, so nothing ever changed.
    let dane = history.why("2026-12-05", r#"{"country": "FI"}"#);
    assert_eq!(dane["answer"]["reason"], "default");
    assert_eq!(
        dane["answer"]["passed"][0],
        json!({"kind": "experiment", "source": "page-test", "because": "audience"})
    );
    assert_eq!(dane["changes"], json!([]));
}

#[test]
fn what_was_before_the_history_is_unknown_and_a_flag_that_never_was_is_refused() {
    let (history, _) = recorded();
    assert_eq!(history.why("2026-10-01", SWEDE)["answer"], Value::Null);
    let unknown = history.run(&["user-1", "start-pages"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean `start-page`"));
    let other = history.run(&["user-1", "start-page", "--context", r#"{"targetingKey": "user-2"}"#]);
    assert_eq!(other.status.code(), Some(64));
}

#[test]
fn a_book_with_errors_is_passed_over_because_nothing_is_applied_from_it() {
    let (history, _) = recorded();
    let flag = history.read("start-page.flag.yaml");
    history.write("start-page.flag.yaml", &flag.replace("serve: bold", "serve: nothing"));
    let broken = history.commit("2026-12-20T12:00:00Z", "Break it");
    history.write("start-page.flag.yaml", &flag.replace("{country: SE}", "{country: FI}"));
    history.commit("2026-12-21T12:00:00Z", "Repair it");
    let after = history.why("2026-12-20T18:00:00Z", SWEDE);
    assert_eq!(after["answer"]["reason"], "rule", "{after:#}");
    assert_eq!(after["broken"][0]["commit"], broken.as_str());
    assert_eq!(after["changes"][0]["since"], "2026-12-21T12:00:00Z");
}

#[test]
fn the_text_names_the_pull_request_and_what_the_answer_leaves_out() {
    let (history, _) = recorded();
    let args = ["user-1", "start-page", "--at", "2026-12-05", "--until", "2027-02-01", "--context", SWEDE];
    let text = |history: &History| {
        let output = history.run(&args);
        String::from_utf8_lossy(&output.stdout).replace('\u{a0}', " ")
    };
    let shown = text(&history);
    for what in [
        "Experiment page-test has the unit",
        "No launch is recorded",
        "Merge pull request #7",
        "by a date in the book",
    ] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    assert!(!shown.contains("not committed"), "{shown}");
    history.write("start-page.flag.yaml", &format!("{}# a note\n", history.read("start-page.flag.yaml")));
    assert!(text(&history).contains("edits that are not committed"));
}

#[test]
fn all_experiments_of_a_unit_are_listed_as_of_then() {
    let (history, _) = recorded();
    let ask = |at: &str| -> Value {
        let output =
            history.run(&["user-1", "--experiments", "--at", at, "--context", SWEDE, "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let value = serde_json::from_slice(&output.stdout).expect("JSON");
        accepted("enrolments", &value);
        value
    };
    let during = ask("2026-12-05");
    let keys: Vec<_> =
        during["experiments"].as_array().expect("a list").iter().map(|e| &e["experiment"]).collect();
    assert!(keys.contains(&&json!("page-test")), "{during:#}");
    // The rule took the unit out.
    let after = ask("2026-12-12");
    let keys: Vec<_> =
        after["experiments"].as_array().expect("a list").iter().map(|e| &e["experiment"]).collect();
    assert!(!keys.contains(&&json!("page-test")), "{after:#}");
    assert_eq!(history.run(&["user-1", "--experiments", "--at", "2026-10-01"]).status.code(), Some(3));
}
