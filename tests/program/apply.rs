//! Plan and apply, as CI runs them: what is applied is what was reviewed, and nothing else.

use std::path::PathBuf;
use std::process::Output;

use crate::example_book::ExampleBook;
use serde_json::Value;

/// Before any experiment of November began.
pub const LAUNCH: &str = "2026-11-01";

pub fn trialbook(book: &ExampleBook, args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(book.path()).env("NO_COLOR", "1").args(args).output().expect("a run")
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn live(book: &ExampleBook) -> PathBuf {
    book.path().join("live/production.json")
}

pub fn read(book: &ExampleBook) -> Value {
    serde_json::from_slice(&std::fs::read(live(book)).expect("the live file")).expect("JSON")
}

/// Plans and applies as of the launch, and expects both to succeed.
pub fn plan_and_apply(book: &ExampleBook) {
    let plan = trialbook(book, &["plan", "--at", LAUNCH, "--out", "p.plan", "--detailed-exitcode"]);
    assert_eq!(code(&plan), 2, "{}", stderr(&plan));
    let apply = trialbook(book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
}

#[test]
fn a_second_apply_changes_nothing() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let first = std::fs::read(live(&book)).expect("the live file");
    let again = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "again.plan", "--detailed-exitcode"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    let apply = trialbook(&book, &["apply", "again.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!(std::fs::read(live(&book)).expect("the live file"), first);
}

#[test]
fn an_apply_records_launches_in_the_target_and_in_git() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let git = git2::Repository::open(book.path()).expect("the repository");
    let launch = git.find_reference("refs/trialbook/launch/bold-checkout-button").expect("a launch");
    let commit = launch.peel_to_commit().expect("a commit").id().to_string();
    assert!(std::fs::read_to_string(live(&book)).expect("the live file").contains(&commit));
    assert!(git.find_reference("refs/trialbook/launch/sticky-cart").is_err(), "it was concluded before");
}

#[test]
fn a_plan_is_refused_once_the_target_has_changed() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    book.commit("more room");
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let mut by_hand = read(&book);
    by_hand["flags"]["max-cart-items"]["state"] = "DISABLED".into();
    std::fs::write(live(&book), by_hand.to_string()).expect("an edit by hand");
    let before = std::fs::read(live(&book)).expect("the live file");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("max-cart-items"), "{}", stderr(&apply));
    assert_eq!(std::fs::read(live(&book)).expect("the live file"), before);
}

#[test]
fn a_plan_is_refused_once_the_book_has_changed() {
    let book = ExampleBook::new();
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("max-cart-items"), "{}", stderr(&apply));
    assert!(!live(&book).exists());
}

#[test]
fn an_edited_plan_is_refused() {
    let book = ExampleBook::new();
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    book.edit("p.plan", "\"orange\"", "\"purple\"");
    let apply = trialbook(&book, &["apply", "p.plan"]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(!live(&book).exists());
}

#[test]
fn a_book_with_errors_is_neither_planned_nor_applied() {
    let book = ExampleBook::new();
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    book.edit("checkout/round-checkout-button.experiment.yaml", "  country: US", "  country: SE");
    for args in [&["plan", "--at", LAUNCH][..], &["apply", "p.plan"]] {
        let output = trialbook(&book, args);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        assert!(stderr(&output).contains("trialbook lint"), "{}", stderr(&output));
    }
    assert!(!live(&book).exists());
}

#[test]
fn without_a_plan_and_a_terminal_nothing_is_applied() {
    let book = ExampleBook::new();
    let apply = trialbook(&book, &["apply", "--target", "production"]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(!live(&book).exists());
    let apply = trialbook(&book, &["apply", "--target", "nowhere"]);
    assert_eq!(code(&apply), 3, "{}", stderr(&apply));
}

#[test]
fn too_large_a_change_is_refused_unless_it_is_meant() {
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
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("--allow-large-change"), "{}", stderr(&apply));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH, "--allow-large-change"]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
}

#[test]
fn flags_of_others_in_the_same_file_are_left_alone() {
    let book = ExampleBook::new();
    std::fs::create_dir_all(book.path().join("live")).expect("a folder");
    let foreign =
        r#"{"flags": {"theirs": {"state": "ENABLED", "variants": {"b": 2, "a": 1}, "defaultVariant": "a"}}}"#;
    std::fs::write(live(&book), foreign).expect("a flag file");
    plan_and_apply(&book);
    let theirs = &read(&book)["flags"]["theirs"];
    assert_eq!(theirs.to_string(), r#"{"state":"ENABLED","variants":{"b":2,"a":1},"defaultVariant":"a"}"#);
}

const ROLLOUT: &str = "\
description: A chat for everybody.
flag: support-chat
serve: \"on\"
audience: {country: SE}
steps: [{at: 2026-11-02, share: 1%}, {at: 2026-11-04, share: 100%}]
guardrails: [{metric: crash-rate, margin: {absolute: 0.01}}]
";

#[test]
fn a_guarded_rollout_waits_for_approval_and_evaluate_reads_how_far_it_is() {
    let book = ExampleBook::new();
    std::fs::write(book.path().join("growth/chat-for-all.rollout.yaml"), ROLLOUT).expect("a file");
    book.commit("a rollout");
    plan_and_apply(&book);
    let reasons = |more: &[&str]| -> Vec<String> {
        let units =
            (0..200).map(|unit| format!("{{\"targetingKey\": \"user-{unit}\", \"country\": \"SE\"}}\n"));
        std::fs::write(book.path().join("contexts.ndjson"), units.collect::<String>()).expect("a file");
        let args = ["evaluate", "support-chat", "--contexts", "contexts.ndjson", "--at", "2026-11-05"];
        let output = trialbook(&book, &[&args[..], more].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let lines = String::from_utf8(output.stdout).expect("text");
        let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["reason"].to_string();
        lines.lines().map(line).collect()
    };
    let reached = |reasons: &[String]| reasons.iter().filter(|reason| *reason == "\"rollout\"").count();
    assert!(reached(&reasons(&[])) < 20);
    assert_eq!(reached(&reasons(&["--approved", "chat-for-all=100%"])), 200);

    let early = trialbook(&book, &["plan", "--at", "2026-11-03", "--advance", "chat-for-all"]);
    assert_eq!(code(&early), 4, "{}", stderr(&early));
    assert!(stderr(&early).contains("is due on 2026-11-04"), "{}", stderr(&early));
    let unknown = trialbook(&book, &["plan", "--at", "2026-11-05", "--advance", "chat-for-al"]);
    assert_eq!(code(&unknown), 3, "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("chat-for-all"), "{}", stderr(&unknown));

    let at = ["--at", "2026-11-05"];
    let waiting = trialbook(&book, &["plan", at[0], at[1]]);
    assert!(
        stderr(&waiting).contains("`chat-for-all` waits at a step of 100\u{a0}%"),
        "{}",
        stderr(&waiting)
    );
    let step = trialbook(&book, &["plan", at[0], at[1], "--advance", "chat-for-all", "--out", "step.plan"]);
    assert_eq!(code(&step), 0, "{}", stderr(&step));
    let apply = trialbook(&book, &["apply", "step.plan", at[0], at[1]]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!(reached(&reasons(&[])), 200);
    let approved =
        &read(&book)["flags"]["support-chat"]["metadata"]["trialbook.rollout.chat-for-all.approved"];
    assert_eq!(approved, "100%");
    let again = trialbook(&book, &["plan", at[0], at[1], "--detailed-exitcode"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert!(!stderr(&again).contains("waits"), "{}", stderr(&again));
}

#[test]
fn what_is_put_back_keeps_its_launches_and_approvals() {
    let book = ExampleBook::new();
    std::fs::write(book.path().join("growth/chat-for-all.rollout.yaml"), ROLLOUT).expect("a file");
    book.commit("a rollout");
    plan_and_apply(&book);
    let before = read(&book);
    let mut by_hand = before.clone();
    for flag in ["checkout-button", "support-chat"] {
        // No form that an apply writes, so that what it serves cannot be read any more.
        by_hand["flags"][flag]["state"] = "DISABLED".into();
    }
    std::fs::write(live(&book), by_hand.to_string()).expect("an edit by hand");
    let at = ["--at", "2026-11-05"];
    let plan = trialbook(&book, &["plan", at[0], at[1], "--revert-drift", "--out", "back.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let shown = String::from_utf8(plan.stdout).expect("text");
    assert!(!shown.contains("Launches"), "{shown}");
    let apply = trialbook(&book, &["apply", "back.plan", at[0], at[1]]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!(read(&book)["flags"], before["flags"]);
}

#[test]
fn a_running_experiment_does_not_shrink() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let during = "2026-11-10";
    book.edit(
        "checkout/bold-checkout-button.experiment.yaml",
        "{plain: 50%, bold: 50%}",
        "{plain: 60%, bold: 40%}",
    );
    book.commit("other weights");
    let plan = trialbook(&book, &["plan", "--at", during, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", during]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("bold-checkout-button"), "{}", stderr(&apply));
}

#[test]
fn another_target_is_planned_and_evaluated_as_it_overrides() {
    let book = ExampleBook::new();
    let rehearsal = "  rehearsal: {type: flagd, store: file://live/rehearsal.json, evaluators: [javascript-4], experiments: false}\n";
    book.edit("trialbook.yaml", "targets:\n", &format!("targets:\n{rehearsal}"));
    book.edit(
        "growth/support-chat.flag.yaml",
        "default: \"off\"",
        "default: \"off\"\nin: {rehearsal: {default: \"on\"}}",
    );
    book.commit("rehearsal");
    let plan = trialbook(&book, &["plan", "--target", "rehearsal", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    let text = std::fs::read_to_string(book.path().join("live/rehearsal.json")).expect("the live file");
    assert!(!text.contains("fractional") && !text.contains("trialbook.launch"), "it has experiments");
    let value = |target: &str| {
        let args = ["evaluate", "support-chat", "--context", "{}", "--target", target, "--at", LAUNCH];
        let output = trialbook(&book, &args);
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["value"].clone()
    };
    assert_eq!((value("production"), value("rehearsal")), (false.into(), true.into()));
}

#[test]
fn the_kill_switch_and_a_change_by_hand_open_no_way_to_other_weights() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let during = "2026-11-10";
    let flag = read(&book)["flags"]["checkout-button"].clone();
    let drawn = &flag["metadata"]["trialbook.launch.bold-checkout-button.drawn"];
    let drawn: Value = serde_json::from_str(drawn.as_str().expect("a text")).expect("JSON");
    assert_eq!(drawn["split"], serde_json::json!([["bold", "50%"], ["plain", "50%"]]));

    let path = book.path().join("checkout/checkout-button.flag.yaml");
    let on = std::fs::read_to_string(&path).expect("a flag");
    std::fs::write(&path, format!("{on}enabled: false\n")).expect("an edited flag");
    book.commit("off");
    let run = |more: &[&str]| {
        let plan = trialbook(&book, &[&["plan", "--at", during, "--out", "p.plan"], more].concat());
        assert_eq!(code(&plan), 0, "{}", stderr(&plan));
        trialbook(&book, &["apply", "p.plan", "--at", during])
    };
    let apply = run(&[]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    std::fs::write(&path, &on).expect("an edited flag");
    let experiment = "checkout/bold-checkout-button.experiment.yaml";
    book.edit(experiment, "{plain: 50%, bold: 50%}", "{plain: 80%, bold: 20%}");
    book.commit("on, with other weights");
    let apply = run(&[]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("`bold-checkout-button` is running"), "{}", stderr(&apply));

    book.edit(experiment, "{plain: 80%, bold: 20%}", "{plain: 50%, bold: 50%}");
    book.commit("the old weights");
    let apply = run(&[]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!(read(&book)["flags"]["checkout-button"], flag);

    // Weights of another split, and such as are none: nobody can read that flag.
    for bold in [360_000, 400_000] {
        let edited = std::fs::read_to_string(live(&book)).expect("the live file");
        let edited = edited
            .replace("button.bold\", 500000]", &format!("button.bold\", {bold}]"))
            .replace("button.plain\", 500000]", "button.plain\", 640000]");
        std::fs::write(live(&book), edited).expect("a flag file");
        assert_ne!(read(&book)["flags"]["checkout-button"], flag);
        book.edit(experiment, "{plain: 50%, bold: 50%}", "{plain: 60%, bold: 40%}");
        book.commit("other weights");
        let apply = run(&["--revert-drift"]);
        assert_eq!(code(&apply), 4, "{}", stderr(&apply));
        assert!(stderr(&apply).contains("`bold-checkout-button` is running"), "{}", stderr(&apply));
        book.edit(experiment, "{plain: 60%, bold: 40%}", "{plain: 50%, bold: 50%}");
        book.commit("the old weights");
        let apply = run(&["--revert-drift"]);
        assert_eq!(code(&apply), 0, "{}", stderr(&apply));
        assert_eq!(read(&book)["flags"]["checkout-button"], flag);
    }
}
