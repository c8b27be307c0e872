//! Where output goes: into files, through devices and links, and never half.

use std::path::Path;
use std::process::Output;

use crate::example_book::ExampleBook;

const AT: &str = "2026-11-01";

fn plan(book: &ExampleBook, out: &Path) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(book.path()).args(["plan", "--at", AT, "--out"]).arg(out).output().expect("a run")
}

fn lint(book: &ExampleBook, format: &str) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(book.path()).args(["lint", "--at", AT, "--format", format]).output().expect("a run")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the names in a folder that are not a book's.
fn others(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_refused_and_nothing_is_written() {
    let book = ExampleBook::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    for (shown, output) in [
        ("", plan(&book, elsewhere.path())),
        ("new/", plan(&book, &elsewhere.path().join("new/"))),
        ("", lint(&book, &format!("json={}", elsewhere.path().display()))),
    ] {
        assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
        let expected = format!("`{}/{shown}", elsewhere.path().display());
        assert!(stderr(&output).contains(expected.trim_end_matches('/')), "{}", stderr(&output));
        assert!(stderr(&output).contains("folder"), "{}", stderr(&output));
    }
    assert_eq!(others(elsewhere.path()), [""; 0]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    use super::*;

    /// Runs with a FIFO for a file, and returns how that ended and what came out of the FIFO.
    fn through_a_fifo(run: impl FnOnce(&Path) -> Output) -> (Output, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
        assert!(made.success());
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::read_to_string(fifo).expect("what was written")
        });
        let output = run(&fifo);
        assert!(fifo.symlink_metadata().expect("the FIFO").file_type().is_fifo(), "it was replaced");
        // A run that never opened it leaves the reader waiting.
        if !reader.is_finished() {
            drop(std::fs::OpenOptions::new().write(true).open(&fifo));
        }
        (output, reader.join().expect("a reader"))
    }

    #[test]
    fn a_fifo_is_written_through() {
        let book = ExampleBook::new();
        let (output, text) = through_a_fifo(|fifo| plan(&book, fifo));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        let (output, text) = through_a_fifo(|fifo| lint(&book, &format!("sarif={}", fifo.display())));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(text.contains("\"version\": \"2.1.0\""), "{text}");
    }

    #[test]
    fn a_device_is_written_through_and_stays_one() {
        let book = ExampleBook::new();
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("nothing");
        symlink("/dev/null", &link).expect("a link");
        for output in [plan(&book, &link), lint(&book, &format!("junit={}", link.display()))] {
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
        assert!(link.symlink_metadata().expect("the link").is_symlink(), "it was replaced");
        assert!(Path::new("/dev/null").metadata().expect("the device").file_type().is_char_device());
        let full = folder.path().join("full");
        symlink("/dev/full", &full).expect("a link");
        let output = plan(&book, &full);
        assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    }

    #[test]
    fn stdout_by_its_name_is_stdout() {
        let book = ExampleBook::new();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("printed");
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
        command.current_dir(book.path()).args(["plan", "--at", AT, "--out", "/dev/stdout"]);
        command.stdout(std::fs::File::create(&file).expect("a file"));
        assert!(command.status().expect("a run").success());
        let printed = std::fs::read_to_string(&file).expect("what was printed");
        assert!(printed.starts_with('{') && printed.contains("Plan for"), "{printed}");
    }

    #[test]
    fn a_link_is_followed_and_the_file_keeps_its_permissions() {
        let book = ExampleBook::new();
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("real")).expect("a folder");
        let (file, link) = (folder.path().join("real/plan.json"), folder.path().join("link"));
        symlink("real/plan.json", &link).expect("a link");
        for mode in [0o640, 0o600] {
            let output = plan(&book, &link);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            assert!(link.symlink_metadata().expect("the link").is_symlink(), "it was replaced");
            assert!(std::fs::read_to_string(&file).expect("the plan").starts_with('{'));
            if mode == 0o600 {
                let found = file.metadata().expect("the file").permissions().mode() & 0o777;
                assert_eq!(found, 0o640);
            }
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("permissions");
        }
        assert_eq!(others(&folder.path().join("real")), ["plan.json"], "nothing else is left");
    }

    #[test]
    fn links_in_a_ring_are_refused() {
        let book = ExampleBook::new();
        let folder = tempfile::tempdir().expect("a folder");
        symlink("b", folder.path().join("a")).expect("a link");
        symlink("a", folder.path().join("b")).expect("a link");
        let output = plan(&book, &folder.path().join("a"));
        assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
        assert_eq!(others(folder.path()), ["a", "b"]);
    }
}
