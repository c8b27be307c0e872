//! Plan files that somebody edited, and plans that were made with another clock: nothing that keeps units in place is
//! taken from a file.

use crate::apply::{LAUNCH, code, live, plan_and_apply, read, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;
use serde_json::{Value, json};
use trialbook_model::Digest;

/// While `bold-checkout-button` runs.
const DURING: &str = "2026-11-10";

/// Edits a plan file and writes the digest that fits the edit, as somebody does who knows the form.
fn forge(book: &ExampleBook, change: impl FnOnce(&mut Value)) {
    let path = book.path().join("p.plan");
    let mut plan: Value = serde_json::from_slice(&std::fs::read(&path).expect("a plan")).expect("JSON");
    let before = plan.clone();
    change(&mut plan);
    assert_ne!(plan, before, "the forgery changes nothing");
    let members = plan.as_object_mut().expect("an object");
    members.shift_remove("digest");
    let digest = Digest::of(&plan).expect("a digest");
    plan["digest"] = json!(digest.as_str());
    std::fs::write(path, serde_json::to_string_pretty(&plan).expect("JSON")).expect("a plan");
}

/// Applies the plan, and expects that it is refused and the target as it was.
fn refused(book: &ExampleBook, at: &str, what: &str) {
    let before = std::fs::read(live(book)).ok();
    let apply = trialbook(book, &["apply", "p.plan", "--at", at, "--allow-large-change"]);
    assert_eq!(code(&apply), 4, "{what}: {}", stderr(&apply));
    assert_eq!(std::fs::read(live(book)).ok(), before, "{what}");
    assert!(!stderr(&apply).contains("panicked"), "{what}");
}

fn action<'a>(plan: &'a mut Value, flag: &str) -> &'a mut Value {
    let actions = plan["actions"].as_array_mut().expect("actions");
    actions.iter_mut().find(|action| action["flag"] == flag).expect("an action")
}

#[test]
fn a_plan_that_hides_whom_it_disturbs_is_refused() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    book.edit(
        "checkout/bold-checkout-button.experiment.yaml",
        "{plain: 50%, bold: 50%}",
        "{plain: 80%, bold: 20%}",
    );
    book.commit("other weights");
    trialbook(&book, &["plan", "--at", DURING, "--out", "p.plan"]);
    forge(&book, |plan| {
        let action = action(plan, "checkout-button").as_object_mut().expect("an action");
        assert_eq!(action.shift_remove("disturbs"), Some(json!(["bold-checkout-button"])));
    });
    refused(&book, DURING, "disturbs removed");
}

#[test]
fn a_plan_that_removes_a_flag_of_somebody_else_is_refused() {
    let book = ExampleBook::new();
    std::fs::create_dir_all(book.path().join("live")).expect("a folder");
    let theirs = r#"{"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "metadata": {"trialbook.book": "other"}}"#;
    std::fs::write(live(&book), format!("{{\"flags\": {{\"theirs\": {theirs}}}}}")).expect("a flag file");
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    let digest = Digest::of(&serde_json::from_str::<Value>(theirs).expect("JSON")).expect("a digest");
    forge(&book, |plan| {
        let archive = json!({
            "flag": "theirs", "kind": "archive", "live": digest.as_str(), "digest": null, "changes": ["archived"],
            "desired": null, "launches": [],
        });
        plan["actions"].as_array_mut().expect("actions").push(archive);
    });
    refused(&book, LAUNCH, "a foreign archive");
}

#[test]
fn a_plan_that_hides_a_conflict_is_refused() {
    let book = ExampleBook::new();
    std::fs::create_dir_all(book.path().join("live")).expect("a folder");
    let theirs =
        r#"{"flags": {"max-cart-items": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}}}"#;
    std::fs::write(live(&book), theirs).expect("a flag file");
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    forge(&book, |plan| plan["conflicts"] = json!([]));
    refused(&book, LAUNCH, "conflicts emptied");
}

#[test]
fn a_plan_that_states_that_it_is_small_is_refused() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let flags = walkdir::WalkDir::new(book.path()).into_iter().filter_map(Result::ok);
    for flag in flags.filter(|entry| entry.path().to_string_lossy().ends_with(".flag.yaml")) {
        let text = std::fs::read_to_string(flag.path()).expect("a flag");
        if !text.contains("enabled:") {
            std::fs::write(flag.path(), text + "enabled: false\n").expect("an edited flag");
        }
    }
    book.commit("switch everything off");
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    forge(&book, |plan| {
        plan["owned"] = json!(1_000_000);
        plan.as_object_mut().expect("an object").shift_remove("too_large").expect("it is too large");
        // Even where it says that it was made against another version of the target.
        plan["base"] = json!({"tag": "sha256:0"});
    });
    let before = std::fs::read(live(&book)).expect("the live file");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert_eq!(std::fs::read(live(&book)).expect("the live file"), before);
}

#[test]
fn every_edit_of_a_plan_is_refused_though_its_digest_fits() {
    type Edit = fn(&mut Value);
    let forgeries: [(&str, Edit); 12] = [
        ("no launches", |plan| action(plan, "checkout-button")["launches"] = json!([])),
        ("a launch that is none", |plan| {
            action(plan, "max-cart-items")["launches"] = json!(["bold-checkout-button"]);
        }),
        ("a bad launch commit", |plan| {
            action(plan, "checkout-button")["desired"]["launches"] = json!({
                "bold-checkout-button": {"start": "2026-11-01T00:00:00Z", "commit": "not a commit", "digest": null},
            });
        }),
        ("another time", |plan| plan["made_at"] = json!("2027-03-01T00:00:00Z")),
        ("another digest", |plan| {
            action(plan, "max-cart-items")["digest"] = json!(format!("sha256:{:064}", 0))
        }),
        ("another order", |plan| plan["actions"].as_array_mut().expect("actions").reverse()),
        ("other metadata", |plan| action(plan, "max-cart-items")["desired"]["owner"] = json!("somebody")),
        ("another value", |plan| {
            action(plan, "max-cart-items")["desired"]["entries"]["standard"] = json!(5);
        }),
        ("other words", |plan| action(plan, "max-cart-items")["changes"] = json!(["archived"])),
        ("a flag left out", |plan| {
            plan["actions"].as_array_mut().expect("actions").pop().expect("an action");
        }),
        ("owned", |plan| plan["owned"] = json!(1_000_000)),
        ("another book", |plan| plan["book"] = json!("other")),
    ];
    let book = ExampleBook::new();
    for (what, edit) in forgeries {
        let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
        assert_eq!(code(&plan), 0, "{}", stderr(&plan));
        forge(&book, edit);
        refused(&book, LAUNCH, what);
        assert!(!live(&book).exists(), "{what}");
    }
    let git = git2::Repository::open(book.path()).expect("the repository");
    assert!(git.find_reference("refs/trialbook/launch/bold-checkout-button").is_err());
}

#[test]
fn one_digest_covers_the_whole_file() {
    let book = ExampleBook::new();
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    let whole = std::fs::read_to_string(book.path().join("p.plan")).expect("a plan");
    for (from, to) in [
        ("\"owned\":0", "\"owned\":1000000"),
        ("\"bold-checkout-button\"", "\"bald-checkout-button\""),
        ("\"version\":3", "\"version\":3,\"more\":1"),
        ("\"digest\":\"sha256:", "\"digest\":\"sha256:0"),
    ] {
        assert!(whole.contains(from), "{from}");
        std::fs::write(book.path().join("p.plan"), whole.replacen(from, to, 1)).expect("an edited plan");
        refused(&book, LAUNCH, to);
    }
    for text in ["", "{}", "[]", "null", "{\"version\": 2}", "{\"version\": 3}", "\u{0}"] {
        std::fs::write(book.path().join("p.plan"), text).expect("a file");
        refused(&book, LAUNCH, text);
    }
}

/// Puts other weights into the book while the experiment runs.
fn other_weights(book: &ExampleBook) {
    book.edit(
        "checkout/bold-checkout-button.experiment.yaml",
        "{plain: 50%, bold: 50%}",
        "{plain: 80%, bold: 20%}",
    );
    book.commit("other weights");
}

#[test]
fn a_back_dated_plan_moves_nobody() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    other_weights(&book);
    // Before the start nothing runs, so the plan itself disturbs nobody.
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    refused(&book, DURING, "applied while it runs");
    // Without `--at`, now is long after it.
    let apply = trialbook(&book, &["apply", "p.plan"]);
    assert_ne!(code(&apply), 0, "{}", stderr(&apply));
}

#[test]
fn a_clock_that_is_behind_moves_nobody() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    book.commit("more room");
    trialbook(&book, &["plan", "--at", DURING, "--out", "p.plan"]);
    let apply = trialbook(&book, &["apply", "p.plan", "--at", DURING]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    other_weights(&book);
    // Both the plan and the apply say that it is before the start; the target was written after it.
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan", "--detailed-exitcode"]);
    assert_eq!(code(&plan), 4, "{}", stderr(&plan));
    let shown = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(
        shown.contains("clock") && shown.contains("`bold-checkout-button` is running")
            || shown.contains("is running"),
        "{shown}"
    );
    refused(&book, LAUNCH, "a clock that is behind");
}

#[test]
fn a_plan_far_from_now_needs_the_time_to_be_given() {
    let book = ExampleBook::new();
    for at in ["2020-01-01", "2199-01-01"] {
        let plan = trialbook(&book, &["plan", "--at", at, "--out", "p.plan"]);
        if code(&plan) != 0 {
            continue;
        }
        let apply = trialbook(&book, &["apply", "p.plan"]);
        assert_eq!(code(&apply), 4, "{}", stderr(&apply));
        assert!(stderr(&apply).contains("--at"), "{}", stderr(&apply));
        assert!(!live(&book).exists());
        let apply = trialbook(&book, &["apply", "p.plan", "--at", at]);
        assert_eq!(code(&apply), 0, "{}", stderr(&apply));
        assert!(read(&book)["flags"].is_object());
        return;
    }
    panic!("neither plan was made");
}

#[test]
fn an_endless_plan_is_refused_at_once_and_another_shape_is_named() {
    let book = ExampleBook::new();
    let start = std::time::Instant::now();
    let apply = trialbook(&book, &["apply", "/dev/zero", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("larger than 64 MiB"), "{}", stderr(&apply));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    forge(&book, |plan| plan["actions"][0]["changes"][0] = serde_json::json!({"renamed": {}}));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("/actions/0/changes/0"), "{}", stderr(&apply));
    let printed = trialbook(&book, &["schema", "plan"]);
    assert!(stdout(&printed).contains("\"const\": 3"), "{}", stdout(&printed));
}
