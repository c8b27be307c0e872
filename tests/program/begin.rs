//! `trialbook init` and `trialbook new`, run as a person runs them.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// Runs trialbook in a folder, and returns its exit code, stdout and stderr.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    let output =
        command.current_dir(folder).env_remove("TRIALBOOK_BOOK").args(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn begun() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join(".git")).expect("a folder");
    let (code, _, stderr) = run(folder.path(), &["init", "--at", "2026-11-24"]);
    assert_eq!(code, 0, "{stderr}");
    folder
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_new_book_has_no_finding_and_is_in_the_one_style() {
    let folder = begun();
    let book = folder.path().join("experiments");
    let (code, stdout, _) = run(&book, &["lint", "--at", "2026-11-24", "--fail-on", "warning"]);
    assert_eq!(code, 0, "{stdout}");
    let (code, stdout, _) = run(&book, &["fmt", "--check"]);
    assert_eq!((code, &*stdout), (0, ""));
    let experiment = read(&folder, "experiments/checkout/bold-checkout-button.experiment.yaml");
    assert!(experiment.contains("schedule: {start: 2026-12-01, end: 2026-12-22}"), "{experiment}");
    assert!(read(&folder, ".github/workflows/experiments.yml").contains("TRIALBOOK_BOOK: experiments\n"));
}

#[test]
fn a_book_is_not_begun_where_something_is() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes"), "x").expect("a file");
    let (code, _, said) = run(folder.path(), &["init", "notes"]);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("cannot create a book in `notes`"), "{said}");

    let folder = begun();
    assert_eq!(run(folder.path(), &["init"]).0, 4);
    assert_eq!(run(folder.path(), &["init", "experiments/inner"]).0, 4);
    fs::create_dir(folder.path().join("notes")).expect("a folder");
    fs::write(folder.path().join("notes/a.txt"), "").expect("a file");
    let (code, _, stderr) = run(folder.path(), &["init", "notes"]);
    assert_eq!(code, 4);
    assert!(stderr.contains("is not empty: it holds `a.txt`"), "{stderr}");
}

#[test]
fn a_new_experiment_knows_its_flag_and_lint_asks_for_the_blanks_only() {
    let folder = begun();
    let book = folder.path().join("experiments");
    let (code, _, stderr) = run(&book, &["new", "experiment", "round-checkout-button"]);
    assert_eq!(code, 0, "{stderr}");
    insta::assert_snapshot!(read(&folder, "experiments/checkout/round-checkout-button.experiment.yaml"), @"
    title: Round checkout button
    hypothesis: # fill in: what you expect, and why
    owner: team-checkout
    surfaces: [checkout]
    flag: checkout-button
    allocation: # fill in: the share of the audience that is enrolled, such as 20%
    control: plain
    variants: equal
    schedule:
      start: # fill in: the first day
      end: # fill in: the first day after it
    metrics:
      success:
        - metric: # fill in: one of purchases-per-user, refund-rate
          mde: # fill in: the smallest effect worth finding, such as 2%
    ");
    let (code, stdout, _) = run(&book, &["lint", "--format", "concise", "--at", "2026-11-24"]);
    assert_eq!(code, 1);
    assert_eq!(stdout.lines().filter(|line| line.contains("blank for `")).count(), 6, "{stdout}");
    assert!(stdout.lines().all(|line| line.contains("blank for `")), "{stdout}");
    let (_, stdout, stderr) = run(&book, &["lint", "--at", "2026-11-24"]);
    assert!(
        stdout.contains("help: fill in the share of the audience that is enrolled, such as 20%"),
        "{stdout}"
    );
    assert!(!stderr.contains("can be fixed"), "a program cannot fill in a blank: {stderr}");
    assert_eq!(run(&book, &["new", "experiment", "round-checkout-button"]).0, 4, "nothing is overwritten");
}

#[test]
fn every_kind_can_be_begun_and_lacks_only_its_blanks() {
    for kind in ["flag", "experiment", "rollout", "holdout", "layer", "segment", "metric", "source"] {
        let folder = begun();
        let book = folder.path().join("experiments");
        let (code, _, stderr) = run(&book.join("checkout"), &["new", kind, "a-first-one"]);
        assert_eq!(code, 0, "{kind}: {stderr}");
        let text = read(&folder, &format!("experiments/checkout/a-first-one.{kind}.yaml"));
        let (_, stdout, _) = run(&book, &["lint", "--format", "concise", "--at", "2026-11-24"]);
        let blanks = text.matches("# fill in:").count();
        assert!(blanks > 0, "{kind}: {text}");
        assert_eq!(stdout.lines().count(), blanks, "{kind}: {text}\n{stdout}");
        assert_eq!(run(&book, &["fmt", "--check"]).0, 0, "{kind}: {text}");
    }
}

#[test]
fn a_new_round_repeats_the_old_one_without_its_dates() {
    let folder = begun();
    let book = folder.path().join("experiments");
    let args = ["new", "experiment", "bolder-button", "--from", "bold-checkout-button"];
    assert_eq!(run(&book, &args).0, 0);
    let text = read(&folder, "experiments/checkout/bolder-button.experiment.yaml");
    assert!(text.contains("schedule:\n  start: # fill in: the first day\n"), "{text}");
    assert!(text.ends_with("previous: bold-checkout-button\n"), "{text}");
    assert!(text.contains("hypothesis: A bold button"), "{text}");
    let (code, _, stderr) = run(&book, &["new", "metric", "another", "--from", "purchase-per-user"]);
    assert_eq!(code, 3);
    assert!(stderr.contains("did you mean `purchases-per-user`?"), "{stderr}");
}

#[test]
fn a_second_file_can_be_begun_before_the_first_is_filled_in() {
    let folder = begun();
    let book = folder.path().join("experiments");
    for (kind, key) in [
        ("flag", "fresh-flag"),
        ("metric", "fresh-metric"),
        ("segment", "fresh-segment"),
        ("experiment", "round-checkout-button"),
        ("source", "fresh-source"),
    ] {
        let (code, _, stderr) = run(&book, &["new", kind, key]);
        assert_eq!(code, 0, "{kind}: {stderr}");
    }
    // What refers to a file that is not filled in yet is left out with it.
    fs::write(book.join("people.segment.yaml"), "description: Some.\naudience:\n  segment: fresh-segment\n")
        .expect("a file");
    assert_eq!(run(&book, &["new", "holdout", "winter"]).0, 0);
    // The root of the book cannot be left out.
    let root = book.join("trialbook.yaml");
    let text = fs::read_to_string(&root).expect("a file");
    fs::write(&root, text.replace("timezone: UTC", "timezone: Nowhere/Atall")).expect("a file");
    let (code, _, stderr) = run(&book, &["new", "segment", "another"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(!book.join("another.segment.yaml").exists());
}

#[test]
fn the_only_book_of_a_repository_is_found_from_its_root_and_several_are_named() {
    let folder = begun();
    let (code, stdout, stderr) = run(folder.path(), &["lint", "--at", "2026-11-24"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    // A folder that was named is not exchanged for another.
    let (code, _, stderr) = run(folder.path(), &["lint", "--book", "."]);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("`--book ./experiments`"), "{stderr}");

    fs::create_dir_all(folder.path().join("teams/search/deep")).expect("a folder");
    fs::write(folder.path().join("teams/search/trialbook.yaml"), "book: search\n").expect("a file");
    fs::write(folder.path().join("teams/search/deep/trialbook.yaml"), "book: inner\n").expect("a file");
    let (code, stdout, stderr) = run(folder.path(), &["lint"]);
    assert_eq!((code, &*stdout), (3, ""), "{stderr}");
    assert!(stderr.contains("`--book experiments`, `--book teams/search`"), "{stderr}");
    assert!(!stderr.contains("deep"), "{stderr}");

    let empty = tempfile::tempdir().expect("a folder");
    let (code, _, stderr) = run(empty.path(), &["lint"]);
    assert_eq!(code, 3);
    assert!(stderr.contains("trialbook init"), "{stderr}");
}
