//! The example book in a git repository of its own, to be edited and committed by a test.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::Path;

use trialbook_history::Commit;
use trialbook_language::load::{load, read_folder};
use trialbook_model::Book;

/// The example book in a git repository of its own.
pub struct ExampleBook {
    folder: tempfile::TempDir,
}

impl ExampleBook {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        git2::Repository::init(folder.path()).expect("a repository");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let books = here.ancestors().map(|folder| folder.join("experiments"));
        let source = books.into_iter().find(|book| book.is_dir()).expect("the example book");
        for entry in walkdir::WalkDir::new(&source).into_iter().filter_map(Result::ok) {
            if entry.path().extension().is_some_and(|extension| extension == "yaml") {
                let path = entry.path().strip_prefix(&source).expect("a path below the book");
                let to = folder.path().join(path);
                std::fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
                std::fs::copy(entry.path(), to).expect("a copy");
            }
        }
        let fixture = Self { folder };
        fixture.commit("the book");
        fixture
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn commit(&self, message: &str) -> Commit {
        let git = git2::Repository::open(self.path()).expect("the repository");
        let mut index = git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added files");
        index.update_all(["*"], None).expect("updated files");
        index.write().expect("a written index");
        let tree = git.find_tree(index.write_tree().expect("a tree")).expect("the tree");
        let author = git2::Signature::now("test", "test@acme.test").expect("an author");
        let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        let id = git.commit(Some("HEAD"), &author, &author, message, &tree, &parents).expect("a commit");
        Commit::parse(&id.to_string()).expect("a full id")
    }

    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.path().join(path);
        let text = std::fs::read_to_string(&path).expect("a file of the book");
        assert!(text.contains(from), "{from} is not in {}", path.display());
        std::fs::write(path, text.replacen(from, to, 1)).expect("an edited file");
    }

    pub fn book(&self) -> Book {
        let loaded = load(read_folder(self.path()).expect("the files"));
        loaded.book.unwrap_or_else(|| panic!("the book has findings: {:?}", loaded.findings.first()))
    }
}
