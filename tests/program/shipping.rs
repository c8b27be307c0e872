//! The way of a winner into the flag, taken literally from the report.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;

fn run(book: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    let output = command.current_dir(book).args(args).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Returns the blocks of YAML in a report, each with the line before it.
fn blocks(markdown: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut before = String::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "```yaml" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            found.push((before.clone(), block.join("\n") + "\n"));
        } else if !line.trim().is_empty() {
            line.clone_into(&mut before);
        }
    }
    found
}

/// Returns the first name in backticks.
fn named(text: &str) -> &str {
    text.split('`').nth(1).expect("a name in backticks")
}

#[test]
fn the_advice_of_a_result_that_ships_is_followed_literally_and_stays_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = folder.path().join("demo");
    let name = book.to_str().expect("a path");
    let (code, _, said) = run(folder.path(), &["demo", name, "--users", "60000"]);
    assert_eq!(code, 0, "{said}");
    let (code, result, said) =
        run(&book, &["report", "outcomes/bold-checkout-button.json", "--format", "markdown"]);
    assert_eq!(code, 0, "{said}");
    assert!(result.starts_with("### ✅ Ship **bold**"), "{result}");
    assert!(result.contains("**Can it be trusted?** Yes"), "{result}");

    let blocks = blocks(&result);
    let [(to_flag, rule), (to_experiment, decision), ..] = blocks.as_slice() else {
        panic!("two edits: {result}")
    };
    assert!(to_flag.contains("add this rule after the last of `rules`:"), "{to_flag}");
    assert!(to_experiment.contains("At the end of `"), "{to_experiment}");
    for (sentence, lines) in [(to_flag, rule), (to_experiment, decision)] {
        // The flag's rules are the last of its file.
        let path = book.join(named(sentence));
        let text = std::fs::read_to_string(&path).expect("a file of the book") + lines;
        std::fs::write(path, text).expect("an edited file");
    }
    let (code, found, said) = run(&book, &["fmt", "--check"]);
    assert_eq!(code, 0, "{found}{said}");
    let (code, found, said) = run(&book, &["lint", "--at", "2026-12-02"]);
    assert_eq!(code, 0, "{found}{said}");

    let author = ["-c", "user.name=test", "-c", "user.email=test@acme.test"];
    let committed =
        Command::new("git").current_dir(&book).args(author).args(["commit", "-qam", "Ship bold"]).status();
    assert!(committed.expect("git").success());
    let shipped = ["analyze", "bold-checkout-button", "--as-of", "2026-12-02", "--format", "markdown"];
    let (code, result, said) = run(&book, &shipped);
    assert_eq!(code, 0, "{said}");
    assert!(result.contains("**Can it be trusted?** Yes"), "{result}");
    assert!(result.contains("apart from allowed edits (the flag)"), "{result}");
    assert!(!result.contains("differs from the result"), "{result}");

    // The records of the launch are gone, and the plan was changed: only the target remembers.
    let refs = Command::new("git")
        .current_dir(&book)
        .args(["for-each-ref", "--format=%(refname)", "refs/trialbook/launch"])
        .output();
    for name in String::from_utf8_lossy(&refs.expect("git").stdout).lines() {
        assert!(
            Command::new("git")
                .current_dir(&book)
                .args(["update-ref", "-d", name])
                .status()
                .expect("git")
                .success()
        );
    }
    let (_, result, _) = run(&book, &shipped);
    assert!(result.contains("**Can it be trusted?** Yes"), "{result}");
    let path = book.join("checkout/bold-checkout-button.experiment.yaml");
    let text = std::fs::read_to_string(&path).expect("the experiment");
    std::fs::write(&path, text.replace("mde: 7%", "mde: 3%")).expect("an edited file");
    let (_, result, _) = run(&book, &shipped);
    assert!(result.contains("**Can it be trusted?** No"), "{result}");
    assert!(result.starts_with("### ⛔ No result: the plan is not the one that was launched"), "{result}");
}

#[test]
fn several_outcomes_do_not_go_into_one_file_and_an_edited_outcome_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("outcome.json");
    let text = crate::report::fixture::roll_back().to_json().expect("JSON");
    std::fs::write(&file, &text).expect("a file");
    let report = |args: &[&str]| run(folder.path(), args);
    assert_eq!(report(&["report", "outcome.json"]).0, 0);
    for (from, to) in [
        ("\"roll-back\"", "\"ship\""),
        ("\"treatment_mean\": 0", "\"treatment_mean\": 1"),
        ("sha256:", "sha256:0"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&file, text.replacen(from, to, 1)).expect("a file");
        for args in [&["report", "outcome.json"][..], &["comment", "--dry-run", "--from", "outcome.json"]] {
            let (code, shown, said) = report(args);
            assert_eq!((code, shown.as_str()), (4, ""), "{said}");
            assert!(said.contains("digest"), "{said}");
        }
    }
}
