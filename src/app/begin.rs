//! A new file of a book: what the book already declares is filled in, the rest is left blank.

use std::collections::BTreeSet;

use trialbook_language::edit::start::{About, again, text};
use trialbook_language::load::{BLANK, BOOK_FILE, Loaded, RawFile, load};
use trialbook_model::diagnostic::Severity;
use trialbook_model::{Book, Flag, FlagKey, KeyError, Kind, SurfaceKey};

/// What is begun.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The kind of file; not the book's own.
    pub kind: Kind,
    /// The key of what is begun.
    pub key: &'a str,
    /// The file that is copied for a new round.
    pub from: Option<&'a str>,
    /// The flag that an experiment tests or a rollout releases; without it, the one whose key the new key holds.
    pub flag: Option<&'a str>,
    /// The folder of the one who asks, from the book's root: where a file belongs that has no flag to lie beside.
    pub folder: &'a str,
}

/// A file that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its path from the book's root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// How many blanks are to be filled in.
    pub blanks: usize,
}

/// Why nothing is begun.
#[derive(Debug)]
pub enum NotBegun {
    /// No file can be named after the flag's key.
    FlagKey,
    /// The key breaks the grammar of keys.
    Key(KeyError),
    /// There is such a file already: its path.
    Taken(String),
    /// Nothing of that kind and name is there to be copied; the keys that are.
    NothingToCopy {
        /// What was named.
        name: String,
        /// The keys of the kind.
        known: Vec<String>,
    },
    /// The file to be copied cannot be read: its path.
    Unreadable(String),
    /// The book has no such flag; the keys that it has.
    NoFlag {
        /// What was named.
        name: String,
        /// The keys of the book's flags.
        known: Vec<String>,
    },
    /// The files that have no errors make no book.
    NoBook,
    /// The file that was made cannot be read: a bug.
    Bug,
}

/// Begins a file.
///
/// # Errors
///
/// As [`NotBegun`] lists them.
pub fn begin(loaded: &Loaded, asked: Asked<'_>) -> Result<Begun, NotBegun> {
    checked(asked.kind, asked.key)?;
    if let Some(path) = loaded.documents.path_of(asked.kind, asked.key) {
        return Err(NotBegun::Taken(path.to_owned()));
    }
    let (folder, text) = match asked.from {
        Some(from) => copied(asked.kind, from, loaded)?,
        None => begun(asked, loaded)?,
    };
    let name = format!("{}.{}.yaml", asked.key, asked.kind);
    let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
    let blanks = text.matches(BLANK).count();
    Ok(Begun { path, text, blanks })
}

/// Holds a key against the grammar of its kind; it becomes the name of a file.
fn checked(kind: Kind, key: &str) -> Result<(), NotBegun> {
    if kind == Kind::Flag {
        return if FlagKey::is_stem(key) { Ok(()) } else { Err(NotBegun::FlagKey) };
    }
    // The keys of every other kind have one grammar.
    SurfaceKey::new(key).map(|_| ()).map_err(NotBegun::Key)
}

/// Returns the folder and the text of a copy.
fn copied(kind: Kind, from: &str, loaded: &Loaded) -> Result<(String, String), NotBegun> {
    let Some(document) = loaded.documents.get(kind, from) else {
        let of_kind = loaded.documents.iter().filter(|document| document.kind() == kind);
        let known = of_kind.map(|document| document.key().to_owned()).collect();
        return Err(NotBegun::NothingToCopy { name: from.to_owned(), known });
    };
    let path = document.file().path();
    let text = again(kind, from, document.file().text());
    Ok((folder_of(path).to_owned(), text.ok_or_else(|| NotBegun::Unreadable(path.to_owned()))?))
}

/// Returns the folder and the text of a file that begins anew.
fn begun(asked: Asked<'_>, loaded: &Loaded) -> Result<(String, String), NotBegun> {
    let book = &finished(loaded).ok_or(NotBegun::NoBook)?;
    let flag = match asked.kind {
        Kind::Experiment | Kind::Rollout => flag(asked, book)?,
        _ => None,
    };
    let beside = flag.and_then(|flag| loaded.documents.path_of(Kind::Flag, flag.key.as_str()));
    let folder = beside.map_or(asked.folder, folder_of);
    let surface = folder.rsplit('/').next().filter(|name| book.surfaces.contains_key(*name));
    let owner = owner(book, loaded, folder).or_else(|| book.surfaces.get(surface?)?.owner.clone());
    let about = About { book, flag, owner: owner.as_deref(), surface };
    Ok((folder.to_owned(), text(asked.kind, asked.key, &about).ok_or(NotBegun::Bug)?))
}

/// Returns the book of the files that have no errors: those that were begun and are not filled in yet count for nothing so far.
fn finished(loaded: &Loaded) -> Option<Book> {
    /// What refers to a file that is left out is left out next.
    const ROUNDS: usize = 20;
    if let Some(book) = &loaded.book {
        return Some(book.clone());
    }
    let documents = loaded.documents.iter();
    let mut files: Vec<RawFile> = documents
        .map(|document| RawFile {
            path: document.file().path().to_owned(),
            bytes: document.file().text().as_bytes().to_vec(),
        })
        .collect();
    let mut wrong = with_errors(loaded);
    for _ in 0..ROUNDS {
        let before = files.len();
        files.retain(|file| file.path == BOOK_FILE || !wrong.contains(&file.path));
        let loaded = load(files.clone());
        if loaded.book.is_some() || files.len() == before {
            return loaded.book;
        }
        wrong = with_errors(&loaded);
    }
    None
}

fn with_errors(loaded: &Loaded) -> BTreeSet<String> {
    let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.primary.file.path().to_owned()).collect()
}

/// Returns the flag that is named or, without one, the flag whose key the new key holds.
fn flag<'b>(asked: Asked<'_>, book: &'b Book) -> Result<Option<&'b Flag>, NotBegun> {
    match asked.flag {
        Some(name) => match book.flags.get(name) {
            Some(flag) => Ok(Some(flag)),
            None => Err(NotBegun::NoFlag {
                name: name.to_owned(),
                known: book.flags.keys().map(ToString::to_string).collect(),
            }),
        },
        None => {
            let held = |key: &&Flag| format!("-{}-", asked.key).contains(&format!("-{}-", key.key));
            Ok(book.flags.values().filter(held).max_by_key(|flag| flag.key.as_str().len()))
        }
    }
}

/// Returns the owner of the flags in a folder, where it is one.
fn owner(book: &Book, loaded: &Loaded, folder: &str) -> Option<String> {
    let here =
        |key: &str| loaded.documents.path_of(Kind::Flag, key).is_some_and(|path| folder_of(path) == folder);
    let owners: BTreeSet<_> =
        book.flags.values().filter(|flag| here(flag.key.as_str())).map(|flag| flag.owner.as_str()).collect();
    if owners.len() == 1 { owners.into_iter().next().map(str::to_owned) } else { None }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Loaded {
        let files = [
            (
                "trialbook.yaml",
                "book: shop\nentities: {user: {column: user_id}}\nsurfaces: {checkout: {owner: team}}\n",
            ),
            (
                "checkout/button.flag.yaml",
                "description: A button.\nowner: team\nsurfaces: [checkout]\nentity: user\ntype: boolean\n\
                 variants: {off: false, on: true}\ndefault: off\n",
            ),
        ];
        let file =
            |(path, text): (&str, &str)| RawFile { path: path.into(), bytes: text.as_bytes().to_vec() };
        load(files.map(file).to_vec())
    }

    fn asked(kind: Kind, key: &str) -> Asked<'_> {
        Asked { kind, key, from: None, flag: None, folder: "" }
    }

    #[test]
    fn an_experiment_begins_beside_the_flag_whose_key_its_own_holds() {
        let begun = begin(&shop(), asked(Kind::Experiment, "button-test")).expect("a file");
        assert_eq!(begun.path, "checkout/button-test.experiment.yaml");
        assert!(begun.blanks > 0 && begun.text.contains("flag: button"), "{}", begun.text);
    }

    #[test]
    fn what_cannot_begin_names_the_reason() {
        let shop = shop();
        let of = |asked: Asked<'_>| begin(&shop, asked).expect_err("nothing begins");
        assert!(
            matches!(of(asked(Kind::Flag, "button")), NotBegun::Taken(path) if path == "checkout/button.flag.yaml")
        );
        assert!(matches!(of(asked(Kind::Flag, "a/b")), NotBegun::FlagKey));
        assert!(matches!(of(asked(Kind::Layer, "A b")), NotBegun::Key(_)));
        let copy = Asked { from: Some("knob"), ..asked(Kind::Flag, "other") };
        assert!(matches!(of(copy), NotBegun::NothingToCopy { known, .. } if known == ["button"]));
        let unknown = Asked { flag: Some("banner"), ..asked(Kind::Rollout, "new") };
        assert!(matches!(of(unknown), NotBegun::NoFlag { known, .. } if known == ["button"]));
    }
}
