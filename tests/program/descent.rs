//! An older run must not take back what a newer one applied.

use crate::apply::{LAUNCH, code, live, plan_and_apply, read, stderr, stdout, trialbook};
use crate::example_book::ExampleBook;

/// Checks out a commit.
fn check_out(book: &ExampleBook, commit: &str) {
    let git = git2::Repository::open(book.path()).expect("the repository");
    let object = git.revparse_single(commit).expect("a commit");
    let mut force = git2::build::CheckoutBuilder::new();
    git.checkout_tree(&object, Some(force.force())).expect("a checkout");
    git.set_head_detached(object.id()).expect("a detached head");
}

/// The example book with an apply, and another of a newer commit; returns both commits.
fn applied_twice() -> (ExampleBook, String, String) {
    let book = ExampleBook::new();
    std::fs::write(book.path().join(".gitignore"), "live/\n*.plan\n").expect("a file");
    let first = book.commit("ignore what is served").to_string();
    plan_and_apply(&book);
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    let second = book.commit("Give carts more room").to_string();
    plan_and_apply(&book);
    (book, first, second)
}

#[test]
fn an_older_commit_is_refused_unless_it_is_a_rollback() {
    let (book, first, second) = applied_twice();
    let metadata = &read(&book)["metadata"];
    assert!(metadata.to_string().contains(&second), "{metadata}");
    check_out(&book, &first);
    let before = std::fs::read(live(&book)).expect("the live file");
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan", "--detailed-exitcode"]);
    assert_eq!(code(&plan), 4, "{}", stderr(&plan));
    let shown = stdout(&plan);
    assert!(shown.contains("--rollback") && shown.contains("Give carts more room"), "{shown}");
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
    assert_eq!(code(&apply), 4, "{}", stderr(&apply));
    assert!(stderr(&apply).contains("--rollback"), "{}", stderr(&apply));
    assert!(stderr(&apply).contains("Give carts more room"), "{}", stderr(&apply));
    assert_eq!(std::fs::read(live(&book)).expect("the live file"), before);
    let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH, "--rollback"]);
    assert_eq!(code(&apply), 0, "{}", stderr(&apply));
    assert_eq!(read(&book)["flags"]["max-cart-items"]["variants"]["standard"], 50);
    // The newer one descends from what is served by now.
    check_out(&book, &second);
    plan_and_apply(&book);
    assert_eq!(read(&book)["flags"]["max-cart-items"]["variants"]["standard"], 60);
}

#[test]
fn a_branch_of_its_own_and_an_unknown_commit_are_refused_as_well() {
    let (book, first, _) = applied_twice();
    check_out(&book, &first);
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 70");
    book.commit("another way");
    let apply = |said: &str| {
        trialbook(&book, &["plan", "--at", LAUNCH, "--out", "p.plan"]);
        let apply = trialbook(&book, &["apply", "p.plan", "--at", LAUNCH]);
        assert_eq!(code(&apply), 4, "{}", stderr(&apply));
        assert!(stderr(&apply).contains(said), "{}", stderr(&apply));
    };
    apply("does not descend");
    let text = std::fs::read_to_string(live(&book)).expect("the live file");
    let commit = read(&book)["metadata"]["trialbook.applied.acme-shop.commit"].as_str().map(str::to_owned);
    let text = text.replace(&commit.expect("a commit"), &"1".repeat(40));
    std::fs::write(live(&book), text).expect("another record");
    apply("does not know");
}

#[test]
fn a_squashed_book_that_is_the_same_is_no_rollback() {
    let (book, first, second) = applied_twice();
    // The same files by another commit, as a squash merge makes it.
    check_out(&book, &first);
    book.edit("checkout/max-cart-items.flag.yaml", "standard: 50", "standard: 60");
    let squashed = book.commit("Squashed").to_string();
    assert_ne!(squashed, second);
    let plan = trialbook(&book, &["plan", "--at", LAUNCH, "--detailed-exitcode"]);
    assert_eq!(code(&plan), 0, "{}", stdout(&plan));
}

#[test]
fn a_record_that_no_apply_writes_is_refused() {
    let (book, ..) = applied_twice();
    let whole = std::fs::read_to_string(live(&book)).expect("the live file");
    for (key, value) in [("commit", "\"master\""), ("commit", "7"), ("at", "\"yesterday\"")] {
        let mut file: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
        file["metadata"][format!("trialbook.applied.acme-shop.{key}")] =
            serde_json::from_str(value).expect("JSON");
        std::fs::write(live(&book), file.to_string()).expect("another record");
        let plan = trialbook(&book, &["plan", "--at", LAUNCH]);
        assert_eq!(code(&plan), 4, "{}", stderr(&plan));
        assert!(stderr(&plan).contains("trialbook.applied.acme-shop"), "{}", stderr(&plan));
    }
}
