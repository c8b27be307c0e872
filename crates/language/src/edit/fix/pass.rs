//! The edits of one pass.

use std::collections::BTreeMap;

use super::Changed;
use crate::edit::{Replacement, patch};
use crate::load::RawFile;
use trialbook_model::diagnostic::{Diagnostic, Edit};
use trialbook_model::span::Span;

/// The files of a book as they are in the middle of fixing, by their paths.
#[derive(Debug, Clone)]
pub(super) struct Texts(BTreeMap<String, Vec<u8>>);

impl Texts {
    pub fn new(files: Vec<RawFile>) -> Self {
        Self(files.into_iter().map(|file| (file.path, file.bytes)).collect())
    }

    /// Returns the files as they would be read.
    pub fn files(&self) -> Vec<RawFile> {
        self.0.iter().map(|(path, bytes)| RawFile { path: path.clone(), bytes: bytes.clone() }).collect()
    }

    /// Returns a file's text; `None` where there is no such file, or it is no text.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.0.get(path)?).ok()
    }

    /// Returns the files that differ, as they are in the one and in the other.
    pub fn changed(&self, after: &Self) -> Vec<Changed> {
        let differing = self.0.keys().filter(|path| self.0.get(*path) != after.0.get(*path));
        let text = |texts: &Self, path: &str| texts.text(path).unwrap_or_default().to_owned();
        differing
            .map(|path| Changed { path: path.clone(), before: text(self, path), after: text(after, path) })
            .collect()
    }

    /// Returns the files with the edits of disjoint fixes.
    pub fn edited(&self, findings: &[&Diagnostic]) -> Self {
        let mut by_path = BTreeMap::<&str, Vec<&Edit>>::new();
        for edit in findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits) {
            by_path.entry(edit.file.path()).or_default().push(edit);
        }
        let mut texts = self.clone();
        for (path, edits) in by_path {
            let replacements = edits.iter().map(|edit| Replacement::new(edit.span, edit.text.as_str()));
            if let Some(after) = self.text(path).and_then(|before| patch(before, replacements)) {
                texts.0.insert(path.to_owned(), after.into_bytes());
            }
        }
        texts
    }
}

/// Returns the findings, in order, whose fixes touch no byte that an earlier one of them touches.
///
/// A fix whose edits do not fit the text, or each other, is left out.
pub(super) fn disjoint<'f>(
    findings: impl Iterator<Item = &'f Diagnostic>,
    texts: &Texts,
) -> Vec<&'f Diagnostic> {
    let mut taken = BTreeMap::<String, BTreeMap<usize, usize>>::new();
    let mut chosen = Vec::new();
    for finding in findings {
        let edits = finding.fix.as_ref().map_or(&[][..], |fix| &fix.edits);
        let mut after = BTreeMap::<&str, BTreeMap<usize, usize>>::new();
        let fits = !edits.is_empty()
            && edits.iter().all(|edit| {
                let path = edit.file.path();
                let fits =
                    texts.text(path).is_some_and(|text| text.get(edit.span.start..edit.span.end).is_some());
                let none = BTreeMap::new();
                let own = after.entry(path).or_default();
                let free =
                    fits && is_free(taken.get(path).unwrap_or(&none), edit.span) && is_free(own, edit.span);
                own.insert(edit.span.start, edit.span.end);
                free
            });
        if fits {
            for (path, spans) in after {
                taken.entry(path.to_owned()).or_default().extend(spans);
            }
            chosen.push(finding);
        }
    }
    chosen
}

/// Tells whether a span neither meets nor touches another: what is inserted between two edits would have no place.
fn is_free(taken: &BTreeMap<usize, usize>, span: Span) -> bool {
    taken.range(..=span.end).next_back().is_none_or(|(_, end)| *end < span.start)
}
