//! Applies that are killed, what finishes them, and the log of all.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::apply::{LAUNCH, code, live, plan_and_apply, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;

fn log(book: &ExampleBook) -> Vec<Value> {
    let shown = trialbook(book, &["log", "--format", "json", "--last", "1000"]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    let log: Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    let schema = serde_json::from_str(&stdout(&trialbook(book, &["schema", "log"]))).expect("a schema");
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&log), "{log}");
    log["records"].as_array().expect("records").clone()
}

fn launches(book: &ExampleBook) -> BTreeSet<String> {
    let git = git2::Repository::open(book.path()).expect("the repository");
    let found = git.references_glob("refs/trialbook/launch/*").expect("refs");
    found.map(|found| found.expect("a ref").name().expect("a name").to_owned()).collect()
}

/// Leaves the target and git as before the first apply.
fn begin_again(book: &ExampleBook) {
    std::fs::remove_dir_all(book.path().join("live")).expect("what is live");
    let git = git2::Repository::open(book.path()).expect("the repository");
    for name in launches(book) {
        git.find_reference(&name).expect("a launch").delete().expect("a deleted ref");
    }
}

#[cfg(unix)]
#[test]
fn an_apply_that_is_killed_at_any_moment_is_finished_by_resume() {
    const ROUNDS: u32 = 12;
    let book = ExampleBook::new();
    let started = Instant::now();
    plan_and_apply(&book);
    let took = started.elapsed();
    let (served, recorded) = (std::fs::read(live(&book)).expect("the live file"), launches(&book));
    let mut cut_off = 0;
    for round in 0..ROUNDS {
        begin_again(&book);
        let mut apply = Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
        apply.current_dir(book.path()).args(["apply", "p.plan", "--at", LAUNCH]);
        let mut apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a run");
        // Later with each round. The first rounds wait for the journal, so that something is there to be cut off.
        let journal = book.path().join("live/production.json.journal");
        while round < ROUNDS / 2 && !journal.exists() && apply.try_wait().expect("a status").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let wait = if round < ROUNDS / 2 { took / 100 * round } else { took / ROUNDS * (round - ROUNDS / 2) };
        std::thread::sleep(wait);
        apply.kill().expect("a SIGKILL");
        apply.wait().expect("a status");

        let resumed = trialbook(&book, &["apply", "--resume", "--at", LAUNCH]);
        assert_eq!(code(&resumed), 0, "{}", stderr(&resumed));
        cut_off += u32::from(!stderr(&resumed).contains("Nothing to resume"));
        if !live(&book).exists() {
            assert!(stderr(&resumed).contains("Nothing to resume"), "{}", stderr(&resumed));
            let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
            assert_eq!(code(&apply), 0, "{}", stderr(&apply));
        }
        assert_eq!(std::fs::read(live(&book)).expect("the live file"), served, "round {round}");
        assert_eq!(launches(&book), recorded, "round {round}");
        assert_eq!(log(&book).len(), 1, "round {round}");
        assert_eq!(std::fs::read_to_string(&journal).expect("a journal"), "", "round {round}");
    }
    assert!(cut_off > 0, "no apply was cut off");
}

#[test]
fn the_log_states_who_applied_which_plan_when_and_what_came_of_it() {
    let book = ExampleBook::new();
    let git = git2::Repository::open(book.path()).expect("the repository");
    let mut config = git.config().expect("a configuration");
    config.set_str("user.name", "Ada").expect("a name");
    config.set_str("user.email", "ada@acme.test").expect("an address");
    let none = trialbook(&book, &["log"]);
    assert!(stdout(&none).contains("No apply has changed anything yet"), "{}", stdout(&none));
    plan_and_apply(&book);
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    book.commit("more room");
    plan_and_apply(&book);

    let records = log(&book);
    let [first, second] = records.as_slice() else { panic!("two records: {records:?}") };
    let plan: Value =
        serde_json::from_slice(&std::fs::read(book.path().join("p.plan")).expect("a plan")).expect("JSON");
    assert_eq!(second["apply"]["plan"], plan["digest"]);
    assert_eq!(second["apply"]["commit"], plan["commit"]);
    assert_eq!(second["apply"]["by"]["git"], "Ada <ada@acme.test>");
    assert_eq!(second["apply"]["flags"], serde_json::json!({"max-cart-items": "update"}));
    assert_eq!(
        (&second["outcome"], &second["apply"]["at"]),
        (&"written".into(), &"2026-10-31T23:00:00Z".into())
    );
    assert_ne!(first["apply"]["id"], second["apply"]["id"]);
    let shown = trialbook(&book, &["log", "--last", "1"]);
    let text = stdout(&shown).replace('\u{a0}', " ");
    for what in ["2026-11-01", "Ada", "1 updated", "written"] {
        assert!(text.contains(what), "{what}: {text}");
    }
    assert!(!text.contains("created"), "{text}");

    // An apply that has nothing to do leaves no record.
    let again = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!((code(&again), log(&book).len()), (0, 2), "{}", stderr(&again));
}

#[test]
fn the_account_of_a_ci_job_is_in_the_log_and_its_token_is_not() {
    let book = ExampleBook::new();
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    let mut apply = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    apply.current_dir(book.path()).args(["apply", "p.plan", "--at", LAUNCH]);
    apply.env("GITHUB_ACTOR", "who-started").env("GITHUB_TRIGGERING_ACTOR", "who-ran-it-again\u{1b}[31m");
    apply.env("GITHUB_SERVER_URL", "https://github.test").env("GITHUB_REPOSITORY", "acme/shop");
    apply.env("GITHUB_RUN_ID", "42").env("GITHUB_TOKEN", "planted-token");
    apply.assert().success();
    let records = log(&book);
    assert_eq!(records[0]["apply"]["by"]["ci"], "who-ran-it-again[31m");
    assert_eq!(records[0]["apply"]["by"]["job"], "https://github.test/acme/shop/actions/runs/42");
    assert!(!serde_json::to_string(&records).expect("JSON").contains("planted-token"));
}

#[test]
fn nothing_that_is_written_or_printed_holds_a_secret() {
    const SECRETS: [&str; 8] = [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "UNLEASH_TOKEN",
    ];
    const PLANTED: &str = "cGxhbnRlZC1zZWNyZXQ=";
    let book = ExampleBook::new();
    book.edit("trialbook.yaml", "store: file://live/production.json", "store: s3://flags/production.json");
    let file = ExampleBook::new();
    let run = |book: &ExampleBook, args: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
        for name in SECRETS {
            command.env(name, PLANTED);
        }
        // Nothing listens on port 1, so every request fails, and the error is printed with its causes.
        command.env("AWS_ACCESS_KEY_ID", "ci").env("AWS_REGION", "us-east-1").env("AWS_ALLOW_HTTP", "true");
        command
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env("RUST_BACKTRACE", "full")
            .env("RUST_LOG", "trace");
        let output = command.current_dir(book.path()).args(args).output().expect("a run");
        let printed = format!("{}{}", stdout(&output), stderr(&output));
        assert!(!printed.contains(PLANTED), "{args:?}: {printed}");
        (code(&output), printed)
    };
    for args in [&["plan", "--verbose"][..], &["drift"], &["log"], &["apply", "--resume"]] {
        let (code, printed) = run(&book, args);
        assert_eq!(code, 6, "{args:?}: {printed}");
        assert!(printed.contains("s3://flags/production.json"), "{args:?}: {printed}");
    }
    assert_eq!(run(&file, &["plan", "--verbose", "--at", LAUNCH, "--out", "p.plan"]).0, 0);
    assert_eq!(run(&file, &["apply", "p.plan", "--verbose", "--at", LAUNCH]).0, 0);
    assert_eq!(run(&file, &["log", "--format", "json"]).0, 0);
    let written = walkdir::WalkDir::new(file.path()).into_iter().filter_map(Result::ok);
    let mut names = BTreeSet::new();
    for entry in written.filter(|entry| entry.file_type().is_file()) {
        let bytes = std::fs::read(entry.path()).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(PLANTED), "{}", entry.path().display());
        names.insert(entry.file_name().to_string_lossy().into_owned());
    }
    for name in ["p.plan", "production.json", "production.json.journal", "production.json.audit.jsonl"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
}

#[test]
fn a_git_branch_takes_the_file_the_launches_and_the_record_in_one_push() {
    let book = ExampleBook::new();
    let remote = tempfile::tempdir().expect("a temporary folder");
    let remote = git2::Repository::init_bare(remote.path()).expect("a remote");
    let git = git2::Repository::open(book.path()).expect("the repository");
    git.remote("origin", &remote.path().to_string_lossy()).expect("a remote");
    book.edit(
        "trialbook.yaml",
        "store: file://live/production.json",
        "store: git://origin/live/production.json",
    );
    book.commit("On a branch");
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    let there = |name: &str| remote.refname_to_id(name).ok();
    assert!(there("refs/heads/live").is_some());
    assert!(!launches(&book).is_empty());
    for name in launches(&book) {
        assert_eq!(there(&name), git.refname_to_id(&name).ok(), "{name}");
    }
    let records = log(&book);
    assert_eq!((records.len(), &records[0]["outcome"]), (1, &"written".into()));
    let resumed = trialbook(&book, &["apply", "--resume", "--at", LAUNCH]);
    assert_eq!(code(&resumed), 0, "{}", stderr(&resumed));

    // Somebody else has launched one of the experiments: nothing of the next apply arrives.
    let before = there("refs/heads/live");
    let name = launches(&book).into_iter().next().expect("a launch");
    let other = remote.blob(b"another launch").expect("an object");
    remote.reference(&name, other, true, "by hand").expect("a ref");
    let experiment = name.rsplit('/').next().expect("a key").to_owned();
    let flag = std::fs::read_to_string(
        walkdir::WalkDir::new(book.path())
            .into_iter()
            .filter_map(Result::ok)
            .find(|entry| entry.file_name().to_string_lossy() == format!("{experiment}.experiment.yaml"))
            .expect("the experiment")
            .path(),
    )
    .expect("a file");
    let flag = flag.lines().find_map(|line| line.strip_prefix("flag: ")).expect("its flag").to_owned();
    let path = walkdir::WalkDir::new(book.path())
        .into_iter()
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy() == format!("{flag}.flag.yaml"))
        .expect("the flag")
        .path()
        .strip_prefix(book.path())
        .expect("a path in the book")
        .to_string_lossy()
        .into_owned();
    book.edit(&path, "owner: ", "owner: other-");
    book.commit("Another owner");
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains(&name), "{}", stderr(&apply));
    assert_eq!(there("refs/heads/live"), before);
}
