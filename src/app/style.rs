//! The one style of a book's files.

use rayon::prelude::*;

use super::lint::Scope;
use trialbook_language::edit::format::{FormatError, format};
use trialbook_language::load::{self, RawFile};
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// What formatting makes of a file.
#[derive(Debug)]
pub enum Styled {
    /// It is in the style.
    Same,
    /// It is not.
    Changed {
        /// Its path from the book's root.
        path: String,
        /// What it holds.
        before: String,
        /// What it holds in the style.
        after: String,
    },
    /// It has errors that come first.
    Broken(Vec<Diagnostic>),
    /// Its layout is one that cannot be kept.
    Refused {
        /// Its path from the book's root.
        path: String,
        /// Why.
        cause: FormatError,
    },
}

/// Formats the files of a part of a book, in their order. Nothing is written; a file that is no file of a book is left out.
pub fn styled(files: Vec<RawFile>, scope: &Scope) -> Vec<Styled> {
    files.into_par_iter().filter(|file| scope.holds(&file.path)).filter_map(one).collect()
}

fn one(raw: RawFile) -> Option<Styled> {
    let path = raw.path.clone();
    let kind = load::kind_of(&path)?;
    let file = match load::text_of(raw) {
        Ok(file) => file,
        Err(findings) => return Some(Styled::Broken(findings)),
    };
    Some(match format(kind, &file) {
        Ok(after) if after == file.text() => Styled::Same,
        Ok(after) => Styled::Changed { path, before: file.text().to_owned(), after },
        Err(FormatError::Broken(findings)) => Styled::Broken(
            findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect(),
        ),
        Err(cause @ FormatError::Layout) => Styled::Refused { path, cause },
    })
}
