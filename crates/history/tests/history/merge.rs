//! Merging a book in memory: real repositories, made with git itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use trialbook_history::{ConflictKind, HistoryError, Merge, MergedFiles, Repository};
use trialbook_language::load::{Limits, RawFile, read_folder};

/// A repository in a folder of its own.
struct Repo {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Repo {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("a folder").join("repo");
        std::fs::create_dir(&root).expect("a folder");
        let repo = Self { _folder: folder, root };
        let mut init = vec!["init", "-q", "-b", "main"];
        init.extend(options);
        repo.git(&init);
        repo.write("trialbook.yaml", "book: shop\nentities: {user: {column: user_id}}\n");
        repo.write("a.segment.yaml", SEGMENT);
        repo.write("b.segment.yaml", SEGMENT);
        repo.commit("the book");
        repo
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.root, arguments)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a written file");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Commits on a new branch from where `main` is.
    fn branch(&self, name: &str, change: impl FnOnce(&Self)) {
        self.git(&["switch", "-q", "-C", name, "main"]);
        change(self);
        self.commit(name);
    }

    fn on(&self, name: &str, change: impl FnOnce(&Self)) {
        self.git(&["switch", "-q", name]);
        change(self);
        self.commit("more");
    }

    fn merge(&self) -> Result<Merge, HistoryError> {
        merge(&self.root, "main")
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@acme.test", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn merge(book: &Path, into: &str) -> Result<Merge, HistoryError> {
    let repository = Repository::of_book(book)?.expect("a repository");
    repository.merge_into(into, read_folder(book).expect("the files"))
}

const SEGMENT: &str = "description: Some people.\n\n\naudience:\n  {}\n\n\n# the end\n";

fn text<'a>(merge: &'a Merge, path: &str) -> Option<&'a str> {
    let file = merge.files.iter().find(|file: &&RawFile| file.path == path)?;
    Some(std::str::from_utf8(&file.bytes).expect("text"))
}

fn paths(merge: &Merge) -> Vec<&str> {
    merge.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn each_side_brings_what_it_changed() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Our")));
    repo.on("main", |repo| {
        repo.write("b.segment.yaml", &SEGMENT.replace("Some", "Their"));
        repo.write("c.segment.yaml", SEGMENT);
    });
    repo.git(&["switch", "-q", "ours"]);
    let merge = repo.merge().expect("a merge");
    assert!(text(&merge, "a.segment.yaml").expect("a").contains("Our people"));
    assert!(text(&merge, "b.segment.yaml").expect("b").contains("Their people"));
    assert_eq!(paths(&merge), ["a.segment.yaml", "b.segment.yaml", "c.segment.yaml", "trialbook.yaml"]);
    assert_eq!(merge.conflicts, []);
    // Only what we bring is a change to what the other side has.
    assert_eq!(merge.changes.len(), 1, "{:?}", merge.changes);
    assert_eq!(merge.changes[0].after.as_deref(), Some("a.segment.yaml"));
}

#[test]
fn lines_that_both_changed_apart_from_each_other_merge() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Our")));
    repo.on("main", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("the end", "their end")));
    repo.git(&["switch", "-q", "ours"]);
    let merge = repo.merge().expect("a merge");
    let merged = text(&merge, "a.segment.yaml").expect("a");
    assert!(merged.contains("Our people") && merged.contains("their end"), "{merged}");
    // As git itself merges it.
    repo.git(&["merge", "-q", "-m", "merged", "main"]);
    assert_eq!(std::fs::read_to_string(repo.root.join("a.segment.yaml")).expect("a file"), merged);
}

#[test]
fn what_is_not_committed_is_our_side_too_and_nothing_is_written() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("d.segment.yaml", SEGMENT));
    repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Uncommitted"));
    repo.write("e.segment.yaml", SEGMENT);
    let before = repo.git(&["status", "--porcelain"]);
    let objects = repo.git(&["count-objects", "-v"]);
    let merge = repo.merge().expect("a merge");
    assert!(text(&merge, "a.segment.yaml").expect("a").contains("Uncommitted"));
    assert!(text(&merge, "e.segment.yaml").is_some());
    assert_eq!(merge.changes.len(), 3);
    assert_eq!(repo.git(&["status", "--porcelain"]), before);
    assert_eq!(repo.git(&["count-objects", "-v"]), objects);
}

#[test]
fn what_git_cannot_merge_is_a_conflict_and_stays_as_ours() {
    let repo = Repo::new();
    repo.branch("ours", |repo| {
        repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Our"));
        repo.write("b.segment.yaml", &SEGMENT.replace("Some", "Our"));
        repo.write("new.segment.yaml", &SEGMENT.replace("Some", "Our"));
    });
    repo.on("main", |repo| {
        repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Their"));
        repo.write("new.segment.yaml", &SEGMENT.replace("Some", "Their"));
        std::fs::remove_file(repo.root.join("b.segment.yaml")).expect("a file less");
    });
    repo.git(&["switch", "-q", "ours"]);
    let merge = repo.merge().expect("a merge");
    let conflicts: Vec<_> = merge.conflicts.iter().map(|c| (c.path.as_str(), c.kind)).collect();
    assert_eq!(
        conflicts,
        [
            ("a.segment.yaml", ConflictKind::Edits),
            ("b.segment.yaml", ConflictKind::DeletedByThem),
            ("new.segment.yaml", ConflictKind::Additions),
        ]
    );
    assert!(text(&merge, "a.segment.yaml").expect("a").contains("Our people"));
    repo.git(&["switch", "-q", "main"]);
    let other = merge_of_branches(&repo, "ours");
    assert!(other.conflicts.iter().any(|c| c.kind == ConflictKind::DeletedByUs));
}

fn merge_of_branches(repo: &Repo, into: &str) -> Merge {
    merge(&repo.root, into).expect("a merge")
}

#[test]
fn a_file_that_one_side_moved_and_the_other_edited_is_edited_where_it_is_now() {
    let repo = Repo::new();
    repo.branch("ours", |repo| {
        std::fs::create_dir(repo.root.join("growth")).expect("a folder");
        std::fs::rename(repo.root.join("a.segment.yaml"), repo.root.join("growth/a.segment.yaml"))
            .expect("a move");
    });
    repo.on("main", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Their")));
    repo.git(&["switch", "-q", "ours"]);
    let merge = repo.merge().expect("a merge");
    assert_eq!(paths(&merge), ["b.segment.yaml", "growth/a.segment.yaml", "trialbook.yaml"]);
    assert!(text(&merge, "growth/a.segment.yaml").expect("a").contains("Their"));
    assert_eq!(merge.conflicts, []);
}

#[test]
fn a_deletion_is_a_change_and_an_old_one_of_theirs_is_none() {
    let repo = Repo::new();
    repo.branch("ours", |repo| {
        std::fs::remove_file(repo.root.join("a.segment.yaml")).expect("a file less");
    });
    repo.on("main", |repo| std::fs::remove_file(repo.root.join("b.segment.yaml")).expect("a file less"));
    repo.git(&["switch", "-q", "ours"]);
    let merge = repo.merge().expect("a merge");
    assert_eq!(paths(&merge), ["trialbook.yaml"]);
    assert_eq!(merge.changes.len(), 1);
    assert_eq!(merge.changes[0].after, None);
    assert_eq!(merge.changes[0].before.as_ref().map(|file| file.path.as_str()), Some("a.segment.yaml"));
}

#[test]
fn a_checkout_with_windows_line_ends_has_changed_nothing() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("c.segment.yaml", SEGMENT));
    repo.write("a.segment.yaml", &SEGMENT.replace('\n', "\r\n"));
    let merge = repo.merge().expect("a merge");
    assert_eq!(merge.changes.len(), 1, "{:?}", merge.changes);
}

#[test]
fn an_edit_in_a_checkout_with_windows_line_ends_merges_with_theirs() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("c.segment.yaml", SEGMENT));
    repo.on("main", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("the end", "their end")));
    repo.git(&["switch", "-q", "ours"]);
    repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Our").replace('\n', "\r\n"));
    let merge = repo.merge().expect("a merge");
    assert_eq!(merge.conflicts, []);
    let merged = text(&merge, "a.segment.yaml").expect("a");
    assert!(merged.contains("Our people") && merged.contains("their end"), "{merged}");
}

#[test]
fn a_file_that_both_moved_to_different_folders_is_a_conflict() {
    let repo = Repo::new();
    let to = |repo: &Repo, folder: &str| {
        std::fs::create_dir(repo.root.join(folder)).expect("a folder");
        std::fs::rename(repo.root.join("a.segment.yaml"), repo.root.join(folder).join("a.segment.yaml"))
            .expect("a move");
    };
    repo.branch("ours", |repo| to(repo, "growth"));
    repo.on("main", |repo| to(repo, "sales"));
    repo.git(&["switch", "-q", "ours"]);
    let merge = repo.merge().expect("a merge");
    let conflicts: Vec<_> = merge.conflicts.iter().map(|c| (c.path.as_str(), c.kind)).collect();
    assert_eq!(conflicts, [("growth/a.segment.yaml", ConflictKind::Moves)]);
}

#[test]
fn a_book_in_a_folder_a_detached_head_and_a_second_worktree_are_merged_too() {
    let repo = Repo::new();
    repo.git(&["switch", "-q", "-c", "nested"]);
    for file in ["trialbook.yaml", "a.segment.yaml", "b.segment.yaml"] {
        let from = std::fs::read_to_string(repo.root.join(file)).expect("a file");
        repo.write(&format!("shop/book/{file}"), &from);
        std::fs::remove_file(repo.root.join(file)).expect("a file less");
    }
    repo.commit("into a folder");
    repo.git(&["branch", "-q", "-f", "main", "nested"]);
    repo.write("shop/book/c.segment.yaml", SEGMENT);
    repo.write("other/d.segment.yaml", SEGMENT);
    repo.commit("one more");
    repo.git(&["checkout", "-q", "--detach"]);
    let nested = merge(&repo.root.join("shop/book"), "main").expect("a merge");
    assert_eq!(nested.changes.len(), 1);
    assert_eq!(nested.changes[0].after.as_deref(), Some("c.segment.yaml"));

    let second = repo.root.with_file_name("second");
    repo.git(&["worktree", "add", "-q", second.to_str().expect("a path"), "HEAD"]);
    assert_eq!(merge(&second.join("shop/book"), "main").expect("a merge").changes.len(), 1);
}

#[test]
fn a_head_that_is_the_merge_already_is_compared_with_what_it_was_merged_into() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("c.segment.yaml", SEGMENT));
    repo.on("main", |repo| repo.write("d.segment.yaml", SEGMENT));
    repo.git(&["checkout", "-q", "--detach", "main"]);
    repo.git(&["merge", "-q", "-m", "queue", "ours"]);
    let merge = repo.merge().expect("a merge");
    assert_eq!(merge.changes.len(), 1);
    assert_eq!(merge.changes[0].after.as_deref(), Some("c.segment.yaml"));
}

#[test]
fn what_is_not_in_the_clone_says_what_to_fetch() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("c.segment.yaml", SEGMENT));
    repo.on("ours", |repo| repo.write("d.segment.yaml", SEGMENT));
    repo.on("main", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Their")));
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    repo.git(&["switch", "-q", "ours"]);
    let url = format!("file://{}", repo.root.display());
    let parent = repo.root.parent().expect("a folder").to_owned();

    git(&parent, &["clone", "-q", "--depth", "1", "--no-single-branch", &url, "shallow"]);
    let error = merge(&parent.join("shallow"), "origin/main").expect_err("the base was not fetched");
    assert!(matches!(error, HistoryError::Shallow(_)), "{error}");
    assert!(error.help().expect("a help").contains("fetch-depth: 0"));

    git(&parent, &["clone", "-q", "--single-branch", "-b", "ours", &url, "single"]);
    let error = merge(&parent.join("single"), "origin/main").expect_err("the branch was not fetched");
    assert_eq!(error.to_string(), "there is no revision `origin/main` in this clone");
    assert!(error.help().expect("a help").contains("git fetch origin main:refs/remotes/origin/main"));

    git(&parent, &["clone", "-q", "--filter=blob:none", &url, "blobless"]);
    let error = merge(&parent.join("blobless"), "origin/main").expect_err("a blob was not fetched");
    assert!(matches!(error, HistoryError::NotFetched(_)), "{error}");
    assert!(error.help().expect("a help").contains("--no-filter"));
}

#[test]
fn commits_without_an_ancestor_in_common_are_not_merged() {
    let repo = Repo::new();
    repo.git(&["switch", "-q", "--orphan", "ours"]);
    repo.write("trialbook.yaml", "book: other\nentities: {user: {column: user_id}}\n");
    repo.commit("another book");
    let error = repo.merge().expect_err("nothing in common");
    assert_eq!(error.to_string(), "HEAD and `main` have no commit in common");
}

#[test]
fn a_repository_with_sha_256_is_refused_by_name() {
    let repo = Repo::with(&["--object-format=sha256"]);
    let error = repo.merge().expect_err("SHA-256");
    assert!(matches!(error, HistoryError::Sha256), "{error:?}");
    assert!(error.help().is_some());
}

#[test]
fn a_book_in_a_submodule_belongs_to_the_submodule() {
    let book = Repo::new();
    let shop = Repo::new();
    shop.git(&["submodule", "add", "-q", &format!("file://{}", book.root.display()), "book"]);
    shop.commit("a submodule");
    let inner = shop.root.join("book");
    git(&inner, &["switch", "-q", "-c", "ours"]);
    std::fs::write(inner.join("c.segment.yaml"), SEGMENT).expect("a written file");
    assert_eq!(merge(&inner, "main").expect("a merge").changes.len(), 1);
}

#[test]
fn a_third_side_is_merged_from_where_it_parted_from_the_other_two() {
    let repo = Repo::new();
    repo.branch("ours", |repo| repo.write("a.segment.yaml", &SEGMENT.replace("Some", "Our")));
    repo.on("main", |repo| repo.write("b.segment.yaml", &SEGMENT.replace("Some", "Their")));
    // It left main after our branch did: what it has of main is no change of its own.
    repo.branch("third", |repo| repo.write("b.segment.yaml", &SEGMENT.replace("Some", "Their very own")));
    repo.git(&["switch", "-q", "ours"]);
    let repository = Repository::of_book(&repo.root).expect("git").expect("a repository");
    let first = repo.merge().expect("a merge");
    let merged = [first.theirs.clone()];
    let files = MergedFiles::new(&first.files);
    let joined = repository.merge_also("third", &files, &merged).expect("a merge");
    assert_eq!(joined.conflicts, []);
    let edits: Vec<_> = joined.edits.iter().collect();
    let [(path, Some(bytes))] = edits.as_slice() else { panic!("{edits:?}") };
    assert_eq!(path.as_str(), "b.segment.yaml");
    assert!(String::from_utf8_lossy(bytes).contains("Their very own people"));
    assert_eq!(repository.revisions("th*").expect("git"), ["third"]);
}

#[test]
fn a_key_that_a_branch_once_had_is_known_and_a_move_is_not() {
    let repo = Repo::new();
    repo.on("main", |repo| repo.write("c.segment.yaml", SEGMENT));
    repo.on("main", |repo| {
        std::fs::remove_file(repo.root.join("c.segment.yaml")).expect("a file less");
        std::fs::create_dir(repo.root.join("folder")).expect("a folder");
        std::fs::rename(repo.root.join("a.segment.yaml"), repo.root.join("folder/a.segment.yaml"))
            .expect("a move");
    });
    let gone = repo.git(&["rev-parse", "HEAD"]);
    repo.on("main", |repo| repo.write("d.segment.yaml", SEGMENT));
    let repository = Repository::of_book(&repo.root).expect("git").expect("a repository");
    let head = repository.head().expect("git").expect("a commit");
    let names = ["a.segment", "c.segment", "e.segment"].map(str::to_owned).into();
    let deleted = repository.deleted(&names, &head).expect("git");
    assert!(deleted.complete);
    let by: Vec<_> = deleted.by.iter().map(|(name, commit)| (name.as_str(), commit.as_str())).collect();
    assert_eq!(by, [("c.segment", gone.trim())]);
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("32 bits") % end
    }
}

const FILES: [&str; 4] = ["a.segment.yaml", "b.segment.yaml", "c.segment.yaml", "d.segment.yaml"];

/// Edits, moves, deletes and adds files; says whether it moved one.
fn change(repo: &Repo, numbers: &mut Numbers, side: &str) -> bool {
    let mut moved = false;
    for file in FILES {
        let path = repo.root.join(file);
        if !path.exists() {
            continue;
        }
        let mut lines: Vec<String> =
            std::fs::read_to_string(&path).expect("a file").lines().map(str::to_owned).collect();
        for _ in 0..numbers.below(3) {
            let at = numbers.below(lines.len());
            match numbers.below(4) {
                0 => _ = lines.remove(at),
                1 => lines.insert(at, format!("# {} {side}", numbers.below(3))),
                // The same on both sides.
                2 => lines.insert(at, "# both".to_owned()),
                _ => lines[at] = format!("# {} {side}", numbers.below(3)),
            }
        }
        let end = if numbers.below(8) == 0 { "" } else { "\n" };
        std::fs::write(&path, lines.join("\n") + end).expect("a written file");
        match numbers.below(12) {
            0 => std::fs::remove_file(&path).expect("a file less"),
            1 => {
                std::fs::create_dir_all(repo.root.join(side)).expect("a folder");
                std::fs::rename(&path, repo.root.join(side).join(file)).expect("a move");
                moved = true;
            }
            _ => {}
        }
    }
    if numbers.below(3) == 0 {
        repo.write("new.segment.yaml", &format!("# {}\n", numbers.below(2)));
    }
    if numbers.below(3) == 0 {
        repo.write(&format!("{side}.segment.yaml"), &format!("# {}\n", numbers.below(2)));
    }
    moved
}

#[test]
fn random_changes_merge_as_git_merges_them() {
    let repo = Repo::new();
    for file in FILES {
        let lines: Vec<String> = (0..14).map(|n| format!("line: {n} of {file}")).collect();
        repo.write(file, &(lines.join("\n") + "\n"));
    }
    repo.commit("lines");
    let base = repo.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let cases = std::env::var("MERGES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let (mut clean, mut in_conflict) = (0, 0);
    for seed in 0..cases {
        let mut numbers = Numbers(seed * 7_919 + 1);
        repo.git(&["switch", "-q", "-C", "main", &base]);
        let mut moved = change(&repo, &mut numbers, "theirs");
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", "theirs"]);
        repo.git(&["switch", "-q", "-C", "ours", &base]);
        moved |= change(&repo, &mut numbers, "ours");
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", "ours"]);
        let merge = repo.merge().expect("a merge");
        let output = Command::new("git")
            .args(["merge-tree", "--write-tree", "--name-only", "--no-messages", "ours", "main"])
            .current_dir(&repo.root)
            .output()
            .expect("git runs");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            clean += 1;
            assert_eq!(merge.conflicts, [], "seed {seed}");
            let tree = told.trim();
            let listed = repo.git(&["ls-tree", "-r", "--name-only", tree]);
            assert_eq!(paths(&merge), listed.lines().collect::<Vec<_>>(), "seed {seed}");
            for path in listed.lines() {
                let expected = repo.git(&["show", &format!("{tree}:{path}")]);
                assert_eq!(text(&merge, path), Some(expected.as_str()), "seed {seed}: {path}");
            }
        } else if !moved {
            in_conflict += 1;
            let mut expected: Vec<&str> = told.lines().skip(1).filter(|line| !line.is_empty()).collect();
            expected.dedup();
            let found: Vec<&str> = merge.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
            assert_eq!(found, expected, "seed {seed}");
        }
    }
    assert!(clean > cases / 8 && in_conflict > cases / 8, "{clean} clean, {in_conflict} in conflict");
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_not_text_stops_nobody() {
    use std::os::unix::ffi::OsStrExt as _;
    let repo = Repo::new();
    let folder = repo.root.join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("menu.txt"), "tea\n").expect("a file");
    std::fs::write(folder.join("z.segment.yaml"), SEGMENT).expect("a file");
    repo.commit("a folder of another time");
    // The change takes it away, and may.
    repo.git(&["switch", "-q", "-c", "other"]);
    std::fs::remove_dir_all(&folder).expect("a deleted folder");
    repo.write("c.segment.yaml", SEGMENT);
    repo.commit("no such folder");
    let merge = repo.merge().expect("a merge");
    assert_eq!(merge.changes.len(), 2);
    assert!(merge.changes.iter().any(|change| change.after.as_deref() == Some("c.segment.yaml")));
    let gone =
        merge.changes.iter().find(|change| change.after.is_none()).and_then(|change| change.before.as_ref());
    assert!(gone.is_some_and(|file| file.path.ends_with("/z.segment.yaml")), "{:?}", merge.changes);
}

#[test]
fn a_content_that_no_file_of_a_book_may_have_is_not_expanded() {
    let repo = Repo::new();
    // Two megabytes of one character are two kilobytes in git.
    repo.write("big.segment.yaml", &"#".repeat(2 << 20));
    repo.commit("a bomb");
    let repository = Repository::of_book(&repo.root).expect("readable").expect("a repository");
    let head = repository.head().expect("readable").expect("a commit");
    match repository.files_at(&head) {
        Err(HistoryError::FileTooLarge { path, bytes }) => {
            assert_eq!((path.as_str(), bytes), ("big.segment.yaml", 2 << 20));
        }
        other => panic!("{:?}", other.map(|files| files.len())),
    }
}

#[test]
fn one_content_under_many_names_counts_each_time() {
    let repo = Repo::new();
    for n in 0..20 {
        repo.write(&format!("s{n}.segment.yaml"), &"# a comment\n".repeat(1_000));
    }
    repo.commit("many names");
    let repository = Repository::of_book(&repo.root).expect("readable").expect("a repository");
    let head = repository.head().expect("readable").expect("a commit");
    let within = |bytes| repository.files_within(&head, Limits { files: 1_000, bytes });
    assert!(matches!(within(100_000), Err(HistoryError::BookTooLarge { .. })));
    assert_eq!(within(1_000_000).expect("small enough").len(), 23);
    let few = repository.files_within(&head, Limits { files: 10, bytes: 1 << 20 });
    assert!(matches!(few, Err(HistoryError::BookTooLarge { .. })));
}
