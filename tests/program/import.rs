//! A book from the flags that are served already, and what other evaluators would make of what is live.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::apply::{LAUNCH, code, plan_and_apply, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(folder).env("NO_COLOR", "1").env_remove("TRIALBOOK_BOOK");
    command.args(args).output().expect("a run")
}

fn flag(targeting: Value) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting})
}

#[test]
fn a_flag_file_becomes_a_book_that_takes_its_flags_over_and_changes_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = json!({"flags": {
        "newCheckout": flag(json!({"if": [{"ends_with": [{"var": "email"}, "@acme.test"]}, "on"]})),
        "team/a.b 10%": flag(json!({"if": [{"<": [{"var": "age"}, 18]}, "on", {"==": [{"var": "plan"}, "true"]}, "on"]})),
        "Layout": flag(json!({})),
        "layout": flag(json!({"if": [{"!": [{"sem_ver": [{"var": "version"}, ">=", "1.2.0"]}]}, "on"]})),
        "split": flag(json!({"fractional": [["on", 50], ["off", 50]]})),
        "empty-text": flag(json!({"if": [{"var": "all"}, "on"]})),
    }});
    let live = folder.path().join("live.json");
    std::fs::write(&live, file.to_string()).expect("a flag file");
    let imported =
        run(folder.path(), &["import", "--from", "flagd", "live.json", "book", "--owner", "team-a"]);
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    let printed = stderr(&imported);
    assert!(printed.contains("with 3 of 6 flags"), "{printed}");
    assert!(
        printed.contains("`layout` is left alone: flags `Layout` and `layout` differ only in upper"),
        "{printed}"
    );
    assert!(printed.contains("`split` is left alone: it splits units by a hash of its own"), "{printed}");
    assert!(printed.contains("`empty-text` is left alone: `all` cannot be an attribute"), "{printed}");
    assert_eq!(
        std::fs::read_to_string(&live).expect("the file"),
        file.to_string(),
        "nothing live is touched"
    );

    let book = folder.path().join("book");
    let names: Vec<_> = ["newCheckout", "team-a-b-10", "Layout"]
        .map(|stem| book.join(format!("flags/{stem}.flag.yaml")))
        .into();
    assert!(names.iter().all(|name| name.is_file()), "{names:?}");
    for args in [&["lint", "--at", LAUNCH][..], &["fmt", "--check"]] {
        let ran = run(&book, args);
        assert_eq!(code(&ran), 0, "{args:?}: {}{}", stdout(&ran), stderr(&ran));
    }
    let git = git2::Repository::init(&book).expect("a repository");
    let mut index = git.index().expect("an index");
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added files");
    let tree = git.find_tree(index.write_tree().expect("a tree")).expect("the tree");
    index.write().expect("a written index");
    let author = git2::Signature::now("test", "test@acme.test").expect("an author");
    git.commit(Some("HEAD"), &author, &author, "The book", &tree, &[]).expect("a commit");

    // Without `--adopt` an apply takes nothing over.
    let refused = run(&book, &["plan", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&refused), 4, "{}", stdout(&refused));
    let plan = run(&book, &["plan", "--at", LAUNCH, "--adopt", "--out", "p.plan", "--detailed-exitcode"]);
    assert_eq!(code(&plan), 2, "{}{}", stdout(&plan), stderr(&plan));
    let plan: Value =
        serde_json::from_slice(&std::fs::read(book.join("p.plan")).expect("a plan")).expect("JSON");
    let kinds: Vec<_> =
        plan["actions"].as_array().expect("actions").iter().map(|action| &action["kind"]).collect();
    assert_eq!(kinds, [&json!("adopt"); 3]);
    let apply = run(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!(std::fs::read_to_string(&live).expect("the file"), file.to_string(), "the copy is served");
    let copy = book.join("live/production.json");
    let after: Value = serde_json::from_slice(&std::fs::read(copy).expect("the file")).expect("JSON");
    for name in ["split", "layout", "empty-text"] {
        assert_eq!(after["flags"][name], file["flags"][name], "{name} is left alone");
    }
    for name in ["newCheckout", "team/a.b 10%", "Layout"] {
        for member in ["variants", "defaultVariant", "state"] {
            assert_eq!(after["flags"][name][member], file["flags"][name][member], "{name}");
        }
    }
    let again = run(&book, &["plan", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&again), 0, "{}", stdout(&again));
}

#[test]
fn what_is_no_flag_file_and_a_folder_that_is_filled_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("text.json"), "flags?").expect("a file");
    std::fs::write(folder.path().join("live.json"), r#"{"flags": {}}"#).expect("a file");
    let import = |source: &str, book: &str| {
        run(folder.path(), &["import", "--from", "flagd", source, book, "--owner", "team-a"])
    };
    for (source, book, expected, printed) in [
        ("text.json", "book", 4, "is not a flag file of flagd"),
        ("gone.json", "book", 6, "cannot read `gone.json`"),
        ("live.json", ".", 4, "is not empty"),
        ("ftp://host/flags.json", "book", 1, "is not a store"),
    ] {
        let refused = import(source, book);
        assert_eq!(code(&refused), expected, "{source}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(printed), "{source}: {}", stderr(&refused));
        assert!(!folder.path().join("book").exists(), "{source}");
    }
}

#[test]
fn a_plan_states_whom_other_evaluators_would_move() {
    const RUNNING: &str = "2026-11-10";
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let same =
        trialbook(&book, &["plan", "--evaluators", "javascript-4", "--at", RUNNING, "--detailed-exitcode"]);
    assert_eq!(code(&same), 0, "{}", stderr(&same));
    assert!(stdout(&same).contains("nobody would move"), "{}", stdout(&same));
    let other =
        trialbook(&book, &["plan", "--evaluators", "python-2", "--at", RUNNING, "--detailed-exitcode"]);
    assert_eq!(code(&other), 2, "{}", stderr(&other));
    let text = stdout(&other).replace('\u{a0}', " ");
    for what in ["every unit would be drawn again", "experiment bold-checkout-button", "Change variant"] {
        assert!(text.contains(what), "{what}: {text}");
    }
    // Before anything runs, nobody is in anything that could be drawn anew.
    let before = trialbook(&book, &["plan", "--evaluators", "python-2", "--at", "2026-10-01"]);
    assert!(!stdout(&before).contains("bold-checkout-button"), "{}", stdout(&before));

    let args = ["plan", "--evaluators", "python-2,javascript-4", "--at", RUNNING, "--format", "json"];
    let shown: Value = serde_json::from_str(&stdout(&trialbook(&book, &args))).expect("JSON");
    let schema = serde_json::from_str(&stdout(&trialbook(&book, &["schema", "upgrade"]))).expect("a schema");
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&shown), "{shown}");
    let kinds: Vec<_> =
        shown["upgrades"].as_array().expect("upgrades").iter().map(|one| &one["ids"]).collect();
    assert_eq!(kinds, [&json!("everybody"), &json!("nobody")]);
    let refused = trialbook(&book, &["plan", "--evaluators", "python-2", "--out", "p.plan"]);
    assert_eq!(code(&refused), 64, "{}", stderr(&refused));
}
