//! `trialbook new`: a file to begin with.

use std::collections::BTreeSet;
use std::path::Path;

use super::write::new_file;
use super::{Exit, Failure, Opened, Session};
use trialbook_language::edit::start::{About, again, text};
use trialbook_language::load::{BOOK_FILE, Loaded, RawFile, article, load, suggestion};
use trialbook_model::diagnostic::Severity;
use trialbook_model::{Book, Flag, FlagKey, Kind, SurfaceKey};

/// Begin a file: what the book can say is filled in, the rest is left blank for you
///
/// `lint` refuses the file until every blank is filled.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to begin: flag, experiment, rollout, holdout, layer, segment, metric or source
    #[arg(value_name = "KIND", value_parser = kind)]
    kind: Kind,
    /// Its key, which is also the file's name
    #[arg(value_name = "KEY")]
    key: String,
    /// Copy this file for a new round: without its dates, salt, slots and decision
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// The flag that an experiment tests or a rollout releases; guessed from the key when left out
    #[arg(long, value_name = "KEY", conflicts_with = "from")]
    flag: Option<String>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let mut kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Book);
    kinds.find(|kind| kind.as_str() == text).ok_or_else(|| match text {
        "book" => "`trialbook init` makes a book".to_owned(),
        _ => format!("expected one of {}", Kind::ALL.map(Kind::as_str).join(", ").replace("book, ", "")),
    })
}

/// Holds a key against the grammar of its kind; it becomes the name of a file.
fn checked(kind: Kind, key: &str) -> Result<(), Failure> {
    if kind == Kind::Flag {
        return if FlagKey::is_stem(key) {
            Ok(())
        } else {
            let failure = Failure::new(Exit::Usage, format!("no file can be named after the flag `{key}`"));
            Err(failure.help(
                "begin it under a name of letters, digits, `.`, `_` and `-`, and add `key:` to the file",
            ))
        };
    }
    // The keys of every other kind have one grammar.
    SurfaceKey::new(key).map(|_| ()).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}

/// Begins a file.
///
/// # Errors
///
/// Where `trialbook.yaml` has errors, there is such a file already, or what is named is not there.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    checked(args.kind, &args.key)?;
    let opened = session.open()?;
    let documents = &opened.loaded.documents;
    if let Some(path) = documents.path_of(args.kind, &args.key) {
        return Err(Failure::new(
            Exit::Refused,
            format!("there is {} `{}`: `{path}`", article(args.kind), args.key),
        )
        .help("take another key, or edit that file"));
    }
    let (folder, text) = match &args.from {
        Some(from) => copied(args.kind, from, &opened)?,
        None => begun(args, &opened, session)?,
    };
    let name = format!("{}.{}.yaml", args.key, args.kind);
    let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
    new_file(&opened.root.join(&path), &text)?;
    let blanks = text.matches("# fill in:").count();
    session.say(match blanks {
        0 => format!("made `{path}`"),
        1 => format!("made `{path}`: fill in the blank, then run `trialbook lint`"),
        _ => format!("made `{path}`: fill in the {blanks} blanks, then run `trialbook lint`"),
    });
    Ok(Exit::Done)
}

/// Returns the folder and the text of a copy.
fn copied(kind: Kind, from: &str, opened: &Opened) -> Result<(String, String), Failure> {
    let documents = &opened.loaded.documents;
    let Some(document) = documents.get(kind, from) else {
        let keys = documents.iter().filter(|document| document.kind() == kind).map(|document| document.key());
        return Err(Failure::new(Exit::NothingMatched, format!("there is no {kind} `{from}`"))
            .help(suggestion(from, keys)));
    };
    let path = document.file().path();
    let text = again(kind, from, document.file().text()).ok_or_else(|| {
        Failure::new(Exit::Findings, format!("`{path}` cannot be read")).help("`trialbook lint` says why")
    })?;
    Ok((folder_of(path).to_owned(), text))
}

/// Returns the folder and the text of a file that begins anew.
fn begun(args: &Args, opened: &Opened, session: &Session) -> Result<(String, String), Failure> {
    let whole = finished(opened);
    let book = match &whole {
        Some(book) => book,
        None => opened.book()?,
    };
    let flag = match args.kind {
        Kind::Experiment | Kind::Rollout => flag(args, book)?,
        _ => None,
    };
    let beside = flag.and_then(|flag| opened.loaded.documents.path_of(Kind::Flag, flag.key.as_str()));
    let folder = match beside {
        Some(path) => folder_of(path).to_owned(),
        None => working_folder(&opened.root, session)?,
    };
    let surface = folder.rsplit('/').next().filter(|name| book.surfaces.contains_key(*name));
    let owner = owner(book, opened, &folder).or_else(|| book.surfaces.get(surface?)?.owner.clone());
    let about = About { book, flag, owner: owner.as_deref(), surface };
    let text = text(args.kind, &args.key, &about)
        .ok_or_else(|| Failure::new(Exit::Bug, "the file that was made cannot be read"))?;
    Ok((folder, text))
}

/// Returns the book of the files that have no errors: those that were begun and are not filled in yet say nothing so far.
fn finished(opened: &Opened) -> Option<Book> {
    /// What refers to a file that is left out is left out next.
    const ROUNDS: usize = 20;
    if let Some(book) = &opened.loaded.book {
        return Some(book.clone());
    }
    let documents = opened.loaded.documents.iter();
    let mut files: Vec<RawFile> = documents
        .map(|document| RawFile {
            path: document.file().path().to_owned(),
            bytes: document.file().text().as_bytes().to_vec(),
        })
        .collect();
    let mut wrong = with_errors(&opened.loaded);
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
fn flag<'b>(args: &Args, book: &'b Book) -> Result<Option<&'b Flag>, Failure> {
    let keys = || book.flags.keys().map(|key| key.as_str());
    match &args.flag {
        Some(name) => match book.flags.get(name.as_str()) {
            Some(flag) => Ok(Some(flag)),
            None => Err(Failure::new(Exit::NothingMatched, format!("there is no flag `{name}`"))
                .help(suggestion(name, keys()))),
        },
        None => {
            let held = |key: &&Flag| format!("-{}-", args.key).contains(&format!("-{}-", key.key));
            Ok(book.flags.values().filter(held).max_by_key(|flag| flag.key.as_str().len()))
        }
    }
}

/// Returns the owner of the flags in a folder, where it is one.
fn owner(book: &Book, opened: &Opened, folder: &str) -> Option<String> {
    let here = |key: &str| {
        opened.loaded.documents.path_of(Kind::Flag, key).is_some_and(|path| folder_of(path) == folder)
    };
    let owners: BTreeSet<_> =
        book.flags.values().filter(|flag| here(flag.key.as_str())).map(|flag| flag.owner.as_str()).collect();
    if owners.len() == 1 { owners.into_iter().next().map(str::to_owned) } else { None }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the working folder from the book's root; the root where that is not in the book.
fn working_folder(root: &Path, session: &Session) -> Result<String, Failure> {
    let start = std::fs::canonicalize(session.start()?)?;
    let inside = start.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
    Ok(inside.replace(std::path::MAIN_SEPARATOR, "/"))
}
