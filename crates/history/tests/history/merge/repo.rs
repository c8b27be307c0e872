//! A real repository in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use trialbook_history::{HistoryError, Merge, Repository};
use trialbook_language::load::{RawFile, read_folder};

/// A repository in a folder of its own.
pub(super) struct Repo {
    _folder: tempfile::TempDir,
    pub(super) root: PathBuf,
}

impl Repo {
    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    pub(super) fn with(options: &[&str]) -> Self {
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

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        git(&self.root, arguments)
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a written file");
    }

    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Commits on a new branch from where `main` is.
    pub(super) fn branch(&self, name: &str, change: impl FnOnce(&Self)) {
        self.git(&["switch", "-q", "-C", name, "main"]);
        change(self);
        self.commit(name);
    }

    pub(super) fn on(&self, name: &str, change: impl FnOnce(&Self)) {
        self.git(&["switch", "-q", name]);
        change(self);
        self.commit("more");
    }

    pub(super) fn merge(&self) -> Result<Merge, HistoryError> {
        merge(&self.root, "main")
    }
}

pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
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

pub(super) fn merge(book: &Path, into: &str) -> Result<Merge, HistoryError> {
    let repository = Repository::of_book(book)?.expect("a repository");
    repository.merge_into(into, read_folder(book).expect("the files"))
}

pub(super) const SEGMENT: &str = "description: Some people.\n\n\naudience:\n  {}\n\n\n# the end\n";

pub(super) fn text<'a>(merge: &'a Merge, path: &str) -> Option<&'a str> {
    let file = merge.files.iter().find(|file: &&RawFile| file.path == path)?;
    Some(std::str::from_utf8(&file.bytes).expect("text"))
}

pub(super) fn paths(merge: &Merge) -> Vec<&str> {
    merge.files.iter().map(|file| file.path.as_str()).collect()
}
