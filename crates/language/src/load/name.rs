//! What a file's name holds: its kind and key, or that it is not quite one of ours.

use std::sync::Arc;

use super::documents::Document;
use super::nearest::nearest;
use super::syntax::key_like;
use super::yaml::{Content, Node};
use super::{BOOK_FILE, rules};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::{FlagKey, Kind, SurfaceKey};

/// What a path is to a book.
#[derive(Debug, PartialEq, Eq)]
pub enum FileName<'a> {
    /// A file of a kind, with its key.
    Of(Kind, &'a str),
    /// YAML that looks as if it were meant to be one.
    Wrong(Wrong<'a>),
    /// Not ours.
    Other,
}

/// Why a name is not that of a book's file.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong<'a> {
    /// `.yml` or `.YAML` in place of `.yaml`.
    Extension,
    /// An infix that is no kind.
    Infix(&'a str),
    /// YAML without an infix.
    Plain,
    /// `trialbook.yaml` in a folder of the book.
    Nested,
}

/// Tells whether this, after a name's last dot, means YAML to somebody.
pub(super) fn is_yaml(ending: &str) -> bool {
    ["yaml", "yml"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Tells what the name of a file means.
pub fn classify(path: &str) -> FileName<'_> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == BOOK_FILE {
        return if path == BOOK_FILE {
            FileName::Of(Kind::Book, "trialbook")
        } else {
            FileName::Wrong(Wrong::Nested)
        };
    }
    let (stem, near) = match name.rsplit_once('.') {
        Some((stem, "yaml")) => (stem, false),
        Some((stem, ending)) if is_yaml(ending) => (stem, true),
        _ => return FileName::Other,
    };
    let Some((key, infix)) = stem.rsplit_once('.') else {
        return match (stem, near) {
            ("trialbook", true) => FileName::Wrong(Wrong::Extension),
            _ => FileName::Wrong(Wrong::Plain),
        };
    };
    match Kind::ALL.into_iter().find(|kind| *kind != Kind::Book && kind.as_str() == infix) {
        Some(_) if near => FileName::Wrong(Wrong::Extension),
        Some(kind) => FileName::Of(kind, key),
        None => FileName::Wrong(Wrong::Infix(infix)),
    }
}

/// Returns the part that a file would be with the right ending; `None` where nothing is wrong with its ending.
pub(super) fn meant(path: &str) -> Option<trialbook_model::PartName> {
    let FileName::Wrong(Wrong::Extension) = classify(path) else { return None };
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, _) = name.rsplit_once('.')?;
    let (key, infix) = stem.rsplit_once('.')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == infix)?;
    Some(trialbook_model::PartName::new(kind, key))
}

/// Returns the kind and the key in a file's name; `None` where it is not that of a book's file.
pub fn kind_and_key(path: &str) -> Option<(Kind, &str)> {
    match classify(path) {
        FileName::Of(kind, key) => Some((kind, key)),
        FileName::Wrong(_) | FileName::Other => None,
    }
}

/// Returns what makes two files the same one, whatever their folders: `KEY.KIND`; `None` where the name is not that of a
/// book's file.
pub fn identity(path: &str) -> Option<String> {
    kind_and_key(path).map(|(kind, key)| format!("{key}.{kind}"))
}

/// Returns the kind and the key of a file, as `KEY.KIND`: the key that a flag's file gives, where it gives one.
///
/// A text that cannot be read gives none.
pub fn identity_of(path: &str, bytes: &[u8]) -> Option<String> {
    let (kind, _) = kind_and_key(path)?;
    let given = std::str::from_utf8(bytes).ok().filter(|_| kind == Kind::Flag).and_then(|text| {
        let parsed = super::yaml::parse(&SourceFile::new(path, text));
        given_key(kind, &parsed.root?)
    });
    given.map_or_else(|| identity(path), |key| Some(format!("{key}.{kind}")))
}

impl Wrong<'_> {
    /// Returns the finding for it.
    pub fn finding(self, file: &Arc<SourceFile>) -> Diagnostic {
        let start = Span::default();
        let error = |rule, message: String| Diagnostic::error(rule, message, file, start);
        let name = file.path().rsplit('/').next().unwrap_or_default();
        match self {
            Self::Extension => error(
                rules::UNKNOWN_FILE_KIND,
                "a book's files end in `.yaml`, so this one is not read".into(),
            )
            .help(format!("rename it to `{}.yaml`", name.rsplit_once('.').map_or(name, |(stem, _)| stem))),
            Self::Infix(infix) => {
                let kinds = || Kind::ALL.into_iter().filter(|kind| *kind != Kind::Book).map(Kind::as_str);
                let help = match nearest(infix, kinds()) {
                    Some(near) => format!("did you mean `.{near}.yaml`?"),
                    None => format!("kinds are {}", kinds().collect::<Vec<_>>().join(", ")),
                };
                error(rules::UNKNOWN_FILE_KIND, format!("`{infix}` is not a kind of file")).help(help)
            }
            Self::Plain => Diagnostic::warning(
                rules::STRAY_FILE,
                "this file is not part of the book: its name has no kind",
                file,
                start,
            )
            .help("name it `KEY.KIND.yaml`, or move it out of the book's folder"),
            Self::Nested => {
                error(rules::STRAY_FILE, format!("a second `{BOOK_FILE}`: a book cannot hold another book"))
                    .help("move one of them out of the other's folder")
            }
        }
    }
}

/// Returns the finding that the stem of a file's name is not a key.
pub fn bad_key(document: &Document) -> Option<Diagnostic> {
    let stem = stem_of(document.file.path());
    if document.kind == Kind::Flag {
        // Clients ask for it: another name would be another flag.
        if gives_key(document) || FlagKey::is_stem(stem) {
            return None;
        }
        let message = format!(
            "the file's name is the flag's key, and `{stem}` is not made of letters, digits, `.`, `_` and `-` alone, \
             beginning with a letter or a digit, at most 100"
        );
        let help = "give the file such a name, and write the key that clients ask for in it: `key: \"…\"`";
        return Some(Diagnostic::error(rules::BAD_KEY, message, &document.file, Span::default()).help(help));
    }
    // Every other kind's key has the same grammar.
    let error = SurfaceKey::new(&document.key).err()?;
    let help = match key_like(&document.key, |key| SurfaceKey::new(key).is_ok()) {
        Some(key) => format!("rename the file to `{key}.{}.yaml`", document.kind),
        None => "rename the file".into(),
    };
    Some(
        Diagnostic::error(
            rules::BAD_KEY,
            format!("the file's name is the key, and {error}"),
            &document.file,
            Span::default(),
        )
        .help(help),
    )
}

/// Returns what is before the kind in a file's name; the whole name where it has none.
pub fn stem_of(path: &str) -> &str {
    kind_and_key(path).map_or(path, |(_, stem)| stem)
}

/// Tells whether a flag's file gives its key itself, right or wrong.
fn gives_key(document: &Document) -> bool {
    document.root.as_ref().is_some_and(|root| root.entry("key").is_some())
}

/// Returns the key that a file gives itself; `None` where its name has it.
pub fn given_key(kind: Kind, root: &Node) -> Option<String> {
    match &root.entry("key").filter(|_| kind == Kind::Flag)?.value.content {
        Content::Scalar(scalar) if FlagKey::new(&*scalar.text).is_ok() => Some(scalar.text.to_string()),
        _ => None,
    }
}

/// Returns the kind with its article.
pub fn article(kind: Kind) -> String {
    match kind {
        Kind::Experiment => "an experiment".into(),
        _ => format!("a {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_says_the_kind_and_the_stem_is_the_key() {
        assert_eq!(classify("a/b/x.flag.yaml"), FileName::Of(Kind::Flag, "x"));
        assert_eq!(classify("trialbook.yaml"), FileName::Of(Kind::Book, "trialbook"));
        assert_eq!(classify("a/trialbook.yaml"), FileName::Wrong(Wrong::Nested));
        assert_eq!(classify("trialbook.yml"), FileName::Wrong(Wrong::Extension));
        assert_eq!(classify("x.flag.yml"), FileName::Wrong(Wrong::Extension));
        assert_eq!(classify("x.flga.yaml"), FileName::Wrong(Wrong::Infix("flga")));
        assert_eq!(classify("x.book.yaml"), FileName::Wrong(Wrong::Infix("book")));
        assert_eq!(classify("x.holdout.yaml"), FileName::Of(Kind::Holdout, "x"));
        assert_eq!(classify("foo.yaml"), FileName::Wrong(Wrong::Plain));
        assert_eq!(classify("README.md"), FileName::Other);
        assert_eq!(classify("yaml"), FileName::Other);
    }

    #[test]
    fn an_ending_in_capitals_is_not_passed_over() {
        assert_eq!(classify("x.flag.YAML"), FileName::Wrong(Wrong::Extension));
        assert_eq!(classify("x.FLAG.Yml"), FileName::Wrong(Wrong::Infix("FLAG")));
        assert_eq!(classify("trialbook.YAML"), FileName::Wrong(Wrong::Extension));
        let file = SourceFile::new("a/x.flag.YAML", "description: x\n");
        let finding = Wrong::Extension.finding(&file);
        assert_eq!(finding.help.as_deref(), Some("rename it to `x.flag.yaml`"));
    }
}
