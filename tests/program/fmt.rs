//! `trialbook fmt`, run as a person or a workflow runs it.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

const BOOK: &str = "book: shop\nentities:\n  user: {column: user_id}\n";

fn book(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in [("trialbook.yaml", BOOK)].iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

/// Runs `trialbook fmt`, and returns its exit code, stdout and stderr.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    command.current_dir(folder).env_remove("TRIALBOOK_BOOK").arg("fmt").args(args);
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

const LOOSE: &str = "audience:   {}\r\n# why\r\ndescription: 'Everybody'\r\n";
const TIDY: &str = "# why\ndescription: Everybody\naudience: {}\n";

#[test]
fn the_books_of_this_repository_are_in_the_one_style() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, stdout, stderr) = run(&root.join("experiments"), &["--check"]);
    assert_eq!((code, &*stdout), (0, ""), "{stderr}");
}

#[test]
fn a_file_is_written_anew_once() {
    let folder = book(&[("a/all.segment.yaml", LOOSE)]);
    let (code, stdout, stderr) = run(folder.path(), &[]);
    assert_eq!((code, &*stdout, &*stderr), (0, "", "1 of 2 files changed\n"));
    assert_eq!(fs::read_to_string(folder.path().join("a/all.segment.yaml")).expect("a file"), TIDY);
    assert_eq!(run(folder.path(), &[]), (0, String::new(), "2 files in the one style\n".into()));
}

#[test]
fn check_and_diff_write_nothing_and_fail_where_something_would_change() {
    let folder = book(&[("a/all.segment.yaml", LOOSE)]);
    let (code, stdout, _) = run(folder.path(), &["--check"]);
    assert_eq!((code, &*stdout), (1, "a/all.segment.yaml\n"));
    let (code, stdout, _) = run(folder.path(), &["--diff"]);
    assert_eq!(code, 1);
    assert!(stdout.starts_with("--- a/a/all.segment.yaml\n+++ b/a/all.segment.yaml\n"), "{stdout}");
    assert!(stdout.contains("+description: Everybody\n"), "{stdout}");
    assert_eq!(fs::read_to_string(folder.path().join("a/all.segment.yaml")).expect("a file"), LOOSE);
    assert_eq!(run(folder.path(), &["--check", "trialbook.yaml"]).0, 0, "a path limits it");
    assert_eq!(run(folder.path(), &["--check", "--diff"]).0, 64);
}

#[test]
fn a_file_that_cannot_be_read_is_shown_and_the_others_are_formatted() {
    let folder = book(&[("bad.segment.yaml", "description: 'open\n"), ("all.segment.yaml", LOOSE)]);
    fs::write(folder.path().join("latin.segment.yaml"), b"description: \xe5\n").expect("it can be written");
    let (code, _, stderr) = run(folder.path(), &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("bad.segment.yaml") && stderr.contains("latin.segment.yaml"), "{stderr}");
    assert!(stderr.ends_with("1 of 4 files changed; 2 could not be read\n"), "{stderr}");
    assert_eq!(fs::read_to_string(folder.path().join("all.segment.yaml")).expect("a file"), TIDY);
    assert_eq!(fs::read(folder.path().join("latin.segment.yaml")).expect("a file"), b"description: \xe5\n");
}
