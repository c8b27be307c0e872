//! An outcome computed again from its commit and its data.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;

const AS_OF: &str = "2026-02-10";

const FILES: [(&str, &str); 6] = [
    (
        "trialbook.yaml",
        "book: shop\nentities: {user: {column: user_id}}\nwarehouse: {engine: duckdb}\n\
         targets: {live: {type: flagd, store: \"file://live.json\"}}\n",
    ),
    (
        "button.flag.yaml",
        "description: A button.\nowner: team\nentity: user\ntype: boolean\nvariants: {'off': false, 'on': true}\n\
         default: 'off'\n",
    ),
    ("button-test.experiment.yaml", EXPERIMENT),
    (
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n\
         dimensions: {platform: platform}\n",
    ),
    (
        "purchases.source.yaml",
        "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\n\
         measures: {amount: amount}\ncomplete: true\n",
    ),
    (".gitignore", "*.csv\n*.json\n"),
];

const EXPERIMENT: &str = "title: A button\nhypothesis: It sells more.\nowner: team\nflag: button\nallocation: 100%\n\
                          control: 'off'\nvariants: {'off': 50%, 'on': 50%}\n\
                          schedule: {start: 2026-02-01, end: 2026-02-03}\n\
                          metrics: {success: [{metric: spend, mde: 5%}]}\n";

const METRIC: &str = "description: d\nentity: user\ntype: mean\nsource: purchases\nmeasure: {sum: amount}\nwindow: 2d\n\
                      increase_is: good\n";

fn trialbook(book: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    let output = command.current_dir(book).env("NO_COLOR", "1").args(args).output().expect("it runs");
    let shown = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).replace(['\u{a0}', '\u{202f}'], " "));
    (output.status.code().unwrap_or(-1), shown.concat().split_whitespace().collect::<Vec<_>>().join(" "))
}

fn git(book: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@acme.test"];
    let done = Command::new("git").current_dir(book).args(identity).args(args).status();
    assert!(done.expect("git").success(), "git {args:?}");
}

fn commit(book: &Path, at: &str, message: &str) {
    git(book, &["add", "."]);
    let identity = ["-c", "user.name=test", "-c", "user.email=test@acme.test"];
    let mut command = Command::new("git");
    command.current_dir(book).args(identity).args(["commit", "-q", "--allow-empty", "-m", message]);
    let done = command.env("GIT_COMMITTER_DATE", at).status();
    assert!(done.expect("git").success(), "{message}");
}

/// Writes the rows of 2,400 units but for those that are lost.
fn data(book: &Path, lost: impl Fn(u32) -> bool) {
    let mut exposures = "user_id,at,served,platform\n".to_owned();
    let mut purchases = "user_id,at,amount\n".to_owned();
    for n in 0..2400 {
        if lost(n) {
            continue;
        }
        let (arm, platform) = (["on", "off"][n as usize % 2], ["web", "ios"][n as usize / 2 % 2]);
        // The first half comes on the first day, the second after noon of the second.
        let (day, hour) = if n < 1200 { (1, n % 24) } else { (2, 13 + n % 11) };
        let _ = writeln!(exposures, "user-{n},2026-02-0{day}T{hour:02}:00:01Z,button-test.{arm},{platform}");
        let _ = writeln!(purchases, "user-{n},2026-02-03T{hour:02}:30:0{}Z,{}", n % 7, n % 5);
    }
    std::fs::write(book.join("exposures.csv"), exposures).expect("a file");
    std::fs::write(book.join("purchases.csv"), purchases).expect("a file");
}

fn book(lost: impl Fn(u32) -> bool) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in FILES {
        std::fs::write(root.path().join(path), text).expect("a file");
    }
    std::fs::write(root.path().join("spend.metric.yaml"), METRIC).expect("a file");
    data(root.path(), lost);
    git(root.path(), &["init", "-q", "-b", "main"]);
    commit(root.path(), "2026-01-30T12:00:00Z", "Begin the book");
    root
}

fn analysed(root: &Path) {
    let (code, shown) =
        trialbook(root, &["analyze", "button-test", "--as-of", AS_OF, "--out", "outcome.json"]);
    assert_eq!(code, 0, "{shown}");
}

const VERIFY: [&str; 3] = ["analyze", "--verify", "outcome.json"];

#[test]
fn an_outcome_is_the_same_again_whatever_became_of_the_book_since() {
    let root = book(|_| false);
    let root = root.path();
    analysed(root);
    let (code, shown) = trialbook(root, &VERIFY);
    assert!(code == 0 && shown.contains("Same result") && shown.contains("Every number"), "{shown}");
    // The head has another metric, and the next day's data is there: neither is the outcome's.
    std::fs::write(root.join("spend.metric.yaml"), METRIC.replace("sum: amount", "max: amount"))
        .expect("a file");
    commit(root, "2026-02-11T12:00:00Z", "Measure the dearest");
    let mut purchases = std::fs::read_to_string(root.join("purchases.csv")).expect("a file");
    purchases.push_str("user-1,2026-02-11T10:00:00Z,9\n");
    std::fs::write(root.join("purchases.csv"), purchases).expect("a file");
    let (code, shown) = trialbook(root, &VERIFY);
    assert!(code == 0 && shown.contains("Same result"), "{shown}");
}

#[test]
fn data_that_changed_since_are_named_by_the_values_that_they_move() {
    let root = book(|_| false);
    let root = root.path();
    analysed(root);
    data(root, |n| n == 7);
    let (code, shown) = trialbook(root, &VERIFY);
    assert!(code == 1 && shown.contains("Another result"), "{shown}");
    assert!(shown.contains("units › arms › off › units") && shown.contains("1 200 1 199"), "{shown}");
}

#[test]
fn what_cannot_be_computed_again_is_refused_with_the_reason() {
    let root = book(|_| false);
    let root = root.path();
    analysed(root);
    // An outcome that was edited.
    let text = std::fs::read_to_string(root.join("outcome.json")).expect("a file");
    std::fs::write(root.join("edited.json"), text.replacen("1200", "1201", 1)).expect("a file");
    let (code, shown) = trialbook(root, &["analyze", "--verify", "edited.json"]);
    assert!(code != 0 && shown.contains("differs from its digest"), "{shown}");
    // One of a commit that is not in this clone.
    let other = book(|_| false);
    std::fs::copy(root.join("outcome.json"), other.path().join("outcome.json")).expect("a copy");
    std::fs::remove_dir_all(other.path().join(".git")).expect("no repository");
    let (code, shown) = trialbook(other.path(), &VERIFY);
    assert!(code == 3 && shown.contains("no git repository"), "{shown}");
    git(other.path(), &["init", "-q", "-b", "main"]);
    commit(other.path(), "2026-01-31T12:00:00Z", "Begin anew");
    let (code, shown) = trialbook(other.path(), &VERIFY);
    assert!(code == 3 && shown.contains("is not in this clone") && shown.contains("git fetch"), "{shown}");
    // One from outside git.
    std::fs::remove_dir_all(other.path().join(".git")).expect("no repository");
    analysed(other.path());
    let (code, shown) = trialbook(other.path(), &VERIFY);
    assert!(code == 4 && shown.contains("outside git"), "{shown}");
    let (code, shown) = trialbook(root, &["analyze", "button-test", "--verify", "outcome.json"]);
    assert!(code == 64, "{shown}");
}

#[test]
fn a_broken_split_names_the_commit_since_which_units_are_lost() {
    // Two thirds of the treatment's web units are lost since the afternoon of the second day.
    let root = book(|n| n >= 1200 && n % 4 == 0 && n % 12 != 0);
    let root = root.path();
    // Before the afternoon the flag was changed.
    let flag = std::fs::read_to_string(root.join("button.flag.yaml")).expect("a file");
    std::fs::write(root.join("button.flag.yaml"), flag.replace("A button.", "A bold button."))
        .expect("a file");
    commit(root, "2026-02-02T12:00:00Z", "Cache the page");
    let (code, shown) = trialbook(root, &["analyze", "button-test", "--as-of", AS_OF]);
    assert!(code == 0 && shown.contains("with platform web"), "{shown}");
    assert!(shown.contains("(Cache the page)") && shown.contains("on is short of units there"), "{shown}");
    // Verified, the same commit is named.
    analysed(root);
    let (code, shown) = trialbook(root, &VERIFY);
    assert!(code == 0 && shown.contains("Same result"), "{shown}");
}
