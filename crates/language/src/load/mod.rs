//! Files to `Book`: discover, parse with spans, read as typed syntax, lower.
//!
//! [`load`] is pure: bytes in, a book or findings out. Only [`discover`] touches the disk.

mod advice;
pub mod discover;
mod documents;
mod draft;
mod lookalike;
mod lower;
mod name;
mod nearest;
mod rules;
pub(crate) mod syntax;
mod text;
mod unseen;
pub mod yaml;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use advice::Advice;
pub use discover::{
    DiscoverError, Limits, RawFile, find_root, read_folder, read_folder_within, read_one, roots_below,
};
pub use documents::{Document, Documents, Place};
pub use draft::{Concerned, Draft, Edited};
pub use name::{article, identity, identity_of, kind_and_key};
pub use nearest::{nearest, suggestion};
pub use rules::{RULES, STRUCTURAL};
pub use syntax::BLANK;
pub use syntax::audience::COMBINATORS;
pub use syntax::shape as language;
pub use syntax::shape_of;
pub use text::MAX_BYTES;
pub use yaml::{MAX_DEPTH, MAX_NODES};

pub use trialbook_model::Kind;

use name::FileName;
use syntax::{File, Reader};
use trialbook_model::Book;
use trialbook_model::diagnostic::{Diagnostic, Label, Severity};
use trialbook_model::span::{SourceFile, Span};

/// The file that marks the root of a book.
pub const BOOK_FILE: &str = "trialbook.yaml";

/// How many findings of one file are kept; past that, one more counts how many there were.
pub const MAX_FINDINGS: usize = 500;

/// A book, or why there is none.
#[derive(Debug)]
pub struct Loaded {
    /// The book; `Some` only where no finding is an error.
    pub book: Option<Book>,
    /// The files.
    pub documents: Documents,
    /// What is wrong, in reading order.
    pub findings: Vec<Diagnostic>,
}

/// Reads the files of a book. All problems of all files are found in one run.
pub fn load(files: Vec<RawFile>) -> Loaded {
    Draft::read(files, false).into_loaded()
}

/// Returns the kind of file that a path names; `None` where it is no file of a book.
pub fn kind_of(path: &str) -> Option<Kind> {
    match name::classify(path) {
        FileName::Of(kind, _) => Some(kind),
        FileName::Wrong(_) | FileName::Other => None,
    }
}

/// Tells whether a path is that of a file that a book reads: one of a kind, or YAML that looks as if it were meant to be.
pub fn is_book_file(path: &str) -> bool {
    name::classify(path) != FileName::Other
}

/// Returns the text of a file.
///
/// # Errors
///
/// Where its bytes are not text that a book may hold: what is wrong.
pub fn text_of(raw: RawFile) -> Result<Arc<SourceFile>, Vec<Diagnostic>> {
    let (file, findings) = text::decode(raw);
    if findings.is_empty() { Ok(file) } else { Err(findings) }
}

/// A file after the steps that need no other file.
#[derive(Default)]
struct Read {
    document: Option<Document>,
    syntax: Option<File>,
    findings: Vec<Diagnostic>,
}

fn read_file(raw: RawFile) -> Read {
    let (kind, key) = match name::classify(&raw.path) {
        FileName::Of(kind, key) => (kind, key.to_owned()),
        FileName::Wrong(wrong) => {
            let file = SourceFile::new(raw.path.as_str(), "");
            return Read { document: None, syntax: None, findings: vec![wrong.finding(&file)] };
        }
        FileName::Other => return Read { document: None, syntax: None, findings: Vec::new() },
    };
    let (file, mut findings) = text::decode(raw);
    let mut document = Document { kind, key, file: Arc::clone(&file), root: None, comments: Vec::new() };
    if !findings.is_empty() {
        findings.extend(name::bad_key(&document));
        return Read { document: Some(document), syntax: None, findings };
    }
    let parsed = yaml::parse(&file);
    let broken = !parsed.findings.is_empty();
    findings.extend(parsed.findings);
    document.comments = parsed.comments;
    document.root = parsed.root;
    if let Some(key) = document.root.as_ref().and_then(|root| name::given_key(kind, root)) {
        document.key = key;
    }
    findings.extend(name::bad_key(&document));
    findings.extend(document.root.iter().flat_map(|root| unseen::findings(kind, root, &file)));
    let syntax = document.root.as_ref().filter(|_| parsed.faithful).and_then(|root| {
        let mut reader = Reader::new(&file);
        let syntax = File::read(kind, root, &mut reader);
        findings.extend(reader.into_findings());
        syntax
    });
    if document.root.is_none() && !broken {
        let message = format!("the file is empty: expected {}", name::article(kind));
        findings.push(
            Diagnostic::error(rules::MISSING_KEY, message, &file, Span::default())
                .help(format!("`trialbook schema {kind}` shows what can be in it")),
        );
    }
    Read { document: Some(document), syntax, findings }
}

/// Drops the warning that a scalar may be misread where something else is wrong with it.
fn unambiguous(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let at = |finding: &Diagnostic| (Arc::as_ptr(&finding.primary.file), finding.primary.span);
    let wrong: HashSet<_> =
        findings.iter().filter(|finding| finding.severity == Severity::Error).map(at).collect();
    let keep = |finding: &Diagnostic| {
        ![rules::AMBIGUOUS_SCALAR, rules::HIDDEN_CHARACTER].contains(&finding.rule)
            || !wrong.contains(&at(finding))
    };
    findings.into_iter().filter(keep).collect()
}

/// Keeps a hostile file from making more findings, or longer ones, than anybody reads.
///
/// The findings are sorted by file.
fn bounded(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(findings.len());
    // The file whose findings are being passed on, how many it had, and where the first hidden one is.
    let mut hidden: Option<Label> = None;
    let mut count = 0;
    for mut finding in findings {
        let same = kept.last().is_some_and(|last| last.primary.file.path() == finding.primary.file.path());
        if !same {
            kept.extend(hidden.take().map(|place| more(count - MAX_FINDINGS, &place)));
            count = 0;
        }
        count += 1;
        if count > MAX_FINDINGS {
            hidden.get_or_insert(finding.primary);
            continue;
        }
        finding.message = abridged(finding.message);
        finding.help = finding.help.map(abridged);
        kept.push(finding);
    }
    kept.extend(hidden.map(|place| more(count - MAX_FINDINGS, &place)));
    kept
}

fn more(hidden: usize, place: &Label) -> Diagnostic {
    let message = format!("{hidden} more findings in this file are not shown");
    Diagnostic::error(rules::TOO_LARGE, message, &place.file, place.span)
        .help("fix the errors above, then lint again")
}

/// Shortens a text that quotes something endless: its beginning and its end show what is wrong.
fn abridged(text: String) -> String {
    const HEAD: usize = 300;
    const TAIL: usize = 200;
    if text.len() <= HEAD + TAIL {
        return text;
    }
    let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - TAIL)..).unwrap_or_default();
    format!("{head}…{tail}")
}

/// Reports that a book has no `trialbook.yaml`, and which files claim one key.
fn lost_files(documents: &Documents) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if documents.get(Kind::Book, "").is_none() {
        let place = documents.place(Kind::Book, "", "");
        findings.push(
            Diagnostic::error(
                rules::MISSING_BOOK,
                format!("there is no `{BOOK_FILE}`"),
                &place.file,
                place.span,
            )
            .help(format!("`{BOOK_FILE}` marks the root of a book and declares its entities and attributes")),
        );
    }
    findings.extend(confusable_flags(documents));
    if !documents.has_duplicates() {
        return findings;
    }
    for document in documents.iter() {
        let Some(first) = documents.get(document.kind, &document.key) else { continue };
        if !std::ptr::eq(first, document) {
            let (kind, key) = (document.kind, &document.key);
            let start = documents_start(document);
            findings.push(
                Diagnostic::error(
                    rules::DUPLICATE_FILE,
                    format!(
                        "a second {kind} `{key}`: keys are unique in the whole book, whatever the folder"
                    ),
                    &document.file,
                    start,
                )
                .related(&first.file, documents_start(first), "the first")
                .help("rename or remove one of them"),
            );
        }
    }
    findings
}

/// Reports which flags' keys differ only in case, and which files of flags with keys of their own have one name.
///
/// Clients that ignore case would mix them up; and git's history knows a file by its name, whatever its folder.
fn confusable_flags(documents: &Documents) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let (mut keys, mut stems) = (HashMap::new(), HashMap::new());
    for document in documents.iter().filter(|document| document.kind == Kind::Flag) {
        let error = |message: String, first: &Document, help: &str| {
            Diagnostic::error(rules::DUPLICATE_FILE, message, &document.file, documents_start(document))
                .related(&first.file, documents_start(first), "the first")
                .help(help)
        };
        let first: &Document = keys.entry(document.key.to_lowercase()).or_insert(document);
        if first.key != document.key {
            let message =
                format!("flags `{}` and `{}` differ only in upper and lower case", first.key, document.key);
            findings.push(error(message, first, "remove the one that no client asks for"));
        }
        let stem = name::stem_of(document.file.path());
        let first: &Document = stems.entry(stem).or_insert(document);
        if first.key != document.key {
            let message = format!(
                "a second file `{stem}.flag.yaml`: names are unique in the whole book, whatever the folder"
            );
            findings.push(error(
                message,
                first,
                "give one of the files another name: their keys are in them",
            ));
        }
    }
    findings
}

fn documents_start(document: &Document) -> Span {
    document
        .root
        .as_ref()
        .and_then(|root| root.entries().first())
        .map_or(Span::default(), |entry| entry.key_span)
}

/// Returns the time zone in which a book's dates begin, from its files alone; UTC where they declare none.
pub fn timezone_of(files: &[RawFile]) -> jiff::tz::TimeZone {
    let name = files.iter().find(|file| file.path == BOOK_FILE).and_then(|file| {
        let (file, _) = text::decode(file.clone());
        match yaml::parse(&file).root?.entry("timezone")?.value.content {
            yaml::Content::Scalar(ref scalar) => Some(scalar.text.to_string()),
            _ => None,
        }
    });
    name.and_then(|name| trialbook_model::timezone(&name)).unwrap_or(jiff::tz::TimeZone::UTC)
}

/// What one file looks like, before what it means: for the schemas' tests and for editors.
#[derive(Debug)]
pub struct Shape {
    /// The file's data as JSON; `None` where it is no YAML, or holds a number that JSON cannot carry.
    pub json: Option<serde_json::Value>,
    /// What is wrong with its shape.
    pub findings: Vec<Diagnostic>,
}

/// Reads one file on its own as a file of a kind.
pub fn shape(kind: Kind, file: &Arc<SourceFile>) -> Shape {
    let parsed = yaml::parse(file);
    let mut findings = parsed.findings;
    let json = parsed.root.as_ref().and_then(|root| {
        let mut reader = Reader::new(file);
        File::read(kind, root, &mut reader);
        findings.extend(reader.into_findings());
        yaml::to_json(root)
    });
    Shape { json, findings }
}
