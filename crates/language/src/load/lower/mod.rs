//! Syntax to model: references, types, dates, defaults; every problem at its place.
//!
//! Each value is lowered as far as it goes, so that one mistake does not hide another. What is missing or
//! did not fit was reported by the reader; here it is skipped in silence.

mod audience;
mod baseline;
mod book;
mod declarations;
mod declared;
mod defaults;
mod experiment;
mod flag;
mod forced;
mod layer;
mod metric;
mod rollout;
mod segments;
mod sink;
mod source;
mod sql;
mod steps;
mod target;

use std::cell::RefCell;
use std::collections::HashSet;

use rayon::prelude::*;

use super::documents::Documents;
use super::syntax::File;
use declarations::{Declarations, Index, Suggestions};
use sink::Sink;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{Contents, Part};

pub(super) use declarations::Question;

/// What was made of some files, and of all of them together.
pub(super) struct Lowered {
    /// What `trialbook.yaml` declares, without any parts; `None` where it is not there or has problems.
    pub settings: Option<Contents>,
    /// What was made of each file that was to be lowered, in their order.
    pub files: Vec<LoweredFile>,
    /// What is wrong in `trialbook.yaml`.
    pub of_book: Vec<Diagnostic>,
    /// What is wrong with the files together: no file alone is to blame, though each finding is at a place in one.
    pub together: Vec<Diagnostic>,
}

/// What was made of a file.
pub(super) struct LoweredFile {
    /// Which file: its place among the documents.
    pub index: usize,
    /// Its content; `None` where it has problems.
    pub part: Option<Part>,
    /// What is wrong in it.
    pub findings: Vec<Diagnostic>,
    /// What it asked of the other files; empty unless that was to be noted.
    pub asked: HashSet<Question>,
}

/// Lowers `trialbook.yaml`, and those of the other files whose places among the documents are given.
///
/// The syntaxes are in the order of the documents.
pub(super) fn lower(
    documents: &Documents,
    syntaxes: &[Option<File>],
    which: Vec<usize>,
    note: bool,
) -> Lowered {
    let suggestions = Suggestions::default();
    let unnoted = None;
    let index = Index::new(documents, syntaxes, &suggestions, &unnoted);
    let mut of_book = Vec::new();
    let (settings, context) = book::lower(documents, &index, &mut of_book);
    let file = |index: usize| {
        let document = documents.at(index)?;
        let mut sink = Sink::new(document.file());
        let log = note.then(|| RefCell::new(HashSet::new()));
        let others = Index::new(documents, syntaxes, &suggestions, &log);
        let syntax = syntaxes.get(index)?.as_ref();
        let part = syntax.and_then(|syntax| one(document.key(), syntax, &context, &others, &mut sink));
        let asked = log.map(RefCell::into_inner).unwrap_or_default();
        Some(LoweredFile { index, part, findings: sink.into_findings(), asked })
    };
    let files = which.into_par_iter().filter_map(file).collect();
    let mut together = segments::cycles(documents, &index);
    together.extend(source::exposures(documents, &index));
    Lowered { settings, files, of_book, together }
}

fn one(
    key: &str,
    syntax: &File,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Part> {
    Some(match syntax {
        File::Book(_) => return None,
        File::Flag(file) => Part::Flag(Box::new(flag::lower(key, file, context, index, sink)?)),
        File::Experiment(file) => {
            Part::Experiment(Box::new(experiment::lower(key, file, context, index, sink)?))
        }
        File::Rollout(file) => Part::Rollout(Box::new(rollout::lower(key, file, context, index, sink)?)),
        File::Holdout(file) => {
            Part::Holdout(Box::new(rollout::lower_holdout(key, file, context, index, sink)?))
        }
        File::Layer(file) => Part::Layer(Box::new(layer::layer(key, file, context, index, sink)?)),
        File::Segment(file) => Part::Segment(Box::new(segments::lower(key, file, context, index, sink)?)),
        File::Metric(file) => Part::Metric(Box::new(metric::lower(key, file, context, index, sink)?)),
        File::Source(file) => Part::Source(Box::new(source::lower(key, file, context, sink)?)),
    })
}
