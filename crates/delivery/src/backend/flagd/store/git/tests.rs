//! A remote that is a folder, and its clones.

use super::*;

const SHOP: Beside<'static> = Beside { note: "Apply shop", refs: &[] };

/// Runs git in a folder and returns what it printed.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().expect("git");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A remote that is a folder, and clones of it.
fn clones(count: usize) -> (tempfile::TempDir, Vec<GitStore>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    git(folder.path(), &["init", "--quiet", "--bare", "remote.git"]);
    let stores = (0..count).map(|number| {
        let name = format!("clone-{number}");
        git(folder.path(), &["init", "--quiet", &name]);
        let root = folder.path().join(name);
        git(&root, &["remote", "add", "origin", "../remote.git"]);
        GitStore::new("origin/live/flags/production.json", &root).expect("a store")
    });
    let stores = stores.collect();
    (folder, stores)
}

fn put(store: &GitStore, expected: &LiveVersion, text: &str) -> Result<LiveVersion, BackendError> {
    store.replace(expected, &SHOP, &mut |_| Ok(Some(text.to_owned())))
}

#[test]
fn a_place_is_a_remote_a_branch_and_a_path_and_nothing_that_git_reads_otherwise() {
    let root = Path::new(".");
    for place in ["origin/live/production.json", "up_stream/live-flags/a/b.json"] {
        assert!(GitStore::new(place, root).is_some(), "{place}");
    }
    for place in [
        "origin/live",
        "--upload-pack=x/live/a.json",
        "origin/-live/a.json",
        "origin/live/../a.json",
        "origin/live//a.json",
        "origin/live/.git/config",
        "ext::sh -c x/live/a.json",
        "https:/x.test/a.json",
        "origin/li ve/a.json",
        "origin/live.lock/a.json",
        "origin/live/a\nb.json",
    ] {
        assert!(GitStore::new(place, root).is_none(), "{place}");
    }
}

#[test]
fn every_write_is_a_commit_that_keeps_the_other_files() {
    let (folder, stores) = clones(1);
    let readme = GitStore::new("origin/live/README.md", &stores[0].root).expect("a store");
    put(&readme, &LiveVersion::Absent, "read me").expect("a write");
    let one = put(&stores[0], &LiveVersion::Absent, "one").expect("a write");
    put(&stores[0], &one, "two").expect("a write");
    let remote = folder.path().join("remote.git");
    assert_eq!(git(&remote, &["log", "--format=%s", "live"]), "Apply shop\nApply shop\nApply shop\n");
    assert_eq!(git(&remote, &["show", "live:README.md"]), "read me");
    assert_eq!(git(&remote, &["show", "live:flags/production.json"]), "two");
    // Neither the branch that is checked out nor the index of the clone is touched.
    assert_eq!(git(&stores[0].root, &["status", "--porcelain"]), "");
}

#[test]
fn of_two_writers_one_wins_and_the_other_is_refused() {
    let (_folder, stores) = clones(2);
    let version = put(&stores[0], &LiveVersion::Absent, "one").expect("a write");
    put(&stores[1], &version, "two").expect("a write");
    let lost = put(&stores[0], &version, "three");
    assert!(matches!(lost, Err(BackendError::Conflict { .. })), "{lost:?}");
    assert_eq!(stores[0].read().expect("a file").as_deref(), Some(b"two".as_slice()));
}

#[test]
fn a_write_of_another_file_in_between_is_no_conflict() {
    let (_folder, stores) = clones(2);
    let version = put(&stores[0], &LiveVersion::Absent, "one").expect("a write");
    let other = GitStore::new("origin/live/staging.json", &stores[1].root).expect("a store");
    let mut raced = false;
    let written = stores[0].replace(&version, &SHOP, &mut |_| {
        if !raced {
            raced = true;
            put(&other, &LiveVersion::Absent, "staging").expect("a write");
        }
        Ok(Some("two".into()))
    });
    written.expect("a second attempt that succeeds");
    assert_eq!(other.read().expect("a file").as_deref(), Some(b"staging".as_slice()));
    assert_eq!(stores[1].read().expect("a file").as_deref(), Some(b"two".as_slice()));
}

/// Makes a launch ref's object in a clone, without the ref.
fn launch(store: &GitStore, text: &str) -> Reference {
    std::fs::write(store.root.join("launch"), text).expect("a file");
    let id = git(&store.root, &["hash-object", "-w", "launch"]).trim().to_owned();
    Reference { name: "refs/trialbook/launch/bold-button".into(), id, replaces: None }
}

#[test]
fn launches_arrive_in_the_push_of_the_file() {
    let (folder, stores) = clones(1);
    let reference = launch(&stores[0], "one");
    let beside = Beside { refs: std::slice::from_ref(&reference), ..SHOP };
    let put = |expected: &LiveVersion, text: &str, beside: &Beside<'_>| {
        stores[0].replace(expected, beside, &mut |_| Ok(Some(text.to_owned())))
    };
    let version = put(&LiveVersion::Absent, "one", &beside).expect("a write");
    let remote = folder.path().join("remote.git");
    let there = || git(&remote, &["rev-parse", &reference.name]).trim().to_owned();
    assert_eq!(there(), reference.id);
    // One that has not begun may be replaced, and what is there already is no obstacle.
    let again = put(&version, "two", &beside).expect("a write");
    let later = Reference { replaces: Some(reference.id.clone()), ..launch(&stores[0], "two") };
    put(&again, "three", &Beside { refs: std::slice::from_ref(&later), ..SHOP }).expect("a write");
    assert_eq!(there(), later.id);
}

#[test]
fn where_the_remote_has_another_launch_the_file_stays_too() {
    let (_folder, stores) = clones(2);
    let one = launch(&stores[0], "one");
    let version = stores[0]
        .replace(&LiveVersion::Absent, &Beside { refs: &[one], ..SHOP }, &mut |_| Ok(Some("one".into())))
        .expect("a write");
    let two = launch(&stores[1], "two");
    let refused =
        stores[1].replace(&version, &Beside { refs: &[two], ..SHOP }, &mut |_| Ok(Some("two".into())));
    assert!(matches!(refused, Err(BackendError::Launched { .. })), "{refused:?}");
    assert_eq!(stores[1].read().expect("a file").as_deref(), Some(b"one".as_slice()));
}

#[test]
fn a_remote_that_cannot_be_reached_is_an_error_with_what_git_wrote() {
    let (folder, stores) = clones(1);
    std::fs::remove_dir_all(folder.path().join("remote.git")).expect("removed");
    assert!(matches!(stores[0].read(), Err(BackendError::Io { action: "read", .. })));
}
