//! Data files that git has and the checkout leaves out: what is there would be taken for all that there is.

use std::collections::BTreeMap;
use std::path::Path;

use trialbook_analysis::warehouse::{DataFiles, select};
use trialbook_history::{self as history, ReadError};
use trialbook_model::{Book, ExperimentKey, Relation, SourceKey, SourceRole};

/// Data that git has and the checkout leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The source that reads them.
    pub source: SourceKey,
    /// The first of the files, from the book's root.
    pub first: String,
    /// How many more there are.
    pub more: usize,
}

/// Experiments with the data that they lack.
pub type LeftOut = Vec<(ExperimentKey, Hidden)>;

/// Divides experiments into those of which all data are there, and the others with why they are not analysed.
///
/// # Errors
///
/// Where git cannot be read.
pub fn with_all_data(
    keys: Vec<ExperimentKey>,
    book: &Book,
    root: &Path,
) -> Result<(Vec<ExperimentKey>, LeftOut), ReadError> {
    let mut hidden = BTreeMap::<&SourceKey, Hidden>::new();
    for (source, declared) in &book.sources {
        let patterns = patterns(&declared.relation);
        if patterns.is_empty() {
            continue;
        }
        let named = |path: &str| patterns.iter().any(|pattern| DataFiles::names(pattern, path));
        let files = history::hidden_files(root, &named)?;
        let Some(first) = files.first() else { continue };
        let (first, more) = (first.clone(), files.len() - 1);
        hidden.insert(source, Hidden { source: source.clone(), first, more });
    }
    let (mut whole, mut left) = (Vec::new(), Vec::new());
    for key in keys {
        let why = hidden.iter().find(|(source, _)| reads(book, &key, source)).map(|(_, why)| why.clone());
        match why {
            None => whole.push(key),
            Some(why) => left.push((key, why)),
        }
    }
    Ok((whole, left))
}

/// Returns the names of files, with stars in them, that a source reads: its own, or those in its query.
fn patterns(relation: &Relation) -> Vec<String> {
    let mut patterns = Vec::new();
    match relation {
        Relation::Table(_) => {}
        Relation::File(pattern) => patterns.push(pattern.clone()),
        Relation::Sql(text) => {
            // A query that cannot be used is reported where it is.
            let _ = select(text, &mut |pattern| {
                patterns.push(pattern.to_owned());
                Ok(vec![pattern.to_owned()])
            });
        }
    }
    patterns
}

/// Tells whether an experiment's exposures or metrics are read from a source.
fn reads(book: &Book, key: &ExperimentKey, source: &SourceKey) -> bool {
    let Some(experiment) = book.experiments.get(key) else { return false };
    let exposures = || {
        let entity = book.flag_of(experiment).map(|flag| &flag.entity);
        book.sources.get(source).is_some_and(|declared| {
            matches!(declared.role, SourceRole::Exposures { .. })
                && entity.is_some_and(|entity| declared.entities.contains_key(entity))
        })
    };
    let mut metrics = experiment.metrics.all().filter_map(|key| book.metrics.get(key));
    metrics.any(|metric| metric.kind.measurements().any(|part| part.source == *source)) || exposures()
}
