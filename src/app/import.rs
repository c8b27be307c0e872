//! A book from the flags that a team serves already.

use std::collections::{BTreeMap, BTreeSet};

use trialbook_delivery::import::{Imported, ImportedFlag, NotImported};
use trialbook_language::edit::format::format;
use trialbook_language::edit::value::{Place, flow, scalar};
use trialbook_language::load::{self, BOOK_FILE, RawFile};
use trialbook_model::span::SourceFile;
use trialbook_model::{AttributeKey, AttributeType, Evaluator, FlagKey, Kind};

/// A book, and what of the source is not in it.
#[derive(Debug)]
pub struct Begun {
    /// The book's files, each with its path from the book's root.
    pub files: Vec<(String, String)>,
    /// How many flags it has.
    pub flags: usize,
    /// The flags that are left alone, by key.
    pub left: BTreeMap<String, NotImported>,
}

/// What the source does not say about itself.
#[derive(Debug)]
pub struct About<'a> {
    /// The book's name.
    pub book: &'a str,
    /// Who answers for the flags.
    pub owner: &'a str,
    /// Where the flags are kept.
    pub store: &'a str,
    /// What evaluates them.
    pub evaluator: Evaluator,
}

/// The folder that the flags' files are in.
const FOLDER: &str = "flags";

/// Writes a book of imported flags. What the book's own reader refuses is left alone, with its message.
pub fn book(imported: Imported, about: &About<'_>) -> Begun {
    let Imported { mut flags, attributes, mut left } = imported;
    loop {
        let stems = stems(flags.keys());
        let mut paths = BTreeMap::new();
        let mut files = vec![(BOOK_FILE.to_owned(), declared(&attributes, &flags, about))];
        for (key, flag) in &flags {
            let path = format!("{FOLDER}/{}.flag.yaml", stems[key]);
            files.push((path.clone(), styled(Kind::Flag, &path, written(key, &stems[key], flag, about))));
            paths.insert(path, key.clone());
        }
        let raw =
            files.iter().map(|(path, text)| RawFile { path: path.clone(), bytes: text.clone().into_bytes() });
        let loaded = load::load(raw.collect());
        let refused = loaded.findings.iter().filter_map(|finding| {
            let key = paths.get(finding.primary.file.path())?;
            Some((key.clone(), finding.message.clone()))
        });
        let refused: BTreeMap<FlagKey, String> = refused.collect();
        if refused.is_empty() {
            return Begun { files, flags: flags.len(), left };
        }
        for (key, message) in refused {
            flags.remove(&key);
            left.insert(key.to_string(), NotImported::Refused(message));
        }
    }
}

/// Returns a file's stem for each flag: its key where that can be one, and the letters and digits of it elsewhere. No two are the
/// same on a disk that does not tell capitals from small letters.
fn stems<'a>(keys: impl Iterator<Item = &'a FlagKey>) -> BTreeMap<FlagKey, String> {
    let mut taken = BTreeSet::new();
    let mut stems = BTreeMap::new();
    for key in keys {
        let stem = if FlagKey::is_stem(key.as_str()) { key.to_string() } else { plain(key.as_str()) };
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let mut candidates = std::iter::once(stem.clone()).chain(numbered);
        let free = candidates.find(|candidate| taken.insert(candidate.to_lowercase())).unwrap_or(stem);
        stems.insert(key.clone(), free);
    }
    stems
}

fn plain(key: &str) -> String {
    let dashed: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(80).collect();
    let plain = dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if plain.is_empty() { "flag".to_owned() } else { plain }
}

fn written(key: &FlagKey, stem: &str, flag: &ImportedFlag, about: &About<'_>) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    if key.as_str() != stem {
        line(format!("key: {}", scalar(key.as_str(), Place::Block)));
    }
    line("description: Imported from flagd.".into());
    line(format!("owner: {}", scalar(about.owner, Place::Block)));
    line("entity: user".into());
    line(format!("type: {}", flag.kind.as_str()));
    line("variants:".into());
    for (variant, value) in &flag.variants {
        line(format!("  {}: {}", scalar(variant.as_str(), Place::Block), flow(value)));
    }
    line(format!("default: {}", scalar(flag.default.as_str(), Place::Block)));
    if !flag.rules.is_empty() {
        line("rules:".into());
    }
    for rule in &flag.rules {
        line(format!("  - when: {}", flow(&rule.when)));
        line(format!("    serve: {}", scalar(rule.serve.as_str(), Place::Block)));
    }
    text
}

/// Returns the book's own file, with the attributes that its flags use.
fn declared(
    attributes: &BTreeMap<AttributeKey, AttributeType>,
    flags: &BTreeMap<FlagKey, ImportedFlag>,
    about: &About<'_>,
) -> String {
    let whens = || flags.values().flat_map(|flag| &flag.rules).map(|rule| &rule.when);
    let used = |key: &AttributeKey| whens().any(|when| mentions(when, key.as_str()));
    let mut text = format!(
        "book: {}\ntimezone: UTC\n\nentities:\n  user: {{column: user_id}}\n\n",
        scalar(about.book, Place::Block)
    );
    let used: Vec<_> = attributes.iter().filter(|(key, _)| used(key)).collect();
    if !used.is_empty() {
        text.push_str("attributes:\n");
    }
    for (key, kind) in &used {
        let kind = match kind {
            AttributeType::LenientVersion => "{version: lenient}",
            other => other.as_str(),
        };
        text.push_str(&format!("  {}: {{type: {kind}}}\n", scalar(key.as_str(), Place::Block)));
    }
    if !used.is_empty() {
        text.push('\n');
    }
    let (store, evaluator) = (scalar(about.store, Place::Flow), about.evaluator.as_str());
    text.push_str(&format!(
        "targets:\n  production: {{type: flagd, store: {store}, evaluators: [{evaluator}]}}\n"
    ));
    styled(Kind::Book, BOOK_FILE, text)
}

fn mentions(when: &serde_json::Value, attribute: &str) -> bool {
    match when {
        serde_json::Value::Object(members) => {
            members.iter().any(|(key, value)| key == attribute || mentions(value, attribute))
        }
        serde_json::Value::Array(items) => items.iter().any(|item| mentions(item, attribute)),
        _ => false,
    }
}

/// Returns a text in the one style; as it is where it cannot be laid out, which its reader then reports.
fn styled(kind: Kind, path: &str, text: String) -> String {
    format(kind, &SourceFile::new(path, text.as_str())).unwrap_or(text)
}
