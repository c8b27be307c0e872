//! What somebody takes out of the target comes back as it was: a launch happens once, and git knows it.

use crate::apply::{LAUNCH, code, live, plan_and_apply, read, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;

const DURING: &str = "2026-11-10";
const EXPERIMENT: &str = "checkout/bold-checkout-button.experiment.yaml";

/// Takes the flag of a running experiment out of the file, or the whole file.
fn lose(book: &ExampleBook, everything: bool) {
    if everything {
        std::fs::remove_file(live(book)).expect("a live file");
        return;
    }
    let mut file = read(book);
    file["flags"].as_object_mut().expect("flags").shift_remove("checkout-button").expect("the flag");
    std::fs::write(live(book), file.to_string()).expect("an edit by hand");
}

fn launch_ref(book: &ExampleBook) -> String {
    let git = git2::Repository::open(book.path()).expect("the repository");
    let found = git.find_reference("refs/trialbook/launch/bold-checkout-button").expect("a launch");
    found.target().expect("a tag").to_string()
}

#[test]
fn a_lost_flag_comes_back_with_its_launch() {
    for everything in [false, true] {
        let book = ExampleBook::new();
        plan_and_apply(&book);
        let (flag, launch) = (read(&book)["flags"]["checkout-button"].clone(), launch_ref(&book));
        book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
        book.commit("something else");
        lose(&book, everything);
        let plan = trialbook(&book, &["plan", "--at", DURING, "--out", "p.plan"]);
        assert_eq!(code(&plan), 0, "{}", stderr(&plan));
        let shown = stdout(&plan);
        assert!(!shown.contains("Launches bold-checkout-button"), "{shown}");
        assert!(shown.contains("removed from the target by hand"), "{shown}");
        let apply = trialbook(&book, &["apply", "p.plan", "--at", DURING]);
        assert_eq!(code(&apply), 0, "{}", stderr(&apply));
        assert_eq!(read(&book)["flags"]["checkout-button"], flag, "everything: {everything}");
        assert_eq!(launch_ref(&book), launch);
    }
}

#[test]
fn a_lost_flag_does_not_come_back_with_other_weights() {
    for everything in [false, true] {
        let book = ExampleBook::new();
        plan_and_apply(&book);
        book.edit(EXPERIMENT, "{plain: 50%, bold: 50%}", "{plain: 20%, bold: 80%}");
        book.commit("other weights");
        lose(&book, everything);
        let before = std::fs::read(live(&book)).ok();
        let plan = trialbook(&book, &["plan", "--at", DURING, "--out", "p.plan"]);
        assert!(stdout(&plan).contains("Cannot be applied"), "{}", stdout(&plan));
        let apply = trialbook(&book, &["apply", "p.plan", "--at", DURING]);
        assert_eq!(code(&apply), 4, "{}", stderr(&apply));
        assert!(stderr(&apply).contains("`bold-checkout-button` is running"), "{}", stderr(&apply));
        assert_eq!(std::fs::read(live(&book)).ok(), before);
    }
}

#[test]
fn a_lost_flag_whose_launch_cannot_be_read_is_not_launched_anew() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    lose(&book, true);
    let git = git2::Repository::open(book.path()).expect("the repository");
    let head = git.head().expect("a head").target().expect("a commit");
    git.reference("refs/trialbook/launch/bold-checkout-button", head, true, "forged").expect("a ref");
    let plan = trialbook(&book, &["plan", "--at", DURING, "--out", "p.plan"]);
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", DURING]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("`bold-checkout-button` was launched"), "{}", stderr(&apply));
    assert!(!live(&book).exists());
}

#[test]
fn a_plan_is_frozen_at_the_start_and_replaced_until_then() {
    let book = ExampleBook::new();
    plan_and_apply(&book);
    let first = launch_ref(&book);
    let digest = |book: &ExampleBook| {
        read(book)["flags"]["checkout-button"]["metadata"]["trialbook.launch.bold-checkout-button.digest"]
            .clone()
    };
    let before = digest(&book);
    book.edit(EXPERIMENT, "An orange button makes", "An orange button always makes");
    // `--against` allows it, and says what happens.
    let lint = trialbook(&book, &["lint", "--against", "HEAD", "--at", LAUNCH]);
    let printed = format!("{}{}", stdout(&lint), stderr(&lint));
    assert!(!printed.contains("changed-after-launch"), "{printed}");
    assert!(printed.contains("bold-checkout-button") && printed.contains("until then"), "{printed}");
    let lint = trialbook(&book, &["lint", "--against", "HEAD", "--at", DURING]);
    assert!(stdout(&lint).contains("changed-after-launch"), "{}", stdout(&lint));
    book.commit("a better hypothesis");
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan", "--detailed-exitcode"]);
    assert_eq!(code(&plan), 2, "{}", stderr(&plan));
    assert!(stdout(&plan).contains("its plan replaces the recorded"), "{}", stdout(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_ne!(digest(&book), before);
    assert_ne!(launch_ref(&book), first);
    let again = trialbook(&book, &["plan", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&again), 0, "{}", stdout(&again));
    // Once it has begun, what is recorded stays.
    let (frozen, launch) = (digest(&book), launch_ref(&book));
    book.edit(EXPERIMENT, "An orange button always makes", "A purple button makes");
    book.commit("another hypothesis");
    let plan = trialbook(&book, &["plan", "--at", DURING, "--out", "p.plan"]);
    assert!(!stdout(&plan).contains("replaces the recorded"), "{}", stdout(&plan));
    let apply = trialbook(&book, &["apply", "p.plan", "--at", DURING]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!((digest(&book), launch_ref(&book)), (frozen, launch));
}
