//! `trialbook lint --against` and `--with`, run on the example book in repositories of its own.

mod branches;

use crate::example_book::ExampleBook;
use assert_cmd::Command;
use trialbook_history::{Launch, Preregistration, Repository};
use trialbook_model::ExperimentKey;

/// The experiments of the example book that begin on 2 November have run for a while.
const NOW: &str = "2026-11-20";

const BOLD: &str = "checkout/bold-checkout-button.experiment.yaml";

/// The example book on `main`, with a branch `change` checked out.
fn changed(change: impl FnOnce(&ExampleBook)) -> ExampleBook {
    let book = ExampleBook::new();
    git(&book, &["branch", "-M", "main"]);
    git(&book, &["switch", "-q", "-c", "change"]);
    change(&book);
    book
}

fn git(book: &ExampleBook, arguments: &[&str]) {
    let status = std::process::Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@acme.test"])
        .args(arguments)
        .current_dir(book.path())
        .status()
        .expect("git runs");
    assert!(status.success(), "git {arguments:?}");
}

/// Returns the exit code, stdout and stderr of a lint against `main`.
fn lint(book: &ExampleBook, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    for name in ["GITHUB_WORKSPACE", "NO_COLOR", "CLICOLOR_FORCE", "TRIALBOOK_BOOK"] {
        command.env_remove(name);
    }
    let output = command
        .current_dir(book.path())
        .args(["lint", "--at", NOW, "--against", "main"])
        .args(arguments)
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// Returns the rules of the errors, and the findings as JSON.
fn errors(book: &ExampleBook, arguments: &[&str]) -> (Vec<String>, Vec<serde_json::Value>) {
    let (_, out, err) = lint(book, &[&["--format", "json"], arguments].concat());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}\n{err}"));
    let findings = json["findings"].as_array().expect("findings").clone();
    let errors: Vec<_> = findings.into_iter().filter(|finding| finding["severity"] == "error").collect();
    let rules = errors.iter().map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect();
    (rules, errors)
}

#[test]
fn no_change_finds_nothing() {
    let (code, out, err) = lint(&changed(|_| {}), &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[test]
fn what_may_change_after_launch_may() {
    let book = changed(|book| {
        book.edit(BOLD, "title: A bold", "title: A very bold");
        book.edit(BOLD, "owner: team-checkout", "owner: team-growth");
        book.edit(BOLD, "end: 2026-11-23", "end: 2026-11-22");
        book.edit(BOLD, "title: A very bold", "overrides: [{units: [qa-1], serve: bold}, {segment: employees, serve: plain}]\ntitle: A very bold");
        book.edit("insights/purchases.source.yaml", "amount: total_eur", "amount: amount_eur");
        book.edit("insights/purchases-per-user.metric.yaml", "description: ", "description: As before. ");
        let from = book.path().join(BOLD);
        std::fs::rename(from, book.path().join("growth/bold-checkout-button.experiment.yaml"))
            .expect("a move");
    });
    let (rules, errors) = errors(&book, &[]);
    assert_eq!(rules, [""; 0], "{errors:#?}");
}

#[test]
fn every_part_of_a_launched_plan_is_frozen_wherever_it_stands() {
    for (path, from, to, at) in [
        (BOLD, "An orange button", "A very orange button", BOLD),
        (BOLD, "{plain: 50%, bold: 50%}", "{plain: 60%, bold: 40%}", BOLD),
        (BOLD, "[SE, FI, DK]", "[SE, FI]", BOLD),
        (BOLD, "mde: 7%", "mde: 3%", BOLD),
        (BOLD, "start: 2026-11-02", "start: 2026-11-01", BOLD),
        (BOLD, "end: 2026-11-23", "end: 2026-11-30", BOLD),
        ("growth/employees.segment.yaml", "@acme.test", "@acme.example", "growth/employees.segment.yaml"),
        (
            "insights/purchases-per-user.metric.yaml",
            "status = 'paid'",
            "status <> 'cancelled'",
            "insights/purchases-per-user.metric.yaml",
        ),
        ("trialbook.yaml", "alpha: 5%", "alpha: 10%", "trialbook.yaml"),
        ("trialbook.yaml", "in_two_variants: 1%", "in_two_variants: 5%", "trialbook.yaml"),
        ("checkout/checkout-button.flag.yaml", "orange", "red", "checkout/checkout-button.flag.yaml"),
    ] {
        let (rules, errors) = errors(&changed(|book| book.edit(path, from, to)), &[]);
        assert!(rules.contains(&"changed-after-launch".to_owned()), "{path}: {from}: {errors:#?}");
        let places: Vec<_> = errors.iter().map(|finding| finding["file"].as_str().expect("a file")).collect();
        assert!(places.contains(&at), "{path}: {from}: {places:?}");
        let line = |text: &str| text.lines().position(|line| line.contains(to)).map(|at| at as u64 + 1);
        let book = changed(|book| book.edit(path, from, to));
        let expected =
            line(&std::fs::read_to_string(book.path().join(path)).expect("a file")).expect("a line");
        let finding =
            errors.iter().find(|f| f["file"] == at && f["rule"] == "changed-after-launch").expect("one");
        let span = &finding["span"];
        let lines =
            span["start"]["line"].as_u64().expect("a line")..=span["end"]["line"].as_u64().expect("a line");
        assert!(
            lines.contains(&expected) || path.contains("metric"),
            "{path}: {from}: line {expected} in {lines:?}"
        );
    }
}

#[test]
fn who_moves_is_proved_with_a_unit_that_evaluate_confirms() {
    let book = changed(|book| book.edit(BOLD, "{plain: 50%, bold: 50%}", "{plain: 80%, bold: 20%}"));
    let (_, errors) = errors(&book, &[]);
    let witness = errors[0]["witness"].clone();
    let served = |book: &ExampleBook| {
        let output = Command::cargo_bin("trialbook")
            .expect("the binary is built")
            .current_dir(book.path())
            .args(["evaluate", "checkout-button", "--at", NOW, "--context", &witness.to_string()])
            .output()
            .expect("it runs");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        json["served"].as_str().expect("a name").to_owned()
    };
    let after = served(&book);
    git(&book, &["stash", "-q"]);
    let before = served(&book);
    assert_eq!([before, after], ["bold-checkout-button.bold", "bold-checkout-button.plain"]);
    let note = |finding: &serde_json::Value| finding.to_string();
    assert!(errors.iter().any(|finding| note(finding).contains("targetingKey")), "{errors:#?}");
}

#[test]
fn a_default_that_concerns_many_is_one_finding_that_names_them() {
    let book = changed(|book| book.edit("trialbook.yaml", "alpha: 5%", "alpha: 10%"));
    let (_, errors) = errors(&book, &[]);
    let found: Vec<_> = errors.iter().filter(|finding| finding["rule"] == "changed-after-launch").collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0]["message"].as_str().expect("text").contains("`bold-checkout-button`"), "{found:#?}");
}

#[test]
fn a_recorded_launch_freezes_the_plan_from_its_start_on() {
    let path = "home/new-year-hero.experiment.yaml";
    let change = |book: &ExampleBook| book.edit(path, "hypothesis: ", "hypothesis: Perhaps. ");
    let book = changed(change);
    let (rules, _) = errors(&book, &[]);
    assert_eq!(rules, [""; 0], "edits before launch are free");
    let repository = Repository::of_book(book.path()).expect("git").expect("a repository");
    let key = ExperimentKey::new("new-year-hero").expect("a key");
    let experiment = &book.book().experiments[&key];
    let launch = Launch {
        experiment: key,
        commit: repository.head().expect("git").expect("a commit"),
        effective_start: experiment.schedule.start(),
        digest: Preregistration::of(&book.book(), experiment).expect("JSON").digest().clone(),
    };
    repository.record_launch(&launch).expect("a recorded launch");
    assert_eq!(errors(&book, &[]).0, [""; 0], "nobody has been exposed: the next apply replaces the plan");
    let begun = Launch { effective_start: "2026-11-01T00:00:00Z".parse().expect("an instant"), ..launch };
    repository.replace_launch(&begun).expect("a replaced launch");
    assert_eq!(errors(&book, &[]).0, ["changed-after-launch"]);
}

#[test]
fn the_pull_request_of_the_decision_may_release_the_winner_and_disturb_nobody_else() {
    let ship = |book: &ExampleBook, path: &str, variant: &str| {
        let path = book.path().join(path);
        let mut text = std::fs::read_to_string(&path).expect("a file");
        text.push_str(&format!(
            "decision: {{outcome: ship, variant: {variant}, date: 2026-11-20, reason: It helps.}}\n"
        ));
        std::fs::write(path, text).expect("a written file");
    };
    let book = changed(|book| {
        ship(book, "search/semantic-search.experiment.yaml", "semantic");
        book.edit("search/search-ranking.flag.yaml", "default: lexical", "default: semantic");
    });
    let (rules, found) = errors(&book, &[]);
    assert!(!rules.contains(&"changed-after-launch".to_owned()), "{found:#?}");
    // Another experiment runs on the button: its control would become another one.
    let book = changed(|book| {
        ship(book, BOLD, "bold");
        book.edit("checkout/checkout-button.flag.yaml", "default: plain", "default: bold");
    });
    let (rules, found) = errors(&book, &[]);
    assert_eq!(rules, ["changed-after-launch"]);
    assert!(found[0]["message"].as_str().expect("text").contains("`round-checkout-button`"), "{found:#?}");
}

#[test]
fn what_is_served_is_not_deleted_and_no_key_comes_back() {
    let book = changed(|book| {
        std::fs::remove_file(book.path().join(BOLD)).expect("a file less");
        let layer = book.path().join("checkout/checkout.layer.yaml");
        let slots = std::fs::read_to_string(&layer).expect("a file");
        let others = slots.lines().filter(|line| !line.contains("experiment: bold-checkout-button"));
        std::fs::write(&layer, others.map(|line| format!("{line}\n")).collect::<String>())
            .expect("a written file");
        std::fs::remove_file(book.path().join("growth/support-chat.flag.yaml")).expect("a file less");
    });
    let (rules, errors) = errors(&book, &[]);
    assert_eq!(rules, ["deleted-while-served", "deleted-while-served"], "{errors:#?}");
    assert!(errors.iter().any(|finding| finding["file"] == BOLD), "{errors:#?}");

    let book = ExampleBook::new();
    git(&book, &["branch", "-M", "main"]);
    let flag = "growth/once.flag.yaml";
    let text = "description: Once.\nowner: team\nentity: user\ntype: boolean\nvariants: {on: true, off: false}\ndefault: off\n";
    std::fs::write(book.path().join(flag), text).expect("a written file");
    book.commit("add");
    std::fs::remove_file(book.path().join(flag)).expect("a file less");
    book.commit("delete");
    git(&book, &["switch", "-q", "-c", "change"]);
    std::fs::write(book.path().join("home/once.flag.yaml"), text).expect("a written file");
    assert_eq!(self::errors(&book, &[]).0, ["key-used-again"]);
}

#[test]
fn a_start_in_the_past_is_an_error_only_where_it_is_new() {
    let path = "home/new-year-hero.experiment.yaml";
    let text = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(path),
    )
    .expect("a file");
    let start = text.split("start: ").nth(1).and_then(|rest| rest.get(..10)).expect("a start").to_owned();
    let book = changed(|book| book.edit(path, &format!("start: {start}"), "start: 2026-11-12"));
    let (rules, errors) = errors(&book, &[]);
    assert!(rules.contains(&"start-in-past".to_owned()), "{errors:#?}");
}

#[test]
fn a_start_in_the_past_of_a_file_that_is_in_no_commit_is_found_without_a_branch() {
    let book = changed(|_| {});
    let plain = || {
        let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
        command.current_dir(book.path()).args(["lint", "--at", NOW, "--format", "json"]);
        let output = command.env_remove("TRIALBOOK_BOOK").output().expect("it runs");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let findings = json["findings"].as_array().expect("findings").clone();
        findings.into_iter().filter(|finding| finding["rule"] == "start-in-past").collect::<Vec<_>>()
    };
    // What is committed may have been launched: its start has passed, and nothing is known of it here.
    assert_eq!(plain(), [] as [serde_json::Value; 0]);
    let old = std::fs::read_to_string(book.path().join(BOLD)).expect("a file");
    let new = "checkout/bolder-checkout-button.experiment.yaml";
    std::fs::write(book.path().join(new), old).expect("a file");
    let found = plain();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["file"], new);
    let (rules, errors) = errors(&book, &[]);
    let past = rules.iter().filter(|rule| *rule == "start-in-past").count();
    assert_eq!(past, 1, "the review reports it once: {errors:#?}");
}

#[test]
fn a_conflict_is_a_finding_and_an_unknown_branch_states_what_to_fetch() {
    let book = changed(|book| {
        book.edit(BOLD, "title: A bold", "title: My bold");
        book.commit("mine");
        git(book, &["switch", "-q", "main"]);
        book.edit(BOLD, "title: A bold", "title: Your bold");
        book.commit("yours");
        git(book, &["switch", "-q", "change"]);
    });
    assert_eq!(errors(&book, &[]).0, ["merge-conflict"]);
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    let output = command
        .current_dir(book.path())
        .args(["lint", "--against", "origin/main"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("git fetch origin main:refs/remotes/origin/main"), "{stderr}");
}

#[test]
fn a_branch_that_has_nothing_in_common_or_cannot_be_read_is_left_out_by_name() {
    let book = changed(|book| book.edit(BOLD, "title: A bold", "title: A very bold"));
    git(&book, &["commit", "-q", "-a", "-m", "a title"]);
    // One branch collides, one is of another project, one has no commit here.
    git(&book, &["switch", "-q", "-c", "collides", "main"]);
    book.edit(BOLD, "title: A bold", "title: A round");
    git(&book, &["commit", "-q", "-a", "-m", "another title"]);
    git(&book, &["update-ref", "refs/remotes/origin/collides", "collides"]);
    git(&book, &["switch", "-q", "--orphan", "pages"]);
    git(&book, &["commit", "-q", "--allow-empty", "-m", "a site"]);
    git(&book, &["update-ref", "refs/remotes/origin/a-site", "pages"]);
    git(&book, &["switch", "-q", "-f", "change"]);
    std::fs::write(book.path().join(".git/refs/remotes/origin/broken"), "1".repeat(40) + "\n")
        .expect("a ref");
    let (code, out, err) = lint(&book, &["--with", "origin/*", "--quiet"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("only if `origin/collides` merges too"), "{out}");
    assert!(
        err.contains("warning: `origin/a-site` is left out: HEAD and `origin/a-site` have no commit"),
        "{err}"
    );
    assert!(err.contains("warning: `origin/broken` is left out"), "{err}");
    // Who names it wants it.
    let (code, _, err) = lint(&book, &["--with", "origin/a-site"]);
    assert_eq!(code, 3, "{err}");
}

#[test]
fn a_key_is_not_renamed_by_its_case_and_not_used_again_under_another_file() {
    const FLAG: &str = "growth/old-header.flag.yaml";
    let book = changed(|book| git(book, &["mv", FLAG, "growth/Old-header.flag.yaml"]));
    let (rules, found) = errors(&book, &[]);
    assert_eq!(rules, ["deleted-while-served"], "{found:#?}");
    let text = found[0].to_string();
    assert!(text.contains("flag `old-header` is renamed to `Old-header`, which is another flag"), "{text}");
    assert!(text.contains("or write `key: old-header` in it"), "{text}");
    // With the key written out, the file may be called anything.
    let path = book.path().join("growth/Old-header.flag.yaml");
    let flag = std::fs::read_to_string(&path).expect("the flag");
    std::fs::write(&path, format!("key: old-header\n{flag}")).expect("a file");
    assert_eq!(errors(&book, &[]).0, [""; 0]);

    let book = changed(|_| {});
    git(&book, &["switch", "-q", "main"]);
    git(&book, &["rm", "-q", FLAG]);
    git(&book, &["commit", "-qm", "No header"]);
    git(&book, &["switch", "-q", "change"]);
    git(&book, &["merge", "-q", "main"]);
    let newer = book.path().join("growth/newer-header.flag.yaml");
    std::fs::write(&newer, format!("key: old-header\n{flag}")).expect("a file");
    let (rules, found) = errors(&book, &[]);
    assert_eq!(rules, ["key-used-again"], "{found:#?}");
    let text = found[0].to_string();
    assert!(text.contains("give another `key`, for example `old-header-2`"), "{text}");
    assert_eq!(found[0]["span"]["start"]["line"], 1, "{text}");
}
