//! `trialbook lint` and `trialbook explain`, run as a person or a workflow runs them.

mod choice;
mod formats;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// A copy of the small book in which nothing is wrong, in a folder of a repository, with files added.
fn book(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("experiments");
    fs::create_dir(&root).expect("a folder");
    for entry in
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base")).expect("a folder")
    {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), root.join(entry.file_name())).expect("it can be copied");
    }
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

fn trialbook(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    command.current_dir(folder.path()).args(args);
    for name in ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "NO_COLOR", "CLICOLOR_FORCE", "TRIALBOOK_BOOK"] {
        command.env_remove(name);
    }
    command
}

/// Runs it on the book in `experiments/`, and returns its exit code, stdout and stderr.
fn lint(folder: &TempDir, args: &[&str]) -> (i32, String, String) {
    let all = [&["lint", "--book", "experiments", "--at", "2026-11-20"], args].concat();
    let output = trialbook(folder, &all).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

const BOLD: &str = "title: A bold checkout button
hypothesis: A bold button is found sooner.
owner: team-checkout
flag: checkout-button
audience:
  country: {in: [SE, FI]}
  app_version: {at_least: 8.2.0}
allocation: 20%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-12-01, end: 2026-12-15}
metrics:
  success: [{metric: purchases-per-user, mde: 2%}]
  guardrails: [{metric: refund-rate, margin: 5%}]
";

fn one_page() -> String {
    BOLD.replace("A bold checkout button", "One page")
        .replace("country: {in: [SE, FI]}\n  app_version: {at_least: 8.2.0}", "country: {in: [SE, US]}")
        .replace("20%", "50%")
        .replace("2026-12-01, end: 2026-12-15", "2026-12-05, end: 2026-12-20")
}

#[test]
fn a_clean_book_reports_it_in_one_line() {
    let (code, stdout, stderr) = lint(&book(&[]), &[]);
    assert_eq!((code, &*stdout, &*stderr), (0, "no findings in 10 files\n", ""));
    let (code, stdout, stderr) = lint(&book(&[]), &["--format", "concise"]);
    assert_eq!((code, &*stdout, &*stderr), (0, "", "no findings in 10 files\n"));
}

#[test]
fn a_collision_shows_both_sides_the_proof_and_what_to_do() {
    let folder = book(&[
        ("growth/bold-button.experiment.yaml", BOLD),
        ("checkout/one-page.experiment.yaml", &one_page()),
    ]);
    let (code, stdout, _) = lint(&folder, &[]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(stdout);
}

#[test]
fn a_collision_is_read_by_programs() {
    let folder = book(&[("bold-button.experiment.yaml", BOLD), ("one-page.experiment.yaml", &one_page())]);
    let (code, stdout, _) = lint(&folder, &["--format", "json"]);
    let read: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let finding = &read["findings"][0];
    assert_eq!(code, 1);
    assert_eq!(finding["rule"], "overlapping-experiments");
    assert_eq!(finding["file"], "experiments/one-page.experiment.yaml");
    assert_eq!(finding["witness"]["country"], "SE");
    assert_eq!(finding["overlap"], serde_json::Value::Null, "app_version declares no shares");
    assert_eq!(read["summary"]["errors"], 1);
}

#[test]
fn a_sample_measures_how_many_users_a_collision_concerns() {
    let folder = book(&[("bold-button.experiment.yaml", BOLD), ("one-page.experiment.yaml", &one_page())]);
    let swede = r#"{"targetingKey": "u-1", "country": "SE", "app_version": "8.2.0", "unheard": [1]}"#;
    let other = r#"{"country": "US", "app_version": 8}"#;
    fs::write(folder.path().join("sample.ndjson"), [swede, other, "", other, other].join("\n"))
        .expect("a file");
    let (code, stdout, _) = lint(&folder, &["--format", "json", "--sample", "sample.ndjson"]);
    let read: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let overlap = &read["findings"][0]["overlap"];
    assert_eq!((code, &overlap["basis"]), (1, &"sample".into()), "{stdout}");
    // A quarter of the sample, of which 20 % are drawn into the one and 50 % into the other.
    assert!((overlap["share"].as_f64().expect("a share") - 0.025).abs() < 1e-12, "{stdout}");
    let (_, stdout, _) = lint(&folder, &["--sample", "sample.ndjson"]);
    assert!(
        stdout.contains("about 2.5 % of all users (a sample of 4 contexts, standard error 1.7 %)"),
        "{stdout}"
    );
}

#[test]
fn a_sample_that_is_none_is_refused_at_its_line() {
    let folder = book(&[]);
    fs::write(folder.path().join("wrong.ndjson"), "{}\n[]\n").expect("a file");
    fs::write(folder.path().join("empty.ndjson"), "\n").expect("a file");
    for (file, expected, exit) in [
        ("wrong.ndjson", "line 2 of wrong.ndjson is not a JSON object", 64),
        ("empty.ndjson", "empty.ndjson holds no context", 3),
        ("none.ndjson", "cannot open `none.ndjson`", 3),
    ] {
        let (code, _, stderr) = lint(&folder, &["--sample", file]);
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(code, exit, "{stderr}");
    }
}

#[test]
fn one_run_feeds_several_formats() {
    let folder = book(&[("bold-button.experiment.yaml", &BOLD.replace("20%", "20"))]);
    let (code, stdout, _) =
        lint(&folder, &["--format", "concise", "--format", "json=findings.json", "--format=github=log"]);
    assert_eq!(code, 1);
    assert!(
        stdout.starts_with("experiments/bold-button.experiment.yaml:8:13: error[bad-share] "),
        "{stdout}"
    );
    let json = fs::read_to_string(folder.path().join("findings.json")).expect("it was written");
    let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(read["findings"][0]["span"]["start"]["line"], 8);
    let log = fs::read_to_string(folder.path().join("log")).expect("it was written");
    assert!(
        log.starts_with("::error file=experiments/bold-button.experiment.yaml,line=8,endLine=8,col=13,"),
        "{log}"
    );
}

#[test]
fn annotations_are_read_from_the_root_of_the_repository() {
    let folder = book(&[("bold-button.experiment.yaml", &BOLD.replace("20%", "20"))]);
    let mut command = trialbook(&folder, &["lint", "--format", "github"]);
    command.current_dir(folder.path().join("experiments")).env("GITHUB_WORKSPACE", folder.path());
    let output = command.output().expect("it runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(stdout.starts_with("::error file=experiments/bold-button.experiment.yaml,"), "{stdout}");
}

#[test]
fn warnings_fail_only_where_they_are_asked_to() {
    let segment = "description: People who work here.\nowner: team-people\naudience: {employee: true}\n";
    let folder = book(&[("employees.segment.yaml", segment)]);
    let (code, stdout, _) = lint(&folder, &["--format", "concise"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("warning[unused-segment]"), "{stdout}");
    assert_eq!(lint(&folder, &["--fail-on", "warning"]).0, 1);
}

#[test]
fn a_path_limits_what_is_shown_and_what_counts() {
    let folder = book(&[
        ("growth/bold-button.experiment.yaml", &BOLD.replace("20%", "20")),
        ("search/employees.segment.yaml", "description: People.\naudience: {employee: true}\n"),
    ]);
    assert_eq!(lint(&folder, &["experiments/search"]).0, 0);
    assert_eq!(lint(&folder, &["experiments/growth"]).0, 1);
    let (code, _, stderr) = lint(&folder, &["experiments/nowhere"]);
    assert_eq!(code, 3);
    assert!(stderr.contains("cannot find `experiments/nowhere`"), "{stderr}");
}

#[test]
fn a_wrong_command_line_ends_with_64_and_no_book_with_3() {
    let folder = book(&[]);
    assert_eq!(lint(&folder, &["--format", "xml"]).0, 64);
    assert_eq!(lint(&folder, &["--format", "json", "--format", "full"]).0, 64);
    assert_eq!(lint(&folder, &["--fail-on", "never"]).0, 64);
    let nowhere = tempfile::tempdir().expect("a folder");
    let output = trialbook(&nowhere, &["lint"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("help:"));
    let output = trialbook(&nowhere, &["lint", "--book", "no-such\u{202e}folder"]).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("no-such\\u{202e}folder"), "{stderr}");
}

#[test]
fn text_of_the_book_cannot_steer_the_terminal() {
    let hostile = BOLD.replace("flag: checkout-button", "\"fl\\e[2Jag\": \"\\u202e\"");
    let folder = book(&[("bold-button.experiment.yaml", &hostile)]);
    for format in ["full", "concise", "json", "github"] {
        let output =
            trialbook(&folder, &["lint", "--book", "experiments", "--color", "never", "--format", format])
                .output()
                .expect("it runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{format}: {text:?}");
        assert!(text.contains("unknown-key"), "{format}: {text}");
    }
}

#[test]
fn explain_shows_a_page_lists_the_rules_and_knows_a_slip() {
    let folder = book(&[]);
    let run = |args: &[&str]| trialbook(&folder, args).output().expect("it runs");
    let page = run(&["explain", "overlapping-slots"]);
    let text = String::from_utf8(page.stdout).expect("UTF-8");
    assert_eq!(page.status.code(), Some(0));
    assert!(text.starts_with("overlapping-slots (error)\n"), "{text}");
    assert!(text.contains("What to do") && !text.contains("```"), "{text}");
    let codes = String::from_utf8(run(&["explain", "exit-codes"]).stdout).expect("UTF-8");
    assert!(codes.starts_with("Exit codes\n") && codes.contains("| 70 | a bug in trialbook |"), "{codes}");
    let list = String::from_utf8(run(&["explain"]).stdout).expect("UTF-8");
    assert_eq!(list.lines().count(), trialbook_lint::check::RULES.len());
    let slip = run(&["explain", "overlaping-slot"]);
    assert_eq!(slip.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&slip.stderr).contains("did you mean `overlapping-slots`?"));
}

#[test]
fn fixes_are_shown_as_a_patch_made_and_what_remains_is_reported() {
    let loose = BOLD.replace("A bold checkout button", "off").replace("allocation: 20%", "alocation: 20");
    let folder = book(&[("bold-button.experiment.yaml", &loose)]);
    let path = folder.path().join("experiments/bold-button.experiment.yaml");
    let (code, stdout, stderr) = lint(&folder, &["--diff"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stdout.contains("-title: off\n") && stdout.contains("+title: \"off\"\n"), "{stdout}");
    assert_eq!(fs::read_to_string(&path).expect("a file"), loose, "nothing is written");
    let (code, stdout, stderr) = lint(&folder, &["--fix", "--format", "concise"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("fixed 1 finding in 1 file: 1 ambiguous-scalar"), "{stderr}");
    assert!(stdout.contains("unknown-key") && !stdout.contains("ambiguous-scalar"), "{stdout}");
    let (code, stdout, stderr) = lint(&folder, &["--fix", "--unsafe-fixes", "--format", "concise"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let fixed = loose.replace("title: off", "title: \"off\"").replace("alocation: 20", "allocation: 20%");
    assert_eq!(fs::read_to_string(&path).expect("a file"), fixed);
    assert_eq!(lint(&folder, &["--diff"]).0, 0, "nothing is left to fix");
    assert_eq!(lint(&folder, &["--unsafe-fixes"]).0, 64);
}

#[test]
fn a_path_limits_what_is_fixed() {
    let folder = book(&[("a/a.experiment.yaml", &BOLD.replace("A bold checkout button", "off"))]);
    let (code, stdout, _) = lint(&folder, &["--diff", "experiments/trialbook.yaml"]);
    assert_eq!((code, &*stdout), (0, ""));
    assert_eq!(lint(&folder, &["--diff", "experiments/a"]).0, 1);
}
