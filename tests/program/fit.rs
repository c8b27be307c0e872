//! `trialbook fit`, run on a small book in a repository of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const EXPERIMENT: &str = "title: A page # what it is
hypothesis: It helps.
owner: team-a
flag: start-page
allocation: 40%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-12-01, end: 2026-12-15}
metrics:
  success: [{metric: purchases-per-user, mde: 2%}]
  guardrails: [{metric: refund-rate, margin: 5%}]
";

/// The small book of the rules' pages, with two experiments that collide.
fn book() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base");
    fs::create_dir(folder.path().join("book")).expect("a folder");
    for file in fs::read_dir(base).expect("the base book") {
        let file = file.expect("a file");
        fs::copy(file.path(), folder.path().join("book").join(file.file_name())).expect("it can be copied");
    }
    let swedes = EXPERIMENT.replace("owner: team-a", "owner: team-b\naudience: {country: SE}");
    for (path, text) in [("a", EXPERIMENT), ("b", &swedes)] {
        fs::write(folder.path().join(format!("book/{path}.experiment.yaml")), text)
            .expect("it can be written");
    }
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trialbook"));
    command.current_dir(folder).args(args).args(["--book", "book", "--color", "never", "--at", "2026-11-20"]);
    command.env_remove("TRIALBOOK_BOOK").output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn ways_are_reported_with_what_they_cost_both_teams() {
    let folder = book();
    let output = run(folder.path(), &["fit"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    insta::assert_snapshot!("ways", text(&output.stdout));
}

#[test]
fn the_patch_can_be_applied_and_the_book_then_lints_clean() {
    let folder = book();
    let patch = run(folder.path(), &["fit", "a", "--diff"]);
    assert_eq!(patch.status.code(), Some(1), "{}", text(&patch.stderr));
    let mut apply = Command::new("git")
        .args(["apply", "-"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    std::io::Write::write_all(&mut apply.stdin.take().expect("a pipe"), &patch.stdout).expect("it reads");
    assert!(apply.wait().expect("it ends").success(), "{}", text(&patch.stdout));
    let lint = run(folder.path(), &["lint"]);
    assert_eq!(lint.status.code(), Some(0), "{}", text(&lint.stdout));
    let again = run(folder.path(), &["fit"]);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(text(&again.stdout), "nothing collides, and no layer is too full\n");
}

#[test]
fn json_has_the_published_shape() {
    let folder = book();
    let output = run(folder.path(), &["fit", "--format", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/fit-v1.output.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(value["collisions"][0]["ways"].as_array().is_some_and(|ways| ways.len() >= 3), "{value:#}");
    let mut wrong = value;
    wrong["collisions"][0]["ways"][0]["edits"] = Value::Array(Vec::new());
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn a_name_that_is_not_there_is_refused_with_the_nearest() {
    let folder = book();
    let output = run(folder.path(), &["fit", "footer-link"]);
    assert_ne!(output.status.code(), Some(0));
    let printed = text(&output.stderr);
    assert!(printed.contains("there is no experiment or rollout `footer-link`"), "{printed}");
    assert!(printed.contains("footer-links"), "{printed}");
}
