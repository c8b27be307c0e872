//! After something was cut off, or is in the way: the same command again finishes, or says what to do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::apply::{LAUNCH, code, live, plan_and_apply, read, stderr, trialbook};
use crate::example_book::ExampleBook;

const KEY: &str = "refs/trialbook/launch/bold-checkout-button";

fn git(book: &ExampleBook) -> git2::Repository {
    git2::Repository::open(book.path()).expect("the repository")
}

#[test]
fn an_apply_that_was_cut_off_records_the_launch_when_it_is_run_again() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    git(&book).find_reference(KEY).expect("a launch").delete().expect("as if it was killed before");
    let before = std::fs::read(live(&book)).expect("the live file");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert!(git(&book).find_reference(KEY).is_ok());
    assert_eq!(std::fs::read(live(&book)).expect("the live file"), before);
}

#[test]
fn a_launch_that_cannot_be_recorded_is_named_and_the_others_are_recorded() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let names: Vec<String> = {
        let git = git(&book);
        let found = git.references_glob("refs/trialbook/launch/*").expect("refs");
        found.map(|found| found.expect("a ref").name().expect("a name").to_owned()).collect()
    };
    assert!(names.len() > 1, "{names:?}");
    for name in &names {
        git(&book).find_reference(name).expect("a launch").delete().expect("a deleted ref");
    }
    // Not the form of a launch, and not the last of them in any order.
    let head = git(&book).head().expect("a head").target().expect("a commit");
    git(&book).reference(KEY, head, true, "forged").expect("a ref");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 5, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("bold-checkout-button"), "{}", stderr(&apply));
    assert!(names.iter().all(|name| git(&book).find_reference(name).is_ok()), "the others are recorded");
}

#[test]
fn a_launch_ref_without_an_id_stops_no_other_experiment() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let file = book.path().join(".git").join(KEY);
    std::fs::write(&file, "no id").expect("a broken ref");
    // The target knows the launch, so planning goes on.
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    let printed = stderr(&apply);
    assert_eq!(code(&apply), 5, "{printed}");
    assert!(printed.contains("the launch of `bold-checkout-button` is not recorded"), "{printed}");
    assert!(printed.contains("delete the file"), "{printed}");
    // What it advises helps.
    std::fs::remove_file(&file).expect("the broken ref");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert!(git(&book).find_reference(KEY).is_ok());
}

#[test]
fn a_lock_that_a_killed_git_left_is_named() {
    let book = ExampleBook::new();
    let lock = book.path().join(".git").join(format!("{KEY}.lock"));
    std::fs::create_dir_all(lock.parent().expect("a folder")).expect("a folder");
    std::fs::write(&lock, "").expect("a lock");
    trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 5, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("bold-checkout-button.lock"), "{}", stderr(&apply));
    std::fs::remove_file(lock).expect("the lock");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert!(git(&book).find_reference(KEY).is_ok());
}

#[test]
fn old_temporary_files_are_swept_by_the_next_write() {
    let book = ExampleBook::new();
    let folder = book.path().join("live");
    std::fs::create_dir_all(&folder).expect("a folder");
    let left = folder.join(".trialbook-Ab12Cd.tmp");
    let others: [PathBuf; 2] = [folder.join("notes.tmp"), folder.join(".trialbook-note.txt")];
    for file in std::iter::once(&left).chain(&others) {
        std::fs::write(file, "half").expect("a file");
    }
    plan_and_apply(&book);
    assert!(!left.exists());
    assert!(others.iter().all(|file| file.exists()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_live_file_that_is_no_file_is_refused_at_once() {
    let book = ExampleBook::new();
    std::fs::create_dir_all(book.path().join("live")).expect("a folder");
    let fifo = || {
        let made = std::process::Command::new("mkfifo").arg(live(&book)).status().expect("mkfifo");
        assert!(made.success());
    };
    let zero = || std::os::unix::fs::symlink("/dev/zero", live(&book)).expect("a link");
    let folder = || std::fs::create_dir(live(&book)).expect("a folder");
    for (what, make) in [("a pipe", &fifo as &dyn Fn()), ("/dev/zero", &zero), ("a folder", &folder)] {
        make();
        let start = Instant::now();
        let plan = trialbook(&book, &["plan", "--at", LAUNCH]);
        assert_eq!(code(&plan), 4, "{what}: {}", stderr(&plan));
        assert!(stderr(&plan).contains("not a regular file"), "{what}: {}", stderr(&plan));
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        if live(&book).is_dir() {
            std::fs::remove_dir(live(&book)).expect("a folder");
        } else {
            std::fs::remove_file(live(&book)).expect("what is in the way");
        }
    }
}

#[test]
fn a_byte_order_mark_is_read_past_and_left_out() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let text = std::fs::read_to_string(live(&book)).expect("the live file");
    std::fs::write(live(&book), format!("\u{feff}{text}")).expect("an edit by hand");
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    book.commit("more room");
    plan_and_apply(&book);
    assert_eq!(read(&book)["flags"]["max-cart-items"]["variants"]["standard"], 60);
}

#[test]
fn a_time_at_the_end_of_the_calendar_does_not_panic() {
    let book = ExampleBook::new();
    for at in ["9999-12-30T22:00:00Z", "9999-12-30", "-009999-01-02T02:00:00Z", "0001-01-01"] {
        for command in [&["plan"][..], &["lint"], &["evaluate", "--context", "{}"], &["apply"]] {
            let at = format!("--at={at}");
            let output = trialbook(&book, &[command, &[at.as_str()]].concat());
            assert!(code(&output) != 70 && code(&output) != 101, "{command:?} {at}: {}", stderr(&output));
            assert!(!stderr(&output).contains("panicked"), "{command:?} {at}: {}", stderr(&output));
        }
    }
}
