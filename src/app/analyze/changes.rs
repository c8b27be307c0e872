//! The changes of the book that may explain a broken split.

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::why::concerning;
use trialbook_analysis::BookChange;
use trialbook_history::{Commit, HistoryError, Repository};
use trialbook_model::{Book, ExperimentKey};

/// How many commits are looked at, from the newest on.
const LOOKED_AT: usize = 2_000;

/// How many characters of a commit's first line are kept.
const SUBJECT: usize = 100;

/// Returns the commits, up to one, that may have changed what each experiment's flag serves since the experiment began, in the order
/// of the log.
///
/// # Errors
///
/// Where git cannot be read.
pub(super) fn since_start(
    root: &Path,
    book: &Book,
    keys: &[ExperimentKey],
    head: Option<&str>,
) -> Result<BTreeMap<ExperimentKey, Vec<BookChange>>, HistoryError> {
    let (Some(repository), Some(head)) = (Repository::of_book(root)?, head) else {
        return Ok(BTreeMap::new());
    };
    let head = Commit::parse(head)?;
    let experiments: Vec<_> = keys.iter().filter_map(|key| book.experiments.get(key)).collect();
    let Some(start) = experiments.iter().map(|experiment| experiment.schedule.start()).min() else {
        return Ok(BTreeMap::new());
    };
    let log = repository.log_since(&head, start, LOOKED_AT)?.commits;
    let changes = experiments.into_iter().map(|experiment| {
        let places = concerning(&repository, &log, &experiment.flag);
        let commits = places.iter().filter_map(|place| log.get(*place)).map(|logged| &logged.commit);
        let changes =
            commits.filter(|commit| commit.at > experiment.schedule.start()).map(|commit| BookChange {
                commit: commit.commit.as_str().to_owned(),
                at: commit.at,
                subject: commit.subject.chars().take(SUBJECT).collect(),
            });
        (experiment.key.clone(), changes.collect::<Vec<_>>())
    });
    Ok(changes.filter(|(_, changes)| !changes.is_empty()).collect())
}
