//! What runs, since when, and what is next.

use serde_json::{Value, json};

use crate::apply::{code, plan_and_apply, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;
use crate::report::fixture;
use trialbook_analysis::{Ground, VerdictKind};

/// While the experiments of November run.
const DURING: &str = "2026-11-10";

fn status(book: &ExampleBook, args: &[&str]) -> Value {
    let all: Vec<&str> = ["status", "--format", "json"].iter().chain(args).copied().collect();
    let shown = trialbook(book, &all);
    assert!(matches!(code(&shown), 0 | 2), "{}", stderr(&shown));
    serde_json::from_str(&stdout(&shown)).expect("JSON")
}

fn one<'a>(status: &'a Value, key: &str) -> &'a Value {
    let mut all = status["experiments"].as_array().expect("experiments").iter();
    all.find(|experiment| experiment["key"] == key).unwrap_or_else(|| panic!("{key} in {status}"))
}

#[test]
fn the_state_has_the_published_shape_at_every_stage() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let schema: Value =
        serde_json::from_str(&stdout(&trialbook(&book, &["schema", "status"]))).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let (mut states, mut events) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for at in ["2026-10-01", DURING, "2026-11-26", "2026-12-16", "2027-03-20"] {
        let status = status(&book, &["--concluded", "--at", at]);
        assert!(validator.is_valid(&status), "{at}: {:?}", validator.iter_errors(&status).next());
        for experiment in status["experiments"].as_array().expect("experiments") {
            states.insert(experiment["state"].as_str().expect("a state").to_owned());
            events.insert(experiment["next"]["event"].as_str().unwrap_or("nothing").to_owned());
        }
    }
    assert_eq!(states.len(), 5, "{states:?}");
    assert!(events.len() >= 5, "{events:?}");
    let mut wrong = status(&book, &["--at", DURING]);
    wrong["experiments"][0]["state"] = json!("paused");
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn a_launch_that_git_records_is_shown_with_its_commit_and_its_start() {
    let book = ExampleBook::new();
    let before = status(&book, &["bold-checkout-button", "--at", DURING]);
    assert_eq!(before["experiments"][0]["launch"], json!({"record": "none"}));
    let text = stdout(&trialbook(&book, &["status", "bold-checkout-button", "--at", DURING]));
    assert!(text.contains("no launch recorded here"), "{text}");
    plan_and_apply(&book);
    let after = status(&book, &["bold-checkout-button", "--at", DURING]);
    let launch = &one(&after, "bold-checkout-button")["launch"];
    assert_eq!(launch["record"], "recorded");
    let head = git2::Repository::open(book.path()).expect("a repository");
    let head = head.head().expect("a head").target().expect("a commit").to_string();
    assert_eq!(launch["commit"], head.as_str());
    let text = stdout(&trialbook(&book, &["status", "bold-checkout-button", "--at", DURING]));
    assert!(!text.contains("no launch recorded here"), "{text}");
}

#[test]
fn what_is_overdue_comes_first_and_ends_with_2_where_that_is_asked_for() {
    let book = ExampleBook::new();
    let late = ["status", "--at", "2027-03-20", "--detailed-exitcode"];
    let shown = trialbook(&book, &late);
    assert_eq!(code(&shown), 2, "{}", stderr(&shown));
    let text = stdout(&shown);
    assert!(text.contains("overdue") && text.contains("decide: overdue for"), "{text}");
    assert_eq!(code(&trialbook(&book, &late[..3])), 0);
    let early = trialbook(&book, &["status", "--at", "2026-10-01", "--detailed-exitcode"]);
    assert_eq!(code(&early), 0, "{}", stdout(&early));
    let json = status(&book, &["--at", "2027-03-20"]);
    let overdue = json["experiments"].as_array().expect("experiments").iter();
    assert_eq!(json["overdue"], overdue.filter(|one| one["state"] == "overdue").count());
}

#[test]
fn experiments_are_chosen_and_grouped_by_team_surface_and_layer() {
    let book = ExampleBook::new();
    let all = status(&book, &["--at", DURING]);
    let keys = |status: &Value, wanted: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let all = status["experiments"].as_array().expect("experiments").iter();
        all.filter(|one| wanted(one)).map(|one| one["key"].as_str().expect("a key").to_owned()).collect()
    };
    for (option, name, of) in [
        (
            "--surface",
            "search",
            Box::new(|one: &Value| one["surfaces"].as_array().is_some_and(|s| s.contains(&json!("search"))))
                as Box<dyn Fn(&Value) -> bool>,
        ),
        ("--layer", "checkout", Box::new(|one: &Value| one["layer"] == "checkout")),
        ("--team", "team-search", Box::new(|one: &Value| one["owner"] == "team-search")),
    ] {
        let some = status(&book, &["--at", DURING, option, name]);
        let (found, wanted) = (keys(&some, &|_| true), keys(&all, &of));
        assert!(!wanted.is_empty() && wanted.len() < keys(&all, &|_| true).len(), "{option}");
        assert_eq!(found, wanted, "{option}");
        let wrong = trialbook(&book, &["status", option, &format!("{name}x")]);
        assert_eq!(code(&wrong), 3, "{option}");
        assert!(stderr(&wrong).contains(&format!("did you mean `{name}`")), "{}", stderr(&wrong));
    }
    let grouped = stdout(&trialbook(&book, &["status", "--at", DURING, "--by", "layer"]));
    let place = |text: &str| grouped.find(text).unwrap_or_else(|| panic!("{text}: {grouped}"));
    assert!(place("\ncheckout\n") < place("\nNo layer\n"), "{grouped}");
    let unknown = trialbook(&book, &["status", "no-such-test"]);
    assert_eq!(code(&unknown), 3, "{}", stdout(&unknown));
}

#[test]
fn a_verdict_before_the_end_waits_for_a_decision_and_comes_first() {
    let book = ExampleBook::new();
    std::fs::create_dir_all(book.path().join("outcomes")).expect("a folder");
    let write = |outcome: &trialbook_analysis::Outcome| {
        let path = book.path().join("outcomes/bold-checkout-button.json");
        std::fs::write(path, outcome.to_json().expect("JSON")).expect("a file");
    };
    let mut outcome = fixture::ship();
    outcome.as_of = fixture::at("2026-11-09T23:00:00Z");
    outcome.units.look = Some(fixture::at("2026-11-07T23:00:00Z"));
    let last = fixture::at("2026-12-15T23:00:00Z");
    let stop = Ground::StoppedAtLook { at: fixture::at("2026-11-07T23:00:00Z"), last };
    outcome.verdicts[0].reasons.push(stop);
    write(&outcome);
    let at = ["--at", DURING, "--outcomes", "outcomes"];
    let json = status(&book, &at);
    assert_eq!((&json["to_decide"], &json["overdue"]), (&json!(1), &json!(0)));
    let one = one(&json, "bold-checkout-button");
    assert_eq!(one["state"], "running");
    assert_eq!(one["next"]["event"], "decide");
    assert_eq!(one["next"]["since"], "2026-11-07T23:00:00Z");
    assert_eq!(one["next"]["verdicts"], json!([{"treatment": "bold", "verdict": "ship"}]));
    // The units are those of the look, so its day is named.
    assert_eq!(one["counted"]["as_of"], "2026-11-07T23:00:00Z");
    let schema: Value =
        serde_json::from_str(&stdout(&trialbook(&book, &["schema", "status"]))).expect("a schema");
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&json), "{json}");
    let shown = trialbook(&book, &[&["status", "--detailed-exitcode"][..], &at].concat());
    assert_eq!(code(&shown), 2, "{}", stderr(&shown));
    let text = stdout(&shown);
    assert!(text.contains("decide: ship bold, known since 2026-11-08"), "{text}");
    let first = text.lines().find(|line| line.contains("decide:") || line.contains("enrolment"));
    assert!(first.is_some_and(|line| line.contains("decide: ship bold")), "{text}");
    // What keeps running waits for nobody.
    outcome.verdicts[0].kind = VerdictKind::KeepRunning;
    write(&outcome);
    assert_eq!(status(&book, &at)["to_decide"], 0);
    let shown = trialbook(&book, &[&["status", "--detailed-exitcode"][..], &at].concat());
    assert_eq!(code(&shown), 0, "{}", stdout(&shown));
}

#[test]
fn units_and_verdicts_are_those_of_the_latest_outcome() {
    let book = ExampleBook::new();
    let folder = book.path().join("outcomes");
    std::fs::create_dir_all(folder.join("2026-12-10")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    let outcome = fixture::ship();
    let mut older = outcome.clone();
    older.as_of = fixture::at("2026-11-02T00:00:00Z");
    older.units.arms.clear();
    write("2026-12-10/bold-checkout-button.json", &older.to_json().expect("JSON"));
    write("bold-checkout-button.json", &outcome.to_json().expect("JSON"));
    write("notes.json", "no outcome");
    let args = ["bold-checkout-button", "--at", DURING, "--outcomes", "outcomes"];
    let counted = &status(&book, &args)["experiments"][0]["counted"];
    assert_eq!(counted["units"], outcome.units.total());
    assert_eq!(counted["verdicts"][0]["verdict"], "ship");
    // A file that says it is one and is not is no reason to show less.
    write("bold-checkout-button.json", "{}");
    let refused = trialbook(&book, &["status", "--at", DURING, "--outcomes", "outcomes"]);
    assert_eq!(code(&refused), 4, "{}", stdout(&refused));
    assert!(stderr(&refused).contains("bold-checkout-button.json"), "{}", stderr(&refused));
    write("bold-checkout-button.json", &outcome.to_json().expect("JSON"));
    write("sticky-cart.json", &outcome.to_json().expect("JSON"));
    let refused = trialbook(&book, &["status", "sticky-cart", "--at", DURING, "--outcomes", "outcomes"]);
    assert_eq!(code(&refused), 4, "{}", stdout(&refused));
    assert!(stderr(&refused).contains("outcome of `bold-checkout-button`"), "{}", stderr(&refused));
}
