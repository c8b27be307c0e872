//! What somebody changed in the target, and the end of an experiment at once.

use serde_json::{Value, json};

use crate::apply::{LAUNCH, code, live, plan_and_apply, read, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;

/// While the experiments of November run.
const DURING: &str = "2026-11-10";

fn drift(book: &ExampleBook) -> Value {
    let shown = trialbook(book, &["drift", "--at", LAUNCH, "--format", "json"]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    serde_json::from_str(&stdout(&shown)).expect("JSON")
}

#[test]
fn drift_names_what_changed_since_when_and_leaves_others_alone() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let none = trialbook(&book, &["drift", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&none), 0, "{}", stderr(&none));
    assert!(stdout(&none).contains("nothing differs"), "{}", stdout(&none));

    let mut file = read(&book);
    file["flags"]["max-cart-items"]["state"] = json!("DISABLED");
    file["flags"]["theirs"] = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"});
    file["flags"].as_object_mut().expect("flags").remove("old-header");
    std::fs::write(live(&book), file.to_string()).expect("an edit by hand");
    let before = std::fs::read(live(&book)).expect("the live file");

    let shown = trialbook(&book, &["drift", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&shown), 2, "{}", stderr(&shown));
    let text = stdout(&shown).replace('\u{a0}', " ");
    for what in [
        "2 flags changed by hand",
        "max-cart-items",
        "DISABLED",
        "old-header",
        "theirs",
        "last applied 2026-11-01",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
    let json = drift(&book);
    assert_eq!(json["changed"][0]["flag"], "max-cart-items");
    assert_eq!(json["changed"][0]["differences"]["shown"][0]["path"], json!(["state"]));
    assert_eq!(json["removed"], json!(["old-header"]));
    assert_eq!(json["foreign"], json!([{"flag": "theirs", "book": null}]));
    assert_eq!(json["since"]["at"], "2026-10-31T23:00:00Z");
    let schema = stdout(&trialbook(&book, &["schema", "drift"]));
    let schema: Value = serde_json::from_str(&schema).expect("a schema");
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&json), "{json}");
    assert_eq!(std::fs::read(live(&book)).expect("the live file"), before, "nothing is written");
}

#[test]
fn an_experiment_is_stopped_by_the_smallest_edit_and_nothing_else_is_applied() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let path = book.path().join("checkout/bold-checkout-button.experiment.yaml");
    let before = std::fs::read_to_string(&path).expect("the experiment");
    let shown = trialbook(&book, &["stop", "bold-checkout-button", "--at", DURING, "--diff"]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(stdout(&shown).contains("+  outcome: aborted"), "{}", stdout(&shown));
    assert_eq!(std::fs::read_to_string(&path).expect("the experiment"), before);

    let stopped =
        trialbook(&book, &["stop", "bold-checkout-button", "--at", DURING, "--reason", "It \"hurts\"."]);
    assert_eq!(code(&stopped), 0, "{}", stderr(&stopped));
    let after = std::fs::read_to_string(&path).expect("the experiment");
    assert!(after.starts_with(&before) && after.contains(r#"reason: "It \"hurts\".""#), "{after}");
    let lint = trialbook(&book, &["lint", "--at", DURING]);
    assert_eq!(code(&lint), 0, "{}{}", stdout(&lint), stderr(&lint));
    let again = trialbook(&book, &["stop", "bold-checkout-button", "--at", DURING]);
    assert_eq!(code(&again), 3, "{}", stderr(&again));

    // Something else waits in the book: it stays there.
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    book.commit("stop it, and more room");
    let apply = trialbook(&book, &["apply", "--stop", "bold-checkout-button", "--at", DURING]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    let file = read(&book);
    assert_eq!(file["flags"]["max-cart-items"]["variants"]["standard"], 50);
    let flag = file["flags"]["checkout-button"].to_string();
    assert!(!flag.contains("bold-checkout-button.bold"), "{flag}");
    assert!(flag.contains("trialbook.launch.bold-checkout-button.start"), "its launch is kept: {flag}");
    let again = trialbook(&book, &["apply", "--stop", "bold-checkout-button", "--at", DURING]);
    assert_eq!(code(&again), 4, "{}", stderr(&again));
    let rest = trialbook(&book, &["plan", "--at", DURING]);
    assert!(stdout(&rest).contains("max-cart-items"), "{}", stdout(&rest));
}

#[test]
fn the_end_of_one_experiment_passes_the_limit_of_changes_and_a_freeze_and_an_older_book_does_not() {
    let book = ExampleBook::new();
    book.edit("trialbook.yaml", "{share: 30%, at_least: 10}", "{share: 1%, at_least: 1}");
    book.commit("a strict policy");
    plan_and_apply(&book);
    trialbook(&book, &["stop", "bold-checkout-button", "--at", DURING]);
    book.commit("stop it");
    let plan = trialbook(&book, &["plan", "--at", DURING, "--detailed-exitcode"]);
    assert_eq!(code(&plan), 4, "{}", stdout(&plan));
    // A launch elsewhere that is in a freeze is an error of the book, and no reason to let a broken variant run on.
    book.edit("trialbook.yaml", "from: 2026-12-20", "from: 2026-12-01");
    book.commit("a freeze");
    let plan = trialbook(&book, &["plan", "--at", DURING]);
    assert_eq!(code(&plan), 1, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "--stop", "bold-checkout-button", "--at", DURING]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    let wrong = trialbook(&book, &["apply", "--stop", "free-shipping", "--at", DURING]);
    assert_eq!(code(&wrong), 4, "{}", stderr(&wrong));
    assert!(stderr(&wrong).contains("trialbook stop free-shipping"), "{}", stderr(&wrong));
}
