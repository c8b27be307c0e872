//! The smallest edits that end collisions: what has been launched stays as it is.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use trialbook_history::{HistoryError, Repository};
use trialbook_language::load::RawFile;
use trialbook_lint::fit::{self, Collision, FileEdit, Fit, FitError, Question};
use trialbook_model::ExperimentKey;

/// Why nothing was looked for.
#[derive(Debug)]
pub enum NotFitted {
    /// Git could not be read, so that nobody knows what has been launched.
    History(HistoryError),
    /// The files make no book, or what is named is not in it.
    Fit(FitError),
}

/// The best way for one collision after the other.
#[derive(Debug)]
pub struct Patch {
    /// The edits, one for each file.
    pub edits: Vec<FileEdit>,
    /// The collisions that are left.
    pub stuck: Vec<Collision>,
}

/// Looks for the ways to end each collision of a book, or each one of an experiment or a rollout.
///
/// # Errors
///
/// As [`NotFitted`] lists them.
pub fn ways(root: &Path, files: Vec<RawFile>, named: Option<&str>, now: Timestamp) -> Result<Fit, NotFitted> {
    let launched = launched(root, now)?;
    fit::fit(files, Question { named, launched: &launched, now }).map_err(NotFitted::Fit)
}

/// Takes the best way for one collision after the other.
///
/// # Errors
///
/// As [`NotFitted`] lists them.
pub fn patch(
    root: &Path,
    files: Vec<RawFile>,
    named: Option<&str>,
    now: Timestamp,
) -> Result<Patch, NotFitted> {
    let launched = launched(root, now)?;
    let question = Question { named, launched: &launched, now };
    let (edits, stuck) = fit::fit_all(files, question).map_err(NotFitted::Fit)?;
    Ok(Patch { edits, stuck })
}

/// Returns the experiments whose launch git has recorded; none where the book is in no repository.
fn launched(root: &Path, now: Timestamp) -> Result<BTreeSet<ExperimentKey>, NotFitted> {
    let repository = Repository::of_book(root).map_err(NotFitted::History)?;
    let launched = repository.map(|repository| repository.launched(now)).transpose();
    Ok(launched.map_err(NotFitted::History)?.unwrap_or_default().begun)
}
