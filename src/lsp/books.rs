//! The books of the client's folders, with the open files in place of those on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::uri;
use crate::app::lint;
use trialbook_history as history;
use trialbook_language::load::{self, Document};
use trialbook_lint::workspace::Workspace;

/// A book.
#[derive(Debug)]
pub struct Shelved {
    /// Its folder, without symbolic links.
    pub root: PathBuf,
    /// Its folder as the client writes it.
    pub shown: PathBuf,
    /// Its files and what is wrong with them.
    pub workspace: Workspace,
    /// The addresses of its files that are open, by path.
    pub open: HashMap<String, String>,
    /// What was published of each file last.
    pub published: BTreeMap<String, serde_json::Value>,
    /// The files whose findings may have changed since.
    pub touched: BTreeSet<String>,
}

impl Shelved {
    /// Returns the address of a file: the client's own where it is open.
    pub fn uri(&self, path: &str) -> String {
        self.open.get(path).cloned().unwrap_or_else(|| uri::of_path(&self.shown.join(path)))
    }

    /// Returns a file.
    pub fn document(&self, path: &str) -> Option<&Document> {
        self.workspace.documents().by_path(path)
    }

    /// Puts the text of a file, or takes it out.
    pub fn edit(&mut self, path: &str, bytes: Option<Vec<u8>>) {
        let touched = self.workspace.edit(path, bytes);
        self.touched.extend(touched);
        self.touched.insert(path.to_owned());
    }
}

/// All books.
#[derive(Debug, Default)]
pub struct Books {
    books: Vec<Shelved>,
}

impl Books {
    /// Opens the books of a folder: the one that it is in, or else those below it.
    ///
    /// Returns what could not be read, to be shown to people.
    pub fn add_folder(&mut self, folder: &Path, now: Timestamp) -> Vec<String> {
        let roots = match history::find_book(folder) {
            Ok(root) => vec![root],
            Err(_) => load::roots_below(folder),
        };
        roots.iter().filter_map(|root| self.add(folder, root, now)).collect()
    }

    /// Opens the book that a file is in, where it is not open.
    pub fn add_around(&mut self, file: &Path, now: Timestamp) -> Option<String> {
        let folder = file.parent()?;
        let root = history::find_book(folder).ok()?;
        self.add(folder, &root, now)
    }

    /// Opens the book of a root; `near` is a folder in it, around it or the same, as the client writes it.
    fn add(&mut self, near: &Path, root: &Path, now: Timestamp) -> Option<String> {
        let root = std::fs::canonicalize(root).ok()?;
        if self.books.iter().any(|book| book.root == root) {
            return None;
        }
        let (workspace, problem) = match lint::open(&root, now) {
            Ok(workspace) => (workspace, None),
            Err(error) => (Workspace::open(Vec::new(), now), Some(shown_error(&error))),
        };
        let shown = shown(near, &root);
        let touched = paths(&workspace).collect();
        self.books.push(Shelved {
            root,
            shown,
            workspace,
            open: HashMap::new(),
            published: BTreeMap::new(),
            touched,
        });
        // A book inside another is part of it, and the outer one reports what is wrong with that.
        problem
    }

    /// Closes the books of a folder, but for those that another folder holds too.
    ///
    /// Returns the addresses of the files whose findings are to be taken back.
    pub fn remove_folder(&mut self, folder: &Path, kept: &[PathBuf]) -> Vec<String> {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = real(folder);
        let kept: Vec<_> = kept.iter().map(|path| real(path)).collect();
        let of = |root: &Path, folder: &Path| root.starts_with(folder) || folder.starts_with(root);
        let leaves =
            |book: &Shelved| of(&book.root, &folder) && !kept.iter().any(|kept| of(&book.root, kept));
        let (gone, stay) = std::mem::take(&mut self.books).into_iter().partition(leaves);
        self.books = stay;
        let gone: Vec<Shelved> = gone;
        gone.iter().flat_map(|book| book.published.keys().map(|path| book.uri(path))).collect()
    }

    /// Reads a book anew from the disk, after more changed than single files.
    pub fn reread(&mut self, index: usize, now: Timestamp) -> Option<String> {
        let book = self.books.get_mut(index)?;
        match lint::open(&book.root, now) {
            Ok(workspace) => {
                book.touched.extend(book.published.keys().cloned());
                book.touched.extend(paths(&workspace));
                book.workspace = workspace;
                // What is open is to be laid over it again.
                book.open.clear();
                None
            }
            Err(error) => Some(shown_error(&error)),
        }
    }

    /// Returns every book.
    pub fn iter(&self) -> impl Iterator<Item = &Shelved> {
        self.books.iter()
    }

    /// Returns every book, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Shelved> {
        self.books.iter_mut()
    }

    /// Returns the book of an index that [`Self::locate`] gave.
    pub fn get(&self, index: usize) -> Option<&Shelved> {
        self.books.get(index)
    }

    /// Returns the book of an index, to be changed.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Shelved> {
        self.books.get_mut(index)
    }

    /// Returns which book a file is in, and its path there; of books within each other, the innermost.
    pub fn locate(&self, file: &Path) -> Option<(usize, String)> {
        let real = || {
            let folder = std::fs::canonicalize(file.parent()?).ok()?;
            Some(folder.join(file.file_name()?))
        };
        let within = |path: &Path, root: &Path| {
            let rest = path.strip_prefix(root).ok()?;
            let parts: Option<Vec<_>> = rest.components().map(|part| part.as_os_str().to_str()).collect();
            let parts =
                parts.filter(|parts| !parts.iter().any(|part| part.starts_with('.') || part.is_empty()))?;
            (!parts.is_empty()).then(|| parts.join("/"))
        };
        let find = |path: &Path, root: &dyn Fn(&Shelved) -> PathBuf| {
            let places = self.books.iter().enumerate();
            places
                .filter_map(|(index, book)| Some((index, within(path, &root(book))?)))
                .min_by_key(|(_, path)| path.len())
        };
        find(file, &|book| book.shown.clone()).or_else(|| find(&real()?, &|book| book.root.clone()))
    }
}

/// Returns the paths of a book's files, and of those with findings.
fn paths(workspace: &Workspace) -> impl Iterator<Item = String> {
    let files = workspace.documents().iter().map(|document| document.file().path().to_owned());
    files.chain(workspace.findings().keys().cloned())
}

/// Returns a book's root as the client would write it, from a folder of the client in it or around it.
fn shown(near: &Path, root: &Path) -> PathBuf {
    let Ok(real) = std::fs::canonicalize(near) else { return root.to_owned() };
    if let Ok(below) = root.strip_prefix(&real) {
        return if below.as_os_str().is_empty() { near.to_owned() } else { near.join(below) };
    }
    let up = real.strip_prefix(root).map_or(0, |rest| rest.components().count());
    let ancestor = near.ancestors().nth(up).unwrap_or(root);
    // With a link on the way up, only the real path is certain.
    let same = std::fs::canonicalize(ancestor).is_ok_and(|ancestor| ancestor == root);
    if same { ancestor.to_owned() } else { root.to_owned() }
}

/// Returns a file of a book as it is on disk and in git.
///
/// # Errors
///
/// Where it cannot be read, to be shown to people: it is not taken for deleted.
pub fn as_saved(root: &Path, path: &str) -> Result<Option<Vec<u8>>, String> {
    lint::saved(root, path).map_err(|error| shown_error(&error))
}

fn shown_error(error: &history::ReadError) -> String {
    let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
    let help = miette::Diagnostic::help(error).map_or(String::new(), |help| format!("; {help}"));
    format!("{error}{cause}{help}")
}
