//! What a folder may hold: limits, links that lead out, and names of files that are none.

use miette::Diagnostic as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use trialbook_language::load::{DiscoverError, Limits, RawFile, read_folder, read_folder_within, read_one};

/// A folder with a book in it, and a segment beside the book.
fn folder() -> (TempDir, std::path::PathBuf) {
    let outer = TempDir::new().expect("a folder");
    let book = outer.path().join("book");
    fs::create_dir(&book).expect("a folder");
    fs::write(book.join("trialbook.yaml"), "book: a\n").expect("written");
    fs::write(outer.path().join("outside.segment.yaml"), "secret: 1\n").expect("written");
    (outer, book)
}

fn paths(root: &Path) -> Result<Vec<String>, String> {
    read(root, Limits::default())
}

fn read(root: &Path, limits: Limits) -> Result<Vec<String>, String> {
    let path = |file: RawFile| file.path;
    read_folder_within(root, limits)
        .map(|files| files.into_iter().map(path).collect())
        .map_err(|error| format!("{error}; {}", error.help().expect("a help")))
}

#[test]
fn as_many_files_as_are_allowed_are_read_and_one_more_is_refused() {
    let (_outer, book) = folder();
    for n in 0..9 {
        fs::write(book.join(format!("s{n}.segment.yaml")), "1234567890").expect("written");
        fs::write(book.join(format!("n{n}.txt")), "not counted").expect("written");
    }
    let limits = |files, bytes| Limits { files, bytes };
    assert_eq!(read(&book, limits(10, 98)).expect("within the limits").len(), 10);
    let refused = read(&book, limits(9, 98)).expect_err("one file too many");
    assert!(refused.contains("more than 9 files") && refused.contains("split the book"), "{refused}");
    let refused = read(&book, limits(10, 97)).expect_err("one byte too many");
    assert!(refused.contains("more than 97 bytes"), "{refused}");
}

#[test]
fn a_link_within_the_book_is_read_and_one_that_leads_out_is_refused() {
    let (outer, book) = folder();
    fs::write(book.join("a.txt"), "description: A.\n").expect("written");
    symlink("a.txt", book.join("a.segment.yaml")).expect("a link");
    // A link to a folder within is not followed: its files are found where they are.
    fs::create_dir(book.join("b")).expect("a folder");
    fs::write(book.join("b/b.segment.yaml"), "description: B.\n").expect("written");
    symlink("b", book.join("c")).expect("a link");
    symlink(".", book.join("b/loop")).expect("a link");
    assert_eq!(paths(&book).expect("read"), ["a.segment.yaml", "b/b.segment.yaml", "trialbook.yaml"]);

    let refused = |name: &str, target: &Path| {
        let link = book.join(name);
        symlink(target, &link).expect("a link");
        let refused = paths(&book).expect_err(name);
        fs::remove_file(&link).expect("removed");
        refused
    };
    let out = "leads out of the book";
    assert!(refused("x.segment.yaml", Path::new("../outside.segment.yaml")).contains(out));
    assert!(refused("x.segment.yaml", Path::new("/etc/passwd")).contains(out));
    assert!(refused("x.segment.yaml", Path::new("/dev/zero")).contains(out));
    assert!(refused("x", outer.path()).contains(out));
    // Out through a link that is within.
    symlink("../outside.segment.yaml", book.join("step.txt")).expect("a link");
    assert!(refused("x.segment.yaml", Path::new("step.txt")).contains(out));
    assert!(matches!(read_one(&book, "step.txt"), Ok(None)));
    // Nowhere, and in a circle.
    assert!(refused("x.segment.yaml", Path::new("nowhere")).contains("cannot read"));
    assert!(refused("x.segment.yaml", Path::new("x.segment.yaml")).contains("cannot read"));
    // What is not ours leads where it likes.
    symlink("/etc/passwd", book.join("x.txt")).expect("a link");
    assert!(paths(&book).is_ok());
}

#[test]
fn a_pipe_with_the_name_of_a_file_is_refused_and_not_waited_for() {
    let (_outer, book) = folder();
    let pipe = book.join("pipe.segment.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    assert!(
        matches!(read_folder(&book), Err(DiscoverError::NotAFile { path }) if path.ends_with("pipe.segment.yaml"))
    );
    assert!(matches!(read_one(&book, "pipe.segment.yaml"), Ok(None)));
    fs::rename(&pipe, book.join("pipe")).expect("renamed");
    assert!(paths(&book).is_ok(), "what is not ours may be anything");
    symlink("pipe", book.join("link.segment.yaml")).expect("a link");
    let refused = paths(&book).expect_err("a link to a pipe");
    assert!(refused.contains("is not a file") && refused.contains("remove it"), "{refused}");
    assert!(matches!(read_one(&book, "link.segment.yaml"), Ok(None)));
}
