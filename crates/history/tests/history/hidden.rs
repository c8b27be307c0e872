//! What git says exists, exists: books in checkouts that leave files out, made with git itself.

use miette::Diagnostic as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use trialbook_history::{HistoryError, IndexError, ReadError, Repository, find_book, read_book, read_file};
use trialbook_language::load::DiscoverError;

const FLAG: &str = "owner: team\nentity: user\ntype: boolean\n\
                    variants: {\"off\": false, \"on\": true}\ndefault: \"on\"\n";
const BOOK: &str = "book: shop\nentities: {user: {column: user_id}}\n";
const ALL: [&str; 5] = [
    "checkout/cart.flag.yaml",
    "checkout/pay.flag.yaml",
    "search/filters.flag.yaml",
    "search/rank.flag.yaml",
    "trialbook.yaml",
];

/// Every file has a content of its own: git keeps equal ones once, so a partial clone would have them all.
fn text(path: &str) -> String {
    if path == "trialbook.yaml" { BOOK.to_owned() } else { format!("description: {path}\n{FLAG}") }
}

/// A folder with an `origin`, whose book is in `book`, and clones of it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let mut init = vec!["init", "-q", "-b", "main", "origin"];
        init.extend(options);
        git(place.folder.path(), &init);
        for path in ALL {
            place.write(&format!("origin/book/{path}"), &text(path));
        }
        place.write("origin/src/main.rs", "fn main() {}\n");
        let origin = place.path("origin");
        git(&origin, &["add", "-A"]);
        git(&origin, &["commit", "-q", "-m", "the book"]);
        git(&origin, &["config", "uploadpack.allowFilter", "true"]);
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("a folder").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a written file");
    }

    /// Clones with these options, and returns the clone.
    fn clone(&self, options: &[&str]) -> PathBuf {
        let origin = format!("file://{}", self.path("origin").display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([origin.as_str(), "clone"]);
        git(&self.path(""), &arguments);
        self.path("clone")
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let (done, out, err) = try_git(folder, arguments);
    assert!(done, "git {arguments:?}: {err}");
    out
}

fn try_git(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@acme.test", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn paths(book: &Path) -> Vec<String> {
    let files = read_book(book).expect("the files");
    for file in &files {
        assert_eq!(String::from_utf8_lossy(&file.bytes), text(&file.path), "{}", file.path);
    }
    files.into_iter().map(|file| file.path).collect()
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_read_from_git() {
    let place = Place::new();
    let clone = place.clone(&[]);
    let book = clone.join("book");
    for options in [
        &["set", "book/checkout"][..],
        &["set", "--sparse-index", "book/checkout"],
        &["set", "--no-sparse-index", "--no-cone", "/book/trialbook.yaml"],
        &["set", "--no-cone", "/book/checkout/"],
    ] {
        let mut arguments = vec!["sparse-checkout"];
        arguments.extend(options);
        git(&clone, &arguments);
        assert_eq!(git(&clone, &["status", "--short"]), "", "{options:?}");
        assert!(!book.join("search/rank.flag.yaml").exists(), "{options:?}");
        assert_eq!(paths(&book), ALL, "{options:?}");
        let one = read_file(&book, "search/rank.flag.yaml").expect("git").expect("a file");
        assert_eq!(one.bytes, text("search/rank.flag.yaml").as_bytes());
        assert!(read_file(&book, "search/none.flag.yaml").expect("git").is_none());
        if book.join("checkout").exists() {
            assert_eq!(find_book(&book.join("checkout")).expect("a book"), book, "{options:?}");
        }
    }
}

#[test]
fn a_merge_does_not_take_what_is_hidden_for_deleted() {
    let place = Place::new();
    let clone = place.clone(&["--sparse"]);
    git(&clone, &["sparse-checkout", "set", "book/checkout"]);
    let book = clone.join("book");
    let repository = Repository::of_book(&book).expect("git").expect("a repository");
    let merge = repository.merge_into("origin/main", read_book(&book).expect("the files")).expect("a merge");
    assert_eq!(merge.changes, []);
    for index in ["--no-sparse-index", "--sparse-index"] {
        git(&clone, &["sparse-checkout", "reapply", index]);
        assert!(!repository.book_is_edited().expect("git"), "nothing is edited: {index}");
        let flag = book.join("checkout/pay.flag.yaml");
        std::fs::remove_file(&flag).expect("a deleted file");
        assert!(repository.book_is_edited().expect("git"), "a file was deleted: {index}");
        std::fs::write(flag, text("checkout/pay.flag.yaml")).expect("a written file");
    }
}

#[test]
fn files_that_are_marked_as_unchanged_by_hand_exist() {
    for mark in ["--skip-worktree", "--assume-unchanged"] {
        for version in ["2", "4"] {
            let place = Place::new();
            let book = place.path("origin/book");
            git(&book, &["update-index", "--index-version", version]);
            git(&book, &["update-index", mark, "search/rank.flag.yaml"]);
            std::fs::remove_file(book.join("search/rank.flag.yaml")).expect("a deleted file");
            assert_eq!(git(&book, &["status", "--short"]), "");
            assert_eq!(paths(&book), ALL, "{mark}, version {version}");
            // What is on disk comes first.
            place.write("origin/book/search/rank.flag.yaml", "edited: true\n");
            let file = read_file(&book, "search/rank.flag.yaml").expect("git").expect("a file");
            assert_eq!(file.bytes, b"edited: true\n");
            let files = read_book(&book).expect("the files");
            assert_eq!(files.iter().filter(|file| file.bytes == b"edited: true\n").count(), 1);
        }
    }
}

#[test]
fn an_edit_that_git_is_set_not_to_see_is_an_edit() {
    for hide in ["--skip-worktree", "--assume-unchanged"] {
        let place = Place::new();
        let origin = place.path("origin");
        let book = place.path("origin/book");
        let edited = || {
            let repository = Repository::of_book(&book).expect("git").expect("a repository");
            repository.book_is_edited().expect("git")
        };
        git(&origin, &["update-index", hide, "book/checkout/cart.flag.yaml"]);
        assert!(!edited(), "{hide}: nothing was changed");
        place.write(
            "origin/book/checkout/cart.flag.yaml",
            &text("checkout/cart.flag.yaml").replace('\n', "\r\n"),
        );
        assert!(!edited(), "{hide}: only the line ends are others");
        place.write("origin/book/checkout/cart.flag.yaml", &format!("{}# edited\n", text("cart")));
        assert!(edited(), "{hide}");
    }
}

#[test]
fn a_file_that_was_deleted_is_gone() {
    let place = Place::new();
    let book = place.path("origin/book");
    let left: Vec<&str> = ALL.into_iter().filter(|path| *path != "search/rank.flag.yaml").collect();
    std::fs::remove_file(book.join("search/rank.flag.yaml")).expect("a deleted file");
    assert_eq!(paths(&book), left, "not staged");
    assert!(read_file(&book, "search/rank.flag.yaml").expect("git").is_none());
    git(&book, &["add", "-A"]);
    assert_eq!(paths(&book), left, "staged");
    // Also in a sparse checkout, where others are hidden.
    git(&book, &["reset", "-q", "--hard"]);
    let clone = place.clone(&[]);
    git(&clone, &["sparse-checkout", "set", "book/checkout"]);
    std::fs::remove_file(clone.join("book/checkout/pay.flag.yaml")).expect("a deleted file");
    let left: Vec<&str> = ALL.into_iter().filter(|path| *path != "checkout/pay.flag.yaml").collect();
    assert_eq!(paths(&clone.join("book")), left);
}

#[test]
fn without_git_the_disk_decides() {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("origin/.git")).expect("a deleted folder");
    std::fs::remove_file(place.path("origin/book/search/rank.flag.yaml")).expect("a deleted file");
    assert_eq!(paths(&place.path("origin/book")).len(), 4);
    // What has no HEAD is no repository.
    std::fs::create_dir(place.path("origin/.git")).expect("a folder");
    assert_eq!(paths(&place.path("origin/book")).len(), 4);
}

#[test]
fn a_further_work_tree_has_an_index_of_its_own() {
    let place = Place::new();
    git(&place.path("origin"), &["worktree", "add", "-q", "../clone", "-b", "other"]);
    git(&place.path("clone"), &["sparse-checkout", "set", "book/checkout"]);
    assert!(!place.path("clone/book/search").exists());
    assert_eq!(paths(&place.path("clone/book")), ALL);
}

#[test]
fn a_partial_clone_that_lacks_a_hidden_file_is_refused() {
    let place = Place::new();
    let clone = place.clone(&["--filter=blob:none", "--sparse"]);
    git(&clone, &["sparse-checkout", "set", "book/checkout"]);
    let book = clone.join("book");
    let error = read_book(&book).expect_err("git has it elsewhere");
    let ReadError::Hidden { path, cause: HistoryError::NotFetched(_) } = &error else { panic!("{error:?}") };
    assert_eq!(path, "search/filters.flag.yaml");
    assert!(error.help().expect("a help").to_string().contains("git sparse-checkout disable"), "{error}");
    git(&clone, &["sparse-checkout", "disable"]);
    assert_eq!(paths(&book), ALL);
}

#[test]
fn a_repository_with_sha_256_ids_is_read_where_nothing_is_hidden() {
    let place = Place::with(&["--object-format=sha256"]);
    let book = place.path("origin/book");
    assert_eq!(paths(&book), ALL);
    git(&book, &["sparse-checkout", "set", "book/checkout"]);
    let error = read_book(&book).expect_err("libgit2 cannot read it");
    assert!(matches!(error, ReadError::Hidden { cause: HistoryError::Sha256, .. }), "{error:?}");
}

#[test]
fn a_split_index_is_refused_with_what_to_do() {
    let place = Place::new();
    let book = place.path("origin/book");
    git(&book, &["update-index", "--split-index"]);
    let error = read_book(&book).expect_err("half of the index is elsewhere");
    assert!(matches!(error, ReadError::Index { cause: IndexError::Split, .. }), "{error:?}");
    assert!(error.help().expect("a help").to_string().contains("--no-split-index"));
    git(&book, &["update-index", "--no-split-index"]);
    assert_eq!(paths(&book), ALL);
}

#[test]
fn a_merge_that_was_not_finished_is_refused() {
    let place = Place::new();
    let origin = place.path("origin");
    git(&origin, &["switch", "-q", "-c", "other"]);
    git(&origin, &["rm", "-q", "book/search/rank.flag.yaml"]);
    git(&origin, &["commit", "-q", "-m", "no rank"]);
    git(&origin, &["switch", "-q", "main"]);
    place.write("origin/book/search/rank.flag.yaml", "edited: true\n");
    git(&origin, &["commit", "-q", "-a", "-m", "another rank"]);
    let (merged, ..) = try_git(&origin, &["merge", "-q", "other"]);
    assert!(!merged);
    let error = read_book(&origin.join("book")).expect_err("both sides are in the index");
    assert!(matches!(&error, ReadError::Unmerged { path } if path == "search/rank.flag.yaml"), "{error:?}");
    // Outside the book it concerns nobody here.
    git(&origin, &["rm", "-q", "--cached", "book/search/rank.flag.yaml"]);
    assert!(read_book(&origin.join("book")).is_ok());
}

#[test]
fn a_submodule_in_the_book_is_checked_out_or_refused() {
    let place = Place::new();
    git(&place.path(""), &["init", "-q", "-b", "main", "team"]);
    place.write("team/one.flag.yaml", FLAG);
    place.write("team/deep/two.flag.yaml", FLAG);
    git(&place.path("team"), &["add", "-A"]);
    git(&place.path("team"), &["commit", "-q", "-m", "their flags"]);
    let origin = place.path("origin");
    git(&origin, &["submodule", "--quiet", "add", "../team", "book/team"]);
    git(&origin, &["commit", "-q", "-m", "a submodule"]);
    let clone = place.clone(&[]);
    let book = clone.join("book");
    let error = read_book(&book).expect_err("the submodule is empty");
    assert!(matches!(&error, ReadError::Submodule { path } if path == "team"), "{error:?}");
    assert!(error.help().expect("a help").to_string().contains("git submodule update --init team"));
    git(&clone, &["submodule", "--quiet", "update", "--init"]);
    assert_eq!(read_book(&book).expect("the files").len(), ALL.len() + 2);
    // A submodule is a checkout of its own.
    git(&book.join("team"), &["sparse-checkout", "set", "--no-cone", "/one.flag.yaml"]);
    assert!(!book.join("team/deep").exists());
    let files = read_book(&book).expect("the files");
    assert!(files.iter().any(|file| file.path == "team/deep/two.flag.yaml" && file.bytes == FLAG.as_bytes()));
}

#[cfg(unix)]
#[test]
fn a_hidden_link_stands_for_the_file_that_it_leads_to() {
    let place = Place::new();
    let origin = place.path("origin");
    std::os::unix::fs::symlink("../checkout/pay.flag.yaml", origin.join("book/search/shown.flag.yaml"))
        .expect("a link");
    std::os::unix::fs::symlink("rank.flag.yaml", origin.join("book/search/hidden.flag.yaml"))
        .expect("a link");
    git(&origin, &["add", "-A"]);
    git(&origin, &["commit", "-q", "-m", "links"]);
    let clone = place.clone(&[]);
    git(&clone, &["sparse-checkout", "set", "book/checkout"]);
    let files = read_book(&clone.join("book")).expect("the files");
    assert_eq!(files.len(), ALL.len() + 2);
    for (link, to) in [
        ("search/shown.flag.yaml", "checkout/pay.flag.yaml"),
        ("search/hidden.flag.yaml", "search/rank.flag.yaml"),
    ] {
        let file = files.iter().find(|file| file.path == link).expect("the link");
        assert_eq!(String::from_utf8_lossy(&file.bytes), text(to));
    }

    std::os::unix::fs::symlink("/etc/passwd", origin.join("book/search/out.flag.yaml")).expect("a link");
    git(&origin, &["add", "-A"]);
    git(&origin, &["commit", "-q", "-m", "a link that leaves the book"]);
    git(&clone, &["pull", "-q"]);
    let error = read_book(&clone.join("book")).expect_err("it leads out");
    assert!(matches!(&error, ReadError::HiddenLink { path } if path == "search/out.flag.yaml"), "{error:?}");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_not_gone() {
    let place = Place::new();
    let book = place.path("origin/book");
    let flag = book.join("search/rank.flag.yaml");
    std::fs::remove_file(&flag).expect("a deleted file");
    // A link to itself cannot be read by anybody, not even by root.
    std::os::unix::fs::symlink("rank.flag.yaml", &flag).expect("a link");
    let unreadable =
        |error| matches!(error, ReadError::Disk(DiscoverError::Read { path, .. }) if path == flag);
    assert!(unreadable(read_book(&book).expect_err("it cannot be read")));
    assert!(unreadable(read_file(&book, "search/rank.flag.yaml").expect_err("it cannot be read")));
    std::fs::remove_file(&flag).expect("a deleted file");

    // A folder that nobody may look into: root may, so only others can try it.
    let search = book.join("search");
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&search, std::fs::Permissions::from_mode(mode)).expect("permissions");
    };
    mode(0o000);
    let locked = std::fs::read_dir(&search).is_err();
    let read = read_book(&book);
    mode(0o755);
    assert_eq!(locked, read.is_err(), "{read:?}");

    std::fs::write(place.path("origin/.git/index"), "DIRC").expect("a damaged index");
    let error = read_book(&book).expect_err("the index is damaged");
    assert!(matches!(error, ReadError::Index { cause: IndexError::Damaged, .. }), "{error:?}");
}
