//! A checkout that leaves files out loses no flag, whatever the command.

use std::path::Path;
use std::process::Command;

const FLAG: &str = "description: A flag\nowner: team\nentity: user\ntype: boolean\n\
                    variants: {\"off\": false, \"on\": true}\ndefault: \"on\"\n";
const BOOK: &str = "book: shop\nentities: {user: {column: user_id}}\n\
                    targets: {production: {type: flagd, store: file://live/production.json}}\n";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@acme.test"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn trialbook(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(folder).env("NO_COLOR", "1").env_remove("TRIALBOOK_BOOK");
    let output = command.args(arguments).output().expect("a run");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code().expect("an exit code"), text.concat())
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a written file");
}

fn served(live: &Path) -> Vec<String> {
    let live: serde_json::Value =
        serde_json::from_slice(&std::fs::read(live).expect("the live file")).expect("JSON");
    live["flags"].as_object().expect("flags").keys().cloned().collect()
}

/// Makes a repository `origin` whose book serves four flags.
fn origin(folder: &Path) {
    let origin = folder.join("origin");
    git(folder, &["init", "-q", "-b", "main", "origin"]);
    write(&origin.join("book/trialbook.yaml"), BOOK);
    for flag in ["checkout/cart", "checkout/pay", "search/rank", "search/filters"] {
        write(&origin.join(format!("book/{flag}.flag.yaml")), FLAG);
    }
    write(&origin.join("book/.gitignore"), "live/\n");
    git(&origin, &["add", "-A"]);
    git(&origin, &["commit", "-q", "-m", "the book"]);
    assert_eq!(trialbook(&origin, &["plan", "--book", "book", "--out", "../p", "-q"]).0, 0);
    let (code, said) = trialbook(&origin, &["apply", "--book", "book", "../p", "-q"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_sparse_checkout_deletes_no_flag() {
    for index in ["--no-sparse-index", "--sparse-index"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        origin(folder.path());
        git(folder.path(), &["clone", "-q", "origin", "ci"]);
        let ci = folder.path().join("ci");
        git(&ci, &["sparse-checkout", "set", index, "book/checkout"]);
        let live = ci.join("book/live/production.json");
        std::fs::create_dir(ci.join("book/live")).expect("a folder");
        std::fs::copy(folder.path().join("origin/book/live/production.json"), &live).expect("a copy");
        let before = served(&live);
        assert_eq!(before.len(), 4);
        assert!(!ci.join("book/search").exists());

        let (code, said) = trialbook(&ci, &["lint", "--book", "book"]);
        assert_eq!(code, 0, "{said}");
        let (code, said) = trialbook(&ci, &["lint", "--book", "book", "--against", "origin/main"]);
        assert!(code == 0 && !said.contains("delete"), "{code}: {said}");
        let (code, said) =
            trialbook(&ci, &["plan", "--book", "book", "--out", "../p2", "--detailed-exitcode"]);
        assert!(code == 0 && !said.contains("no longer served"), "{index} {code}: {said}");
        let (code, said) = trialbook(&ci, &["apply", "--book", "book", "../p2"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(served(&live), before);

        // What the work tree deletes is deleted, and nothing else.
        std::fs::remove_file(ci.join("book/checkout/pay.flag.yaml")).expect("a deleted file");
        let (_, said) = trialbook(&ci, &["plan", "--book", "book"]);
        assert!(said.contains("pay"), "{said}");
        assert!(!said.contains("rank") && !said.contains("filters"), "{said}");
    }
}

#[test]
fn a_book_in_a_merge_or_without_its_submodule_is_refused_by_every_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    origin(folder.path());
    let origin = folder.path().join("origin");
    git(&origin, &["switch", "-q", "-c", "other"]);
    git(&origin, &["rm", "-q", "book/search/rank.flag.yaml"]);
    git(&origin, &["commit", "-q", "-m", "no rank"]);
    git(&origin, &["switch", "-q", "main"]);
    write(&origin.join("book/search/rank.flag.yaml"), &FLAG.replace("A flag", "Another"));
    git(&origin, &["commit", "-q", "-a", "-m", "another rank"]);
    let merge =
        Command::new("git").args(["merge", "-q", "other"]).current_dir(&origin).output().expect("git runs");
    assert!(!merge.status.success());
    std::fs::remove_file(origin.join("book/search/rank.flag.yaml")).expect("a deleted file");
    let live = std::fs::read(origin.join("book/live/production.json")).expect("the live file");
    for arguments in [
        &["lint"][..],
        &["lint", "--against", "other"],
        &["plan"],
        &["apply", "../p"],
        &["analyze"],
        &["evaluate", "--context", "{}"],
        &["fmt"],
        &["allocate"],
    ] {
        let mut all = arguments.to_vec();
        all.extend(["--book", "book"]);
        let (code, said) = trialbook(&origin, &all);
        assert_eq!(code, 1, "{arguments:?}: {said}");
        assert!(said.contains("`search/rank.flag.yaml` has merge conflicts"), "{arguments:?}: {said}");
        assert!(said.contains("git add"), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read(origin.join("book/live/production.json")).expect("the live file"), live);
}

#[test]
fn a_hidden_file_is_not_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    origin(folder.path());
    let origin = folder.path().join("origin");
    write(&origin.join("book/search/rank.flag.yaml"), &FLAG.replace(": A flag", ":   A flag"));
    git(&origin, &["commit", "-q", "-a", "-m", "spaces"]);
    git(&origin, &["sparse-checkout", "set", "book/checkout"]);
    let (code, said) = trialbook(&origin, &["fmt", "--book", "book"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("the checkout leaves it out") && said.contains("git sparse-checkout"), "{said}");
    assert!(!origin.join("book/search").exists());
}

#[test]
fn data_that_the_checkout_leaves_out_is_not_taken_for_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    origin(folder.path());
    let origin = folder.path().join("origin");
    write(&origin.join("book/trialbook.yaml"), &format!("{BOOK}warehouse: {{engine: duckdb}}\n"));
    write(
        &origin.join("book/checkout/exposures.source.yaml"),
        "description: Who was exposed.\nfile: data/*.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n",
    );
    write(
        &origin.join("book/checkout/test.experiment.yaml"),
        "title: A test\nhypothesis: More.\nowner: team\nflag: cart\nallocation: 10%\ncontrol: \"off\"\n\
         variants: equal\nschedule: {start: 2026-01-05, end: 2026-01-19}\nmetrics: {}\n",
    );
    for day in ["a", "b"] {
        write(&origin.join(format!("book/data/{day}.csv")), "user_id,served,at\n");
    }
    git(&origin, &["add", "-A", "-f"]);
    git(&origin, &["commit", "-q", "-m", "data"]);
    for index in ["--no-sparse-index", "--sparse-index"] {
        git(&origin, &["sparse-checkout", "set", index, "book/checkout"]);
        let (code, said) = trialbook(&origin, &["analyze", "test", "--book", "book"]);
        assert_eq!(code, 4, "{said}");
        assert!(
            said.contains(
                "source `exposures`: git has `data/a.csv` and 1 more, and the checkout leaves that out"
            ),
            "{said}"
        );
        git(&origin, &["sparse-checkout", "disable"]);
    }
}

#[test]
fn hidden_data_stop_the_experiments_that_read_them_and_no_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    origin(folder.path());
    let origin = folder.path().join("origin");
    write(&origin.join("book/trialbook.yaml"), &format!("{BOOK}warehouse: {{engine: duckdb}}\n"));
    let source = |key: &str, rest: &str| {
        let text = format!("description: Rows.\ntimestamp: at\nentities: {{user: user_id}}\n{rest}");
        write(&origin.join(format!("book/checkout/{key}.source.yaml")), &text);
    };
    source("exposures", "file: checkout/exposures.csv\nserved: served\n");
    // A query names its file as well.
    source("orders", "sql: SELECT user_id, at FROM read_csv('data/*.csv')\n");
    write(
        &origin.join("book/checkout/buyers.metric.yaml"),
        "description: Buyers.\nentity: user\ntype: proportion\nsource: orders\nmeasure: {count: rows}\nwindow: 1d\nincrease_is: good\n",
    );
    for (key, metrics) in [("blind", "exploratory: [buyers]"), ("sighted", "")] {
        let text = format!(
            "title: A test\nhypothesis: More.\nowner: team\nflag: cart\nallocation: 10%\ncontrol: \"off\"\n\
             variants: equal\nschedule: {{start: 2026-01-05, end: 2026-01-19}}\nmetrics: {{{metrics}}}\n"
        );
        write(&origin.join(format!("book/checkout/{key}.experiment.yaml")), &text);
    }
    write(
        &origin.join("book/checkout/exposures.csv"),
        "user_id,served,at\nu1,blind.on,2026-01-06T10:00:00Z\n",
    );
    write(&origin.join("book/data/orders.csv"), "user_id,at\nu1,2026-01-06T11:00:00Z\n");
    git(&origin, &["add", "-A", "-f"]);
    git(&origin, &["commit", "-q", "-m", "data"]);
    git(&origin, &["sparse-checkout", "set", "book/checkout"]);
    let (code, said) = trialbook(
        &origin,
        &["analyze", "blind", "sighted", "--book", "book", "--as-of", "2026-01-20", "--out", "outcomes/"],
    );
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("`blind` was not analysed") && said.contains("git has `data/orders.csv`"),
        "{said}"
    );
    let made = std::fs::read_dir(origin.join("outcomes")).expect("a folder").flatten();
    assert_eq!(made.map(|entry| entry.file_name()).collect::<Vec<_>>(), ["sighted.json"], "{said}");
}

#[test]
fn suppressions_and_slots_are_not_written_into_hidden_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    origin(folder.path());
    let origin = folder.path().join("origin");
    let segment = "description: Nobody uses it.\naudience: {}\n";
    write(&origin.join("book/search/nobody.segment.yaml"), segment);
    write(
        &origin.join("book/search/page.layer.yaml"),
        "description: The page.\nentity: user\nsalt: page\nslots: []\n",
    );
    write(
        &origin.join("book/checkout/test.experiment.yaml"),
        "title: A test\nhypothesis: More.\nowner: team\nflag: cart\nlayer: page\nallocation: 10%\ncontrol: \"off\"\n\
         variants: equal\nschedule: {start: 2099-01-05, end: 2099-01-19}\nmetrics: {}\n",
    );
    git(&origin, &["add", "-A"]);
    git(&origin, &["commit", "-q", "-m", "a segment and a layer"]);
    git(&origin, &["sparse-checkout", "set", "book/checkout"]);
    for command in [&["lint", "--select", "unused-segment", "--add-ignore", "soon"][..], &["allocate"]] {
        let (code, said) = trialbook(&origin, &[command, &["--book", "book"]].concat());
        assert_eq!(code, 4, "{command:?}: {said}");
        assert!(
            said.contains("the checkout leaves it out") && said.contains("git sparse-checkout disable"),
            "{command:?}: {said}"
        );
    }
    assert!(!origin.join("book/search").exists());
}
