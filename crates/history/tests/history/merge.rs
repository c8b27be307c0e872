//! Merging a book in memory: real repositories, made with git itself.

mod random;
mod repo;

use miette::Diagnostic as _;

use repo::{Repo, SEGMENT, git, merge, paths, text};
use trialbook_history::{ConflictKind, HistoryError, Merge, MergedFiles, Repository};
use trialbook_language::load::Limits;

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
fn what_is_not_in_the_clone_states_what_to_fetch() {
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
    assert!(error.help().expect("a help").to_string().contains("fetch-depth: 0"));

    git(&parent, &["clone", "-q", "--single-branch", "-b", "ours", &url, "single"]);
    let error = merge(&parent.join("single"), "origin/main").expect_err("the branch was not fetched");
    assert_eq!(error.to_string(), "there is no revision `origin/main` in this clone");
    assert!(
        error.help().expect("a help").to_string().contains("git fetch origin main:refs/remotes/origin/main")
    );

    git(&parent, &["clone", "-q", "--filter=blob:none", &url, "blobless"]);
    let error = merge(&parent.join("blobless"), "origin/main").expect_err("a blob was not fetched");
    assert!(matches!(error, HistoryError::NotFetched(_)), "{error}");
    assert!(error.help().expect("a help").to_string().contains("--no-filter"));
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
